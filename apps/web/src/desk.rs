//! The questions that wait for an answer, and those that had one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use openai_codex::Error;
use openai_codex::approval::Pending;
use tokio::sync::oneshot;

use crate::events::{Ask, Choice, Event, Outcome};
use crate::room::Room;

/// How many questions that are not open any more are remembered.
const REMEMBERED: usize = 1000;

/// The questions that wait for an answer. The first answer to one wins.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    open: HashMap<String, Open>,
    closed: VecDeque<(String, Outcome)>,
}

#[derive(Debug)]
struct Open {
    choices: Vec<Choice>,
    answer: oneshot::Sender<Answer>,
}

/// An answer, and where to say what became of it.
type Answer = (Choice, oneshot::Sender<Outcome>);

/// Why an answer was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such question.
    Unknown,
    /// The question does not offer this answer.
    NotOffered,
    /// It is not open any more.
    Closed(Outcome),
}

impl Desk {
    /// Shows a question in the room, and waits for its end.
    ///
    /// It ends with the first answer or with its turn. Nothing here answers by itself: a question that is dropped is
    /// declined.
    pub(crate) async fn ask(&self, room: &Room, pending: Pending) {
        let ask = Ask::of(pending.approval());
        let key = ask.key.clone();
        let (sender, receiver) = oneshot::channel();
        let open = Open {
            choices: ask.choices.clone(),
            answer: sender,
        };
        self.book().open.insert(key.clone(), open);
        tracing::info!(thread = room.id(), key, "the agent asks for approval");
        room.push(&Event::ApprovalAsked { approval: ask });
        let answer = tokio::select! {
            biased;
            () = pending.resolved() => None,
            answer = receiver => answer.ok(),
        };
        let (outcome, reply) = match answer {
            Some((choice, reply)) => (decide(pending, choice).await, Some(reply)),
            None => (Outcome::Over, None),
        };
        tracing::info!(thread = room.id(), key, ?outcome, "the question is closed");
        self.book().close(key.clone(), outcome);
        room.push(&Event::ApprovalResolved { key, outcome });
        if let Some(reply) = reply {
            // Whoever answered may be gone.
            let _ = reply.send(outcome);
        }
    }

    /// Answers a question.
    ///
    /// # Errors
    ///
    /// [`Refused`], if the question is not open or does not offer this answer.
    pub(crate) async fn answer(&self, key: &str, choice: Choice) -> Result<Outcome, Refused> {
        let (reply, outcome) = oneshot::channel();
        {
            let mut book = self.book();
            let Some(open) = book.open.get(key) else {
                return Err(book.refusal(key));
            };
            if !open.choices.contains(&choice) {
                return Err(Refused::NotOffered);
            }
            if let Some(open) = book.open.remove(key) {
                // Kept as closed from here on, so that a second answer is told what the first one was.
                book.close(key.to_owned(), choice.outcome());
                // The question may be over by now; the reply's end says so.
                let _ = open.answer.send((choice, reply));
            }
        }
        match outcome.await {
            Ok(Outcome::Over) | Err(_) => Err(Refused::Closed(Outcome::Over)),
            Ok(outcome) => Ok(outcome),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn close(&mut self, key: String, outcome: Outcome) {
        self.open.remove(&key);
        match self.closed.iter_mut().rfind(|(closed, _)| *closed == key) {
            Some(closed) => closed.1 = outcome,
            None => self.closed.push_back((key, outcome)),
        }
        if self.closed.len() > REMEMBERED {
            self.closed.pop_front();
        }
    }

    fn refusal(&self, key: &str) -> Refused {
        let closed = self.closed.iter().rfind(|(closed, _)| closed == key);
        closed.map_or(Refused::Unknown, |(_, outcome)| Refused::Closed(*outcome))
    }
}

/// Sends the answer; tells what became of the question.
async fn decide(pending: Pending, choice: Choice) -> Outcome {
    match pending.answer(choice.decision()).await {
        Ok(()) => choice.outcome(),
        Err(Error::QuestionOver { .. } | Error::Closed(_)) => Outcome::Over,
        Err(error) => {
            tracing::warn!(%error, "an answer cannot be sent");
            Outcome::Over
        }
    }
}

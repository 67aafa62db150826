//! The router, values in and values out.

mod admission;
mod endings;
mod joining;
mod merging;
mod model;
mod scenarios;

use std::collections::VecDeque;
use std::time::Duration;

use super::*;

/// An event of the tests: what the router asks of one, in the open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) thread: Option<String>,
    pub(super) turn: Option<String>,
    pub(super) login: Option<String>,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Started,
    Completed,
    Gone,
    Failed,
    Busy,
    Idle,
    Login,
    Item(u32),
    /// A delta of an item.
    Delta(u8, String),
}

impl Event {
    pub(super) fn new(thread: &str, turn: &str, what: What) -> Self {
        Self {
            thread: Some(thread.into()),
            turn: Some(turn.into()),
            login: None,
            what,
        }
    }
}

impl Coalesce for Event {
    type Key = (Option<String>, u8);

    fn key(&self) -> Option<Self::Key> {
        match &self.what {
            What::Delta(item, _) => Some((self.turn.clone(), *item)),
            _ => None,
        }
    }

    fn absorb(&mut self, later: Self) {
        if let (What::Delta(_, text), What::Delta(_, more)) = (&mut self.what, later.what) {
            text.push_str(&more);
        }
    }
}

impl Routed for Event {
    fn thread_id(&self) -> Option<&str> {
        self.thread.as_deref()
    }

    fn turn_id(&self) -> Option<&str> {
        self.turn.as_deref()
    }

    fn kind(&self) -> Kind<'_> {
        match (&self.what, &self.login) {
            (What::Started, _) => Kind::TurnStarted,
            (What::Completed, _) => Kind::TurnCompleted,
            (What::Gone, _) => Kind::ThreadEnded("gone"),
            (What::Failed, _) => Kind::TurnFailed,
            (What::Busy, _) => Kind::ThreadActive,
            (What::Idle, _) => Kind::ThreadInactive,
            (What::Login, Some(login)) => Kind::LoginCompleted(login),
            _ => Kind::Other,
        }
    }
}

pub(super) type TestRouter = Router<Event, i64>;
pub(super) type TestEffects = Effects<Event, i64>;

/// The result of a start is the turn's id, as it is.
pub(super) fn id_of(result: &str) -> Option<Box<str>> {
    (!result.is_empty()).then(|| result.into())
}

impl From<&str> for Answered {
    fn from(result: &str) -> Self {
        Self {
            text: result.into(),
            id: id_of(result),
        }
    }
}

pub(super) fn open_turn(thread: &str) -> Then {
    Then::OpenTurn {
        thread_id: thread.into(),
        turn_id: id_of,
    }
}

/// A router with more room than a test takes.
pub(super) fn router() -> TestRouter {
    TestRouter::new(1000)
}

/// Enters a request whose line is its id; whoever waits for it has its id as a name.
pub(super) fn enter(
    router: &mut TestRouter,
    id: i64,
    then: Then,
) -> Result<Admission, Arc<CloseReason>> {
    enter_until(router, id, then, None, &mut TestEffects::default())
}

/// As [`enter`], with a deadline in seconds.
pub(super) fn enter_until(
    router: &mut TestRouter,
    id: i64,
    then: Then,
    deadline: Option<u64>,
    fx: &mut TestEffects,
) -> Result<Admission, Arc<CloseReason>> {
    let line = format!("{id}\n");
    let call = NewCall {
        id,
        reply: (!matches!(then, Then::Interrupted(_))).then_some(id),
        then,
        line: line.as_bytes(),
        deadline: deadline.map(Duration::from_secs),
    };
    router.call(call, fx)
}

/// All that a reader has to say, without waiting.
pub(super) fn drain(reader: &mut QueueReader<Event>) -> (Vec<Event>, bool, bool) {
    let (mut events, mut ended, mut closed) = (Vec::new(), false, false);
    while let Some(next) = reader.try_next() {
        match next {
            Next::Event(event) => events.push(event),
            Next::Lagged(count) => panic!("lagged by {count}"),
            Next::Closed(_) => closed = true,
            Next::Lost(lost) => panic!("lost: {lost:?}"),
            Next::End => {
                ended = true;
                break;
            }
        }
    }
    (events, ended, closed)
}

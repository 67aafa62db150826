//! One turn, from its start to its end.

use openai_codex::types::ReasoningEffort;
use openai_codex::{Budget, Error, InputItem, Thread, TurnControl};
use tokio::sync::mpsc::UnboundedSender;

use super::event::{Event, TurnEnd};
use super::send;

/// What the user sends, and what holds for its turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// Pictures, by their absolute paths.
    pub(crate) images: Vec<String>,
    pub(crate) model: Option<String>,
    pub(crate) effort: Option<String>,
    /// How many tokens the turn may use.
    pub(crate) tokens: Option<u64>,
}

impl Message {
    fn input(&self) -> Vec<InputItem> {
        let mut items: Vec<InputItem> = Vec::new();
        if !self.text.is_empty() {
            items.push(InputItem::text(&self.text));
        }
        items.extend(self.images.iter().map(InputItem::local_image));
        items
    }

    /// Returns the text that its item will have in the transcript.
    pub(crate) fn shown(&self) -> String {
        crate::state::input_text(&self.input())
    }
}

/// Runs a turn and tells what happens in it.
pub(super) async fn run(thread: Thread, message: Message, events: UnboundedSender<Event>) {
    let mut start = thread.turn(message.input());
    if let Some(model) = &message.model {
        start = start.model(model);
    }
    if let Some(effort) = &message.effort {
        start = start.effort(ReasoningEffort::from(effort.as_str()));
    }
    if let Some(tokens) = message.tokens {
        start = start.budget(Budget::new().tokens(tokens));
    }
    let mut turn = match start.await {
        Ok(turn) => turn,
        Err(error) => {
            let end = TurnEnd::NotStarted(message, error);
            return send(&events, Event::TurnEnded(Box::new(end)));
        }
    };
    send(&events, Event::TurnStarted(turn.control()));
    // An error ends the stream, and is the result too.
    while let Some(Ok(notification)) = turn.next().await {
        send(&events, Event::Notification(Box::new(notification)));
    }
    let end = match turn.run().await {
        Ok(result) => TurnEnd::Ended(Box::new(result)),
        Err(error) => TurnEnd::Failed(error),
    };
    send(&events, Event::TurnEnded(Box::new(end)));
}

/// Gives a turn that runs one more message.
pub(super) async fn steer(control: TurnControl, message: Message, events: UnboundedSender<Event>) {
    match control.steer(message.input()).await {
        Ok(()) => {}
        Err(error @ Error::Closed(_)) => send(&events, Event::Failed(error)),
        // It has just ended, or is of a kind that takes none.
        Err(_) => send(&events, Event::NotSteered(message)),
    }
}

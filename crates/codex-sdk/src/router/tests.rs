//! The router, values in and values out.

mod endings;
mod joining;
mod loss;
mod merging;
mod model;
mod requests;
mod scenarios;

use super::*;
use crate::error::RpcError;
use crate::message::Refusal;

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
    /// The server request of this id is resolved.
    Resolved(String),
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

    fn resolved_request(&self) -> Option<Cow<'_, str>> {
        match &self.what {
            What::Resolved(id) => Some(id.into()),
            _ => None,
        }
    }

    fn interrupt(_thread: &str, turn: &str) -> Option<Request> {
        Request::new("interrupt".into(), &turn).ok()
    }
}

pub(super) type TestRouter = Router<Event, i64>;
pub(super) type TestEffects = Effects<Event, i64>;
pub(super) type TestOutcome = Outcome<OpenedIds<Event>>;

/// Effects at this second.
pub(super) fn at(second: u64) -> TestEffects {
    TestEffects::at(Duration::from_secs(second))
}

/// Effects that the test does not look at.
pub(super) fn fx() -> TestEffects {
    at(0)
}

/// A result; the id of what it opens is all of its text.
pub(super) fn result(text: &str) -> Result<Answered, Refusal> {
    Ok(Answered {
        text: text.into(),
        opened_id: (!text.is_empty()).then(|| text.into()),
    })
}

pub(super) fn refusal(code: i64) -> Result<Answered, Refusal> {
    Err(Refusal::Rpc(RpcError::new(code, "no")))
}

pub(super) fn open_turn(thread: &str) -> OnAnswer {
    OnAnswer::OpenTurn {
        thread_id: thread.into(),
        joining: Joining::Allowed,
    }
}

/// A router with more room than a test takes.
pub(super) fn router() -> TestRouter {
    TestRouter::new(1000, None)
}

/// Enters a request whose caller is known by this number.
pub(super) fn enter(
    router: &mut TestRouter,
    caller: i64,
    on_answer: OnAnswer,
    fx: &mut TestEffects,
) -> Result<i64, Arc<CloseReason>> {
    let mut request = Request::new("call".into(), &caller).unwrap();
    router.call(&mut request, on_answer, caller, fx)
}

/// Enters a request, and returns its id.
pub(super) fn call(router: &mut TestRouter, caller: i64, on_answer: OnAnswer) -> i64 {
    enter(router, caller, on_answer, &mut fx()).unwrap()
}

/// The lines that are to be sent: callers of requests, and turns that are interrupted.
pub(super) fn lines(fx: &TestEffects) -> Vec<String> {
    let lines = std::str::from_utf8(&fx.lines).unwrap().lines();
    let line = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    lines
        .map(|text| match &line(text)["params"] {
            serde_json::Value::String(turn) => turn.clone(),
            caller => caller.to_string(),
        })
        .collect()
}

/// The ids of the requests that interrupt turns, with the turns.
pub(super) fn interrupts(fx: &TestEffects) -> Vec<(i64, String)> {
    let lines = std::str::from_utf8(&fx.lines).unwrap().lines();
    let lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines
        .filter(|line| line["method"] == "interrupt")
        .map(|line| {
            let turn = line["params"].as_str().unwrap().to_owned();
            (line["id"].as_i64().unwrap(), turn)
        })
        .collect()
}

/// Answers the interrupts that are to be sent.
pub(super) fn answer_interrupts(router: &mut TestRouter, sent: &TestEffects) {
    for (id, _) in interrupts(sent) {
        router.answer(id, result("{}"), &mut fx());
    }
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

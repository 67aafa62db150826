//! The protocol's types as the router sees them: how notifications are routed and merged, and
//! where ids stand in answers.

use std::borrow::Cow;

use codex_types::request::{ClientRequest, ServerRequest as _};
use codex_types::{
    CommandExecutionRequestApprovalParams, FileChangeRequestApprovalParams, ItemId,
    PermissionsRequestApprovalParams, RequestId, ServerRequest, ThreadCompactStartParams, ThreadId,
    ThreadResumeParams, ThreadStatus, ThreadUnsubscribeParams, TurnId, TurnInterruptParams, raw,
};

#[cfg(feature = "remote")]
use codex_types::{ThreadSetNameParams, ThreadStartParams, TurnStartParams, TurnSteerParams};

pub(crate) use codex_types::ServerNotification as Notification;

#[cfg(feature = "remote")]
use crate::message::Again;
use crate::message::Request;
use crate::names::{
    ERROR, LOGIN_COMPLETED, REQUEST_RESOLVED, THREAD_ARCHIVED, THREAD_CLOSED, THREAD_DELETED,
    THREAD_STATUS, TURN_COMPLETED, TURN_STARTED,
};
use crate::router::{Coalesce, Kind, OnAnswer, Opens, Routed};

/// What a delta continues.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeltaKey {
    text: Text,
    turn: TurnId,
    item: ItemId,
    /// The part of the item; zero where items have only one.
    part: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Text {
    AgentMessage,
    Plan,
    Reasoning,
    ReasoningSummary,
    CommandOutput,
    FileChangeOutput,
}

/// Calls `$use!` with the deltas: variant, kind of text, and the field that tells its part.
macro_rules! for_deltas {
    ($use:ident) => {
        $use! {
            ItemAgentMessageDelta AgentMessage,
            ItemPlanDelta Plan,
            ItemReasoningTextDelta Reasoning content_index,
            ItemReasoningSummaryTextDelta ReasoningSummary summary_index,
            ItemCommandExecutionOutputDelta CommandOutput,
            ItemFileChangeOutputDelta FileChangeOutput,
        }
    };
}

impl Coalesce for Notification {
    type Key = DeltaKey;

    fn key(&self) -> Option<DeltaKey> {
        macro_rules! keys {
            ($($variant:ident $text:ident $($part:ident)?,)*) => {
                match self {
                    // What this version does not know cannot be merged without loss.
                    $(Self::$variant(delta) if delta.unknown_fields.is_empty() => Some(DeltaKey {
                        text: Text::$text,
                        turn: delta.turn_id.clone(),
                        item: delta.item_id.clone(),
                        part: 0 $(+ delta.$part)?,
                    }),)*
                    _ => None,
                }
            };
        }
        for_deltas!(keys)
    }

    fn absorb(&mut self, later: Self) {
        macro_rules! absorb {
            ($($variant:ident $text:ident $($part:ident)?,)*) => {
                match (self, later) {
                    $((Self::$variant(delta), Self::$variant(later)) => {
                        delta.delta.push_str(&later.delta);
                    })*
                    // Only events with equal keys are merged, so these do not occur.
                    _ => {}
                }
            };
        }
        for_deltas!(absorb);
    }
}

/// A delta, taken apart.
#[cfg(feature = "remote")]
#[derive(Debug)]
pub(crate) struct Delta<'a> {
    pub(crate) text: Text,
    /// The part of the item; zero where items have only one.
    pub(crate) part: i64,
    pub(crate) item: &'a ItemId,
    pub(crate) delta: &'a str,
}

#[cfg(feature = "remote")]
impl Delta<'_> {
    /// Reads a delta; `None` for any other event.
    pub(crate) fn of(event: &Notification) -> Option<Delta<'_>> {
        macro_rules! read {
            ($($variant:ident $text:ident $($part:ident)?,)*) => {
                match event {
                    $(Notification::$variant(delta) => Some(Delta {
                        text: Text::$text,
                        part: 0 $(+ delta.$part)?,
                        item: &delta.item_id,
                        delta: &delta.delta,
                    }),)*
                    _ => None,
                }
            };
        }
        for_deltas!(read)
    }
}

impl Routed for Notification {
    fn thread_id(&self) -> Option<&str> {
        self.thread_id()
    }

    fn turn_id(&self) -> Option<&str> {
        self.turn_id()
    }

    fn kind(&self) -> Kind<'_> {
        match self {
            Self::TurnStarted(_) => Kind::TurnStarted,
            Self::TurnCompleted(_) => Kind::TurnCompleted,
            Self::Error(error) if !error.will_retry => Kind::TurnFailed,
            Self::ThreadStatusChanged(changed) => match changed.status {
                ThreadStatus::Active(_) => Kind::ThreadActive,
                ThreadStatus::Unrecognized(_) => Kind::Other,
                _ => Kind::ThreadInactive,
            },
            Self::ThreadArchived(_) => Kind::ThreadEnded(THREAD_ARCHIVED),
            Self::ThreadClosed(_) => Kind::ThreadEnded(THREAD_CLOSED),
            Self::ThreadDeleted(_) => Kind::ThreadEnded(THREAD_DELETED),
            Self::AccountLoginCompleted(login) => match &login.login_id {
                Some(login) => Kind::LoginCompleted(login),
                None => Kind::Other,
            },
            // What could not be decoded still has its effect.
            Self::Unknown(unknown) => match &*unknown.method {
                TURN_STARTED => Kind::TurnStarted,
                TURN_COMPLETED => Kind::TurnCompleted,
                ERROR if unknown.member("willRetry").as_deref() == Some("false") => {
                    Kind::TurnFailed
                }
                THREAD_STATUS => {
                    let status = unknown.member("status");
                    match status
                        .as_deref()
                        .and_then(|status| raw::member(status, "type"))
                    {
                        Some(r#""active""#) => Kind::ThreadActive,
                        Some(r#""idle""# | r#""systemError""# | r#""notLoaded""#) => {
                            Kind::ThreadInactive
                        }
                        _ => Kind::Other,
                    }
                }
                THREAD_ARCHIVED => Kind::ThreadEnded(THREAD_ARCHIVED),
                THREAD_CLOSED => Kind::ThreadEnded(THREAD_CLOSED),
                THREAD_DELETED => Kind::ThreadEnded(THREAD_DELETED),
                LOGIN_COMPLETED => match unknown.text("loginId") {
                    Some(login) => Kind::LoginCompleted(login),
                    None => Kind::Other,
                },
                _ => Kind::Other,
            },
            _ => Kind::Other,
        }
    }

    fn resolved_request(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::ServerRequestResolved(resolved) => match &resolved.request_id {
                RequestId::Integer(id) => Some(id.to_string().into()),
                RequestId::String(id) => serde_json::to_string(id).ok().map(Cow::Owned),
                _ => None,
            },
            Self::Unknown(unknown) if unknown.method == REQUEST_RESOLVED => {
                unknown.member("requestId")
            }
            _ => None,
        }
    }

    fn interrupt(thread_id: &str, turn_id: &str) -> Option<Request> {
        encode(&TurnInterruptParams::new(
            ThreadId::from(thread_id),
            TurnId::from(turn_id),
        ))
        .ok()
    }
}

/// The thread, the turn and the item that a request of the runtime belongs to.
#[derive(Debug)]
pub(crate) struct RequestIds {
    #[cfg(feature = "remote")]
    pub(crate) thread: Option<Box<str>>,
    pub(crate) turn: Option<Box<str>>,
    pub(crate) item: Option<Box<str>>,
}

/// Returns the ids of what a request of the runtime belongs to.
pub(crate) fn ids_of_request(method: &str, params: &str) -> RequestIds {
    let request = ServerRequest::decode(method, params);
    let item = match &request {
        ServerRequest::ItemFileChangeRequestApproval(params) => Some(params.item_id.as_str()),
        _ => None,
    };
    RequestIds {
        #[cfg(feature = "remote")]
        thread: request.thread_id().map(Box::from),
        turn: request.turn_id().map(Box::from),
        item: item.map(Box::from),
    }
}

/// Tells whether requests of this method ask for a decision of a person.
pub(crate) fn is_approval(method: &str) -> bool {
    matches!(
        method,
        CommandExecutionRequestApprovalParams::METHOD
            | FileChangeRequestApprovalParams::METHOD
            | PermissionsRequestApprovalParams::METHOD
    )
}

/// Returns the id of what a result opens, whatever else the result holds.
pub(crate) fn opened_id(opens: Opens, result: &str) -> Option<Box<str>> {
    let id = match opens {
        Opens::Turn => raw::member(raw::member(result, "turn")?, "id")?,
        // A login with an API key has none.
        Opens::Login => raw::member(result, "loginId")?,
    };
    Some(raw::string(id)?.into())
}

/// Returns what the answer to a request changes for its thread.
pub(crate) fn on_answer(request: &Request) -> OnAnswer {
    let on_answer: fn(Box<str>) -> OnAnswer = match &**request.method() {
        ThreadCompactStartParams::METHOD => OnAnswer::Compacted,
        ThreadResumeParams::METHOD => OnAnswer::Subscribed,
        ThreadUnsubscribeParams::METHOD => OnAnswer::Unsubscribed,
        _ => return OnAnswer::Nothing,
    };
    request
        .param("threadId")
        .map_or(OnAnswer::Nothing, on_answer)
}

/// Returns what is done about a request whose connection is lost before its answer.
#[cfg(feature = "remote")]
pub(crate) fn again(request: &Request) -> Again {
    let method = &**request.method();
    match method {
        TurnStartParams::METHOD | TurnSteerParams::METHOD => {
            let message = request.param("clientUserMessageId");
            match (request.param("threadId"), message) {
                (Some(thread), Some(message)) => Again::Unless { thread, message },
                _ => Again::Never,
            }
        }
        // A thread that is started twice is one that has no turn, and those are not kept.
        ThreadStartParams::METHOD
        | ThreadResumeParams::METHOD
        | ThreadUnsubscribeParams::METHOD
        | ThreadSetNameParams::METHOD
        | TurnInterruptParams::METHOD => Again::Always,
        _ if ["/list", "/read", "/get"]
            .iter()
            .any(|end| method.ends_with(end)) =>
        {
            Again::Always
        }
        _ => Again::Never,
    }
}

/// Encodes a request.
pub(crate) fn encode<P: ClientRequest>(params: &P) -> serde_json::Result<Request> {
    if P::HAS_PARAMS {
        Request::new(P::METHOD.into(), params)
    } else {
        Request::new(P::METHOD.into(), &())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::split_notification;

    fn delta(method: &str, extra: &str) -> Notification {
        let params = format!(r#"{{"threadId":"t","turnId":"u","itemId":"i","delta":"a"{extra}}}"#);
        Notification::decode(method, &params)
    }

    #[test]
    fn deltas_of_one_text_merge() {
        let all = [
            ("item/agentMessage/delta", ""),
            ("item/plan/delta", ""),
            ("item/reasoning/textDelta", r#","contentIndex":1"#),
            ("item/reasoning/summaryTextDelta", r#","summaryIndex":1"#),
            ("item/commandExecution/outputDelta", ""),
            ("item/fileChange/outputDelta", ""),
        ];
        let mut keys = std::collections::HashSet::new();
        for (method, extra) in all {
            let mut first = delta(method, extra);
            assert_eq!(first.key(), delta(method, extra).key());
            assert!(keys.insert(first.key().expect(method)));
            first.absorb(delta(method, extra));
            let merged = serde_json::to_value(&first).unwrap();
            assert_eq!(merged["params"]["delta"], "aa", "{method}");
        }
        let other = delta("item/reasoning/textDelta", r#","contentIndex":2"#);
        assert!(!keys.contains(&other.key().unwrap()));
        assert_eq!(
            delta("item/agentMessage/delta", r#","novel":1"#).key(),
            None
        );
    }

    /// The raw JSON tells the turn.
    #[test]
    fn an_undecodable_completion_still_completes() {
        let event = Notification::decode("turn/completed", r#"{"threadId":"t","turn":{"id":"u"}}"#);
        assert!(matches!(&event, Notification::Unknown(unknown) if unknown.error.is_some()));
        assert_eq!(Routed::kind(&event), Kind::TurnCompleted);
        assert_eq!(Routed::turn_id(&event), Some("u"));
        assert_eq!(Routed::thread_id(&event), Some("t"));
    }

    #[test]
    fn a_split_that_fails_is_unknown() {
        let line = r#"{"method":"thread/closed","params":{"threadId":"t"},"id":1}"#;
        let (method, params) = split_notification(line).unwrap();
        let event = Notification::decode(method, params);
        assert!(matches!(event, Notification::Unknown(_)));
    }
}

//! The traits that tie a method's name, params and response together.
//!
#![doc = include_str!("generated/METHODS.md")]

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The params of a method that the client calls.
///
/// Every params type of a client method implements it, so that the params pick the method and the
/// type of the response.
///
/// ```
/// use codex_types::request::ClientRequest;
///
/// fn method_of<P: ClientRequest>(_: &P) -> &'static str {
///     P::METHOD
/// }
/// assert_eq!(method_of(&codex_types::ModelListParams::default()), "model/list");
/// ```
pub trait ClientRequest: Serialize + Send + Sync + 'static {
    /// The method's name on the wire.
    const METHOD: &'static str;
    /// Whether the method takes params; `params` is left out of the request where it does not.
    const HAS_PARAMS: bool = true;
    /// What the runtime answers.
    type Response: DeserializeOwned + Send + 'static;

    /// Decodes a response, as [`from_str`](crate::from_str) does.
    ///
    /// # Errors
    ///
    /// As [`from_str`](crate::from_str).
    #[doc(hidden)]
    fn decode_response(text: &str) -> serde_json::Result<Self::Response> {
        crate::codec::from_str(text)
    }
}

/// The params of a request that the runtime makes of its client.
///
/// ```
/// use codex_types::request::ServerRequest;
/// use codex_types::{CommandExecutionApprovalDecision, CommandExecutionRequestApprovalParams};
///
/// let answer = CommandExecutionRequestApprovalParams::safe_response(None);
/// let decision = answer.map(|answer| answer.decision);
/// assert_eq!(decision, Some(CommandExecutionApprovalDecision::Decline));
/// ```
pub trait ServerRequest: DeserializeOwned + Send + 'static {
    /// The method's name on the wire.
    const METHOD: &'static str;
    /// What the client answers.
    type Response: Serialize + Send + 'static;

    /// The answer that grants nothing, for when no handler answers, or the handler failed.
    ///
    /// `failure` says what went wrong, for the methods whose answer has a place for it. `None`
    /// means that the method has no such answer: a JSON-RPC error is the safe reply.
    fn safe_response(failure: Option<&str>) -> Option<Self::Response>;
}

/// What a request of the runtime is answered when no handler decides; see
/// [`safe_reply`](crate::safe_reply).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SafeReply {
    /// A result that grants nothing, as JSON text.
    Result(String),
    /// The method has no such result: a JSON-RPC error is the safe reply.
    Error,
}

impl SafeReply {
    /// The safe reply of the method that the params belong to.
    pub(crate) fn of<P: ServerRequest>(failure: Option<&str>) -> Self {
        let response = P::safe_response(failure);
        let text = response.and_then(|response| serde_json::to_string(&response).ok());
        text.map_or(Self::Error, Self::Result)
    }
}

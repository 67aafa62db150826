//! What makes a method callable: its name, its params and its response, tied together.

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

    /// The answer that grants nothing, for when nobody answers, or the one who should have failed.
    ///
    /// `failure` says what went wrong, for the methods whose answer has a place for it. `None`
    /// means that the method has no such answer: a JSON-RPC error is the safe reply.
    fn safe_response(failure: Option<&str>) -> Option<Self::Response>;
}

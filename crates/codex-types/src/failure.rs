//! Kinds of failed turns.

use serde_json::Value;

use crate::codec::Blank;
use crate::{CodexErrorInfo, TurnError};

/// The kind of a turn's failure.
///
/// `openai_codex::TurnFailure::kind` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TurnFailureKind {
    /// The model service lacks capacity, or failed for the moment (HTTP 500, 503, 529).
    Overloaded,
    /// Too many requests in too short a time (HTTP 429).
    RateLimited,
    /// A quota, a budget or the credit of the account is used up.
    UsageLimit,
    /// The thread does not fit into the context window of the model.
    ContextWindow,
    /// The model service refuses the credentials (HTTP 401, 403).
    Unauthorized,
    /// The model service refuses the request, its model for example (HTTP 400, 404, 422).
    BadRequest,
    /// The connection to the model service could not be made, or broke.
    Connection,
    /// The sandbox failed.
    Sandbox,
    /// A policy, a hook or the reviewer of actions stopped the turn.
    Policy,
    /// None of the other kinds, also where the runtime tells no reason.
    Other,
}

impl TurnError {
    /// Makes an error with this text alone, for example to test code that handles one.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::blank()
        }
    }
}

impl CodexErrorInfo {
    /// Tells the kind of a failure with this information.
    ///
    /// Where the runtime forwards an HTTP status, the status decides.
    pub fn kind(&self) -> TurnFailureKind {
        // By the names on the wire: that tells also those which these types do not know.
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => of_name(&name),
            Ok(Value::Object(info)) => {
                info.iter()
                    .next()
                    .map_or(TurnFailureKind::Other, |(name, info)| match name.as_str() {
                        "httpConnectionFailed"
                        | "responseStreamConnectionFailed"
                        | "responseStreamDisconnected"
                        | "responseTooManyFailedAttempts" => {
                            of_status(info["httpStatusCode"].as_i64())
                        }
                        name => of_name(name),
                    })
            }
            _ => TurnFailureKind::Other,
        }
    }
}

/// Tells the kind of a failure without a status.
fn of_name(name: &str) -> TurnFailureKind {
    use TurnFailureKind as Kind;
    match name {
        "contextWindowExceeded" => Kind::ContextWindow,
        "sessionBudgetExceeded" | "usageLimitExceeded" => Kind::UsageLimit,
        "rateLimitExceeded" => Kind::RateLimited,
        // The runtime's own text for an internal error of the service is "high demand".
        "serverOverloaded"
        | "flexUnavailable"
        | "policyCapacityUnavailable"
        | "internalServerError" => Kind::Overloaded,
        "modelNotFound" | "badRequest" => Kind::BadRequest,
        "bioPolicy"
        | "cyberPolicy"
        | "misalignmentPolicyViolation"
        | "tooManyDenials"
        | "inferenceHookDenied" => Kind::Policy,
        "unauthorized" => Kind::Unauthorized,
        "sandboxError" => Kind::Sandbox,
        _ => Kind::Other,
    }
}

/// Tells the kind of a failed exchange with the model service by its HTTP status, if it got that
/// far.
fn of_status(status: Option<i64>) -> TurnFailureKind {
    use TurnFailureKind as Kind;
    match status {
        Some(401 | 403 | 407) => Kind::Unauthorized,
        Some(402) => Kind::UsageLimit,
        Some(429) => Kind::RateLimited,
        Some(500 | 503 | 529) => Kind::Overloaded,
        // A request that came too slowly or too early is one that the connection spoiled.
        Some(408 | 425) => Kind::Connection,
        Some(300..500) => Kind::BadRequest,
        _ => Kind::Connection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the information as the runtime writes it.
    fn kind(info: &str) -> TurnFailureKind {
        crate::from_str::<CodexErrorInfo>(info).unwrap().kind()
    }

    #[test]
    fn a_forwarded_status_decides_about_the_kind() {
        use TurnFailureKind::*;
        let names = [
            "httpConnectionFailed",
            "responseStreamConnectionFailed",
            "responseStreamDisconnected",
            "responseTooManyFailedAttempts",
        ];
        let statuses = [
            ("null", Connection),
            ("302", BadRequest),
            ("400", BadRequest),
            ("401", Unauthorized),
            ("402", UsageLimit),
            ("403", Unauthorized),
            ("404", BadRequest),
            ("408", Connection),
            ("413", BadRequest),
            ("429", RateLimited),
            ("500", Overloaded),
            ("502", Connection),
            ("503", Overloaded),
            ("504", Connection),
            ("529", Overloaded),
        ];
        for name in names {
            for (status, expected) in statuses {
                let info = format!(r#"{{"{name}":{{"httpStatusCode":{status}}}}}"#);
                assert_eq!(kind(&info), expected, "{info}");
            }
        }
    }

    #[test]
    fn what_a_newer_runtime_adds_is_of_the_kind_other() {
        for info in [r#""novel""#, r#"{"novel":{}}"#, r#""other""#] {
            assert_eq!(kind(info), TurnFailureKind::Other, "{info}");
        }
    }
}

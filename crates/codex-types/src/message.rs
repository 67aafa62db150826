//! Whole messages of the runtime, for those who read recorded traffic.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::generated::{RequestId, ServerNotification, ServerRequest};

/// One line that the runtime wrote, typed, with everything that stands beside its payload.
///
/// It is for tools that read saved traffic; the SDK's streams deliver [`ServerNotification`]s.
///
/// ```
/// use codex_types::ServerMessage;
///
/// let line = r#"{"method":"thread/closed","params":{"threadId":"t"},"emittedAtMs":1795405538960}"#;
/// let message: ServerMessage = serde_json::from_str(line)?;
/// if let ServerMessage::Notification { notification, emitted_at_ms, .. } = &message {
///     assert_eq!(notification.thread_id(), Some("t"));
///     assert_eq!(*emitted_at_ms, Some(1_795_405_538_960));
/// }
/// assert_eq!(serde_json::to_value(&message)?, serde_json::from_str::<serde_json::Value>(line)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerMessage {
    /// It tells something.
    #[non_exhaustive]
    Notification {
        /// What it tells.
        notification: ServerNotification,
        /// When the runtime sent it, in milliseconds since the Unix epoch.
        emitted_at_ms: Option<i64>,
        /// Members of the envelope that these types do not know.
        unknown_members: Map<String, Value>,
    },
    /// It asks something.
    #[non_exhaustive]
    Request {
        /// The id, which the answer repeats.
        id: RequestId,
        /// What it asks.
        request: ServerRequest,
        /// Members of the envelope that these types do not know.
        unknown_members: Map<String, Value>,
    },
    /// It answers a request of the client: `result` or `error`, whose types the method tells.
    #[non_exhaustive]
    Answer {
        /// The whole envelope.
        members: Map<String, Value>,
    },
}

impl<'de> Deserialize<'de> for ServerMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut members = Map::deserialize(deserializer)?;
        let Some(Value::String(method)) = members.get("method").cloned() else {
            if members.contains_key("id") {
                return Ok(Self::Answer { members });
            }
            return Err(D::Error::custom("a message has a method or an id"));
        };
        members.remove("method");
        let params = members.remove("params").unwrap_or_default().to_string();
        if let Some(id) = members.remove("id") {
            return Ok(Self::Request {
                id: serde_json::from_value(id).map_err(D::Error::custom)?,
                request: ServerRequest::decode(&method, &params),
                unknown_members: members,
            });
        }
        let emitted_at_ms = members.get(EMITTED_AT_MS).and_then(Value::as_i64);
        if emitted_at_ms.is_some() {
            members.remove(EMITTED_AT_MS);
        }
        Ok(Self::Notification {
            notification: ServerNotification::decode(&method, &params),
            emitted_at_ms,
            unknown_members: members,
        })
    }
}

const EMITTED_AT_MS: &str = "emittedAtMs";

impl Serialize for ServerMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = |typed: serde_json::Result<Value>, more: &Map<String, Value>| match typed {
            Ok(Value::Object(mut members)) => {
                members.extend(more.clone());
                Ok(members)
            }
            Ok(_) => Err(serde::ser::Error::custom("a message is an object")),
            Err(error) => Err(serde::ser::Error::custom(error)),
        };
        match self {
            Self::Notification {
                notification,
                emitted_at_ms,
                unknown_members,
            } => {
                let mut members = envelope(serde_json::to_value(notification), unknown_members)?;
                if let Some(at) = emitted_at_ms {
                    members.insert(EMITTED_AT_MS.to_owned(), (*at).into());
                }
                members.serialize(serializer)
            }
            Self::Request {
                id,
                request,
                unknown_members,
            } => {
                let mut members = envelope(serde_json::to_value(request), unknown_members)?;
                let id = serde_json::to_value(id).map_err(serde::ser::Error::custom)?;
                members.insert("id".to_owned(), id);
                members.serialize(serializer)
            }
            Self::Answer { members } => members.serialize(serializer),
        }
    }
}

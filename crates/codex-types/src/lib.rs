//! Typed messages of the Codex app-server protocol, generated from the pinned runtime's own schema.
//!
//! ```
//! use codex_types::{ServerNotification, ThreadItem};
//!
//! let line = r#"{"method":"item/completed","params":{"threadId":"t","turnId":"u","completedAtMs":1,
//!     "item":{"type":"agentMessage","id":"i","text":"hello"}}}"#;
//! let notification: ServerNotification = serde_json::from_str(line)?;
//! assert_eq!(notification.turn_id(), Some("u"));
//! if let ServerNotification::ItemCompleted(completed) = notification
//!     && let ThreadItem::AgentMessage(message) = &completed.item
//! {
//!     assert_eq!(message.text, "hello");
//! }
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! A newer runtime never breaks these types. An unknown value of a string enum is `Unrecognized`
//! with its text, an unknown or unfitting variant of a union is [`Unrecognized`] with its raw JSON,
//! unknown fields of what the runtime sends are in `unknown_fields`, an unknown notification is
//! [`ServerNotification::Unknown`], and all of them are written again as they came.
//!
//! Types that the client builds have public fields and either `Default` or `new` with what is
//! required, and a setter for each optional field. Types that only the runtime builds are
//! `#[non_exhaustive]`.
//!
//! # Features
//!
//! - `experimental`: the methods, types and fields that the runtime serves only to clients that
//!   opted into its experimental API.

mod codec;
mod ext;
mod failure;
mod generated;
mod id;
mod message;
mod registry;
pub mod request;
mod safe;
mod unknown;

/// For the SDK, which finds ids in messages that do not decode.
#[doc(hidden)]
pub use codec::raw;
pub use codec::{DecodeError, UnknownFields, Unrecognized, from_str};
pub use failure::TurnFailureKind;
pub use generated::*;
pub use id::{ItemId, ThreadId, TurnId};
pub use message::ServerMessage;
pub use request::SafeReply;
pub use unknown::{UnknownNotification, UnknownRequest};

/// For the SDK, which does not send what the running runtime does not have.
#[doc(hidden)]
pub mod since {
    pub use crate::codec::since::{Missing, Reader, Since, written_for};

    /// The runtimes that were looked at, the oldest first.
    pub const RUNTIMES: &[&str] = crate::generated::RUNTIMES;

    /// Since when runtimes have a method of the client.
    pub fn of_method(method: &str) -> Since {
        let rows = crate::generated::NEWER_METHODS;
        let index = rows.binary_search_by(|(name, _, _)| (*name).cmp(method));
        let row = index.ok().and_then(|index| rows.get(index));
        row.map_or(Since::ALWAYS, |(_, there, stable)| Since {
            there: *there,
            stable: *stable,
        })
    }
}

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! The generated code's parent: what every generated file uses, and what they make.
//!
//! Everything under `generated/` is written by `cargo xtask regen`.

// What the schema does not document stays undocumented rather than guessed at.
#![allow(missing_docs, reason = "the schema documents only some of its fields")]
#![allow(
    clippy::too_many_arguments,
    reason = "a `new` takes what the schema requires"
)]
#![allow(
    clippy::large_enum_variant,
    reason = "the generator boxes by size where it pays"
)]
#![allow(
    clippy::doc_markdown,
    clippy::doc_lazy_continuation,
    reason = "doc texts are the schema's"
)]

use std::borrow::Borrow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::codec::{
    UnknownFields, Unrecognized, external, named_string, object, redacted_debug, setters,
    string_enum, tagged, unit, untagged,
};
use crate::id::{ItemId, ThreadId, TurnId};
use crate::unknown::{UnknownNotification, UnknownRequest};

// The generator lays out its own output, tables above all.
#[rustfmt::skip]
mod methods;
#[rustfmt::skip]
mod notifications;
#[rustfmt::skip]
mod params;
#[rustfmt::skip]
mod responses;
#[rustfmt::skip]
mod server_requests;
#[rustfmt::skip]
mod shared;

pub use methods::*;
pub use notifications::*;
pub use params::*;
pub use responses::*;
pub use server_requests::*;
pub use shared::*;

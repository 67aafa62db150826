//! Rust SDK for Codex: threads, turns and streams over the Codex app-server.

#![allow(dead_code, reason = "the layers above use it")]

#[cfg(feature = "blocking")]
pub mod blocking;
mod child;
mod client;
mod config;
mod connection;
mod error;
mod event;
mod handler;
mod input;
mod login;
mod message;
mod names;
mod notifications;
mod policy;
mod reader;
pub mod request;
mod result;
mod retry;
mod router;
mod server_info;
mod thread;
mod turn;
mod writer;

pub use client::Codex;
pub use codex_types::{
    ServerNotification as Notification, UnknownNotification, UserInput as InputItem,
};
pub use config::CodexConfig;
pub use error::{CloseReason, Error, ResponseError, Result, RpcError, RpcErrorCode, RpcErrorKind};
pub use input::{ExternalMessage, Input, RunInput};
pub use login::{ChatgptLoginHandle, DeviceCodeLoginHandle};
pub use notifications::Notifications;
pub use policy::{ApprovalMode, Sandbox};
pub use result::{TurnFailure, TurnResult};
pub use retry::{RetryPolicy, retry_on_overload};
pub use server_info::ServerInfo;
pub use thread::{Thread, ThreadInfo};
pub use turn::{TurnControl, TurnHandle};

/// Every type of the protocol: params, responses, notifications, items, enums.
pub mod types {
    pub use codex_types::*;
}

/// The version of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the runtime that this crate is made for.
pub const RUNTIME_VERSION: &str = codex_runtime::VERSION;

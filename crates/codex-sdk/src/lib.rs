//! Rust SDK for Codex.
#![allow(dead_code, unused_imports)]
mod child;
mod error;
mod message;
#[path = "config/overrides.rs"]
mod overrides;
mod policy;
mod reader;
mod result;
mod retry;
mod router;
mod writer;
pub use error::{CloseReason, Error, ResponseError, Result, RpcError, RpcErrorCode, RpcErrorKind};

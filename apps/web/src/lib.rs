//! Codex in a web page: a small server over the crate `openai-codex`.
//!
//! [`Server::start`] is the whole of it; the program `codex-web` adds command line arguments and signals.

mod api;
mod demo;
mod desk;
mod events;
mod guard;
mod log;
mod page;
mod reply;
mod room;
mod server;
mod shared;
mod view;

pub use demo::Demo;
pub use server::{Options, Server};

//! The guide: one page for each task, with code that runs.
//!
#![doc = include_str!("../guide/index.md")]

// What the pages link to.
#[allow(unused_imports, reason = "links of the pages name what is at the root")]
use crate::*;

#[doc = include_str!("../guide/getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("../guide/threads_and_turns.md")]
pub mod threads_and_turns {}

#[doc = include_str!("../guide/streaming.md")]
pub mod streaming {}

#[doc = include_str!("../guide/approvals.md")]
pub mod approvals {}

#[doc = include_str!("../guide/sandbox.md")]
pub mod sandbox {}

#[doc = include_str!("../guide/input.md")]
pub mod input {}

#[doc = include_str!("../guide/models.md")]
pub mod models {}

#[doc = include_str!("../guide/providers.md")]
pub mod providers {}

#[doc = include_str!("../guide/mcp_servers.md")]
pub mod mcp_servers {}

#[doc = include_str!("../guide/web_search.md")]
pub mod web_search {}

#[doc = include_str!("../guide/configuration.md")]
pub mod configuration {}

#[doc = include_str!("../guide/login.md")]
pub mod login {}

#[doc = include_str!("../guide/usage.md")]
pub mod usage {}

#[doc = include_str!("../guide/typed_output.md")]
pub mod typed_output {}

#[doc = include_str!("../guide/typed_tools.md")]
pub mod typed_tools {}

#[doc = include_str!("../guide/errors.md")]
pub mod errors {}

#[doc = include_str!("../guide/cancellation.md")]
pub mod cancellation {}

#[doc = include_str!("../guide/history.md")]
pub mod history {}

#[doc = include_str!("../guide/tracing.md")]
pub mod tracing {}

#[doc = include_str!("../guide/proxies.md")]
pub mod proxies {}

#[doc = include_str!("../guide/services.md")]
pub mod services {}

#[doc = include_str!("../guide/several_runtimes.md")]
pub mod several_runtimes {}

#[doc = include_str!("../guide/beyond_one_machine.md")]
pub mod beyond_one_machine {}

#[doc = include_str!("../guide/testing.md")]
pub mod testing {}

#[doc = include_str!("../guide/runtime_versions.md")]
pub mod runtime_versions {}

#[doc = include_str!("../guide/surprises.md")]
pub mod surprises {}

#[doc = include_str!("../guide/from_python.md")]
pub mod from_python {}

#[doc = include_str!("../guide/from_codex_exec.md")]
pub mod from_codex_exec {}

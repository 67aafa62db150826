//! The variables that a Codex sets for its own processes, which another Codex must not inherit.
//!
//! A program that an agent runs has these in its environment. A runtime that this program starts would
//! take them for its own: the outer client's name instead of its client's, a sandbox and an
//! installation that are not its own, another thread's id.

/// Variables of the outer runtime. What its user sets, such as `CODEX_HOME`, is not among them.
const NAMES: [&str; 13] = [
    "CODEX_APPLY_PATCH_PRESERVE_LINE_ENDINGS",
    "CODEX_CI",
    "CODEX_INTERNAL_ORIGINATOR_OVERRIDE",
    "CODEX_MANAGED_PACKAGE_ROOT",
    "CODEX_PERMISSION_PROFILE",
    "CODEX_PLUGIN_METRICS_OUTPUT",
    "CODEX_SANDBOX",
    "CODEX_SESSION_ID",
    "CODEX_SHELL",
    "CODEX_THREAD_ID",
    "CODEX_TOOL_CALL_ID",
    "CODEX_TURN_ID",
    "CODEX_VERSION",
];

/// How other variables of the outer runtime begin: what its sandbox, its network proxy and the
/// package manager that installed it leave behind, and the state of its shells.
const PREFIXES: [&str; 4] = [
    "CODEX_MANAGED_BY_",
    "CODEX_NETWORK_",
    "CODEX_SANDBOX_",
    "__CODEX_",
];

/// Tells whether a variable is one that a Codex sets for the processes that it starts.
pub(super) fn is_outer(name: &str) -> bool {
    // Windows takes names in any case for the same.
    let name = &*name.to_ascii_uppercase();
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

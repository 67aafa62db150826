//! The index of all methods, for the docs.

use std::fmt::Write as _;

use super::super::registry::ANY;
use super::Emission;

/// Writes the tables of all methods.
pub fn index(emission: &Emission<'_>) -> String {
    let registry = emission.registry;
    let since = |method: &str| {
        let since = emission.ages.method(method);
        since.map_or_else(String::new, |since| emission.ages.short(since))
    };
    let mut text = String::from(
        "# Requests of the client\n\n| method | params | response | since |\n|---|---|---|---|\n",
    );
    for row in &registry.client_requests {
        let params = link(&row.params, row.experimental);
        let response = link(&row.response, row.experimental);
        let _ = writeln!(
            text,
            "| `{}` | {params} | {response} | {} |",
            row.method,
            since(&row.method)
        );
    }
    text.push_str("\n# Requests of the runtime\n\n| method | params | response | since |\n|---|---|---|---|\n");
    for row in &registry.server_requests {
        let params = link(&row.params, row.experimental);
        let response = link(&row.response, row.experimental);
        let _ = writeln!(
            text,
            "| `{}` | {params} | {response} | {} |",
            row.method,
            since(&row.method)
        );
    }
    text.push_str("\n# Notifications\n\n| method | payload | since |\n|---|---|---|\n");
    for row in &registry.notifications {
        let payload = link(&row.payload, row.experimental);
        let _ = writeln!(
            text,
            "| `{}` | {payload} | {} |",
            row.method,
            since(&row.method)
        );
    }
    text
}

/// A link to a type; experimental ones are not there without the feature.
fn link(name: &str, experimental: bool) -> String {
    match experimental {
        _ if name == ANY => "any JSON".to_owned(),
        false => format!("[`{name}`](crate::{name})"),
        true => format!("`{name}` (experimental)"),
    }
}

//! The registry: one table line a method.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::Result;

use super::super::ir::Ty;
use super::super::registry::{Registry, Route, method_name};
use super::text::{docs, gate, gate_line};
use super::{Emission, size_with};

/// Payloads of at least this many bytes are boxed, so that an event has no more than 128 bytes and
/// moves cheaply through queues.
const BOXED_FROM: usize = 128;

pub fn methods(emission: &Emission<'_>) -> Result<String> {
    let registry = emission.registry;
    let mut text = String::from(
        "//! The registry: which types each method takes and gives.\n\nuse super::*;\n\
         use crate::registry::{client_requests, notifications, server_requests, server_routes};\n\n",
    );
    let versions = emission.ages.versions().iter();
    let versions: Vec<String> = versions
        .map(|version| format!("{version:?}", version = version.to_string()))
        .collect();
    writeln!(
        text,
        "/// The runtimes that were looked at to find out since when something is there.\n\
         pub(crate) const RUNTIMES: &[&str] = &[{}];\n",
        versions.join(", ")
    )?;
    text.push_str(
        "/// The methods of the client that came, or became stable, later than the oldest of them.\n\
         pub(crate) const NEWER_METHODS: &[(&str, u8, u8)] = &[\n",
    );
    for row in &registry.client_requests {
        let since = emission.ages.method(&row.method);
        if let Some(since) = since.filter(|since| since.stable > 0) {
            let (cfg, method) = (gate(row.experimental), &row.method);
            let (there, stable) = (since.there, since.stable);
            writeln!(text, "    {cfg}({method:?}, {there}, {stable}),")?;
        }
    }
    text.push_str("];\n\n");
    open_table(&mut text, "client_methods")?;
    for row in &registry.client_requests {
        let kind = if row.unit { "unit" } else { "object" };
        let (cfg, method, params, response) = (
            gate(row.experimental),
            &row.method,
            &row.params,
            &row.response,
        );
        // Others are compiled where they are used, if they are.
        let compiled = match holds_items(emission, response) {
            true => " compiled",
            false => "",
        };
        writeln!(
            text,
            "    {cfg}{method:?} {params} {kind} => {response}{compiled},"
        )?;
    }
    close_table(&mut text, "client_methods", "client_requests")?;
    text.push_str(&server_enum(registry)?);
    open_table(&mut text, "server_methods")?;
    for row in &registry.server_requests {
        let (cfg, method, params, response) = (
            gate(row.experimental),
            &row.method,
            &row.params,
            &row.response,
        );
        let variant = method_name(method);
        writeln!(
            text,
            "    {cfg}{method:?} {variant}({params}) => {response},"
        )?;
    }
    close_table(&mut text, "server_methods", "server_requests")?;
    text.push_str("server_routes! {\n");
    for row in &registry.server_requests {
        let (cfg, variant) = (gate(row.experimental), method_name(&row.method));
        let (thread, turn) = (route(row.thread), route(row.turn));
        writeln!(text, "    {cfg}{variant} thread={thread} turn={turn},")?;
    }
    text.push_str("}\n\n");
    text.push_str(&notification_enum(emission)?);
    open_table(&mut text, "notification_methods")?;
    for row in &registry.notifications {
        let (cfg, method, variant, payload) = (
            gate(row.experimental),
            &row.method,
            &row.variant,
            &row.payload,
        );
        let (thread, turn) = (route(row.thread), route(row.turn));
        writeln!(
            text,
            "    {cfg}{method:?} {variant}({payload}) thread={thread} turn={turn},"
        )?;
    }
    close_table(&mut text, "notification_methods", "notifications")?;
    Ok(text)
}

/// Tells whether a response holds items of turns: the decoders of those are large, and compiled here
/// for the notifications anyway.
fn holds_items(emission: &Emission<'_>, response: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![response.to_owned()];
    while let Some(name) = next.pop() {
        if name == "ThreadItem" {
            return true;
        }
        if seen.insert(name.clone())
            && let Some(definition) = emission.types.get(&name)
        {
            definition.names(&mut |held| next.push(held.to_owned()));
        }
    }
    false
}

/// A table is a macro that hands its rows to another one, so that tools can read it as well.
fn open_table(text: &mut String, table: &str) -> Result<()> {
    writeln!(
        text,
        "#[doc(hidden)]\n#[macro_export]\nmacro_rules! {table} {{ ($then:ident) => {{ $then! {{"
    )?;
    Ok(())
}

fn close_table(text: &mut String, table: &str, then: &str) -> Result<()> {
    writeln!(text, "}} }} }}\n{table}!({then});\n")?;
    Ok(())
}

fn route(route: Route) -> &'static str {
    match route {
        Route::None => "none",
        Route::Direct => "direct",
        Route::Optional => "optional",
        Route::Nested => "nested",
        Route::Conversation => "conversation",
        Route::Shared => "shared",
    }
}

fn row_docs(method: &str, text: Option<&String>) -> String {
    match text {
        Some(text) => docs(&format!("`{method}`: {text}"), "    "),
        None => docs(&format!("`{method}`."), "    "),
    }
}

fn server_enum(registry: &Registry) -> Result<String> {
    let mut code = enum_start("ServerRequest", "A request of the runtime to its client.");
    for row in &registry.server_requests {
        code.push_str(&row_docs(&row.method, row.docs.as_ref()));
        code.push_str(&gate_line(row.experimental, "    "));
        writeln!(
            code,
            "    {}(Box<{}>),",
            method_name(&row.method),
            row.params
        )?;
    }
    code.push_str(&enum_end("UnknownRequest"));
    Ok(code)
}

fn notification_enum(emission: &Emission<'_>) -> Result<String> {
    let mut code = enum_start("ServerNotification", "A notification of the runtime.");
    for row in &emission.registry.notifications {
        code.push_str(&row_docs(&row.method, row.docs.as_ref()));
        code.push_str(&gate_line(row.experimental, "    "));
        let (variant, payload) = (&row.variant, &row.payload);
        if size_with(&Ty::Named(payload.clone()), emission.types, 0, 72) >= BOXED_FROM {
            writeln!(code, "    {variant}(Box<{payload}>),")?;
        } else {
            writeln!(code, "    {variant}({payload}),")?;
        }
    }
    code.push_str(&enum_end("UnknownNotification"));
    Ok(code)
}

fn enum_start(name: &str, text: &str) -> String {
    format!(
        "{}#[derive(Debug, Clone, PartialEq)]\n#[non_exhaustive]\npub enum {name} {{\n",
        docs(text, "")
    )
}

fn enum_end(unknown: &str) -> String {
    let text = "A method that this version does not know, or whose params did not fit.";
    format!("{}    Unknown({unknown}),\n}}\n", docs(text, "    "))
}

//! The registry: one table line a method.

use std::fmt::Write as _;

use anyhow::Result;
use quote::quote;

use super::super::ir::Ty;
use super::super::registry::{NotificationRow, Registry, RequestRow, Route, method_name};
use super::{Emission, cfg, cfg_text, docs, ident, pretty, size_with};

/// Payloads of at least this many bytes are boxed, so that an event has no more than 128 bytes and
/// moves cheaply through queues.
const BOXED_FROM: usize = 136;

pub fn methods(context: &Emission<'_>) -> Result<String> {
    let registry = context.registry;
    let mut text = String::from(
        "//! The registry: which types each method takes and gives.\n\nuse super::*;\n\
         use crate::registry::{client_requests, notifications, server_requests, server_routes};\n\n",
    );
    open_table(&mut text, "client_methods")?;
    for row in &registry.client_requests {
        let kind = if row.unit { "unit" } else { "object" };
        let (cfg, method, params, response) = (
            cfg_text(row.experimental),
            &row.method,
            &row.params,
            &row.response,
        );
        writeln!(text, "    {cfg}{method:?} {params} {kind} => {response},")?;
    }
    close_table(&mut text, "client_methods", "client_requests")?;
    text.push_str(&server_enum(registry)?);
    open_table(&mut text, "server_methods")?;
    for row in &registry.server_requests {
        let (cfg, method, params, response) = (
            cfg_text(row.experimental),
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
        let (cfg, variant) = (cfg_text(row.experimental), method_name(&row.method));
        let (thread, turn) = (route(row.thread), route(row.turn));
        writeln!(text, "    {cfg}{variant} thread={thread} turn={turn},")?;
    }
    text.push_str("}\n\n");
    text.push_str(&notification_enum(context)?);
    open_table(&mut text, "notification_methods")?;
    for row in &registry.notifications {
        let (cfg, method, variant, payload) = (
            cfg_text(row.experimental),
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
        Some(text) => format!("`{method}`: {text}"),
        None => format!("`{method}`."),
    }
}

fn server_enum(registry: &Registry) -> Result<String> {
    let variants = registry.server_requests.iter().map(|row: &RequestRow| {
        let (docs, cfg) = (
            docs(&row_docs(&row.method, row.docs.as_ref())),
            cfg(row.experimental),
        );
        let (variant, params) = (ident(&method_name(&row.method)), ident(&row.params));
        quote!(#docs #cfg #variant(Box<#params>),)
    });
    pretty(quote! {
        /// What the runtime asks its client.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum ServerRequest {
            #(#variants)*
            /// A method that this version does not know, or whose params did not fit.
            Unknown(UnknownRequest),
        }
    })
}

fn notification_enum(context: &Emission<'_>) -> Result<String> {
    let variants = context
        .registry
        .notifications
        .iter()
        .map(|row: &NotificationRow| {
            let (docs, cfg) = (
                docs(&row_docs(&row.method, row.docs.as_ref())),
                cfg(row.experimental),
            );
            let (variant, payload) = (ident(&row.variant), ident(&row.payload));
            if size_with(&Ty::Named(row.payload.clone()), context.types, 0, 72) >= BOXED_FROM {
                quote!(#docs #cfg #variant(Box<#payload>),)
            } else {
                quote!(#docs #cfg #variant(#payload),)
            }
        });
    pretty(quote! {
        /// What the runtime tells its client.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum ServerNotification {
            #(#variants)*
            /// A method that this version does not know, or whose params did not fit.
            Unknown(UnknownNotification),
        }
    })
}

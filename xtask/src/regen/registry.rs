//! The method tables: which params, response and payload types each method has.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use heck::ToUpperCamelCase;

use super::bundle::{Bundle, Method};
use super::findings::{Finding, Findings};
use super::ir::{Field, Kind, Presence, Ty, TypeDef, Types};

/// Methods whose response has a name of its own.
const RESPONSES: &[(&str, &str)] = &[
    ("account/gatewayOAuth/cancel", "GatewayOAuthCancelResponse"),
    ("account/logout", "LogoutAccountResponse"),
    (
        "account/securitySetup/read",
        "GetAccountSecuritySetupResponse",
    ),
    (
        "account/workspaceMessages/read",
        "GetWorkspaceMessagesResponse",
    ),
    ("accountSession/list", "AccountSessionsResponse"),
    ("config/batchWrite", "ConfigWriteResponse"),
    ("config/mcpServer/reload", "McpServerRefreshResponse"),
    ("config/value/write", "ConfigWriteResponse"),
    (
        "externalAgentConfig/import/readHistories",
        "ExternalAgentConfigImportHistoriesReadResponse",
    ),
];

/// Notifications that the runtime sends although no method table lists them.
const UNLISTED_NOTIFICATIONS: &[(&str, &str)] = &[
    ("rawResponse/completed", "RawResponseCompletedNotification"),
    (
        "rawResponseItem/completed",
        "RawResponseItemCompletedNotification",
    ),
];

/// The answer of a method for which the schema names none.
pub const ANY: &str = "Value";

/// How a message of the runtime says which thread or turn it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    None,
    /// `threadId`, `turnId`.
    Direct,
    /// The same, which may be absent.
    Optional,
    /// The `id` of `thread` or `turn`.
    Nested,
    /// `conversationId`, as deprecated methods call the thread.
    Conversation,
    /// An accessor of a union, all of whose variants have the field.
    Shared,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RequestRow {
    pub method: String,
    pub params: String,
    /// The params type is ours: the method takes none.
    pub unit: bool,
    /// The type of the answer; [`ANY`] where the schema has none.
    pub response: String,
    /// Where the params say the thread and the turn; only of a request that the runtime makes.
    pub thread: Route,
    pub turn: Route,
    pub docs: Option<String>,
    pub experimental: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NotificationRow {
    pub method: String,
    pub variant: String,
    pub payload: String,
    pub thread: Route,
    pub turn: Route,
    pub docs: Option<String>,
    pub experimental: bool,
}

/// Every method, sorted by name.
#[derive(Debug, Default)]
pub struct Registry {
    pub client_requests: Vec<RequestRow>,
    pub server_requests: Vec<RequestRow>,
    pub notifications: Vec<NotificationRow>,
}

/// The Rust name of a method: its path in PascalCase.
pub fn method_name(method: &str) -> String {
    method
        .split('/')
        .map(|part| part.to_upper_camel_case())
        .collect()
}

impl Registry {
    /// Joins the schema's method tables with the lowered types; unit params types are added to them.
    pub fn build(
        bundle: &Bundle,
        types: &mut Types,
        complete: bool,
        findings: &mut Findings,
    ) -> Result<Self> {
        let mut registry = Self::default();
        let mut used = BTreeSet::new();
        let mut found = Findings::default();
        for method in &bundle.client_requests {
            let mut row = request_row(method, types)?;
            used.insert(row.response.clone());
            let mut rows = registry.client_requests.iter();
            if rows.any(|other| other.params == row.params) {
                row.params = own_params(&row, types)?;
                found.add(Finding::Named {
                    place: row.params.clone(),
                    table: "the schema, where another method has these params",
                });
            }
            registry.client_requests.push(row);
        }
        for method in &bundle.server_requests {
            let mut row = request_row(method, types)?;
            used.insert(row.response.clone());
            row.thread = request_route(&row.params, types, THREAD)?;
            row.turn = request_route(&row.params, types, TURN)?;
            registry.server_requests.push(row);
        }
        let rows = || registry.client_requests.iter();
        for (method, _) in RESPONSES {
            if !rows().any(|row| row.method == *method) {
                found.add(Finding::Stale {
                    table: "RESPONSES",
                    row: (*method).to_owned(),
                });
            }
        }
        let unused: Vec<String> = types
            .keys()
            .filter(|name| name.ends_with("Response") && !used.contains(*name))
            .filter(|name| !types.values().any(|other| holds(other, name)))
            .cloned()
            .collect();
        let server = registry.server_requests.iter();
        let mut unanswered = rows().chain(server).filter(|row| row.response == ANY);
        for row in unanswered.clone() {
            found.add(Finding::NoAnswer {
                method: row.method.clone(),
                candidates: unused.clone(),
            });
        }
        if unanswered.next().is_none() {
            for name in unused {
                found.add(Finding::UnusedAnswer { name });
            }
        }
        for method in &bundle.notifications {
            registry
                .notifications
                .push(notification_row(method, types)?);
        }
        for (name, payload) in UNLISTED_NOTIFICATIONS {
            let listed = bundle
                .notifications
                .iter()
                .any(|method| method.name == *name);
            if listed || !types.contains_key(*payload) {
                found.add(Finding::Stale {
                    table: "UNLISTED_NOTIFICATIONS",
                    row: (*name).to_owned(),
                });
                continue;
            }
            let method = Method {
                name: (*name).to_owned(),
                params: Some((*payload).to_owned()),
                nullable: false,
                docs: Some(
                    "Sent to clients that asked for raw events; no method table lists it."
                        .to_owned(),
                ),
            };
            registry
                .notifications
                .push(notification_row(&method, types)?);
        }
        registry
            .notifications
            .sort_by(|a, b| a.method.cmp(&b.method));
        if complete {
            findings.extend(found);
        }
        Ok(registry)
    }
}

fn holds(definition: &TypeDef, name: &str) -> bool {
    let mut found = false;
    definition.names(&mut |other| found |= other == name);
    found
}

/// The name of a method's response: by the table, by its params, or by its path.
pub fn response_name(method: &Method, exists: impl Fn(&str) -> bool) -> Option<String> {
    let mut rows = RESPONSES.iter();
    let by_table = rows
        .find(|row| row.0 == method.name)
        .map(|row| row.1.to_owned());
    let by_params = method
        .params
        .as_deref()
        .and_then(|params| params.strip_suffix("Params"))
        .map(|stem| format!("{stem}Response"));
    let by_path = format!("{}Response", method_name(&method.name));
    let mut candidates = [by_table, by_params, Some(by_path)].into_iter().flatten();
    candidates.find(|candidate| exists(candidate))
}

fn request_row(method: &Method, types: &mut Types) -> Result<RequestRow> {
    let name = method_name(&method.name);
    let response = response_name(method, |name| types.contains_key(name));
    let response = response.unwrap_or_else(|| ANY.to_owned());
    let params = match &method.params {
        Some(params) => params.clone(),
        None => {
            let params = format!("{name}Params");
            let docs = Some(format!("Params of `{}`, which takes none.", method.name));
            let kind = Kind::Object(Vec::new());
            let unit = TypeDef {
                docs,
                kind,
                experimental: false,
            };
            ensure!(
                types.insert(params.clone(), unit).is_none(),
                "the schema has a type {params}, but {} takes no params",
                method.name
            );
            params
        }
    };
    Ok(RequestRow {
        method: method.name.clone(),
        unit: method.params.is_none(),
        params,
        response,
        thread: Route::None,
        turn: Route::None,
        docs: method.docs.clone(),
        experimental: false,
    })
}

/// Params pick their method, so that a second method with the same ones gets a type of its own.
fn own_params(row: &RequestRow, types: &mut Types) -> Result<String> {
    let name = format!("{}Params", method_name(&row.method));
    let shared = types.get(&row.params).cloned();
    let shared = shared.with_context(|| format!("{} has no params type", row.method))?;
    ensure!(
        types.insert(name.clone(), shared).is_none(),
        "{} shares the params {}, and the schema has another type {name}",
        row.method,
        row.params
    );
    Ok(name)
}

fn notification_row(method: &Method, types: &Types) -> Result<NotificationRow> {
    let payload = method
        .params
        .clone()
        .with_context(|| format!("{} has no payload type", method.name))?;
    let Some(Kind::Object(fields)) = types.get(&payload).map(|definition| &definition.kind) else {
        bail!("the payload {payload} of {} is no object", method.name);
    };
    Ok(NotificationRow {
        method: method.name.clone(),
        variant: method_name(&method.name),
        thread: route(fields, THREAD),
        turn: route(fields, TURN),
        payload,
        docs: method.docs.clone(),
        experimental: false,
    })
}

/// Where a message says what it belongs to: the field with the id, the one with the whole, the type
/// of the whole.
type Places = (&'static str, &'static str, &'static str);

const THREAD: Places = ("threadId", "thread", "Thread");
const TURN: Places = ("turnId", "turn", "Turn");

fn route(fields: &[Field], (direct, nested, target): Places) -> Route {
    for field in fields {
        if field.wire == direct {
            return match field.presence {
                Presence::Required => Route::Direct,
                _ => Route::Optional,
            };
        }
        if field.wire == nested && field.ty == Ty::Named(target.to_owned()) {
            return Route::Nested;
        }
    }
    Route::None
}

/// The route of a request's params, which may be a union.
fn request_route(params: &str, types: &Types, places: Places) -> Result<Route> {
    let variants = match types.get(params).map(|definition| &definition.kind) {
        Some(Kind::Object(fields)) => {
            let conversation = fields.iter().any(|field| field.wire == "conversationId");
            return Ok(match route(fields, places) {
                Route::None if conversation && places == THREAD => Route::Conversation,
                route => route,
            });
        }
        Some(
            Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants),
        ) => variants,
        _ => return Ok(Route::None),
    };
    let mut routes = BTreeSet::new();
    for variant in variants {
        let mut found = Route::None;
        if let Some(ty) = &variant.ty {
            ty.names(&mut |name| {
                if let Some(Kind::Object(fields)) = types.get(name).map(|target| &target.kind) {
                    found = route(fields, places);
                }
            });
        }
        routes.insert(found);
    }
    match routes.iter().next() {
        Some(Route::Direct | Route::Optional) if routes.len() == 1 => Ok(Route::Shared),
        Some(Route::None) if routes.len() == 1 => Ok(Route::None),
        None => Ok(Route::None),
        _ => bail!(
            "the variants of {params} say in different ways which {} they belong to",
            places.1
        ),
    }
}

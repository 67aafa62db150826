//! Writes the intermediate form as Rust: items as text, tables one line a row.

mod holders;
mod index;
mod methods;
mod names;
mod new;
mod objects;
mod text;
mod unions;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;

use super::history::{Ages, Since};
use super::ir::{Kind, Ty, TypeDef, Types};
use super::output::Files;
use super::reach::Reach;
use super::registry::Registry;
use holders::Holders;
pub use text::rust;

/// What is emitted, and what is known of its surroundings.
pub struct Emission<'a> {
    types: &'a Types,
    registry: &'a Registry,
    reach: &'a Reach,
    ages: &'a Ages,
    roles: Roles,
    holders: Holders,
}

impl<'a> Emission<'a> {
    pub fn new(types: &'a Types, registry: &'a Registry, reach: &'a Reach, ages: &'a Ages) -> Self {
        Self {
            types,
            registry,
            reach,
            ages,
            roles: Roles::of(registry),
            holders: Holders::of(types, reach),
        }
    }

    /// The mark in the table of a type for a part that came later than the type.
    ///
    /// What the client never writes has none.
    fn mark(&self, name: &str, wire: &str) -> String {
        match self.reach.from_client.contains(name) {
            true => self.ages.part(name, wire).map_or_else(String::new, mark),
            false => String::new(),
        }
    }

    /// The doc lines of a part: its text, and since when it is there where that is later than its type.
    fn part_docs(&self, name: &str, wire: &str, text: &str, indent: &str) -> String {
        let mut lines = text::docs(text, indent);
        if let Some(since) = self.ages.part(name, wire) {
            if !lines.is_empty() {
                let _ = writeln!(lines, "{indent}///");
            }
            let _ = writeln!(lines, "{indent}/// {}", self.ages.sentence(since));
        }
        lines
    }

    /// The doc lines of a type: its role or its text, or else what holds it.
    fn docs(&self, name: &str, definition: &TypeDef) -> String {
        let text = match (self.roles.sentence(name), &definition.docs) {
            // The text of params without fields has the role.
            (Some(_), Some(text)) if text.starts_with("Params of `") => text.clone(),
            (Some(role), Some(text)) => format!("{role}\n\n{text}"),
            (Some(role), None) => role,
            (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
        };
        let mut lines = match text.is_empty() {
            true => format!("/// {}\n", self.holders.sentence(name, definition)),
            false => text::docs(&text, ""),
        };
        if let Some(sentence) = self.ages.of_type(name) {
            let _ = write!(lines, "///\n/// {sentence}\n");
        }
        if definition.experimental {
            lines.push_str(
                "///\n/// Experimental: it may change with any release of the runtime.\n",
            );
        }
        lines
    }
}

/// The mark of a row of a table: the indexes of the runtimes.
fn mark(since: Since) -> String {
    format!(" @ ({}, {})", since.there, since.stable)
}

/// The file a type goes to, by the first role that it has.
const ROLES: [(&str, &str); 5] = [
    (
        "params",
        "What the client sends: the params of each method.",
    ),
    ("responses", "What the runtime answers to each method."),
    (
        "notifications",
        "What the runtime tells: the payload of each notification.",
    ),
    (
        "server_requests",
        "What the runtime asks, and what the client answers.",
    ),
    ("shared", "The types that those of the other files hold."),
];

/// Emits all files, each under a header with the digest of its source.
pub fn emit(emission: &Emission<'_>, header: &str) -> Result<Files> {
    let mut bodies: BTreeMap<&str, String> = BTreeMap::new();
    for (name, definition) in emission.types {
        if !emission.reach.contains(name) {
            continue;
        }
        let code = match &definition.kind {
            Kind::Object(fields) => objects::object(emission, name, definition, fields)?,
            Kind::StringEnum(values) => unions::string_enum(emission, name, definition, values)?,
            Kind::Text => unions::named_string(emission, name, definition),
            Kind::Tagged { tag, variants } => {
                unions::tagged(emission, name, definition, tag, variants)?
            }
            Kind::External(variants) => unions::external(emission, name, definition, variants)?,
            Kind::Untagged(variants) => unions::untagged(emission, name, definition, variants)?,
        };
        let file = emission.roles.file(name);
        bodies.entry(file).or_default().push_str(&code);
    }
    let mut files = Files::new();
    for (file, docs) in ROLES {
        let body = bodies.remove(file).unwrap_or_default();
        let text = format!(
            "{header}//! {docs}\n\nuse super::*;\n\n{}\n",
            body.trim_end()
        );
        files.insert(format!("{file}.rs"), text);
    }
    files.insert(
        "methods.rs".into(),
        format!("{header}{}", methods::methods(emission)?),
    );
    files.insert("METHODS.md".into(), index::index(emission));
    let header = header.replace("// ", "# ");
    files.insert(
        "names.txt".into(),
        format!("{header}{}", names::names(emission)),
    );
    Ok(files)
}

/// Which methods a type serves, for its file and its doc text.
pub struct Roles {
    of: BTreeMap<String, (&'static str, String)>,
}

impl Roles {
    fn of(registry: &Registry) -> Self {
        let mut of: BTreeMap<String, (&'static str, String)> = BTreeMap::new();
        let mut add = |name: &str, file: &'static str, what: &str, method: &str| {
            of.entry(name.to_owned())
                .and_modify(|(_, text)| {
                    let _ = write!(text, ", `{method}`");
                })
                .or_insert_with(|| (file, format!("{what} `{method}`")));
        };
        for row in &registry.server_requests {
            add(&row.params, "server_requests", "Params of", &row.method);
            add(
                &row.response,
                "server_requests",
                "The client's answer to",
                &row.method,
            );
        }
        for row in &registry.client_requests {
            add(&row.params, "params", "Params of", &row.method);
            add(&row.response, "responses", "Response to", &row.method);
        }
        for row in &registry.notifications {
            add(&row.payload, "notifications", "Payload of", &row.method);
        }
        Self { of }
    }

    fn file(&self, name: &str) -> &'static str {
        self.of.get(name).map_or("shared", |(file, _)| file)
    }

    /// The doc text's first line for a type with a role.
    fn sentence(&self, name: &str) -> Option<String> {
        self.of.get(name).map(|(_, text)| format!("{text}."))
    }
}

/// A rough size in bytes, to decide what is boxed.
fn size(ty: &Ty, types: &Types, depth: usize) -> usize {
    size_with(ty, types, depth, 32)
}

/// A rough size in bytes, where a `serde_json::Value` has so many: 32, or 72 with the feature
/// `preserve_order`.
fn size_with(ty: &Ty, types: &Types, depth: usize, value: usize) -> usize {
    let named = |name: &String| match types.get(name).map(|definition| &definition.kind) {
        _ if depth > 8 => 8,
        Some(Kind::Object(fields)) => {
            fields
                .iter()
                .map(|field| size_with(&field.ty, types, depth + 1, value).next_multiple_of(8))
                .sum::<usize>()
                + 16
        }
        Some(Kind::StringEnum(_) | Kind::Text) | None => 24,
        Some(
            Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants),
        ) => {
            let payloads = variants.iter().filter_map(|variant| variant.ty.as_ref());
            let largest = payloads
                .map(|ty| size_with(ty, types, depth + 1, value))
                .max();
            // What fits none is a value and a reason, whose spare bits tell the variant.
            (largest.unwrap_or(0) + 8).max(value + 24)
        }
    };
    match ty {
        Ty::Named(name) => named(name),
        Ty::Plain("bool") => 1,
        // A shared text, which has a length beside its place.
        Ty::Plain(name) if super::ids::is_id(name) => 16,
        Ty::Plain("String") | Ty::Vec(_) | Ty::Map(_) | Ty::JsonObject => 24,
        Ty::Plain(_) | Ty::Boxed(_) => 8,
        Ty::Json => value,
        Ty::Option(inner) => size_with(inner, types, depth, value) + 8,
    }
}

//! Writes the intermediate form as Rust: items through prettyplease, tables one line a row.

mod methods;
mod names;
mod objects;
mod unions;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::ir::{Kind, Presence, Ty, Types};
use super::reach::Reach;
use super::registry::Registry;

/// Generated files by name, relative to `src/generated/`.
pub type Files = BTreeMap<String, String>;

/// Everything that emitting needs to know of its surroundings.
pub struct Emission<'a> {
    pub types: &'a Types,
    pub registry: &'a Registry,
    pub reach: &'a Reach,
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
pub fn emit(context: &Emission<'_>, header: &str) -> Result<Files> {
    let roles = Roles::of(context.registry);
    let mut bodies: BTreeMap<&str, String> = BTreeMap::new();
    for (name, definition) in context.types {
        if !context.reach.contains(name) {
            continue;
        }
        let code = match &definition.kind {
            Kind::Object(fields) => objects::object(context, name, definition, fields, &roles)?,
            Kind::StringEnum(values) => unions::string_enum(name, definition, values)?,
            Kind::Text => unions::text(name, definition)?,
            Kind::Tagged { tag, variants } => {
                unions::tagged(context, name, definition, tag, variants)?
            }
            Kind::External(variants) => unions::external(name, definition, variants)?,
            Kind::Untagged(variants) => unions::untagged(name, definition, variants)?,
        };
        bodies.entry(roles.file(name)).or_default().push_str(&code);
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
        format!("{header}{}", methods::methods(context)?),
    );
    let header = header.replace("// ", "# ");
    files.insert(
        "names.txt".into(),
        format!("{header}{}", names::names(context)),
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

    /// Whether the type is the payload of a notification.
    fn is_payload(&self, name: &str) -> bool {
        self.file(name) == "notifications"
    }
}

/// Fields of payloads that every event of a turn repeats: they share their text.
const SHARED_IDS: [&str; 3] = ["threadId", "turnId", "itemId"];

/// Formats items.
fn pretty(items: TokenStream) -> Result<String> {
    let file = syn::parse2(items).context("generated items do not parse")?;
    Ok(prettyplease::unparse(&file))
}

fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}

/// The attribute of what only the experimental bundle has.
fn cfg(experimental: bool) -> Option<TokenStream> {
    experimental.then(|| quote!(#[cfg(feature = "experimental")]))
}

/// The same at the start of a table's row.
fn cfg_text(experimental: bool) -> &'static str {
    if experimental {
        "#[cfg(feature = \"experimental\")] "
    } else {
        ""
    }
}

/// Doc attributes; what rustdoc would take for markup is escaped.
fn docs(text: &str) -> TokenStream {
    let lines = text.lines().map(|line| {
        let line = format!(" {}", escape(line.trim_end()));
        let line = if line.trim().is_empty() {
            String::new()
        } else {
            line
        };
        quote!(#[doc = #line])
    });
    quote!(#(#lines)*)
}

fn escape(line: &str) -> String {
    let mut escaped = String::new();
    let mut code = false;
    for word in line.split_inclusive(' ') {
        let bare = word.trim_end();
        let trimmed = bare.trim_end_matches(['.', ',', ')', ';']);
        if !code && trimmed.starts_with("http") && trimmed.contains("://") {
            let _ = write!(escaped, "<{trimmed}>{}", &word[trimmed.len()..]);
            continue;
        }
        for character in word.chars() {
            match character {
                '`' => code = !code,
                '<' | '>' | '[' | ']' if !code => escaped.push('\\'),
                _ => {}
            }
            escaped.push(character);
        }
    }
    escaped
}

fn type_tokens(ty: &Ty) -> TokenStream {
    match ty {
        Ty::Named(name) => {
            let name = ident(name);
            quote!(#name)
        }
        Ty::Plain(name) => {
            let name = ident(name);
            quote!(#name)
        }
        Ty::Json => quote!(Value),
        Ty::JsonObject => quote!(Map<String, Value>),
        Ty::Option(inner) => {
            let inner = type_tokens(inner);
            quote!(Option<#inner>)
        }
        Ty::Vec(inner) => {
            let inner = type_tokens(inner);
            quote!(Vec<#inner>)
        }
        Ty::Map(inner) => {
            let inner = type_tokens(inner);
            quote!(BTreeMap<String, #inner>)
        }
        Ty::Boxed(inner) => {
            let inner = type_tokens(inner);
            quote!(Box<#inner>)
        }
    }
}

/// A field's type with its presence.
fn field_type(ty: &Ty, presence: &Presence) -> TokenStream {
    let inner = type_tokens(ty);
    match presence {
        Presence::Required | Presence::Defaulted(_) => inner,
        Presence::Nullable | Presence::Optional => quote!(Option<#inner>),
        Presence::Patch => quote!(Option<Option<#inner>>),
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
        Ty::Plain("String") | Ty::Vec(_) | Ty::Map(_) | Ty::JsonObject => 24,
        Ty::Plain(_) | Ty::Boxed(_) => 8,
        Ty::Json => value,
        Ty::Option(inner) => size_with(inner, types, depth, value) + 8,
    }
}

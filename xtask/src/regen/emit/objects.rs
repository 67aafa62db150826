//! Objects: a plain struct, one table line a field, and constructors where the client builds it.

use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::super::defaults::presets;
use super::super::ir::{Field, Presence, TypeDef};
use super::super::tables;
use super::Emission;
use super::new::{Making, declared, making};
use super::text::{docs, field_type, first_sentence, gate, gate_line, rust};

/// Presence marks are bits of one word.
const MAX_FIELDS: usize = 64;

pub fn object(
    emission: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    fields: &[Field],
) -> Result<String> {
    let requests = &emission.registry.client_requests;
    if requests.iter().any(|row| row.unit && row.params == name) {
        return Ok(unit(emission, name, definition));
    }
    let built = emission.reach.from_client.contains(name);
    ensure!(
        fields.len() <= MAX_FIELDS,
        "{name} has more than {MAX_FIELDS} fields"
    );
    let secrets = tables::secrets(name, fields);
    let presets = presets(emission.types, fields)?;
    let natural = presets.iter().all(|preset| preset.is_none());
    let making = built.then(|| making(emission.types, fields));
    let derive_default = natural && matches!(making, Some(Making::Default));

    let mut code = emission.docs(name, definition);
    let gate_type = gate_line(definition.experimental, "");
    code.push_str(&gate_type);
    let debug = if secrets.is_empty() { "Debug, " } else { "" };
    let default = if derive_default { "Default, " } else { "" };
    writeln!(code, "#[derive({debug}Clone, {default}PartialEq)]")?;
    if !built {
        code.push_str("#[non_exhaustive]\n");
    }
    writeln!(code, "pub struct {name} {{")?;
    for field in fields {
        let text = field.docs.as_deref().unwrap_or_default();
        code.push_str(&emission.part_docs(name, &field.wire, text, "    "));
        code.push_str(&gate_line(field.experimental, "    "));
        let ty = field_type(&field.ty, &field.presence);
        writeln!(code, "    pub {}: {ty},", field.ident)?;
    }
    code.push_str(&docs(unknown_docs(emission, name), "    "));
    code.push_str("    pub unknown_fields: UnknownFields,\n}\n");

    writeln!(code, "{gate_type}object!({name} {{")?;
    for (index, (field, preset)) in fields.iter().zip(&presets).enumerate() {
        let kind = match (&field.presence, preset) {
            (Presence::Required, _) => "required".to_owned(),
            (Presence::Nullable, _) => "nullable".to_owned(),
            (Presence::Optional, _) => "optional".to_owned(),
            (Presence::Patch, _) => "patch".to_owned(),
            (Presence::Defaulted(_), None) => "default".to_owned(),
            (Presence::Defaulted(_), Some(preset)) => format!("preset({preset})"),
        };
        let (gate, ident, wire) = (gate(field.experimental), &field.ident, &field.wire);
        let mark = emission.mark(name, wire);
        writeln!(code, "    {gate}{index} {ident} {wire:?} {kind}{mark},")?;
    }
    code.push_str("});\n");
    if let Some(making) = &making {
        if !derive_default {
            code.push_str(&gate_type);
            code.push_str(&constructor(name, fields, &presets, making)?);
        }
        let keyed = matches!(making, Making::Setters(_));
        let rows = setters(fields, keyed)?;
        if !rows.is_empty() {
            writeln!(code, "{gate_type}setters!({name} {{\n{rows}}});")?;
        }
    }
    if !secrets.is_empty() {
        writeln!(code, "{gate_type}redacted_debug!({name} {{")?;
        for field in fields {
            let hidden = secrets.contains(&field.wire.as_str());
            let shown = if hidden { "hide" } else { "show" };
            let gate = gate(field.experimental);
            writeln!(code, "    {gate}{} {shown},", field.ident)?;
        }
        code.push_str("});\n");
    }
    code.push('\n');
    Ok(code)
}

fn unit(emission: &Emission<'_>, name: &str, definition: &TypeDef) -> String {
    let gate = gate_line(definition.experimental, "");
    let docs = emission.docs(name, definition);
    format!(
        "{docs}{gate}#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]\npub struct {name};\n\
         {gate}unit!({name});\n\n"
    )
}

/// What the field is there for that keeps what the type does not know: that depends on who writes
/// the type.
fn unknown_docs(emission: &Emission<'_>, name: &str) -> &'static str {
    let reach = emission.reach;
    match (
        reach.from_client.contains(name),
        reach.from_server.contains(name),
    ) {
        (true, false) => "Fields that this version does not know, sent as they are.",
        (true, true) => {
            "Fields that this version does not know: what the runtime sent beside these, and what is \
             sent to it as it is."
        }
        (false, _) => "What the runtime sent beside these fields.",
    }
}

/// `new`, or the default that is not derived.
fn constructor(
    name: &str,
    fields: &[Field],
    presets: &[Option<String>],
    making: &Making<'_>,
) -> Result<String> {
    let mut code = String::new();
    match making {
        Making::New(arguments) => {
            let arguments = declared(arguments);
            writeln!(code, "impl {name} {{")?;
            code.push_str("    /// Creates it with what is required; the rest is absent.\n");
            writeln!(code, "    pub fn new({arguments}) -> Self {{")?;
        }
        Making::Default => {
            writeln!(code, "impl Default for {name} {{")?;
            code.push_str("    fn default() -> Self {\n");
        }
        Making::Setters(required) => {
            let names: Vec<String> = required
                .iter()
                .map(|field| format!("`{}`", field.ident))
                .collect();
            let text = format!(
                "An empty one; {} are required: set them by name.",
                names.join(", ")
            );
            writeln!(code, "impl Default for {name} {{")?;
            code.push_str(&docs(&text, "    "));
            code.push_str("    fn default() -> Self {\n");
        }
    }
    code.push_str("        Self {\n");
    for (field, preset) in fields.iter().zip(presets) {
        code.push_str(&gate_line(field.experimental, "            "));
        let ident = &field.ident;
        let argument = match making {
            Making::New(arguments) => arguments.iter().find(|argument| argument.field == field),
            Making::Default | Making::Setters(_) => None,
        };
        let value = match (&field.presence, preset) {
            (Presence::Required, _) => match argument {
                Some(argument) => argument.value(),
                None => ": crate::codec::Blank::blank()".into(),
            },
            (Presence::Defaulted(_), Some(preset)) => format!(": {preset}"),
            (Presence::Defaulted(_), None) => ": Default::default()".into(),
            _ => ": None".into(),
        };
        writeln!(code, "            {ident}{value},")?;
    }
    code.push_str("            unknown_fields: UnknownFields::default(),\n        }\n    }\n}\n");
    Ok(code)
}

/// The rows of the setters; those of required fields only where there is no `new`.
fn setters(fields: &[Field], keyed: bool) -> Result<String> {
    let mut rows = String::new();
    for (index, field) in fields.iter().enumerate() {
        let ty = rust(&field.ty);
        let (set, ty) = match &field.presence {
            Presence::Required if keyed => ("required", format!("impl Into<{ty}>")),
            Presence::Required => continue,
            Presence::Defaulted(_) => ("default", format!("impl Into<{ty}>")),
            Presence::Nullable | Presence::Optional => ("some", format!("impl Into<{ty}>")),
            Presence::Patch => ("some", format!("impl Into<Option<{ty}>>")),
        };
        let text = match &field.docs {
            Some(text) => format!("Sets `{}`: {}", field.wire, first_sentence(text)),
            None => format!("Sets `{}`.", field.wire),
        };
        rows.push_str(&docs(&text, "    "));
        rows.push_str(&gate_line(field.experimental, "    "));
        writeln!(rows, "    {index} {} {set} ({ty}),", field.ident)?;
    }
    Ok(rows)
}

//! String enums, named strings and unions: a plain enum and one table line a variant.

use std::fmt::Write as _;

use anyhow::Result;
use heck::ToSnakeCase;

use super::super::ir::{Field, Kind, Presence, StringValue, Ty, TypeDef, Variant};
use super::new::constructor;
use super::text::{docs, gate, gate_line, rust};
use super::{Emission, size};

/// Variants of at least this many bytes are boxed, so that moving the others stays cheap.
const BOXED_FROM: usize = 240;

/// Unions whose constructors are written by hand, in `ext.rs`.
const BUILT_BY_HAND: [&str; 1] = ["UserInput"];

pub fn string_enum(
    emission: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    values: &[StringValue],
) -> Result<String> {
    let gate_type = gate_line(definition.experimental, "");
    let mut code = emission.docs(name, definition);
    writeln!(
        code,
        "{gate_type}#[derive(Debug, Clone, PartialEq, Eq, Hash)]\n#[non_exhaustive]\npub enum {name} {{"
    )?;
    for value in values {
        code.push_str(&value_docs(value.docs.as_deref(), &value.wire));
        code.push_str(&gate_line(value.experimental, "    "));
        writeln!(code, "    {},", value.ident)?;
    }
    code.push_str("    /// A value that this version does not know, as it came.\n");
    code.push_str("    Unrecognized(String),\n}\n");
    writeln!(code, "{gate_type}string_enum!({name} {{")?;
    for value in values {
        let gate = gate(value.experimental);
        writeln!(code, "    {gate}{} {:?},", value.ident, value.wire)?;
    }
    let mut newer = String::new();
    for value in values {
        let mark = emission.mark(name, &value.wire);
        if !mark.is_empty() {
            let gate = gate(value.experimental);
            writeln!(newer, "    {gate}{:?}{mark},", value.wire)?;
        }
    }
    match newer.is_empty() {
        true => code.push_str("});\n\n"),
        false => write!(code, "}} since {{\n{newer}}});\n\n")?,
    }
    Ok(code)
}

pub fn named_string(emission: &Emission<'_>, name: &str, definition: &TypeDef) -> String {
    let gate = gate_line(definition.experimental, "");
    let docs = emission.docs(name, definition);
    format!(
        "{docs}{gate}#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]\n\
         pub struct {name}(pub String);\n{gate}named_string!({name});\n\n"
    )
}

fn value_docs(text: Option<&str>, wire: &str) -> String {
    match text {
        Some(text) => docs(text, "    "),
        None => docs(&format!("`{wire}`."), "    "),
    }
}

/// The enum itself; every union gets an open end.
fn declaration(
    emission: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    variants: &[Variant],
) -> Result<String> {
    let gate_type = gate_line(definition.experimental, "");
    let mut code = emission.docs(name, definition);
    writeln!(
        code,
        "{gate_type}#[derive(Debug, Clone, PartialEq)]\n#[non_exhaustive]\npub enum {name} {{"
    )?;
    for variant in variants {
        code.push_str(&value_docs(variant.docs.as_deref(), &variant.wire));
        code.push_str(&gate_line(variant.experimental, "    "));
        match &variant.ty {
            None => writeln!(code, "    {},", variant.ident)?,
            Some(ty) => writeln!(code, "    {}({}),", variant.ident, rust(ty))?,
        }
    }
    code.push_str("    /// What fits none of these, as raw JSON.\n");
    code.push_str("    Unrecognized(Unrecognized),\n}\n");
    Ok(code)
}

pub fn tagged(
    emission: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    tag: &str,
    variants: &[Variant],
) -> Result<String> {
    let mut variants = variants.to_vec();
    for variant in &mut variants {
        if let Some(ty) = &variant.ty
            && size(ty, emission.types, 0) >= BOXED_FROM
        {
            variant.ty = Some(Ty::Boxed(Box::new(ty.clone())));
        }
    }
    let gate_type = gate_line(definition.experimental, "");
    let mut code = declaration(emission, name, definition, &variants)?;
    writeln!(code, "{gate_type}tagged!({name} {tag:?} {{")?;
    for variant in &variants {
        let gate = gate(variant.experimental);
        let mark = emission.mark(name, &variant.wire);
        writeln!(
            code,
            "    {gate}{} {:?}{mark},",
            variant.ident, variant.wire
        )?;
    }
    code.push_str("});\n");
    let accessors = shared_fields(emission, &variants)?;
    let constructors = constructors(emission, name, &variants, &accessors)?;
    for methods in [accessors, constructors] {
        if !methods.is_empty() {
            let methods: Vec<String> = methods.into_iter().map(|(_, method)| method).collect();
            let methods = methods.join("\n");
            writeln!(code, "{gate_type}impl {name} {{\n{methods}}}")?;
        }
    }
    code.push('\n');
    Ok(code)
}

/// Methods by name.
type Methods = Vec<(String, String)>;

/// The object that a variant holds.
fn held(variant: &Variant) -> Option<&str> {
    match &variant.ty {
        Some(Ty::Named(name)) => Some(name),
        Some(Ty::Boxed(inner)) => match inner.as_ref() {
            Ty::Named(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

fn fields_of<'a>(emission: &'a Emission<'_>, variant: &Variant) -> Option<&'a Vec<Field>> {
    let definition = emission.types.get(held(variant)?)?;
    match &definition.kind {
        Kind::Object(fields) => Some(fields),
        _ => None,
    }
}

/// Accessors of the fields that every variant has.
fn shared_fields(emission: &Emission<'_>, variants: &[Variant]) -> Result<Methods> {
    let bodies: Option<Vec<_>> = variants
        .iter()
        .map(|variant| fields_of(emission, variant))
        .collect();
    let bodies = bodies.unwrap_or_default();
    let Some((first, others)) = bodies
        .split_first()
        .filter(|(_, others)| !others.is_empty())
    else {
        return Ok(Methods::new());
    };
    let mut methods = Methods::new();
    for field in first.iter() {
        let equal = |other: &Field| {
            other.wire == field.wire
                && other.ty == field.ty
                && other.presence == field.presence
                && other.experimental == field.experimental
        };
        if others.iter().all(|other| other.iter().any(equal)) {
            methods.push((field.ident.clone(), shared_field(field, variants)?));
        }
    }
    Ok(methods)
}

/// The accessor of one such field; of an unrecognized variant it reads the raw JSON where that is as
/// simple.
fn shared_field(field: &Field, variants: &[Variant]) -> Result<String> {
    let optional = matches!(field.presence, Presence::Nullable | Presence::Optional);
    let (ident, wire) = (&field.ident, &field.wire);
    let is_text =
        matches!(&field.ty, Ty::Plain(name) if *name == "String" || super::super::ids::is_id(name));
    let (ty, read, raw) = match (&field.ty, optional) {
        (_, false) if is_text => (
            "&str".to_owned(),
            format!("Some(value.{ident}.as_str())"),
            Some(format!("value.text({wire:?})")),
        ),
        (_, true) if is_text => (
            "&str".to_owned(),
            format!("value.{ident}.as_deref()"),
            Some(format!("value.text({wire:?})")),
        ),
        (Ty::Plain("i64"), true) => (
            "i64".to_owned(),
            format!("value.{ident}"),
            Some(format!("value.integer({wire:?})")),
        ),
        (ty, true) => (
            format!("&{}", rust(ty)),
            format!("value.{ident}.as_ref()"),
            None,
        ),
        (ty, false) => (
            format!("&{}", rust(ty)),
            format!("Some(&value.{ident})"),
            None,
        ),
    };
    let what = match raw {
        Some(_) => "of an unrecognized one it is read from the raw JSON",
        None => "`None` for an unrecognized one",
    };
    let text = format!("`{wire}`, which every known variant has; {what}.");
    let mut code = docs(&text, "    ");
    code.push_str(&gate_line(field.experimental, "    "));
    writeln!(code, "    pub fn {ident}(&self) -> Option<{ty}> {{")?;
    code.push_str("        match self {\n");
    for variant in variants {
        code.push_str(&gate_line(variant.experimental, "            "));
        writeln!(
            code,
            "            Self::{}(value) => {read},",
            variant.ident
        )?;
    }
    match raw {
        Some(raw) => writeln!(code, "            Self::Unrecognized(value) => {raw},")?,
        None => code.push_str("            Self::Unrecognized(_) => None,\n"),
    }
    code.push_str("        }\n    }\n");
    Ok(code)
}

/// Constructors named for the variants, where the client builds the union.
fn constructors(
    emission: &Emission<'_>,
    name: &str,
    variants: &[Variant],
    accessors: &Methods,
) -> Result<Methods> {
    let mut methods = Methods::new();
    if !emission.reach.from_client.contains(name) || BUILT_BY_HAND.contains(&name) {
        return Ok(methods);
    }
    for variant in variants {
        let Some(target) = held(variant) else {
            continue;
        };
        let fields = fields_of(emission, variant);
        let Some((declared, call)) = fields.and_then(|fields| constructor(emission.types, fields))
        else {
            continue;
        };
        let method = method_name(&variant.ident);
        // The accessor of a field has the name already.
        if accessors.iter().any(|(accessor, _)| *accessor == method) {
            continue;
        }
        let empty = if declared.is_empty() {
            ", which holds nothing"
        } else {
            ""
        };
        let text = format!("Makes the variant `{}`{empty}.", variant.wire);
        let mut code = docs(&text, "    ");
        code.push_str(&gate_line(variant.experimental, "    "));
        let made = match &variant.ty {
            Some(Ty::Boxed(_)) => format!("Box::new({target}::{call})"),
            _ => format!("{target}::{call}"),
        };
        writeln!(
            code,
            "    pub fn {method}({declared}) -> Self {{\n        Self::{}({made})\n    }}",
            variant.ident
        )?;
        methods.push((method, code));
    }
    Ok(methods)
}

/// The name of a variant as that of a method.
fn method_name(variant: &str) -> String {
    let name = variant.to_snake_case();
    match syn::parse_str::<syn::Ident>(&name) {
        Ok(_) => name,
        // A keyword.
        Err(_) => format!("{name}_"),
    }
}

pub fn external(
    emission: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    variants: &[Variant],
) -> Result<String> {
    let mut code = declaration(emission, name, definition, variants)?;
    let gate_type = gate_line(definition.experimental, "");
    writeln!(code, "{gate_type}external!({name} {{")?;
    for variant in variants {
        let shape = if variant.ty.is_some() {
            "value"
        } else {
            "unit"
        };
        let gate = gate(variant.experimental);
        writeln!(
            code,
            "    {gate}{} {:?} {shape}{},",
            variant.ident,
            variant.wire,
            emission.mark(name, &variant.wire)
        )?;
    }
    code.push_str("});\n\n");
    Ok(code)
}

pub fn untagged(
    emission: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    variants: &[Variant],
) -> Result<String> {
    let mut code = declaration(emission, name, definition, variants)?;
    let gate_type = gate_line(definition.experimental, "");
    writeln!(code, "{gate_type}untagged!({name} {{")?;
    for variant in variants {
        writeln!(code, "    {}{},", gate(variant.experimental), variant.ident)?;
    }
    code.push_str("});\n\n");
    Ok(code)
}

//! The values that absent fields have.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::findings::{Finding, Findings};
use super::history::Ages;
use super::ir::{Field, Kind, Presence, Ty, Types};
use super::reach::Reach;
use super::tables;

/// Makes optional what has a default that cannot be written in Rust: the runtime applies it anyway.
pub fn settle(types: &mut Types, findings: &mut Findings) {
    let mut unknown = Vec::new();
    for (name, definition) in types.iter() {
        if let Kind::Object(fields) = &definition.kind {
            let fields = fields.iter().enumerate();
            let failed =
                fields.filter_map(|(index, field)| Some((index, preset_of(types, field).err()?)));
            unknown.extend(failed.map(|(index, error)| (name.clone(), index, error)));
        }
    }
    for (name, index, error) in unknown {
        if let Some(Kind::Object(fields)) =
            types.get_mut(&name).map(|definition| &mut definition.kind)
        {
            fields[index].presence = Presence::Optional;
            findings.add(Finding::Default {
                place: format!("{name}.{}", fields[index].wire),
                why: error.to_string(),
            });
        }
    }
}

/// Lets what the runtime always sends be absent where older runtimes have the type without it.
pub fn soften(types: &mut Types, reach: &Reach, ages: &Ages, findings: &mut Findings) {
    let mut softened = Vec::new();
    for (name, definition) in types.iter_mut() {
        let Kind::Object(fields) = &mut definition.kind else {
            continue;
        };
        let is_sent = reach.from_server.contains(name);
        for field in fields.iter_mut().filter(|_| is_sent) {
            if field.presence != Presence::Required || !ages.came_later(name, &field.wire) {
                continue;
            }
            let chosen = tables::before(name, &field.wire);
            let value = chosen.clone().or_else(|| empty(&field.ty));
            if chosen.is_none() {
                findings.add(Finding::Unsent {
                    place: format!("{name}.{}", field.wire),
                    value: value.as_ref().unwrap_or(&Value::Null).to_string(),
                });
            }
            field.presence = value.map_or(Presence::Optional, Presence::Defaulted);
            softened.push((name.clone(), field.wire.clone()));
        }
    }
    tables::check_before(&softened, findings);
}

/// The empty value of a type, if it has one.
fn empty(ty: &Ty) -> Option<Value> {
    Some(match ty {
        Ty::Plain("bool") => json!(false),
        Ty::Plain("String") => json!(""),
        Ty::Plain(_) => json!(0),
        Ty::Vec(_) => json!([]),
        Ty::Map(_) | Ty::JsonObject => json!({}),
        Ty::Json | Ty::Named(_) | Ty::Option(_) | Ty::Boxed(_) => return None,
    })
}

/// The value of each defaulted field, where it is not the type's own default.
pub fn presets(types: &Types, fields: &[Field]) -> Result<Vec<Option<String>>> {
    fields.iter().map(|field| preset_of(types, field)).collect()
}

fn preset_of(types: &Types, field: &Field) -> Result<Option<String>> {
    match &field.presence {
        Presence::Defaulted(value) => preset(types, &field.ty, value),
        _ => Ok(None),
    }
}

fn preset(types: &Types, ty: &Ty, value: &Value) -> Result<Option<String>> {
    Ok(match (ty, value) {
        (Ty::Plain("bool"), Value::Bool(false)) => None,
        (Ty::Plain("bool"), Value::Bool(true)) => Some("true".into()),
        (Ty::Plain(ty), Value::Number(number)) if *ty != "String" && *ty != "bool" => {
            match number.as_f64() {
                Some(0.0) => None,
                _ if ty.starts_with('f') => Some(format!("{number}_{ty}")),
                _ => Some(number.to_string()),
            }
        }
        (Ty::Plain("String"), Value::String(text)) if text.is_empty() => None,
        (Ty::Plain("String"), Value::String(text)) => Some(format!("{text:?}.to_owned()")),
        (Ty::Map(_) | Ty::JsonObject, Value::Object(map)) if map.is_empty() => None,
        (Ty::Vec(_), Value::Array(items)) if items.is_empty() => None,
        (Ty::Vec(inner), Value::Array(items)) => {
            let items = items.iter().map(|item| preset(types, inner, item));
            let items = items.collect::<Result<Option<Vec<_>>>>()?;
            let items = items.context("a list holds a default that has no name")?;
            Some(format!("vec![{}]", items.join(", ")))
        }
        (Ty::Named(name), Value::String(text)) => {
            let known = match types.get(name).map(|definition| &definition.kind) {
                Some(Kind::StringEnum(values)) => {
                    let known = values.iter().find(|known| &known.wire == text);
                    known.map(|known| &known.ident)
                }
                Some(Kind::External(variants)) => {
                    let mut units = variants.iter().filter(|variant| variant.ty.is_none());
                    let known = units.find(|known| &known.wire == text);
                    known.map(|known| &known.ident)
                }
                _ => None,
            };
            let known =
                known.with_context(|| format!("the default {text} is no value of {name}"))?;
            Some(format!("{name}::{known}"))
        }
        _ => bail!("the default {value} of a {ty:?} is not understood"),
    })
}

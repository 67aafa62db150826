//! Corrected schema → typify → syn → the intermediate form.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use quote::ToTokens;
use serde_json::Value;
use syn::{Fields, GenericArgument, Item, PathArguments, Type};
use typify::{TypeSpace, TypeSpaceSettings};

use super::corrections::{Corrected, UnionFacts, UnionKind};
use super::ir::{Field, Kind, StringValue, Ty, TypeDef, Types, Variant};

/// Lowers every definition.
pub fn lower(corrected: &Corrected) -> Result<Types> {
    let file = run_typify(corrected)?;
    let mut types = Types::new();
    for item in file.items {
        let name = match &item {
            Item::Struct(item) => item.ident.to_string(),
            Item::Enum(item) => item.ident.to_string(),
            // Conversions, error and default modules: they are not called, and would all be compiled.
            _ => continue,
        };
        ensure!(
            corrected.definitions.contains_key(&name),
            "typify made the type {name}, which is no definition of the schema: give the inline \
             schema behind it a name in regen/corrections.rs"
        );
        let kind = match item {
            Item::Struct(item) => lower_struct(&name, &item.fields, corrected)?,
            Item::Enum(item) => {
                let variants = item.variants.iter().map(EnumVariant::read);
                let variants = variants.collect::<Result<Vec<_>>>()?;
                match corrected.unions.get(&name) {
                    Some(union) => lower_union(&name, union, variants)?,
                    None => lower_string_enum(&name, variants, corrected)?,
                }
            }
            _ => continue,
        };
        let docs = corrected.docs.get(&name).cloned();
        let experimental = false;
        types.insert(
            name,
            TypeDef {
                docs,
                kind,
                experimental,
            },
        );
    }
    for name in corrected.definitions.keys() {
        ensure!(
            types.contains_key(name),
            "typify made no type for the definition {name}"
        );
    }
    Ok(types)
}

fn run_typify(corrected: &Corrected) -> Result<syn::File> {
    let mut settings = TypeSpaceSettings::default();
    settings.with_map_type("::std::collections::BTreeMap".to_string());
    let mut space = TypeSpace::new(&settings);
    let mut schemas = Vec::new();
    for (name, definition) in &corrected.definitions {
        let schema: schemars::schema::Schema = serde_json::from_value(definition.clone())
            .with_context(|| format!("definition {name} is no draft-07 schema"))?;
        schemas.push((name.clone(), schema));
    }
    space
        .add_ref_types(schemas)
        .context("typify refuses the corrected schema")?;
    syn::parse2(space.to_stream()).context("typify's output does not parse")
}

fn lower_struct(name: &str, fields: &Fields, corrected: &Corrected) -> Result<Kind> {
    let facts = corrected.fields.get(name);
    let fields = match fields {
        Fields::Named(fields) => fields,
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            let ty = lower_type(&fields.unnamed[0].ty)?;
            ensure!(
                ty == Ty::Plain("String"),
                "{name} is a newtype over {ty:?}, not over a string"
            );
            return Ok(Kind::Text);
        }
        _ => bail!("{name} has a shape that the generator does not know"),
    };
    let mut lowered = Vec::new();
    for field in &fields.named {
        let ident = field
            .ident
            .as_ref()
            .context("a named field has a name")?
            .to_string();
        let wire = serde_rename(&field.attrs)?
            .unwrap_or_else(|| ident.trim_start_matches("r#").to_owned());
        let fact = facts
            .and_then(|facts| facts.get(&wire))
            .with_context(|| format!("{name}.{wire} is not in the schema"))?;
        lowered.push(Field {
            ty: lower_type(&field.ty).with_context(|| format!("{name}.{wire}"))?,
            presence: fact.presence.clone(),
            docs: fact.docs.clone(),
            experimental: false,
            wire,
            ident,
        });
    }
    Ok(Kind::Object(lowered))
}

fn lower_string_enum(
    name: &str,
    variants: Vec<EnumVariant>,
    corrected: &Corrected,
) -> Result<Kind> {
    let mut by_wire: BTreeMap<String, String> = BTreeMap::new();
    for variant in variants {
        ensure!(
            variant.ty.is_none(),
            "{name} is no string enum and no known union"
        );
        by_wire.insert(variant.wire, variant.ident);
    }
    let listed = corrected.definitions[name]["enum"].as_array();
    let listed = listed.with_context(|| format!("{name} lists no values"))?;
    let values = listed.iter().filter_map(Value::as_str).map(|wire| {
        let ident = by_wire
            .remove(wire)
            .with_context(|| format!("typify lost the value {wire} of {name}"))?;
        let key = (name.to_owned(), wire.to_owned());
        Ok(StringValue {
            docs: corrected.value_docs.get(&key).cloned(),
            wire: wire.to_owned(),
            ident,
            experimental: false,
        })
    });
    Ok(Kind::StringEnum(values.collect::<Result<_>>()?))
}

fn lower_union(name: &str, union: &UnionFacts, variants: Vec<EnumVariant>) -> Result<Kind> {
    let mut by_key: BTreeMap<String, EnumVariant> = variants
        .into_iter()
        .map(|variant| (variant.wire.clone(), variant))
        .collect();
    let variants = union.variants.iter().map(|facts| {
        let variant = by_key
            .remove(&facts.key)
            .with_context(|| format!("typify lost the variant {} of {name}", facts.key))?;
        Ok(Variant {
            wire: facts.wire.clone(),
            ident: variant.ident,
            ty: variant.ty,
            docs: facts.docs.clone(),
            experimental: false,
        })
    });
    let variants = variants.collect::<Result<Vec<_>>>()?;
    ensure!(by_key.is_empty(), "typify added variants to {name}");
    Ok(match &union.kind {
        UnionKind::Tagged(tag) => Kind::Tagged {
            tag: tag.clone(),
            variants,
        },
        UnionKind::External => Kind::External(variants),
        UnionKind::Untagged => Kind::Untagged(variants),
    })
}

struct EnumVariant {
    wire: String,
    ident: String,
    ty: Option<Ty>,
}

impl EnumVariant {
    fn read(variant: &syn::Variant) -> Result<Self> {
        let ident = variant.ident.to_string();
        let ty = match &variant.fields {
            Fields::Unit => None,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                Some(lower_type(&fields.unnamed[0].ty)?)
            }
            other => bail!(
                "variant {ident} has a shape that the generator does not know: {}",
                other.to_token_stream()
            ),
        };
        let wire = serde_rename(&variant.attrs)?.unwrap_or_else(|| ident.clone());
        Ok(Self { wire, ident, ty })
    }
}

fn serde_rename(attrs: &[syn::Attribute]) -> Result<Option<String>> {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        attr.parse_nested_meta(|meta| {
            if meta.input.peek(syn::Token![=]) {
                let value: syn::LitStr = meta.value()?.parse()?;
                if meta.path.is_ident("rename") {
                    found = Some(value.value());
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}

fn lower_type(ty: &Type) -> Result<Ty> {
    let Type::Path(path) = ty else {
        bail!(
            "typify used the type {}, which the generator does not know",
            ty.to_token_stream()
        );
    };
    let Some(last) = path.path.segments.last() else {
        bail!("typify used an empty type path");
    };
    let mut arguments = Vec::new();
    if let PathArguments::AngleBracketed(list) = &last.arguments {
        for argument in &list.args {
            if let GenericArgument::Type(ty) = argument {
                arguments.push(lower_type(ty)?);
            }
        }
    }
    let global = path.path.leading_colon.is_some();
    let name = last.ident.to_string();
    let mut arguments = arguments.into_iter();
    let ty = match (name.as_str(), arguments.next(), arguments.next()) {
        ("Option", Some(inner), None) if global => Ty::Option(Box::new(inner)),
        ("Vec", Some(inner), None) if global => Ty::Vec(Box::new(inner)),
        ("Box", Some(inner), None) if global => Ty::Boxed(Box::new(inner)),
        ("BTreeMap", Some(Ty::Plain("String")), Some(value)) if global => Ty::Map(Box::new(value)),
        ("Map", Some(Ty::Plain("String")), Some(Ty::Json)) if global => Ty::JsonObject,
        ("Value", None, None) if global => Ty::Json,
        ("String", None, None) if global => Ty::Plain("String"),
        ("bool", None, None) => Ty::Plain("bool"),
        ("f64", None, None) => Ty::Plain("f64"),
        ("f32", None, None) => Ty::Plain("f32"),
        ("i32", None, None) => Ty::Plain("i32"),
        ("i64", None, None) => Ty::Plain("i64"),
        ("u8", None, None) => Ty::Plain("u8"),
        ("u16", None, None) => Ty::Plain("u16"),
        ("u32", None, None) => Ty::Plain("u32"),
        ("u64", None, None) => Ty::Plain("u64"),
        (_, None, None) if !global => Ty::Named(name),
        _ => bail!(
            "typify used the type {}, which the generator does not know",
            ty.to_token_stream()
        ),
    };
    Ok(ty)
}

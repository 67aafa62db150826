//! Objects: a plain struct, one table line a field, `new` and setters where the client builds it.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::super::ir::{Field, Kind, Presence, Ty, TypeDef, Types};
use super::super::reach::Reach;
use super::super::tables;
use super::{
    Emission, Roles, SHARED_IDS, cfg, cfg_text, docs, field_type, ident, pretty, type_tokens,
};

/// Presence marks are bits of one word.
const MAX_FIELDS: usize = 64;

pub fn object(
    context: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    fields: &[Field],
    roles: &Roles,
) -> Result<String> {
    if context
        .registry
        .client_requests
        .iter()
        .any(|row| row.unit && row.params == name)
    {
        return unit(name, definition);
    }
    let built = context.reach.from_client.contains(name);
    ensure!(
        fields.len() <= MAX_FIELDS,
        "{name} has more than {MAX_FIELDS} fields"
    );
    let fields: Vec<Field> = fields
        .iter()
        .map(|field| {
            let mut field = field.clone();
            let shared =
                SHARED_IDS.contains(&field.wire.as_str()) && field.ty == Ty::Plain("String");
            if roles.is_payload(name) && !built && shared {
                field.ty = Ty::Plain("Id");
            }
            field
        })
        .collect();
    let secrets = tables::secrets(name, &fields)?;
    let presets = presets(context.types, &fields)?;
    let natural = presets.iter().all(|preset| preset.is_none());
    let open = fields
        .iter()
        .all(|field| field.presence != Presence::Required && field.presence != Presence::Nullable);

    let mut text = pretty(declaration(
        name,
        definition,
        &fields,
        roles,
        context.reach,
        &secrets,
        open && natural,
    ))?;
    writeln!(text, "object!({name} {{")?;
    for (index, (field, preset)) in fields.iter().zip(&presets).enumerate() {
        let kind = match (&field.presence, preset) {
            (Presence::Required, _) => "required".to_owned(),
            (Presence::Nullable, _) => "nullable".to_owned(),
            (Presence::Optional, _) => "optional".to_owned(),
            (Presence::Patch, _) => "patch".to_owned(),
            (Presence::Defaulted(_), None) => "default".to_owned(),
            (Presence::Defaulted(_), Some(preset)) => format!("preset({preset})"),
        };
        let (cfg, ident, wire) = (cfg_text(field.experimental), &field.ident, &field.wire);
        writeln!(text, "    {cfg}{index} {ident} {wire:?} {kind},")?;
    }
    writeln!(text, "}});")?;
    if built {
        if open && !natural {
            text.push_str(&pretty(default_impl(name, &fields, &presets))?);
        }
        if !open {
            text.push_str(&pretty(new(name, &fields, &presets))?);
        }
        text.push_str(&setters(name, &fields)?);
    }
    if !secrets.is_empty() {
        writeln!(text, "redacted_debug!({name} {{")?;
        for field in &fields {
            let shown = if secrets.contains(&field.wire.as_str()) {
                "hide"
            } else {
                "show"
            };
            writeln!(
                text,
                "    {}{} {shown},",
                cfg_text(field.experimental),
                field.ident
            )?;
        }
        writeln!(text, "}});")?;
    }
    text.push('\n');
    Ok(gate(definition, text))
}

/// Puts the experimental attribute before every item of an experimental type.
pub(super) fn gate(definition: &TypeDef, text: String) -> String {
    if !definition.experimental {
        return text;
    }
    let attribute = cfg_text(true).trim_end();
    let mut gated = String::new();
    for line in text.lines() {
        let starts_macro = [
            "object!(",
            "setters!(",
            "redacted_debug!(",
            "string_enum!(",
            "named_string!(",
            "tagged!(",
            "external!(",
            "untagged!(",
            "impl ",
        ];
        if starts_macro.iter().any(|start| line.starts_with(start)) {
            gated.push_str(attribute);
            gated.push('\n');
        }
        gated.push_str(line);
        gated.push('\n');
    }
    gated
}

fn unit(name: &str, definition: &TypeDef) -> Result<String> {
    let (ident, cfg) = (ident(name), cfg(definition.experimental));
    let docs = docs(definition.docs.as_deref().unwrap_or_default());
    let text = pretty(quote! {
        #docs
        #cfg
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct #ident;
    })?;
    Ok(gate(
        definition,
        format!("{text}unit!({name});\n\n").replace(
            "unit!(",
            if definition.experimental {
                "#[cfg(feature = \"experimental\")]\nunit!("
            } else {
                "unit!("
            },
        ),
    ))
}

#[allow(
    clippy::too_many_arguments,
    reason = "one caller, and a struct would only repeat the names"
)]
fn declaration(
    name: &str,
    definition: &TypeDef,
    fields: &[Field],
    roles: &Roles,
    reach: &Reach,
    secrets: &[&str],
    derive_default: bool,
) -> TokenStream {
    let built = reach.from_client.contains(name);
    let sentence = match (roles.sentence(name), &definition.docs) {
        (Some(role), Some(text)) => format!("{role}\n\n{text}"),
        (Some(role), None) => role,
        (None, Some(text)) => text.clone(),
        (None, None) => format!("`{name}` of the protocol."),
    };
    let sentence = docs(&sentence);
    let cfg_type = cfg(definition.experimental);
    let debug = secrets.is_empty().then(|| quote!(Debug,));
    let default = (derive_default && built).then(|| quote!(Default,));
    let grows = (!built).then(|| quote!(#[non_exhaustive]));
    let ident = ident(name);
    let lines = fields.iter().map(|field| {
        let (docs, cfg) = (field.docs.as_deref().map(docs), cfg(field.experimental));
        let (ident, ty) = (
            super::ident(&field.ident),
            field_type(&field.ty, &field.presence),
        );
        quote!(#docs #cfg pub #ident: #ty,)
    });
    let unknown = unknown_docs(reach, name);
    quote! {
        #sentence
        #cfg_type
        #[derive(#debug Clone, #default PartialEq)]
        #grows
        pub struct #ident { #(#lines)* #unknown }
    }
}

/// The field that keeps what the type does not know, and what it is there for: that depends on who
/// writes the type.
fn unknown_docs(reach: &Reach, name: &str) -> TokenStream {
    let text = match (
        reach.from_client.contains(name),
        reach.from_server.contains(name),
    ) {
        (true, false) => " Fields that this version does not know, sent as they are.",
        (true, true) => {
            " Fields that this version does not know: what the runtime sent beside these, and what is \
             sent to it as it is."
        }
        (false, _) => " What the runtime sent beside these fields.",
    };
    quote! {
        #[doc = #text]
        pub unknown_fields: UnknownFields,
    }
}

/// The value of each defaulted field, where it is not the type's own default.
fn presets(types: &Types, fields: &[Field]) -> Result<Vec<Option<TokenStream>>> {
    fields
        .iter()
        .map(|field| match &field.presence {
            Presence::Defaulted(value) => preset(types, &field.ty, value),
            _ => Ok(None),
        })
        .collect()
}

fn preset(types: &Types, ty: &Ty, value: &Value) -> Result<Option<TokenStream>> {
    Ok(match (ty, value) {
        (Ty::Plain("bool"), Value::Bool(false)) => None,
        (Ty::Plain("bool"), Value::Bool(true)) => Some(quote!(true)),
        (Ty::Plain("i64" | "u64" | "u32" | "i32"), Value::Number(number))
            if number.as_i64() == Some(0) =>
        {
            None
        }
        (Ty::Vec(_), Value::Array(items)) if items.is_empty() => None,
        (Ty::Vec(inner), Value::Array(items)) => {
            let items = items.iter().map(|item| preset(types, inner, item));
            let items = items.collect::<Result<Option<Vec<_>>>>()?;
            let items = items.context("a list holds a default that has no name")?;
            Some(quote!(vec![#(#items),*]))
        }
        (Ty::Named(name), Value::String(text)) => {
            match types.get(name).map(|definition| &definition.kind) {
                Some(Kind::StringEnum(values)) => {
                    match values.iter().find(|known| &known.wire == text) {
                        Some(known) => {
                            let (ty, variant) = (ident(name), ident(&known.ident));
                            Some(quote!(#ty::#variant))
                        }
                        None => bail!("the default {text} is no value of {name}"),
                    }
                }
                Some(Kind::External(variants)) => {
                    match variants.iter().find(|known| &known.wire == text) {
                        Some(known) if known.ty.is_none() => {
                            let (ty, variant) = (ident(name), ident(&known.ident));
                            Some(quote!(#ty::#variant))
                        }
                        _ => bail!("the default {text} is no unit variant of {name}"),
                    }
                }
                _ => bail!("the default {text} of {name} is not understood"),
            }
        }
        _ => bail!("the default {value} of a {ty:?} is not understood"),
    })
}

fn initial(field: &Field, preset: Option<&TokenStream>) -> TokenStream {
    let (ident, cfg) = (ident(&field.ident), cfg(field.experimental));
    match (&field.presence, preset) {
        (Presence::Required, _) if field.ty == Ty::Json => quote!(#cfg #ident,),
        (Presence::Required, _) => quote!(#cfg #ident: #ident.into(),),
        (Presence::Defaulted(_), Some(preset)) => quote!(#cfg #ident: #preset,),
        (Presence::Defaulted(_), None) => quote!(#cfg #ident: Default::default(),),
        _ => quote!(#cfg #ident: None,),
    }
}

fn initials(fields: &[Field], presets: &[Option<TokenStream>]) -> TokenStream {
    let lines = fields
        .iter()
        .zip(presets)
        .map(|(field, preset)| initial(field, preset.as_ref()));
    let unknown = quote!(unknown_fields: UnknownFields::default(),);
    quote!(#(#lines)* #unknown)
}

fn default_impl(name: &str, fields: &[Field], presets: &[Option<TokenStream>]) -> TokenStream {
    let (name, initials) = (ident(name), initials(fields, presets));
    quote! {
        impl Default for #name {
            fn default() -> Self {
                Self { #initials }
            }
        }
    }
}

fn new(name: &str, fields: &[Field], presets: &[Option<TokenStream>]) -> TokenStream {
    let arguments = fields
        .iter()
        .filter(|field| field.presence == Presence::Required)
        .map(|field| {
            let (cfg, ident) = (cfg(field.experimental), ident(&field.ident));
            let ty = type_tokens(&field.ty);
            match &field.ty {
                Ty::Json => quote!(#cfg #ident: Value),
                _ => quote!(#cfg #ident: impl Into<#ty>),
            }
        });
    let (ident, initials) = (ident(name), initials(fields, presets));
    quote! {
        impl #ident {
            /// Creates it with what is required; the rest is absent.
            pub fn new(#(#arguments),*) -> Self {
                Self { #initials }
            }
        }
    }
}

fn setters(name: &str, fields: &[Field]) -> Result<String> {
    let mut rows = String::new();
    for (index, field) in fields.iter().enumerate() {
        let ty = type_tokens(&field.ty);
        let (set, ty) = match &field.presence {
            Presence::Required => continue,
            Presence::Defaulted(_) => ("default", quote!(impl Into<#ty>)),
            Presence::Nullable | Presence::Optional => ("some", quote!(impl Into<#ty>)),
            Presence::Patch => ("some", quote!(impl Into<Option<#ty>>)),
        };
        let docs = format!("/// Sets `{}`.", field.wire);
        let ty = ty
            .to_string()
            .replace(" < ", "<")
            .replace(" >", ">")
            .replace("< ", "<")
            .replace(" ,", ",");
        let cfg = if field.experimental {
            format!("    {}\n", cfg_text(true).trim_end())
        } else {
            String::new()
        };
        writeln!(
            rows,
            "    {docs}\n{cfg}    {index} {} {set} ({ty}),",
            field.ident
        )?;
    }
    if rows.is_empty() {
        return Ok(rows);
    }
    Ok(format!("setters!({name} {{\n{rows}}});\n"))
}

//! String enums, named strings and unions: a plain enum and one table line a variant.

use std::fmt::Write as _;

use anyhow::Result;
use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::quote;

use super::super::ir::{Field, Kind, Presence, StringValue, Ty, TypeDef, Variant};
use super::objects::gate;
use super::{Emission, cfg, cfg_text, docs, ident, pretty, size, type_tokens};

/// Variants of at least this many bytes are boxed, so that moving the others stays cheap.
const BOXED_FROM: usize = 240;

fn type_docs(name: &str, definition: &TypeDef) -> TokenStream {
    let text = definition.docs.clone();
    docs(&text.unwrap_or_else(|| format!("`{name}` of the protocol.")))
}

pub fn string_enum(name: &str, definition: &TypeDef, values: &[StringValue]) -> Result<String> {
    let variants = values.iter().map(|value| {
        let text = value
            .docs
            .clone()
            .unwrap_or_else(|| format!("`{}`.", value.wire));
        let (docs, cfg, ident) = (docs(&text), cfg(value.experimental), ident(&value.ident));
        quote!(#docs #cfg #ident,)
    });
    let (docs, cfg, ident) = (
        type_docs(name, definition),
        cfg(definition.experimental),
        ident(name),
    );
    let mut text = pretty(quote! {
        #docs
        #cfg
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #ident {
            #(#variants)*
            /// A value that this version does not know, as it came.
            Unrecognized(String),
        }
    })?;
    writeln!(text, "string_enum!({name} {{")?;
    for value in values {
        writeln!(
            text,
            "    {}{} {:?},",
            cfg_text(value.experimental),
            value.ident,
            value.wire
        )?;
    }
    writeln!(text, "}});\n")?;
    Ok(gate(definition, text))
}

pub fn text(name: &str, definition: &TypeDef) -> Result<String> {
    let (docs, cfg, ident) = (
        type_docs(name, definition),
        cfg(definition.experimental),
        ident(name),
    );
    let mut text = pretty(quote! {
        #docs
        #cfg
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct #ident(pub String);
    })?;
    writeln!(text, "named_string!({name});\n")?;
    Ok(gate(definition, text))
}

/// The enum itself; every union gets an open end.
fn declaration(name: &str, definition: &TypeDef, variants: &[Variant]) -> Result<String> {
    let lines = variants.iter().map(|variant| {
        let text = variant
            .docs
            .clone()
            .unwrap_or_else(|| format!("`{}`.", variant.wire));
        let (docs, cfg, ident) = (
            docs(&text),
            cfg(variant.experimental),
            ident(&variant.ident),
        );
        match &variant.ty {
            None => quote!(#docs #cfg #ident,),
            Some(ty) => {
                let ty = type_tokens(ty);
                quote!(#docs #cfg #ident(#ty),)
            }
        }
    });
    let (docs, cfg, ident) = (
        type_docs(name, definition),
        cfg(definition.experimental),
        ident(name),
    );
    pretty(quote! {
        #docs
        #cfg
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum #ident {
            #(#lines)*
            /// What fits none of these, as raw JSON.
            Unrecognized(Unrecognized),
        }
    })
}

pub fn tagged(
    context: &Emission<'_>,
    name: &str,
    definition: &TypeDef,
    tag: &str,
    variants: &[Variant],
) -> Result<String> {
    let mut variants = variants.to_vec();
    for variant in &mut variants {
        if let Some(ty) = &variant.ty
            && size(ty, context.types, 0) >= BOXED_FROM
        {
            variant.ty = Some(Ty::Boxed(Box::new(ty.clone())));
        }
    }
    let mut text = declaration(name, definition, &variants)?;
    writeln!(text, "tagged!({name} {tag:?} {{")?;
    for variant in &variants {
        writeln!(
            text,
            "    {}{} {:?},",
            cfg_text(variant.experimental),
            variant.ident,
            variant.wire
        )?;
    }
    writeln!(text, "}});")?;
    text.push_str(&shared_fields(context, name, &variants)?);
    text.push_str(&empty_constructors(context, name, &variants)?);
    text.push('\n');
    Ok(gate(definition, text))
}

/// Accessors of the fields that every variant has.
fn shared_fields(context: &Emission<'_>, name: &str, variants: &[Variant]) -> Result<String> {
    let mut bodies = Vec::new();
    for variant in variants {
        let target = match &variant.ty {
            Some(Ty::Named(name)) => name,
            Some(Ty::Boxed(inner)) => match inner.as_ref() {
                Ty::Named(name) => name,
                _ => return Ok(String::new()),
            },
            _ => return Ok(String::new()),
        };
        match context.types.get(target).map(|definition| &definition.kind) {
            Some(Kind::Object(fields)) => bodies.push(fields),
            _ => return Ok(String::new()),
        }
    }
    let Some((first, others)) = bodies
        .split_first()
        .filter(|(_, others)| !others.is_empty())
    else {
        return Ok(String::new());
    };
    let mut methods = Vec::new();
    for field in first.iter() {
        let same = |other: &Vec<Field>| {
            let equal = |other: &Field| {
                other.wire == field.wire
                    && other.ty == field.ty
                    && other.presence == field.presence
                    && other.experimental == field.experimental
            };
            other.iter().any(equal)
        };
        if !others.iter().all(|other| same(other)) {
            continue;
        }
        methods.push(shared_field(field, variants));
    }
    if methods.is_empty() {
        return Ok(String::new());
    }
    let ident = ident(name);
    pretty(quote!(impl #ident { #(#methods)* }))
}

/// The accessor of one such field; of an unrecognized variant it reads the raw JSON where that is as
/// simple.
fn shared_field(field: &Field, variants: &[Variant]) -> TokenStream {
    let optional = matches!(field.presence, Presence::Nullable | Presence::Optional);
    let ident = ident(&field.ident);
    let wire = &field.wire;
    let (ty, read, raw) = match (&field.ty, optional) {
        (Ty::Plain("String"), false) => (
            quote!(&str),
            quote!(Some(value.#ident.as_str())),
            Some(quote!(value.text(#wire))),
        ),
        (Ty::Plain("String"), true) => (
            quote!(&str),
            quote!(value.#ident.as_deref()),
            Some(quote!(value.text(#wire))),
        ),
        (Ty::Plain("i64"), true) => (
            quote!(i64),
            quote!(value.#ident),
            Some(quote!(value.integer(#wire))),
        ),
        (ty, true) => {
            let ty = type_tokens(ty);
            (quote!(&#ty), quote!(value.#ident.as_ref()), None)
        }
        (ty, false) => {
            let ty = type_tokens(ty);
            (quote!(&#ty), quote!(Some(&value.#ident)), None)
        }
    };
    let arms = variants.iter().map(|variant| {
        let (variant, cfg) = (super::ident(&variant.ident), cfg(variant.experimental));
        quote!(#cfg Self::#variant(value) => #read,)
    });
    let unrecognized = match &raw {
        Some(raw) => quote!(Self::Unrecognized(value) => #raw,),
        None => quote!(Self::Unrecognized(_) => None,),
    };
    let what = match raw {
        Some(_) => "of an unrecognized one it is read from the raw JSON",
        None => "`None` for an unrecognized one",
    };
    let text = format!(" `{wire}`, which every known variant has; {what}.");
    let cfg = cfg(field.experimental);
    quote! {
        #[doc = #text]
        #cfg
        pub fn #ident(&self) -> Option<#ty> {
            match self {
                #(#arms)*
                #unrecognized
            }
        }
    }
}

/// Constructors of the variants that hold nothing, where the client builds the union.
fn empty_constructors(context: &Emission<'_>, name: &str, variants: &[Variant]) -> Result<String> {
    if !context.reach.from_client.contains(name) {
        return Ok(String::new());
    }
    let mut methods = Vec::new();
    for variant in variants {
        let Some(Ty::Named(target)) = &variant.ty else {
            continue;
        };
        let fields = match context.types.get(target).map(|definition| &definition.kind) {
            Some(Kind::Object(fields)) => fields,
            _ => continue,
        };
        if !fields.is_empty() {
            continue;
        }
        let (method, cfg) = (
            ident(&variant.ident.to_snake_case()),
            cfg(variant.experimental),
        );
        let (variant_ident, target) = (ident(&variant.ident), ident(target));
        let text = format!(
            " Makes the variant `{}`, which holds nothing.",
            variant.wire
        );
        methods.push(quote! {
            #[doc = #text]
            #cfg
            pub fn #method() -> Self {
                Self::#variant_ident(#target::default())
            }
        });
    }
    if methods.is_empty() {
        return Ok(String::new());
    }
    let ident = ident(name);
    pretty(quote!(impl #ident { #(#methods)* }))
}

pub fn external(name: &str, definition: &TypeDef, variants: &[Variant]) -> Result<String> {
    let mut text = declaration(name, definition, variants)?;
    writeln!(text, "external!({name} {{")?;
    for variant in variants {
        let shape = if variant.ty.is_some() {
            "value"
        } else {
            "unit"
        };
        writeln!(
            text,
            "    {}{} {:?} {shape},",
            cfg_text(variant.experimental),
            variant.ident,
            variant.wire
        )?;
    }
    writeln!(text, "}});\n")?;
    Ok(gate(definition, text))
}

pub fn untagged(name: &str, definition: &TypeDef, variants: &[Variant]) -> Result<String> {
    let mut text = declaration(name, definition, variants)?;
    writeln!(text, "untagged!({name} {{")?;
    for variant in variants {
        writeln!(
            text,
            "    {}{},",
            cfg_text(variant.experimental),
            variant.ident
        )?;
    }
    writeln!(text, "}});\n")?;
    Ok(gate(definition, text))
}

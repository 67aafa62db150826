//! Lays the experimental bundle over the stable one: what only it has is marked.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::ir::{Field, Kind, StringValue, TypeDef, Types, Variant};
use super::registry::{NotificationRow, Registry, RequestRow};

/// Marks in `experimental` every type, field, value and variant that `stable` does not have, and
/// fails where the stable one is not contained unchanged.
pub fn mark_types(experimental: &mut Types, stable: &Types) -> Result<()> {
    for name in stable.keys() {
        ensure!(
            experimental.contains_key(name),
            "the type {name} is stable but not in the experimental bundle"
        );
    }
    for (name, definition) in experimental {
        match stable.get(name) {
            Some(stable) => {
                mark_type(definition, stable).with_context(|| format!("type {name}"))?
            }
            None => definition.experimental = true,
        }
    }
    Ok(())
}

fn mark_type(definition: &mut TypeDef, stable: &TypeDef) -> Result<()> {
    match (&mut definition.kind, &stable.kind) {
        (Kind::Object(fields), Kind::Object(stable)) => mark(fields, stable),
        (Kind::StringEnum(values), Kind::StringEnum(stable)) => mark(values, stable),
        (Kind::External(variants), Kind::External(stable))
        | (Kind::Untagged(variants), Kind::Untagged(stable)) => mark(variants, stable),
        (
            Kind::Tagged { tag, variants },
            Kind::Tagged {
                tag: stable_tag,
                variants: stable,
            },
        ) => {
            ensure!(tag == stable_tag, "the tag differs");
            mark(variants, stable)
        }
        (Kind::Text, Kind::Text) => Ok(()),
        (Kind::External(variants), Kind::StringEnum(values)) => {
            // A payload variant that only the experimental bundle has turns a plain string enum
            // into a union; the union serves both.
            for variant in variants {
                let known = values.iter().any(|value| value.wire == variant.wire);
                ensure!(
                    known || variant.ty.is_some(),
                    "the value {} is experimental",
                    variant.wire
                );
                variant.experimental = !known;
            }
            Ok(())
        }
        _ => anyhow::bail!("the experimental shape is another one than the stable"),
    }
}

trait Part {
    fn wire(&self) -> &str;
    fn same(&self, other: &Self) -> bool;
    fn set_experimental(&mut self);
}

impl Part for Field {
    fn wire(&self) -> &str {
        &self.wire
    }
    fn same(&self, other: &Self) -> bool {
        self.ty == other.ty && self.presence == other.presence
    }
    fn set_experimental(&mut self) {
        self.experimental = true;
    }
}

impl Part for StringValue {
    fn wire(&self) -> &str {
        &self.wire
    }
    fn same(&self, other: &Self) -> bool {
        self.ident == other.ident
    }
    fn set_experimental(&mut self) {
        self.experimental = true;
    }
}

impl Part for Variant {
    fn wire(&self) -> &str {
        &self.wire
    }
    fn same(&self, other: &Self) -> bool {
        self.ident == other.ident && self.ty == other.ty
    }
    fn set_experimental(&mut self) {
        self.experimental = true;
    }
}

fn mark<P: Part>(parts: &mut [P], stable: &[P]) -> Result<()> {
    let names: BTreeSet<&str> = parts.iter().map(Part::wire).collect();
    let lost = stable.iter().find(|part| !names.contains(part.wire()));
    ensure!(
        lost.is_none(),
        "{:?} is stable but not experimental",
        lost.map(Part::wire)
    );
    for part in parts {
        match stable.iter().find(|other| other.wire() == part.wire()) {
            Some(other) => ensure!(
                part.same(other),
                "{} differs between the stable and the experimental bundle",
                part.wire()
            ),
            None => part.set_experimental(),
        }
    }
    Ok(())
}

/// Marks the methods that only the experimental bundle has.
pub fn mark_methods(experimental: &mut Registry, stable: &Registry) -> Result<()> {
    mark_requests(&mut experimental.client_requests, &stable.client_requests)?;
    mark_requests(&mut experimental.server_requests, &stable.server_requests)?;
    let known = |row: &NotificationRow| {
        stable
            .notifications
            .iter()
            .any(|other| other.method == row.method)
    };
    for row in &mut experimental.notifications {
        row.experimental = !known(row);
    }
    let marked = experimental
        .notifications
        .iter()
        .filter(|row| !row.experimental)
        .count();
    ensure!(
        marked == stable.notifications.len(),
        "a stable notification is not in the experimental bundle"
    );
    Ok(())
}

fn mark_requests(experimental: &mut [RequestRow], stable: &[RequestRow]) -> Result<()> {
    for row in stable {
        let found = experimental.iter().find(|other| other.method == row.method);
        let same =
            found.is_some_and(|other| other.params == row.params && other.response == row.response);
        ensure!(
            same,
            "{} differs between the stable and the experimental bundle",
            row.method
        );
    }
    for row in experimental {
        row.experimental = !stable.iter().any(|other| other.method == row.method);
    }
    Ok(())
}

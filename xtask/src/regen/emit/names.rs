//! Every name that users can write, one a line, so that a review sees which ones a new schema changes.

use std::collections::BTreeSet;

use super::super::ir::{Kind, Variant};
use super::super::registry::method_name;
use super::Emission;

/// Sorted lines: `Type`, `Type.field`, `Type::Variant`, each with ` (experimental)` where it is.
pub fn names(emission: &Emission<'_>) -> String {
    let mut lines = BTreeSet::new();
    let mut add = |name: String, experimental: bool| {
        let mark = if experimental { " (experimental)" } else { "" };
        lines.insert(format!("{name}{mark}\n"));
    };
    for (name, definition) in emission.types {
        if !emission.reach.contains(name) {
            continue;
        }
        add(name.clone(), definition.experimental);
        let gated = definition.experimental;
        let mut add_variants = |variants: &[Variant]| {
            for variant in variants {
                add(
                    format!("{name}::{}", variant.ident),
                    gated || variant.experimental,
                );
            }
        };
        match &definition.kind {
            Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants) => {
                add_variants(variants);
            }
            Kind::Object(fields) => {
                for field in fields {
                    add(
                        format!("{name}.{}", field.ident),
                        gated || field.experimental,
                    );
                }
            }
            Kind::StringEnum(values) => {
                for value in values {
                    add(
                        format!("{name}::{}", value.ident),
                        gated || value.experimental,
                    );
                }
            }
            Kind::Text => {}
        }
    }
    for row in &emission.registry.server_requests {
        add(
            format!("ServerRequest::{}", method_name(&row.method)),
            row.experimental,
        );
    }
    for row in &emission.registry.notifications {
        add(
            format!("ServerNotification::{}", row.variant),
            row.experimental,
        );
    }
    lines.into_iter().collect()
}

//! The docs of types that the schema has no text for: whose variant or field each one is.

use std::collections::BTreeMap;

use super::super::ir::{Kind, TypeDef, Types};
use super::super::reach::Reach;

/// How many holders a text lists.
const MOST_LISTED: usize = 4;

/// Which types hold each type.
#[derive(Default)]
pub struct Holders {
    /// The unions of which a type is a variant, with the variant's name on the wire.
    variants: BTreeMap<String, Vec<Holder>>,
    /// The types that have a field of a type.
    fields: BTreeMap<String, Vec<Holder>>,
}

struct Holder {
    name: String,
    wire: String,
    experimental: bool,
}

impl Holders {
    pub fn of(types: &Types, reach: &Reach) -> Self {
        let mut holders = Self::default();
        for (name, definition) in types.iter().filter(|(name, _)| reach.contains(name)) {
            let holder = |wire: &str, experimental: bool| Holder {
                name: name.clone(),
                wire: wire.to_owned(),
                experimental: experimental || definition.experimental,
            };
            match &definition.kind {
                Kind::Object(fields) => {
                    for field in fields {
                        field.ty.names(&mut |held| {
                            let list = holders.fields.entry(held.to_owned()).or_default();
                            if list.last().is_none_or(|last| last.name != *name) {
                                list.push(holder(&field.wire, field.experimental));
                            }
                        });
                    }
                }
                Kind::Tagged { variants, .. }
                | Kind::External(variants)
                | Kind::Untagged(variants) => {
                    for variant in variants {
                        let Some(ty) = &variant.ty else { continue };
                        ty.names(&mut |held| {
                            let list = holders.variants.entry(held.to_owned()).or_default();
                            list.push(holder(&variant.wire, variant.experimental));
                        });
                    }
                }
                Kind::StringEnum(_) | Kind::Text => {}
            }
        }
        holders
    }

    /// The sentence about a type that has no text of its own.
    pub fn sentence(&self, name: &str, definition: &TypeDef) -> String {
        // A stable type is documented without the experimental ones, too.
        let shown = |list: &BTreeMap<String, Vec<Holder>>| -> Vec<(String, String)> {
            let list = list.get(name).into_iter().flatten();
            let list = list.filter(|holder| definition.experimental || !holder.experimental);
            list.map(|holder| (holder.name.clone(), holder.wire.clone()))
                .collect()
        };
        let variants = shown(&self.variants);
        if let [(union, wire)] = variants.as_slice() {
            return format!("Variant `{wire}` of [`{union}`].");
        }
        let mut holders = variants;
        holders.extend(shown(&self.fields));
        holders.dedup_by(|a, b| a.0 == b.0);
        match holders.as_slice() {
            [] => self.experimental_sentence(name),
            [(holder, wire)] => format!("`{wire}` of [`{holder}`]."),
            _ => {
                let more = holders.len().saturating_sub(MOST_LISTED);
                let listed: Vec<String> = holders
                    .iter()
                    .take(MOST_LISTED)
                    .map(|(holder, _)| format!("[`{holder}`]"))
                    .collect();
                let more = match more {
                    0 => String::new(),
                    1 => " and one more type".into(),
                    more => format!(" and {more} more types"),
                };
                format!("Held by {}{more}.", listed.join(", "))
            }
        }
    }

    /// The sentence about a stable type that only experimental ones hold, to which no link leads.
    fn experimental_sentence(&self, name: &str) -> String {
        let lists = [&self.variants, &self.fields];
        let mut holders = lists
            .into_iter()
            .filter_map(|list| list.get(name))
            .flatten();
        match holders.next() {
            Some(Holder { name, wire, .. }) => {
                format!("`{wire}` of `{name}`, which is experimental.")
            }
            None => format!("`{name}` of the protocol."),
        }
    }
}

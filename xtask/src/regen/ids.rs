//! Gives the ids of threads, turns and items their types.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::ir::{Field, Kind, Ty, Types};

/// The hand-written types of ids, by the properties that hold them.
const PROPERTIES: [(&str, &str); 3] = [
    ("threadId", "ThreadId"),
    ("turnId", "TurnId"),
    ("itemId", "ItemId"),
];

/// The types whose own `id` is one; those of items are the variants of [`ITEMS`].
const OWNERS: [(&str, &str); 2] = [("Thread", "ThreadId"), ("Turn", "TurnId")];
const ITEMS: &str = "ThreadItem";

/// Tells whether a type is one of the hand-written ones.
pub fn is_id(name: &str) -> bool {
    PROPERTIES.iter().any(|(_, id)| *id == name)
}

/// Types every id, and drops the schema's own types of the same names, which are strings.
pub fn apply(types: &mut Types) -> Result<()> {
    let items: BTreeSet<String> = match types.get(ITEMS).map(|definition| &definition.kind) {
        Some(Kind::Tagged { variants, .. }) => {
            let types = variants.iter().filter_map(|variant| variant.ty.as_ref());
            let mut names = BTreeSet::new();
            types.for_each(|ty| ty.names(&mut |name| _ = names.insert(name.to_owned())));
            names
        }
        _ => BTreeSet::new(),
    };
    for (_, id) in PROPERTIES {
        if let Some(definition) = types.remove(id) {
            ensure!(
                definition.kind == Kind::Text,
                "the type {id} of the schema is no string: choose another name in regen/ids.rs"
            );
        }
    }
    for (name, definition) in types.iter_mut() {
        let Kind::Object(fields) = &mut definition.kind else {
            continue;
        };
        let own = OWNERS.iter().find(|(owner, _)| owner == name);
        let own = own.map(|(_, id)| *id);
        let own = own.or_else(|| items.contains(name).then_some("ItemId"));
        for field in fields {
            for (_, id) in PROPERTIES {
                retype(&mut field.ty, &Ty::Named(id.into()), id);
            }
            if let Some(id) = id_of(field, own) {
                retype(&mut field.ty, &Ty::Plain("String"), id);
            }
        }
    }
    Ok(())
}

fn id_of(field: &Field, own: Option<&'static str>) -> Option<&'static str> {
    let property = PROPERTIES.iter().find(|(wire, _)| *wire == field.wire);
    let property = property.map(|(_, id)| *id);
    property.or_else(|| own.filter(|_| field.wire == "id"))
}

/// Changes a type, wherever it stands in another one, to that of an id.
fn retype(ty: &mut Ty, from: &Ty, id: &'static str) {
    match ty {
        ty if ty == from => *ty = Ty::Plain(id),
        Ty::Option(inner) | Ty::Vec(inner) => retype(inner, from, id),
        _ => {}
    }
}

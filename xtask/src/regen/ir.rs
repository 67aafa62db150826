//! The small intermediate form between the corrected schema and the emitted code.

use std::collections::BTreeMap;

use serde_json::Value;

/// Every generated type by name.
pub type Types = BTreeMap<String, TypeDef>;

#[derive(Debug, Clone, PartialEq)]
pub struct TypeDef {
    pub docs: Option<String>,
    pub kind: Kind,
    /// Only the experimental bundle has it.
    pub experimental: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// An object with named properties.
    Object(Vec<Field>),
    /// A string with known values, open to others.
    StringEnum(Vec<StringValue>),
    /// Objects told apart by the value of one property.
    Tagged { tag: String, variants: Vec<Variant> },
    /// Strings, or objects with one property that names the variant.
    External(Vec<Variant>),
    /// Told apart by shape alone, tried in order.
    Untagged(Vec<Variant>),
    /// A string with a name of its own.
    Text,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub wire: String,
    pub ident: String,
    pub ty: Ty,
    pub presence: Presence,
    pub docs: Option<String>,
    pub experimental: bool,
}

/// When a property is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    /// Always, and never null.
    Required,
    /// Always, but may be null; absence is read as null.
    Nullable,
    /// It may be absent; null means the same.
    Optional,
    /// It may be absent, and null means something else.
    Patch,
    /// It may be absent and then has this value.
    Defaulted(Value),
}

#[derive(Debug, Clone, PartialEq)]
pub struct StringValue {
    pub wire: String,
    pub ident: String,
    pub docs: Option<String>,
    pub experimental: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub wire: String,
    pub ident: String,
    /// `None` for a variant that carries nothing.
    pub ty: Option<Ty>,
    pub docs: Option<String>,
    pub experimental: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ty {
    /// A generated type.
    Named(String),
    /// A Rust type that needs nothing of ours.
    Plain(&'static str),
    /// `serde_json::Value`.
    Json,
    /// A JSON object of any shape.
    JsonObject,
    Option(Box<Ty>),
    Vec(Box<Ty>),
    Map(Box<Ty>),
    Boxed(Box<Ty>),
}

impl Ty {
    /// Calls `visit` with the name of every generated type inside.
    pub fn names(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::Named(name) => visit(name),
            Self::Option(inner) | Self::Vec(inner) | Self::Map(inner) | Self::Boxed(inner) => {
                inner.names(visit);
            }
            Self::Plain(_) | Self::Json | Self::JsonObject => {}
        }
    }
}

impl TypeDef {
    /// Calls `visit` with the name of every generated type that this one holds.
    pub fn names(&self, visit: &mut dyn FnMut(&str)) {
        match &self.kind {
            Kind::Object(fields) => fields.iter().for_each(|field| field.ty.names(visit)),
            Kind::Tagged { variants, .. } | Kind::External(variants) | Kind::Untagged(variants) => {
                variants
                    .iter()
                    .filter_map(|variant| variant.ty.as_ref())
                    .for_each(|ty| ty.names(visit));
            }
            Kind::StringEnum(_) | Kind::Text => {}
        }
    }
}

//! Constructors: `new`, or a default with setters where positions would confuse.

use super::super::ids;
use super::super::ir::{Field, Kind, Presence, Ty, Types};
use super::text::{gate, rust};

/// How a type that the client builds is made.
pub enum Making<'a> {
    /// It has a default, because nothing is required.
    Default,
    /// By `new` with these arguments.
    New(Vec<Argument<'a>>),
    /// By a default and setters: two of these required fields take the same plain text.
    Setters(Vec<&'a Field>),
}

/// An argument of `new`.
pub struct Argument<'a> {
    pub field: &'a Field,
    /// Its type: `impl Into<…>`, but where that could take the text that is meant for another, an id
    /// is taken by value or by reference, and anything else as it is.
    pub ty: String,
}

impl Argument<'_> {
    /// What follows the field's name where the object is made.
    pub fn value(&self) -> String {
        let ident = &self.field.ident;
        match self.ty.strip_prefix("impl ") {
            None => String::new(),
            Some(bound) if bound.starts_with("Borrow") => format!(": {ident}.borrow().clone()"),
            Some(_) => format!(": {ident}.into()"),
        }
    }
}

/// Decides how an object is made.
pub fn making<'a>(types: &Types, fields: &'a [Field]) -> Making<'a> {
    let required: Vec<&Field> = fields
        .iter()
        .filter(|field| field.presence == Presence::Required)
        .collect();
    let nullable = fields
        .iter()
        .any(|field| field.presence == Presence::Nullable);
    if required.is_empty() && !nullable {
        return Making::Default;
    }
    let is_string = |field: &&&Field| field.ty == Ty::Plain("String");
    if required.iter().filter(is_string).count() > 1 {
        return Making::Setters(required);
    }
    let texts = required.iter().filter(|field| takes_text(types, &field.ty));
    let several = texts.count() > 1;
    let argument = |field: &&'a Field| {
        let ty = rust(&field.ty);
        let is_string = field.ty == Ty::Plain("String");
        let confusable = several && !is_string && takes_text(types, &field.ty);
        let ty = match &field.ty {
            Ty::Json => ty,
            Ty::Plain(_) if confusable => format!("impl Borrow<{ty}>"),
            _ if confusable => ty,
            _ => format!("impl Into<{ty}>"),
        };
        Argument { field, ty }
    };
    Making::New(required.iter().map(argument).collect())
}

/// Tells whether `impl Into` of the type takes a plain text.
fn takes_text(types: &Types, ty: &Ty) -> bool {
    match ty {
        Ty::Plain(name) => *name == "String" || ids::is_id(name),
        Ty::Named(name) => matches!(
            types.get(name).map(|definition| &definition.kind),
            Some(Kind::Text | Kind::StringEnum(_) | Kind::Untagged(_))
        ),
        _ => false,
    }
}

/// The arguments as they are declared.
pub fn declared(arguments: &[Argument<'_>]) -> String {
    let arguments = arguments.iter().map(|argument| {
        let Argument { field, ty } = argument;
        format!("{}{}: {ty}", gate(field.experimental), field.ident)
    });
    arguments.collect::<Vec<_>>().join(", ")
}

/// The arguments of a constructor as they are declared and as they are passed on; `None` where
/// there is no constructor that a variant can have too.
pub fn constructor(types: &Types, fields: &[Field]) -> Option<(String, String)> {
    match making(types, fields) {
        Making::Default if fields.is_empty() => Some((String::new(), "default()".into())),
        Making::New(arguments) if !arguments.iter().any(|argument| argument.field.experimental) => {
            let passed: Vec<&str> = arguments
                .iter()
                .map(|argument| argument.field.ident.as_str())
                .collect();
            Some((declared(&arguments), format!("new({})", passed.join(", "))))
        }
        _ => None,
    }
}

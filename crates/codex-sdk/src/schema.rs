//! JSON schemas of Rust types, as the model takes them.

#[cfg(feature = "tools")]
pub(crate) mod arguments;
mod merge;
pub(crate) mod strict;
#[cfg(test)]
mod tests;

use std::fmt;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The formats that say how Rust holds a number, which its bounds say too.
const NUMBER_FORMATS: [&str; 14] = [
    "double", "float", "int", "int8", "int16", "int32", "int64", "int128", "uint", "uint8",
    "uint16", "uint32", "uint64", "uint128",
];

/// A type that the model cannot be asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    place: String,
    why: String,
    remedy: String,
}

pub(crate) type Refused<T> = std::result::Result<T, Refusal>;

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, why, remedy } = self;
        write!(f, "{place} {why}: use {remedy}")
    }
}

/// Where in a type a schema stands: `Review.findings[].line`.
#[derive(Clone, Debug)]
struct Place(String);

impl Place {
    fn root(name: String) -> Self {
        Self(name)
    }

    fn field(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    fn item(&self) -> Self {
        Self(format!("{}[]", self.0))
    }

    fn refuse(&self, why: &str, remedy: &str) -> Refusal {
        Refusal {
            place: self.0.clone(),
            why: why.to_owned(),
            remedy: remedy.to_owned(),
        }
    }

    fn any(&self) -> Refusal {
        self.refuse(
            "may be any JSON",
            "a type of its own, or a text that holds JSON",
        )
    }

    fn keyword(&self, keyword: &str) -> Refusal {
        let why = format!("has the keyword {keyword:?}, which the model does not take");
        self.refuse(&why, "a type without it, and check the value afterwards")
    }
}

/// A schema, with its annotations apart.
#[derive(Clone, Debug, Default)]
struct Described {
    description: Option<String>,
    /// What the description says of keywords that the model does not take.
    notes: Vec<String>,
    keywords: Map<String, Value>,
}

impl Described {
    fn of(mut keywords: Map<String, Value>) -> Self {
        keywords.remove("default");
        Self::of_tool(keywords)
    }

    /// As [`Described::of`], with the default among the keywords.
    fn of_tool(mut keywords: Map<String, Value>) -> Self {
        let description = match keywords.remove("description") {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        for annotation in [
            "$comment",
            "$schema",
            "deprecated",
            "examples",
            "readOnly",
            "title",
            "writeOnly",
        ] {
            keywords.remove(annotation);
        }
        Self {
            description,
            notes: Vec::new(),
            keywords,
        }
    }

    /// Says a keyword in the description.
    fn note(&mut self, keyword: &str, value: &Value) {
        self.notes.push(match value {
            Value::Bool(true) => keyword.to_owned(),
            Value::String(text) => format!("{keyword}: {text}"),
            value => format!("{keyword}: {value}"),
        });
    }

    fn description(&self) -> Option<String> {
        let notes = (!self.notes.is_empty()).then(|| format!("({})", self.notes.join(", ")));
        match (self.description.clone(), notes) {
            (Some(text), Some(notes)) => Some(format!("{text} {notes}")),
            (text, notes) => text.or(notes),
        }
    }

    fn write_into(&self, made: &mut Map<String, Value>) {
        if let Some(text) = self.description() {
            made.insert("description".into(), text.into());
        }
    }

    /// The schema again.
    fn whole(self) -> Map<String, Value> {
        let mut whole = self.keywords;
        if let Some(text) = self.description {
            whole.insert("description".into(), text.into());
        }
        whole
    }
}

/// The schema of a type as schemars makes it, and its definitions.
fn root<T: JsonSchema>() -> (Value, Map<String, Value>) {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schema = generator.subschema_for::<T>();
    (schema.to_value(), generator.take_definitions(true))
}

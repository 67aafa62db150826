//! Reads unions, and keeps what fits no variant.
//!
//! Within one pass a union is read straight from the input, and fails where it does not fit. Anywhere
//! else its JSON is taken first, as text or, where the input may be of any format, as a value that
//! is written as text again: then every type is compiled for one deserializer and one visitor
//! instead of two. For the same reason what needs no type stands in functions without one.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{Deserialize, DeserializeOwned, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::mode::{Mode, mode, read_in};
use super::raw::{self, is_shallow};
use super::text::CowSeed;
use super::unknown::Unrecognized;

/// A union of objects that one property tells apart.
pub(crate) trait Tagged: Sized {
    const TAG: &'static str;

    /// Reads the variant of that tag from the rest of the object, or gives the object back.
    fn read<'de, A: MapAccess<'de>>(tag: &str, map: A) -> Result<Result<Self, A::Error>, A>;
    fn unrecognized(value: Unrecognized) -> Self;
}

/// A union of strings and of objects with the one property that names the variant.
pub(crate) trait External: Sized {
    fn unit(name: &str) -> Option<Self>;
    fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Option<Result<Self, A::Error>>;
    fn unrecognized(value: Unrecognized) -> Self;
}

/// A union that only shape tells apart.
pub(crate) trait Untagged: Sized {
    fn fit(text: &str) -> Option<Self>;
    fn unrecognized(value: Unrecognized) -> Self;
}

pub(crate) fn read_tagged<'de, T: Tagged, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    if mode() == Mode::OnePass {
        return deserializer.deserialize_map(TaggedVisitor(PhantomData));
    }
    match Source::read(deserializer) {
        Ok(source) => Ok(tagged(source)),
        Err(error) => Err(error),
    }
}

pub(crate) fn read_external<'de, T: External, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    if mode() == Mode::OnePass {
        return deserializer.deserialize_any(ExternalVisitor(PhantomData));
    }
    match Source::read(deserializer) {
        Ok(source) => Ok(external(source)),
        Err(error) => Err(error),
    }
}

pub(crate) fn read_untagged<'de, T: Untagged, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let source = match mode() {
        // The text is not at hand, and a value is as good where the input fits the schema.
        Mode::OnePass => Source::Value(Value::deserialize(deserializer)?),
        _ => Source::read(deserializer)?,
    };
    let text = source.text();
    Ok(match is_shallow(&text).then(|| T::fit(&text)).flatten() {
        Some(fitting) => fitting,
        None => T::unrecognized(source.unfit("no variant has this shape")),
    })
}

/// The JSON text as a `T`, if it fits.
pub(crate) fn try_text<T: DeserializeOwned>(text: &str) -> Option<T> {
    read_in(Mode::Text, text, |input| T::deserialize(input)).ok()
}

/// The JSON of a union, before it is known what fits it.
enum Source<'de> {
    /// From input that may be of any format.
    Value(Value),
    /// From JSON text: also what no value can hold.
    Text(Cow<'de, str>),
}

impl<'de> Source<'de> {
    fn read<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match mode() {
            Mode::Text => {
                <&RawValue>::deserialize(deserializer).map(|raw| Self::Text(raw.get().into()))
            }
            Mode::Buffered | Mode::OnePass => Value::deserialize(deserializer).map(Self::Value),
        }
    }

    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Value(value) => Cow::Owned(value.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    fn unfit(self, reason: impl fmt::Display) -> Unrecognized {
        let value = match self {
            Self::Value(value) => value,
            Self::Text(text) => raw::value(&text),
        };
        Unrecognized::unfit(value, reason)
    }
}

/// Makes a tagged union of its JSON.
fn tagged<T: Tagged>(source: Source<'_>) -> T {
    let read = tag_first(&source.text(), T::TAG).and_then(|text| {
        let read = |mode| {
            read_in(mode, &text, |input| {
                input.deserialize_map(TaggedVisitor(PhantomData))
            })
        };
        let union = read(Mode::OnePass).or_else(|_| read(Mode::Text));
        union.map_err(|error| reason(&error))
    });
    match read {
        Ok(union) => union,
        Err(reason) => T::unrecognized(source.unfit(reason)),
    }
}

/// Makes an external union of its JSON.
fn external<T: External>(source: Source<'_>) -> T {
    let text = source.text();
    if !text.starts_with(['"', '{']) {
        drop(text);
        let reason = "neither a string nor an object";
        return T::unrecognized(source.unfit(reason));
    }
    let union = match is_shallow(&text) {
        true => read_in(Mode::Text, &text, |input| {
            input.deserialize_any(ExternalVisitor(PhantomData))
        })
        .map_err(|error| reason(&error)),
        false => Err(TOO_DEEP.to_owned()),
    };
    drop(text);
    match union {
        Ok(union) => union,
        Err(reason) => T::unrecognized(source.unfit(reason)),
    }
}

const TOO_DEEP: &str = "more than 256 levels of arrays and objects";

/// Writes an object with its tag in front.
///
/// # Errors
///
/// Why it cannot be that of a tagged union.
fn tag_first(text: &str, name: &str) -> Result<String, String> {
    if !text.starts_with('{') {
        return Err("not an object".to_owned());
    }
    // Each union within is read from a text of its own, so the bound is checked here for all.
    if !is_shallow(text) {
        return Err(TOO_DEEP.to_owned());
    }
    let members = raw::members(text);
    let is_tag = |key| raw::is_name(key, name);
    let tag = members.iter().rev().find(|(key, _)| is_tag(key));
    let Some((_, tag)) = tag else {
        return Err(format!("no property {name}"));
    };
    if !tag.starts_with('"') {
        return Err(format!("the property {name} is not a string"));
    }
    let mut first = String::with_capacity(text.len());
    first.push_str("{\"");
    first.push_str(name);
    first.push_str("\":");
    first.push_str(tag);
    for (key, value) in members.iter().filter(|(key, _)| !is_tag(key)) {
        for part in [",", key, ":", value] {
            first.push_str(part);
        }
    }
    first.push('}');
    Ok(first)
}

/// Says why a text that is not shown could not be read, without the place in it.
fn reason(error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let reason = error.to_string();
    reason.strip_suffix(&place).unwrap_or(&reason).to_owned()
}

/// Reads a tagged union from an object whose tag comes first; from any other by way of a buffer.
struct TaggedVisitor<T>(PhantomData<T>);

impl<'de, T: Tagged> Visitor<'de> for TaggedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let tag = match lead(&mut map, T::TAG) {
            Ok(Lead::Tag(tag)) => tag,
            Ok(Lead::Other(object)) => return Ok(tagged(Source::Value(object))),
            Err(error) => return Err(error),
        };
        match T::read(&tag, map) {
            Ok(read) => read,
            Err(map) => match novel(T::TAG, tag, map) {
                Ok(value) => Ok(T::unrecognized(value)),
                Err(error) => Err(error),
            },
        }
    }
}

/// How an object begins.
enum Lead<'de> {
    /// With its tag.
    Tag(Cow<'de, str>),
    /// With something else: the whole object.
    Other(Value),
}

fn lead<'de, A: MapAccess<'de>>(map: &mut A, name: &str) -> Result<Lead<'de>, A::Error> {
    let Some(first) = map.next_key_seed(CowSeed)? else {
        return Ok(Lead::Other(Value::Object(Map::new())));
    };
    if first == name {
        return map.next_value_seed(CowSeed).map(Lead::Tag);
    }
    let mut object = Map::new();
    object.insert(first.into_owned(), map.next_value()?);
    collect(object, map).map(Lead::Other)
}

/// Keeps an object whose tag is read and not known.
fn novel<'de, A: MapAccess<'de>>(
    name: &str,
    tag: Cow<'_, str>,
    mut map: A,
) -> Result<Unrecognized, A::Error> {
    let mut object = Map::new();
    object.insert(name.to_owned(), Value::String(tag.into_owned()));
    collect(object, &mut map).map(Unrecognized::new)
}

fn collect<'de, A: MapAccess<'de>>(
    mut object: Map<String, Value>,
    map: &mut A,
) -> Result<Value, A::Error> {
    while let Some((key, value)) = map.next_entry()? {
        object.insert(key, value);
    }
    Ok(Value::Object(object))
}

/// Reads an external union from a string or an object.
struct ExternalVisitor<T>(PhantomData<T>);

impl<'de, T: External> Visitor<'de> for ExternalVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an object")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(match T::unit(text) {
            Some(variant) => variant,
            None => T::unrecognized(Unrecognized::new(text.into())),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let Some(name) = map.next_key_seed(CowSeed)? else {
            return Err(Error::custom("no property"));
        };
        let Some(read) = T::read(&name, &mut map) else {
            let mut object = Map::new();
            object.insert(name.into_owned(), map.next_value()?);
            return Ok(T::unrecognized(Unrecognized::new(collect(
                object, &mut map,
            )?)));
        };
        let variant = read?;
        match map.next_key_seed(CowSeed)? {
            None => Ok(variant),
            Some(_) => Err(Error::custom("more than one property")),
        }
    }
}

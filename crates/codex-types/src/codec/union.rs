//! Reads unions, and keeps what fits no variant.
//!
//! Within one pass a union is read straight from the input, and fails where it does not fit. Anywhere
//! else it is read into a buffer first; that is rare, and so what was buffered is written as text
//! again, for every type to be compiled for one deserializer and one visitor instead of two. For
//! the same reason whatever needs no type stands in functions without one.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{Deserialize, DeserializeOwned, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::mode::{Mode, one_pass};
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
    if one_pass() {
        return deserializer.deserialize_map(TaggedVisitor(PhantomData));
    }
    match Value::deserialize(deserializer) {
        Ok(value) => Ok(tagged(value)),
        Err(error) => Err(error),
    }
}

pub(crate) fn read_external<'de, T: External, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    if one_pass() {
        return deserializer.deserialize_any(ExternalVisitor(PhantomData));
    }
    match Value::deserialize(deserializer) {
        Ok(value) => Ok(external(value)),
        Err(error) => Err(error),
    }
}

pub(crate) fn read_untagged<'de, T: Untagged, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let _mode = Mode::enter(false);
    match T::fit(&value.to_string()) {
        Some(fitting) => Ok(fitting),
        None => Ok(T::unrecognized(Unrecognized::unfit(
            value,
            "no variant has this shape",
        ))),
    }
}

/// The JSON text as a `T`, if it fits.
pub(crate) fn try_text<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Makes a tagged union of what was buffered.
fn tagged<T: Tagged>(value: Value) -> T {
    let text = match tag_first(&value, T::TAG) {
        Ok(text) => text,
        Err(reason) => return T::unrecognized(Unrecognized::unfit(value, reason)),
    };
    let _mode = Mode::enter(false);
    let mut input = serde_json::Deserializer::from_str(&text);
    match input.deserialize_map(TaggedVisitor(PhantomData)) {
        Ok(union) => union,
        Err(error) => T::unrecognized(Unrecognized::unfit(value, reason(&error))),
    }
}

/// Makes an external union of what was buffered.
fn external<T: External>(value: Value) -> T {
    if !value.is_string() && !value.is_object() {
        let reason = "neither a string nor an object";
        return T::unrecognized(Unrecognized::unfit(value, reason));
    }
    let _mode = Mode::enter(false);
    let text = value.to_string();
    let mut input = serde_json::Deserializer::from_str(&text);
    match input.deserialize_any(ExternalVisitor(PhantomData)) {
        Ok(union) => union,
        Err(error) => T::unrecognized(Unrecognized::unfit(value, reason(&error))),
    }
}

/// Writes an object with its tag in front.
///
/// # Errors
///
/// Why it cannot be that of a tagged union.
fn tag_first(value: &Value, name: &str) -> Result<String, String> {
    let object = value.as_object().ok_or("not an object")?;
    let tag = object.get(name);
    let tag = tag.ok_or_else(|| format!("no property {name}"))?;
    if !tag.is_string() {
        return Err(format!("the property {name} is not a string"));
    }
    let mut text = format!("{{{}:{tag}", Value::from(name));
    for (key, value) in object.iter().filter(|(key, _)| *key != name) {
        text += &format!(",{}:{value}", Value::from(key.as_str()));
    }
    text.push('}');
    Ok(text)
}

/// Says why a text that nobody sees could not be read, without the place in it.
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
            Ok(Lead::Other(object)) => return Ok(tagged(object)),
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

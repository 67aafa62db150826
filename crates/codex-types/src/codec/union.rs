//! Reads unions, and keeps what fits no variant.
//!
//! What was buffered is written as text again to be read into a variant: that is rare, and so
//! every type is compiled for one deserializer instead of two.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{Deserialize, DeserializeOwned, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::mode::{buffered, one_pass};
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
    deserializer.deserialize_any(UnionVisitor(TaggedForm(PhantomData)))
}

pub(crate) fn read_external<'de, T: External, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(UnionVisitor(ExternalForm(PhantomData)))
}

pub(crate) fn read_untagged<'de, T: Untagged, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let fitting = buffered(|| T::fit(&value.to_string()));
    Ok(fitting.unwrap_or_else(|| {
        T::unrecognized(Unrecognized::unfit(value, "no variant has this shape"))
    }))
}

/// The JSON text as a `T`, if it fits.
pub(crate) fn try_text<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Reads an object that was buffered; what it means is up to the visitor.
fn read_object<V: for<'de> Visitor<'de, Value = T>, T>(
    object: &Value,
    visitor: V,
) -> Result<T, String> {
    let text = object.to_string();
    let read = buffered(|| serde_json::Deserializer::from_str(&text).deserialize_map(visitor));
    read.map_err(|error| {
        // The place is one in a text that nobody sees.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let reason = error.to_string();
        reason.strip_suffix(&place).unwrap_or(&reason).to_owned()
    })
}

/// How a union makes itself from each form that JSON has.
trait Form: Sized {
    type Union;

    /// Reads without a buffer; it may fail where the buffered way would not.
    fn from_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self::Union, A::Error>;
    fn from_str(text: &str) -> Self::Union;
    fn from_value(value: Value) -> Self::Union;
}

struct TaggedForm<T>(PhantomData<T>);

impl<T: Tagged> Form for TaggedForm<T> {
    type Union = T;

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<T, A::Error> {
        let Some(first) = map.next_key_seed(CowSeed)? else {
            return Ok(Self::from_value(Value::Object(Map::new())));
        };
        if first != T::TAG {
            let mut object = Map::new();
            object.insert(first.into_owned(), map.next_value()?);
            return Ok(Self::from_value(collect(object, map)?));
        }
        let tag = map.next_value_seed(CowSeed)?;
        T::read(&tag, map).unwrap_or_else(|map| {
            let mut object = Map::new();
            object.insert(T::TAG.to_owned(), Value::String(tag.into_owned()));
            Ok(T::unrecognized(Unrecognized::new(collect(object, map)?)))
        })
    }

    fn from_str(text: &str) -> T {
        Self::from_value(Value::String(text.to_owned()))
    }

    fn from_value(value: Value) -> T {
        let Value::Object(mut object) = value else {
            return T::unrecognized(Unrecognized::unfit(value, "not an object"));
        };
        let Some((key, tag)) = object.remove_entry(T::TAG) else {
            let reason = format!("no property {}", T::TAG);
            return T::unrecognized(Unrecognized::unfit(Value::Object(object), reason));
        };
        let body = Value::Object(object);
        let read = tag.as_str().map(|tag| {
            let visitor = BodyVisitor {
                tag,
                union: PhantomData,
            };
            read_object(&body, visitor)
        });
        let reason = match read {
            Some(Ok(Some(variant))) => return variant,
            Some(Ok(None)) => None,
            Some(Err(reason)) => Some(reason),
            None => Some(format!("the property {} is not a string", T::TAG)),
        };
        let mut value = body;
        if let Value::Object(object) = &mut value {
            object.insert(key, tag);
        }
        T::unrecognized(match reason {
            None => Unrecognized::new(value),
            Some(reason) => Unrecognized::unfit(value, reason),
        })
    }
}

struct ExternalForm<T>(PhantomData<T>);

impl<T: External> Form for ExternalForm<T> {
    type Union = T;

    fn from_map<'de, A: MapAccess<'de>>(mut map: A) -> Result<T, A::Error> {
        let Some(name) = map.next_key_seed(CowSeed)? else {
            let empty = Value::Object(Map::new());
            return Ok(T::unrecognized(Unrecognized::unfit(empty, "no property")));
        };
        let Some(read) = T::read(&name, &mut map) else {
            let mut object = Map::new();
            object.insert(name.into_owned(), map.next_value()?);
            return Ok(T::unrecognized(Unrecognized::new(collect(object, map)?)));
        };
        let variant = read?;
        match map.next_key_seed(CowSeed)? {
            None => Ok(variant),
            Some(_) => Err(Error::custom("more than one property")),
        }
    }

    fn from_str(text: &str) -> T {
        T::unit(text)
            .unwrap_or_else(|| T::unrecognized(Unrecognized::new(Value::String(text.to_owned()))))
    }

    fn from_value(value: Value) -> T {
        match &value {
            Value::Object(_) => {
                match read_object(&value, StraightVisitor(ExternalForm(PhantomData))) {
                    Ok(variant) => variant,
                    Err(reason) => T::unrecognized(Unrecognized::unfit(value, reason)),
                }
            }
            Value::String(text) => Self::from_str(text),
            _ => T::unrecognized(Unrecognized::unfit(value, "neither a string nor an object")),
        }
    }
}

/// Reads the body of a tagged variant whose tag is known already; `None` if it is no variant's.
struct BodyVisitor<'t, T> {
    tag: &'t str,
    union: PhantomData<T>,
}

impl<'de, T: Tagged> Visitor<'de> for BodyVisitor<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        match T::read(self.tag, map) {
            Ok(variant) => variant.map(Some),
            Err(mut map) => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(None)
            }
        }
    }
}

/// Reads an object without a buffer, whatever the mode.
struct StraightVisitor<F>(F);

impl<'de, F: Form> Visitor<'de> for StraightVisitor<F> {
    type Value = F::Union;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<F::Union, A::Error> {
        F::from_map(map)
    }
}

fn collect<'de, A: MapAccess<'de>>(
    mut object: Map<String, Value>,
    mut map: A,
) -> Result<Value, A::Error> {
    while let Some((key, value)) = map.next_entry()? {
        object.insert(key, value);
    }
    Ok(Value::Object(object))
}

struct UnionVisitor<F>(F);

impl<'de, F: Form> Visitor<'de> for UnionVisitor<F> {
    type Value = F::Union;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<F::Union, A::Error> {
        if one_pass() {
            return F::from_map(map);
        }
        Ok(F::from_value(collect(Map::new(), map)?))
    }

    fn visit_str<E>(self, text: &str) -> Result<F::Union, E> {
        Ok(F::from_str(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<F::Union, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(F::from_value(Value::Array(list)))
    }

    fn visit_unit<E>(self) -> Result<F::Union, E> {
        Ok(F::from_value(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<F::Union, E> {
        Ok(F::from_value(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<F::Union, E> {
        Ok(F::from_value(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<F::Union, E> {
        Ok(F::from_value(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<F::Union, E> {
        Ok(F::from_value(value.into()))
    }
}

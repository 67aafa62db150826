//! Reads an object key by key.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde_json::{Map, Value};

use super::unknown::{Marks, UnknownFields};

/// An object that reads itself from the rest of a map, and writes its entries into one.
pub(crate) trait Object: Sized {
    fn read<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

impl<T: Object> Object for Box<T> {
    fn read<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::read(map).map(Self::new)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        T::write(self, map)
    }
}

/// The error for a field that must be there and is not.
pub(crate) fn missing<E: serde::de::Error>(name: &'static str) -> E {
    E::missing_field(name)
}

/// Writes an object of its own.
pub(crate) fn write_object<T: Object, S: serde::Serializer>(
    object: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    object.write(&mut map)?;
    map.end()
}

/// The visitor of an [`Object`].
pub(crate) struct ObjectVisitor<T>(PhantomData<T>);

impl<T> ObjectVisitor<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(map)
    }
}

/// The state of reading one object: which key is likely next, and what nobody knows.
pub(crate) struct Fields {
    names: &'static [&'static str],
    next: usize,
    unknown: Option<Box<Map<String, Value>>>,
    pub(crate) marks: Marks,
}

impl Fields {
    pub(crate) fn new(names: &'static [&'static str]) -> Self {
        let (next, unknown, marks) = (0, None, Marks::default());
        Self {
            names,
            next,
            unknown,
            marks,
        }
    }

    /// Reads keys up to the next known one; what stands behind unknown ones is kept.
    pub(crate) fn next<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
    ) -> Result<Option<usize>, A::Error> {
        loop {
            let seed = KeySeed {
                names: self.names,
                next: self.next,
            };
            match map.next_key_seed(seed)? {
                None => return Ok(None),
                Some(Key::Known(index)) => {
                    self.next = index + 1;
                    return Ok(Some(index));
                }
                Some(Key::Unknown(name)) => self.keep(name, map)?,
            }
        }
    }

    /// Takes the value of a name that is known but not compiled in.
    pub(crate) fn unknown<'de, A: MapAccess<'de>>(
        &mut self,
        index: usize,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let name = self.names.get(index).copied().unwrap_or_default();
        self.keep(name.to_owned(), map)
    }

    fn keep<'de, A: MapAccess<'de>>(&mut self, name: String, map: &mut A) -> Result<(), A::Error> {
        let value = map.next_value()?;
        self.unknown.get_or_insert_default().insert(name, value);
        Ok(())
    }

    pub(crate) fn finish(self) -> UnknownFields {
        UnknownFields {
            fields: self.unknown,
            marks: self.marks,
        }
    }
}

enum Key {
    Known(usize),
    Unknown(String),
}

/// Finds a key among the names; the runtime writes them in their order, so the next one is likely.
struct KeySeed {
    names: &'static [&'static str],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        if self.names.get(self.next) == Some(&key) {
            return Ok(Key::Known(self.next));
        }
        Ok(match self.names.iter().position(|name| *name == key) {
            Some(index) => Key::Known(index),
            None => Key::Unknown(key.to_owned()),
        })
    }
}

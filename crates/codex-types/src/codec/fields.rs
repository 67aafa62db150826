//! Reads an object key by key, each into its place.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
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
        match T::read(map) {
            Ok(object) => Ok(Self::new(object)),
            Err(error) => Err(error),
        }
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        T::write(self, map)
    }
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
pub(crate) struct ObjectVisitor<T>(pub(crate) PhantomData<T>);

impl<'de, T: Object> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::read(map)
    }
}

/// What it means that a field is absent.
#[derive(Clone, Copy)]
pub(crate) enum Absence {
    /// That the object is none of its type.
    Error,
    /// The same as null; it is marked, to be absent again when it is written.
    Marked,
    /// What the field says of it.
    Usual,
}

/// The name of a field, and what its absence means.
type Field = (&'static str, Absence);

/// Reads the fields of an object, up to the first error.
///
/// It knows which key is likely next, and keeps unknown keys.
pub(crate) struct Reader<A, E> {
    map: A,
    fields: &'static [Field],
    /// The index of the field that is read.
    current: usize,
    /// The index that is likely next.
    next: usize,
    seen: Marks,
    unknown: Option<Box<Map<String, Value>>>,
    marks: Marks,
    /// What went wrong; nothing is read any more.
    error: Option<E>,
}

impl<'de, A: MapAccess<'de>> Reader<A, A::Error> {
    pub(crate) fn new(map: A, fields: &'static [Field]) -> Self {
        Self {
            map,
            fields,
            current: 0,
            next: 0,
            seen: Marks::default(),
            unknown: None,
            marks: Marks::default(),
            error: None,
        }
    }

    /// Reads keys up to the next known one, and returns its index; what stands behind unknown ones
    /// is kept.
    pub(crate) fn field(&mut self) -> Option<usize> {
        while self.error.is_none() {
            let seed = KeySeed {
                fields: self.fields,
                next: self.next,
            };
            match self.map.next_key_seed(seed) {
                Ok(None) => break,
                Ok(Some(Key::Known(index))) => {
                    self.current = index;
                    self.next = index + 1;
                    return Some(index);
                }
                Ok(Some(Key::Unknown(name))) => self.keep(name),
                Err(error) => self.error = Some(error),
            }
        }
        None
    }

    /// Reads a field that is always there and never null.
    pub(crate) fn required<T: Deserialize<'de>>(&mut self, place: &mut T) {
        let read = self.map.next_value_seed(Place(place));
        self.note(read);
    }

    /// Reads a field that is always there but perhaps null; a runtime that leaves it out is
    /// understood.
    pub(crate) fn nullable<T: Deserialize<'de>>(&mut self, place: &mut Option<T>) {
        self.required(place);
    }

    /// Reads a field that may be absent; null means the same, and that it was null is marked.
    pub(crate) fn optional<T: Deserialize<'de>>(&mut self, place: &mut Option<T>) {
        let seed = OptionalPlace {
            place,
            marks: &mut self.marks,
            index: self.current,
        };
        let read = self.map.next_value_seed(seed);
        self.note(read);
    }

    /// Reads a field that may be absent, and null means something else.
    pub(crate) fn patch<T: Deserialize<'de>>(&mut self, place: &mut Option<Option<T>>) {
        self.required(place.insert(None));
    }

    /// Reads a field that may be absent and then has the type's default; that it was there is
    /// marked.
    pub(crate) fn default<T: Deserialize<'de>>(&mut self, place: &mut T) {
        self.required(place);
        self.marks.set(self.current);
    }

    /// Reads a field that may be absent and then has a value that the schema names; that it was
    /// there is marked.
    pub(crate) fn preset<T: Deserialize<'de>>(&mut self, place: &mut T) {
        self.default(place);
    }

    /// Keeps the value of a field that is known but not compiled in.
    pub(crate) fn unknown(&mut self) {
        let name = self.fields.get(self.current).map_or("", |field| field.0);
        self.keep(name.to_owned());
    }

    /// Says what was wrong; else keeps what was unusual about the object.
    pub(crate) fn finish(mut self, unknown_fields: &mut UnknownFields) -> Option<A::Error> {
        if self.error.is_some() {
            return self.error;
        }
        for (index, (name, absence)) in self.fields.iter().enumerate() {
            match absence {
                _ if self.seen.has(index) => {}
                Absence::Error => return Some(A::Error::missing_field(name)),
                Absence::Marked => self.marks.set(index),
                Absence::Usual => {}
            }
        }
        unknown_fields.fields = self.unknown;
        unknown_fields.marks = self.marks;
        None
    }

    fn keep(&mut self, name: String) {
        match self.map.next_value() {
            Ok(value) => drop(self.unknown.get_or_insert_default().insert(name, value)),
            Err(error) => self.error = Some(error),
        }
    }

    fn note(&mut self, read: Result<(), A::Error>) {
        match read {
            Ok(()) => self.seen.set(self.current),
            Err(error) => self.error = Some(error),
        }
    }
}

// Every function of these two is compiled once a type, so they are few, and without `?`.

/// Reads a value into its place.
struct Place<'p, T>(&'p mut T);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Place<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match T::deserialize(deserializer) {
            Ok(value) => {
                *self.0 = value;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Reads a value into its place, or null, and marks that.
struct OptionalPlace<'p, T> {
    place: &'p mut Option<T>,
    marks: &'p mut Marks,
    index: usize,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for OptionalPlace<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OptionalPlace<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        *self.place = None;
        self.marks.set(self.index);
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match T::deserialize(deserializer) {
            Ok(value) => {
                *self.place = Some(value);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

enum Key {
    Known(usize),
    Unknown(String),
}

/// Finds a key among the names; the runtime writes them in their order, so the next one is likely.
struct KeySeed {
    fields: &'static [Field],
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
        if let Some((name, _)) = self.fields.get(self.next)
            && *name == key
        {
            return Ok(Key::Known(self.next));
        }
        Ok(
            match self.fields.iter().position(|(name, _)| *name == key) {
                Some(index) => Key::Known(index),
                None => Key::Unknown(key.to_owned()),
            },
        )
    }
}

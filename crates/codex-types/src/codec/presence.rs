//! When a property is there: one module a word for reading, one method a word for writing.

use serde::de::{Deserialize, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap};

use super::unknown::{Marks, UnknownFields};

/// Always there, and never null.
pub(crate) mod required {
    use super::*;

    pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        map: &mut A,
        slot: &mut Option<T>,
        _: &mut Marks,
        _: usize,
    ) -> Result<(), A::Error> {
        *slot = Some(map.next_value()?);
        Ok(())
    }
}

/// Always there but perhaps null; a runtime that leaves it out is understood, and that is marked.
pub(crate) mod nullable {
    pub(crate) use super::patch::read;
}

/// It may be absent; null means the same, and that it was null is marked.
pub(crate) mod optional {
    use super::*;

    pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        map: &mut A,
        slot: &mut Option<T>,
        marks: &mut Marks,
        index: usize,
    ) -> Result<(), A::Error> {
        *slot = map.next_value()?;
        if slot.is_none() {
            marks.set(index);
        }
        Ok(())
    }
}

/// It may be absent, and null means something else.
pub(crate) mod patch {
    use super::*;

    pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        map: &mut A,
        slot: &mut Option<Option<T>>,
        _: &mut Marks,
        _: usize,
    ) -> Result<(), A::Error> {
        *slot = Some(map.next_value()?);
        Ok(())
    }
}

/// It may be absent and then has the type's default; that it was there is marked.
pub(crate) mod default {
    pub(crate) use super::preset::read;
}

/// It may be absent and then has a value that the schema names; that it was there is marked.
pub(crate) mod preset {
    use super::*;

    pub(crate) fn read<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
        map: &mut A,
        slot: &mut Option<T>,
        marks: &mut Marks,
        index: usize,
    ) -> Result<(), A::Error> {
        *slot = map.next_value()?;
        if slot.is_none() {
            return Err(A::Error::custom("null where a value is expected"));
        }
        marks.set(index);
        Ok(())
    }
}

/// Writes the fields of an object, up to the first error.
pub(crate) struct Writer<'a, M: SerializeMap> {
    map: &'a mut M,
    unknown: &'a UnknownFields,
    outcome: Result<(), M::Error>,
}

impl<'a, M: SerializeMap> Writer<'a, M> {
    pub(crate) fn new(map: &'a mut M, unknown: &'a UnknownFields) -> Self {
        let outcome = Ok(());
        Self {
            map,
            unknown,
            outcome,
        }
    }

    pub(crate) fn required<T: Serialize>(&mut self, _: usize, name: &'static str, value: &T) {
        if self.outcome.is_ok() {
            self.outcome = self.map.serialize_entry(name, value);
        }
    }

    pub(crate) fn nullable<T: Serialize>(
        &mut self,
        index: usize,
        name: &'static str,
        value: &Option<T>,
    ) {
        if value.is_some() || !self.marked(index) {
            self.required(index, name, value);
        }
    }

    pub(crate) fn optional<T: Serialize>(
        &mut self,
        index: usize,
        name: &'static str,
        value: &Option<T>,
    ) {
        if value.is_some() || self.marked(index) {
            self.required(index, name, value);
        }
    }

    pub(crate) fn patch<T: Serialize>(
        &mut self,
        index: usize,
        name: &'static str,
        value: &Option<Option<T>>,
    ) {
        if let Some(value) = value {
            self.required(index, name, value);
        }
    }

    pub(crate) fn default<T: Serialize + Default + PartialEq>(
        &mut self,
        index: usize,
        name: &'static str,
        value: &T,
    ) {
        self.preset(index, name, value, T::default);
    }

    pub(crate) fn preset<T: Serialize + PartialEq>(
        &mut self,
        index: usize,
        name: &'static str,
        value: &T,
        preset: impl FnOnce() -> T,
    ) {
        if self.marked(index) || *value != preset() {
            self.required(index, name, value);
        }
    }

    /// Writes what nobody knows behind what is known.
    pub(crate) fn finish(self) -> Result<(), M::Error> {
        self.outcome?;
        self.unknown.write(self.map)
    }

    fn marked(&self, index: usize) -> bool {
        self.unknown.marks.has(index)
    }
}

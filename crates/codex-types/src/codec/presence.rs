//! When a property is there: one module a word, each with `read`, `finish` and `write`.

use serde::de::{Deserialize, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap};

use super::unknown::Marks;

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

    pub(crate) fn finish<T, E: serde::de::Error>(
        slot: Option<T>,
        name: &'static str,
        _: &mut Marks,
        _: usize,
    ) -> Result<T, E> {
        slot.ok_or_else(|| E::missing_field(name))
    }

    pub(crate) fn write<T: Serialize, M: SerializeMap>(
        map: &mut M,
        name: &'static str,
        value: &T,
        _: Marks,
        _: usize,
    ) -> Result<(), M::Error> {
        map.serialize_entry(name, value)
    }
}

/// Always there but perhaps null; a runtime that leaves it out is understood, and that is marked.
pub(crate) mod nullable {
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

    pub(crate) fn finish<T, E: serde::de::Error>(
        slot: Option<Option<T>>,
        _: &'static str,
        marks: &mut Marks,
        index: usize,
    ) -> Result<Option<T>, E> {
        if slot.is_none() {
            marks.set(index);
        }
        Ok(slot.flatten())
    }

    pub(crate) fn write<T: Serialize, M: SerializeMap>(
        map: &mut M,
        name: &'static str,
        value: &Option<T>,
        marks: Marks,
        index: usize,
    ) -> Result<(), M::Error> {
        match value {
            None if marks.has(index) => Ok(()),
            value => map.serialize_entry(name, value),
        }
    }
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

    pub(crate) fn finish<T, E: serde::de::Error>(
        slot: Option<T>,
        _: &'static str,
        _: &mut Marks,
        _: usize,
    ) -> Result<Option<T>, E> {
        Ok(slot)
    }

    pub(crate) fn write<T: Serialize, M: SerializeMap>(
        map: &mut M,
        name: &'static str,
        value: &Option<T>,
        marks: Marks,
        index: usize,
    ) -> Result<(), M::Error> {
        match value {
            None if !marks.has(index) => Ok(()),
            value => map.serialize_entry(name, value),
        }
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

    pub(crate) fn finish<T, E: serde::de::Error>(
        slot: Option<Option<T>>,
        _: &'static str,
        _: &mut Marks,
        _: usize,
    ) -> Result<Option<Option<T>>, E> {
        Ok(slot)
    }

    pub(crate) fn write<T: Serialize, M: SerializeMap>(
        map: &mut M,
        name: &'static str,
        value: &Option<Option<T>>,
        _: Marks,
        _: usize,
    ) -> Result<(), M::Error> {
        match value {
            None => Ok(()),
            Some(value) => map.serialize_entry(name, value),
        }
    }
}

/// It may be absent and then has the type's default; that it was there is marked.
pub(crate) mod default {
    use super::*;

    pub(crate) use super::preset::read;

    pub(crate) fn finish<T: Default, E: serde::de::Error>(
        slot: Option<T>,
        _: &'static str,
        _: &mut Marks,
        _: usize,
    ) -> Result<T, E> {
        Ok(slot.unwrap_or_default())
    }

    pub(crate) fn write<T: Serialize + Default + PartialEq, M: SerializeMap>(
        map: &mut M,
        name: &'static str,
        value: &T,
        marks: Marks,
        index: usize,
    ) -> Result<(), M::Error> {
        super::preset::write(map, name, value, marks, index, T::default)
    }
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

    pub(crate) fn finish<T, E: serde::de::Error>(
        slot: Option<T>,
        _: &'static str,
        _: &mut Marks,
        _: usize,
        preset: impl FnOnce() -> T,
    ) -> Result<T, E> {
        Ok(slot.unwrap_or_else(preset))
    }

    pub(crate) fn write<T: Serialize + PartialEq, M: SerializeMap>(
        map: &mut M,
        name: &'static str,
        value: &T,
        marks: Marks,
        index: usize,
        preset: impl FnOnce() -> T,
    ) -> Result<(), M::Error> {
        if marks.has(index) || *value != preset() {
            map.serialize_entry(name, value)?;
        }
        Ok(())
    }
}

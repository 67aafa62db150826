//! Writes the fields of an object: one method a word that says when a property is there.

use serde::ser::{Serialize, SerializeMap};

use super::unknown::UnknownFields;

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

    /// Writes the unknown fields behind the known ones.
    pub(crate) fn finish(self) -> Result<(), M::Error> {
        self.outcome?;
        self.unknown.write(self.map)
    }

    pub(crate) fn marked(&self, index: usize) -> bool {
        self.unknown.marks.has(index)
    }
}

//! Finds out, while a message is written, what of it an older runtime does not have.
//!
//! Only what came after its type is marked in the generated tables. A message that is written for a current
//! runtime is not watched, and costs one look at a thread-local for each object that has such fields.

use std::cell::Cell;

/// Since when something is there: indexes into `RUNTIMES`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// The first runtime that has it; behind the last where none is known to.
    pub there: u8,
    /// The first runtime that serves it to clients that did not opt into its experimental API.
    pub stable: u8,
}

impl Since {
    /// As long as anything.
    pub const ALWAYS: Self = Self {
        there: 0,
        stable: 0,
    };
}

/// What a runtime does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The type that holds it.
    pub owner: &'static str,
    /// The field, the value or the variant, as it stands on the wire.
    pub name: &'static str,
    /// Since when it is there.
    pub since: Since,
}

/// Which runtime a message is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    /// The last of `RUNTIMES` that is not newer than it.
    pub runtime: u8,
    /// Whether it serves its experimental API to this client.
    pub experimental: bool,
}

impl Reader {
    /// The first runtime that would have for this client what is there since then.
    pub fn needs(self, since: Since) -> u8 {
        match self.experimental {
            true => since.there,
            false => since.there.max(since.stable),
        }
    }

    /// Whether the runtime has what is there since then.
    pub fn has(self, since: Since) -> bool {
        self.runtime >= self.needs(since)
    }
}

#[derive(Clone, Copy)]
struct Watch {
    reader: Reader,
    found: Option<Missing>,
}

thread_local! {
    static WATCH: Cell<Option<Watch>> = const { Cell::new(None) };
}

/// Runs `write`, and returns beside its result the first that the runtime does not have, of what it wrote.
pub fn written_for<T>(reader: Reader, write: impl FnOnce() -> T) -> (T, Option<Missing>) {
    /// Puts back what was there, also after a panic.
    struct Reset(Option<Watch>);
    impl Drop for Reset {
        fn drop(&mut self) {
            WATCH.set(self.0);
        }
    }
    let watch = Watch {
        reader,
        found: None,
    };
    let _reset = Reset(WATCH.replace(Some(watch)));
    let result = write();
    let found = WATCH.get().and_then(|watch| watch.found);
    (result, found)
}

/// Whether anybody asks what is written.
pub(crate) fn is_watched() -> bool {
    WATCH.get().is_some()
}

/// Notes that something is written that came later than its type.
pub(crate) fn wrote(owner: &'static str, name: &'static str, there: u8, stable: u8) {
    if let Some(mut watch) = WATCH.get() {
        let since = Since { there, stable };
        if watch.found.is_none() && !watch.reader.has(since) {
            watch.found = Some(Missing { owner, name, since });
            WATCH.set(Some(watch));
        }
    }
}

/// A value of a string enum that came later than the enum, with its indexes.
pub(crate) type NewerValue = (&'static str, u8, u8);

/// The same for a value of a string enum.
pub(crate) fn wrote_text(owner: &'static str, text: &str, newer: &'static [NewerValue]) {
    let mut rows = newer.iter();
    if let Some((name, there, stable)) = rows.find(|(name, _, _)| *name == text) {
        wrote(owner, name, *there, *stable);
    }
}

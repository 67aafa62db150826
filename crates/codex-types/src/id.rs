//! The ids that events repeat.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Blank, read_text};

/// The id of a thread, a turn or an item, cheap to clone.
///
/// Every event of a turn repeats the same ids, so notifications share their text instead of holding
/// a `String` each. It reads like a `&str` and turns into a `String`.
///
/// ```
/// let id = codex_types::Id::from("thread-1");
/// assert_eq!(id, "thread-1");
/// assert_eq!(String::from(id.clone()), id.to_string());
/// ```
#[derive(Clone)]
pub struct Id {
    /// None where the text is empty, which then needs no memory.
    text: Option<Arc<str>>,
}

impl Id {
    /// The id as a string slice.
    pub fn as_str(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

/// How many recent ids a thread remembers; a power of two.
const RECENT: usize = 64;

thread_local! {
    /// Ids that this thread decoded lately, found by hash; a newer one takes the older one's place.
    static IDS: RefCell<[Option<Arc<str>>; RECENT]> = const { RefCell::new([const { None }; RECENT]) };
}

/// Hashes the end of the text, where the ids of one client differ most.
fn slot(text: &str) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let bytes = text.as_bytes();
    let tail = match bytes.last_chunk::<16>() {
        Some(tail) => u128::from_le_bytes(*tail),
        None => bytes
            .iter()
            .fold(0, |tail, byte| tail << 8 | u128::from(*byte)),
    };
    let hash = (tail as u64).wrapping_mul(FACTOR) ^ (tail >> 64) as u64;
    // Every bit of the text reaches the upper ones of the product.
    (hash.wrapping_mul(FACTOR) >> (64 - RECENT.trailing_zeros())) as usize
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        if text.is_empty() {
            return Self::blank();
        }
        let text = IDS.with_borrow_mut(|ids| {
            let place = &mut ids[slot(text)];
            match place {
                Some(known) if **known == *text => Arc::clone(known),
                _ => Arc::clone(place.insert(Arc::from(text))),
            }
        });
        Self { text: Some(text) }
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.as_str().to_owned()
    }
}

impl From<&Id> for String {
    fn from(id: &Id) -> Self {
        id.as_str().to_owned()
    }
}

impl Blank for Id {
    fn blank() -> Self {
        Self { text: None }
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Id {}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(other)
    }
}

impl Hash for Id {
    // As `Borrow<str>` wants it.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for Id {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl PartialEq<Id> for String {
    fn eq(&self, other: &Id) -> bool {
        **self == **other
    }
}

impl PartialEq<Id> for &str {
    fn eq(&self, other: &Id) -> bool {
        **self == **other
    }
}

impl PartialEq<Id> for str {
    fn eq(&self, other: &Id) -> bool {
        *self == **other
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_share_their_text() {
        let (first, second) = (Id::from("turn-1"), Id::from("turn-1"));
        assert!(std::ptr::eq(first.as_str(), second.as_str()));
    }

    #[test]
    fn an_empty_id_is_one_like_the_others() {
        let ids = std::collections::BTreeSet::from(["b", "", "a"].map(Id::from));
        assert_eq!(
            ids.iter().map(Id::as_str).collect::<Vec<_>>(),
            ["", "a", "b"]
        );
        assert_eq!(
            std::collections::HashSet::from([Id::from("")]).get(""),
            Some(&Id::blank())
        );
    }

    #[test]
    fn ids_stay_themselves_however_many_pass() {
        let ids: Vec<Id> = (0..1_000).map(|n| Id::from(format!("item-{n}"))).collect();
        let texts: Vec<String> = ids.iter().map(Id::to_string).collect();
        let expected: Vec<String> = (0..1_000).map(|n| format!("item-{n}")).collect();
        assert_eq!(texts, expected);
    }
}

//! The ids of threads, turns and items, whose text is shared.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::{Blank, read_text};

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

/// Returns the shared text of an id.
fn shared(text: &str) -> Arc<str> {
    IDS.with_borrow_mut(|ids| {
        let place = &mut ids[slot(text)];
        match place {
            Some(known) if **known == *text => Arc::clone(known),
            _ => Arc::clone(place.insert(Arc::from(text))),
        }
    })
}

macro_rules! ids {
    ($($what:literal $id:ident,)*) => { $(
        #[doc = $what]
        ///
        /// It is cheap to clone: every event of a turn repeats the same ids, so equal ids share their
        /// text. It reads like a `&str` and turns into a `String`.
        ///
        /// ```
        #[doc = concat!("use codex_types::", stringify!($id), ";")]
        ///
        #[doc = concat!("let id = ", stringify!($id), "::from(\"1\");")]
        /// assert_eq!(id, "1");
        /// assert_eq!(String::from(id.clone()), id.to_string());
        /// ```
        #[derive(Clone)]
        pub struct $id {
            /// None where the text is empty, which then needs no memory.
            text: Option<Arc<str>>,
        }

        impl $id {
            /// The id as a string slice.
            pub fn as_str(&self) -> &str {
                self.text.as_deref().unwrap_or_default()
            }
        }

        impl Default for $id {
            /// The empty id, which names nothing.
            fn default() -> Self {
                Self { text: None }
            }
        }

        impl From<&str> for $id {
            fn from(text: &str) -> Self {
                if text.is_empty() {
                    return Self::blank();
                }
                Self {
                    text: Some(shared(text)),
                }
            }
        }

        impl From<&String> for $id {
            fn from(text: &String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<&$id> for $id {
            fn from(id: &$id) -> Self {
                id.clone()
            }
        }

        impl From<String> for $id {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.as_str().to_owned()
            }
        }

        impl From<&$id> for String {
            fn from(id: &$id) -> Self {
                id.as_str().to_owned()
            }
        }

        impl Blank for $id {
            fn blank() -> Self {
                Self { text: None }
            }
        }

        impl Deref for $id {
            type Target = str;

            fn deref(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $id {
            fn as_ref(&self) -> &str {
                self
            }
        }

        impl Borrow<str> for $id {
            fn borrow(&self) -> &str {
                self
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl PartialEq for $id {
            fn eq(&self, other: &Self) -> bool {
                **self == **other
            }
        }

        impl Eq for $id {}

        impl PartialOrd for $id {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $id {
            fn cmp(&self, other: &Self) -> Ordering {
                (**self).cmp(other)
            }
        }

        impl Hash for $id {
            // As `Borrow<str>` wants it.
            fn hash<H: Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }

        impl PartialEq<str> for $id {
            fn eq(&self, other: &str) -> bool {
                **self == *other
            }
        }

        impl PartialEq<&str> for $id {
            fn eq(&self, other: &&str) -> bool {
                **self == **other
            }
        }

        impl PartialEq<&$id> for $id {
            fn eq(&self, other: &&$id) -> bool {
                **self == ***other
            }
        }

        impl PartialEq<$id> for &$id {
            fn eq(&self, other: &$id) -> bool {
                ***self == **other
            }
        }

        impl PartialEq<&$id> for String {
            fn eq(&self, other: &&$id) -> bool {
                **self == ***other
            }
        }

        impl PartialEq<String> for &$id {
            fn eq(&self, other: &String) -> bool {
                ***self == **other
            }
        }

        impl PartialEq<String> for $id {
            fn eq(&self, other: &String) -> bool {
                **self == **other
            }
        }

        impl PartialEq<$id> for String {
            fn eq(&self, other: &$id) -> bool {
                **self == **other
            }
        }

        impl PartialEq<$id> for &str {
            fn eq(&self, other: &$id) -> bool {
                **self == **other
            }
        }

        impl PartialEq<$id> for str {
            fn eq(&self, other: &$id) -> bool {
                *self == **other
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_text(deserializer)
            }
        }
    )* };
}

ids! {
    "The id of a thread." ThreadId,
    "The id of a turn." TurnId,
    "The id of an item." ItemId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ids_share_their_text() {
        let (first, second) = (ItemId::from("turn-1"), ItemId::from("turn-1"));
        assert!(std::ptr::eq(first.as_str(), second.as_str()));
    }

    #[test]
    fn an_empty_id_is_one_like_the_others() {
        let ids = std::collections::BTreeSet::from(["b", "", "a"].map(ItemId::from));
        assert_eq!(
            ids.iter().map(ItemId::as_str).collect::<Vec<_>>(),
            ["", "a", "b"]
        );
        assert_eq!(
            std::collections::HashSet::from([ItemId::from("")]).get(""),
            Some(&ItemId::blank())
        );
    }

    #[test]
    fn ids_stay_themselves_however_many_pass() {
        let ids: Vec<ItemId> = (0..1_000)
            .map(|n| ItemId::from(format!("item-{n}")))
            .collect();
        let texts: Vec<String> = ids.iter().map(ItemId::to_string).collect();
        let expected: Vec<String> = (0..1_000).map(|n| format!("item-{n}")).collect();
        assert_eq!(texts, expected);
    }
}

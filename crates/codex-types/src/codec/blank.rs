//! Values that stand in a field until it is read.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::unknown::Unrecognized;

/// A type with a value that costs nothing to make, and that is never visible: it is replaced, or reading
/// fails.
///
/// It is no `Default`, which says that a value is a good one.
pub(crate) trait Blank {
    fn blank() -> Self;
}

macro_rules! blank_defaults {
    ($([$($of:ident),*] $ty:ty,)*) => {
        $(impl<$($of),*> Blank for $ty {
            fn blank() -> Self {
                Self::default()
            }
        })*
    };
}

blank_defaults! {
    [] bool, [] i8, [] i16, [] i32, [] i64, [] u8, [] u16, [] u32, [] u64, [] f32, [] f64,
    [] String, [] Value, [] Map<String, Value>,
    [T] Option<T>, [T] Vec<T>, [K, V] BTreeMap<K, V>, [K, V] HashMap<K, V>,
}

impl<T: Blank> Blank for Box<T> {
    fn blank() -> Self {
        Self::new(T::blank())
    }
}

impl Blank for Unrecognized {
    fn blank() -> Self {
        Self::new(Value::Null)
    }
}

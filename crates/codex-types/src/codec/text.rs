//! Reads strings, and implements types that are strings.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Visitor};

/// Reads a type made from a string.
pub(crate) fn read_text<'de, T: for<'a> From<&'a str>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    match deserializer.deserialize_str(CowSeed) {
        Ok(text) => Ok(T::from(&text)),
        Err(error) => Err(error),
    }
}

/// A string that is borrowed from the input where it can be.
pub(super) struct CowSeed;

impl<'de> DeserializeSeed<'de> for CowSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for CowSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Implements an open string enum.
macro_rules! string_enum {
    ($ty:ident {
        $($(#[$cfg:meta])* $variant:ident $wire:literal,)*
    } $(since {
        $($(#[$newer_cfg:meta])* $newer:literal @ ($there:literal, $stable:literal),)*
    })?) => {
        impl $ty {
            const NEWER: &'static [crate::codec::since::NewerValue] =
                &[$($($(#[$newer_cfg])* ($newer, $there, $stable),)*)?];

            /// The value as it stands on the wire.
            #[inline]
            pub fn as_str(&self) -> &str {
                match self {
                    $($(#[$cfg])* Self::$variant => $wire,)*
                    Self::Unrecognized(value) => value,
                }
            }
        }

        impl From<&str> for $ty {
            #[inline]
            fn from(value: &str) -> Self {
                match value {
                    $($(#[$cfg])* $wire => Self::$variant,)*
                    _ => Self::Unrecognized(value.to_owned()),
                }
            }
        }

        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self::Unrecognized(String::new())
            }
        }

        named_string!(@traits $ty);
    };
}

/// Implements a string with a name of its own.
macro_rules! named_string {
    (@traits $ty:ident) => {
        impl From<String> for $ty {
            #[inline]
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl ::std::fmt::Display for $ty {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AsRef<str> for $ty {
            #[inline]
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl PartialEq<str> for $ty {
            #[inline]
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $ty {
            #[inline]
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if !Self::NEWER.is_empty() {
                    crate::codec::since::wrote_text(stringify!($ty), self.as_str(), Self::NEWER);
                }
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::codec::read_text(deserializer)
            }
        }
    };
    ($ty:ident) => {
        impl $ty {
            const NEWER: &'static [crate::codec::since::NewerValue] = &[];

            /// The text as it stands on the wire.
            #[inline]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $ty {
            #[inline]
            fn from(value: &str) -> Self {
                Self(value.to_owned())
            }
        }

        impl ::std::ops::Deref for $ty {
            type Target = str;

            #[inline]
            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl From<$ty> for String {
            #[inline]
            fn from(value: $ty) -> Self {
                value.0
            }
        }

        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self(String::new())
            }
        }

        named_string!(@traits $ty);
    };
}

pub(crate) use {named_string, string_enum};

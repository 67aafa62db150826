//! How generated types are read and written.
//!
//! serde's derives would be most of what this crate costs to compile, and they cannot express what
//! the protocol needs: unknown fields, values and variants survive a round trip, absent and null
//! stay apart, and nothing is buffered on the way. The macros here implement serde's traits with a
//! few small loops instead, and every generated type is one line of macro input per field.

mod fields;
mod mode;
mod text;
mod union;
mod unknown;
mod writer;

pub(crate) use fields::{Object, ObjectVisitor, Reader, missing, write_object};
pub use mode::from_str;
pub(crate) use mode::{Read, read_str};
pub(crate) use text::{named_string, read_text, string_enum};
pub(crate) use union::{
    External, Tagged, Untagged, read_external, read_tagged, read_untagged, try_text,
};
pub use unknown::{DecodeError, UnknownFields, Unrecognized};
pub(crate) use writer::Writer;

/// Implements reading and writing for an object, which holds `unknown_fields` beside its own.
///
/// It expands once a field, thousands of times in all: a `?` a field would be a third of what
/// this crate costs to compile, and even one an object is compiled for each of them.
macro_rules! object {
    (@finish required $reader:ident $index:literal $field:ident $name:literal) => {
        let Some($field) = $field else {
            return Err(crate::codec::missing($name));
        };
    };
    (@finish nullable $reader:ident $index:literal $field:ident $name:literal) => {
        if $field.is_none() {
            $reader.marks.set($index);
        }
        let $field = $field.flatten();
    };
    (@finish default $reader:ident $index:literal $field:ident $name:literal) => {
        let $field = $field.unwrap_or_default();
    };
    (@finish preset $reader:ident $index:literal $field:ident $name:literal $preset:expr) => {
        let $field = $field.unwrap_or_else(|| $preset);
    };
    // Absence is a value of the field.
    (@finish optional $reader:ident $index:literal $field:ident $name:literal) => {};
    (@finish patch $reader:ident $index:literal $field:ident $name:literal) => {};
    ($ty:ident {
        $($(#[$cfg:meta])* $index:literal $field:ident $name:literal $kind:ident $(($preset:expr))?,)*
    }) => {
        impl crate::codec::Object for $ty {
            fn read<'de, A: ::serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
                let mut reader = crate::codec::Reader::new(map, &[$($name),*]);
                $($(#[$cfg])* let mut $field = None;)*
                while let Some(index) = reader.field() {
                    match index {
                        $($(#[$cfg])* $index => reader.$kind(&mut $field),)*
                        _ => reader.unknown(),
                    }
                }
                if let Some(error) = reader.error {
                    return Err(error);
                }
                $($(#[$cfg])* object!(@finish $kind reader $index $field $name $($preset)?);)*
                Ok(Self { $($(#[$cfg])* $field,)* unknown_fields: reader.finish() })
            }

            fn write<M: ::serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                let mut _writer = crate::codec::Writer::new(map, &self.unknown_fields);
                $($(#[$cfg])* _writer.$kind($index, $name, &self.$field $(, || $preset)?);)*
                _writer.finish()
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(crate::codec::ObjectVisitor(::std::marker::PhantomData))
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::codec::write_object(self, serializer)
            }
        }
    };
}

/// Implements reading and writing for the params of a method that takes none.
macro_rules! unit {
    ($ty:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                <::serde::de::IgnoredAny as ::serde::Deserialize>::deserialize(deserializer)
                    .map(|_| Self)
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit()
            }
        }
    };
}

/// Implements consuming setters.
macro_rules! setters {
    (@set $object:ident $field:ident some $index:literal) => {
        $object.$field = Some($field.into());
    };
    // A default that was set is written, although the value is the default.
    (@set $object:ident $field:ident default $index:literal) => {
        $object.$field = $field.into();
        $object.unknown_fields.marks.set($index);
    };
    ($ty:ident { $($(#[$meta:meta])* $index:literal $field:ident $set:ident ($value:ty),)* }) => {
        impl $ty {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $field(mut self, $field: $value) -> Self {
                    setters!(@set self $field $set $index);
                    self
                }
            )*
        }
    };
}

/// Implements a union of objects that one property tells apart.
macro_rules! tagged {
    ($ty:ident $tag:literal { $($(#[$cfg:meta])* $variant:ident $wire:literal,)* }) => {
        impl crate::codec::Tagged for $ty {
            const TAG: &'static str = $tag;

            fn read<'de, A: ::serde::de::MapAccess<'de>>(
                tag: &str,
                map: A,
            ) -> Result<Result<Self, A::Error>, A> {
                match tag {
                    $($(#[$cfg])* $wire => Ok(match crate::codec::Object::read(map) {
                        Ok(variant) => Ok(Self::$variant(variant)),
                        Err(error) => Err(error),
                    }),)*
                    _ => Err(map),
                }
            }

            fn unrecognized(value: crate::codec::Unrecognized) -> Self {
                Self::Unrecognized(value)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::codec::read_tagged(deserializer)
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeMap as _;
                match self {
                    $($(#[$cfg])* Self::$variant(value) => {
                        let mut map = serializer.serialize_map(None)?;
                        map.serialize_entry($tag, $wire)?;
                        crate::codec::Object::write(value, &mut map)?;
                        map.end()
                    })*
                    Self::Unrecognized(value) => value.serialize(serializer),
                }
            }
        }
    };
}

/// Implements a union of strings and of objects with the one property that names the variant.
macro_rules! external {
    (@unit unit $variant:ident) => { Some(Self::$variant) };
    (@unit value $variant:ident) => { None };
    (@read unit $variant:ident $map:ident) => { None };
    (@read value $variant:ident $map:ident) => { Some($map.next_value().map(Self::$variant)) };
    (@pattern unit $variant:ident $value:ident) => { Self::$variant };
    (@pattern value $variant:ident $value:ident) => { Self::$variant($value) };
    (@write unit $wire:literal $value:ident $serializer:ident) => { $serializer.serialize_str($wire) };
    (@write value $wire:literal $value:ident $serializer:ident) => {{
        let mut map = $serializer.serialize_map(Some(1))?;
        ::serde::ser::SerializeMap::serialize_entry(&mut map, $wire, $value)?;
        ::serde::ser::SerializeMap::end(map)
    }};
    ($ty:ident { $($(#[$cfg:meta])* $variant:ident $wire:literal $shape:ident,)* }) => {
        impl crate::codec::External for $ty {
            fn unit(name: &str) -> Option<Self> {
                match name {
                    $($(#[$cfg])* $wire => external!(@unit $shape $variant),)*
                    _ => None,
                }
            }

            fn read<'de, A: ::serde::de::MapAccess<'de>>(
                name: &str,
                _map: &mut A,
            ) -> Option<Result<Self, A::Error>> {
                match name {
                    $($(#[$cfg])* $wire => external!(@read $shape $variant _map),)*
                    _ => None,
                }
            }

            fn unrecognized(value: crate::codec::Unrecognized) -> Self {
                Self::Unrecognized(value)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::codec::read_external(deserializer)
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(#[$cfg])* external!(@pattern $shape $variant value) => {
                        external!(@write $shape $wire value serializer)
                    })*
                    Self::Unrecognized(value) => value.serialize(serializer),
                }
            }
        }
    };
}

/// Implements a union that only shape tells apart: the first variant that fits.
macro_rules! untagged {
    ($ty:ident { $($(#[$cfg:meta])* $variant:ident,)* }) => {
        impl crate::codec::Untagged for $ty {
            fn fit(text: &str) -> Option<Self> {
                $($(#[$cfg])* if let Some(fitting) = crate::codec::try_text(text) {
                    return Some(Self::$variant(fitting));
                })*
                None
            }

            fn unrecognized(value: crate::codec::Unrecognized) -> Self {
                Self::Unrecognized(value)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $ty {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::codec::read_untagged(deserializer)
            }
        }

        impl ::serde::Serialize for $ty {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(#[$cfg])* Self::$variant(value) => value.serialize(serializer),)*
                    Self::Unrecognized(value) => value.serialize(serializer),
                }
            }
        }
    };
}

/// Implements `Debug` for an object with secrets: their values are not shown.
macro_rules! redacted_debug {
    ($ty:ident { $($(#[$cfg:meta])* $field:ident $show:ident,)* }) => {
        impl ::std::fmt::Debug for $ty {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut object = f.debug_struct(stringify!($ty));
                $($(#[$cfg])* redacted_debug!(@field $show object self $field);)*
                object.finish_non_exhaustive()
            }
        }
    };
    (@field show $object:ident $self:ident $field:ident) => {
        $object.field(stringify!($field), &$self.$field);
    };
    (@field hide $object:ident $self:ident $field:ident) => {
        $object.field(stringify!($field), &"[redacted]");
    };
}

pub(crate) use {external, object, redacted_debug, setters, tagged, unit, untagged};

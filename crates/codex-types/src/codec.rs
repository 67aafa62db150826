//! The codec of generated types: the macros that implement reading and writing.
//!
//! serde's derives would be most of what this crate costs to compile, and they cannot express what
//! the protocol needs: unknown fields, values and variants survive a round trip, absent and null
//! stay apart, and nothing is buffered on the way. The macros here implement serde's traits with a
//! few small loops instead, and every generated type is one line of macro input per field.

mod blank;
mod fields;
mod mode;
pub mod raw;
pub(crate) mod since;
mod text;
mod union;
mod unknown;
mod writer;

pub(crate) use blank::Blank;
pub(crate) use fields::{Absence, Object, ObjectVisitor, Reader, write_object};
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
/// It expands once a field, thousands of times in all, so that every early return and every
/// variable would be a good part of what this crate costs to compile. Therefore an object is made
/// blank, its fields are read in place, and what is missing is found out at the end.
macro_rules! object {
    (@blank required) => { crate::codec::Blank::blank() };
    (@blank default) => { ::std::default::Default::default() };
    (@blank preset $preset:expr) => { $preset };
    // Absence is a value of the field.
    (@blank $kind:ident) => { None };
    // Whether a field is written.
    (@set $writer:ident $index:literal $value:expr, required) => { true };
    (@set $writer:ident $index:literal $value:expr, default) => {
        $writer.marked($index) || $value != ::std::default::Default::default()
    };
    (@set $writer:ident $index:literal $value:expr, preset $preset:expr) => {
        $writer.marked($index) || $value != $preset
    };
    (@set $writer:ident $index:literal $value:expr, $kind:ident) => { $value.is_some() };
    (@watch $ty:ident $name:literal [] $($set:tt)*) => {};
    (@watch $ty:ident $name:literal [($there:literal, $stable:literal)] $($set:tt)*) => {
        if crate::codec::since::is_watched() && object!(@set $($set)*) {
            crate::codec::since::wrote(stringify!($ty), $name, $there, $stable);
        }
    };
    (@absence required) => { crate::codec::Absence::Error };
    // Where the field is not compiled in, its absence is no error.
    (@absence required $cfg:meta) => {
        if cfg!($cfg) { crate::codec::Absence::Error } else { crate::codec::Absence::Usual }
    };
    (@absence nullable $($cfg:meta)?) => { crate::codec::Absence::Marked };
    (@absence $kind:ident $($cfg:meta)?) => { crate::codec::Absence::Usual };
    ($ty:ident {
        $($(#[cfg($cfg:meta)])? $index:literal $field:ident $name:literal $kind:ident $(($preset:expr))?
            $(@ $since:tt)?,)*
    }) => {
        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self {
                    $($(#[cfg($cfg)])? $field: object!(@blank $kind $($preset)?),)*
                    unknown_fields: crate::UnknownFields::default(),
                }
            }
        }

        impl crate::codec::Object for $ty {
            fn read<'de, A: ::serde::de::MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
                let mut object = <Self as crate::codec::Blank>::blank();
                let mut reader = crate::codec::Reader::new(map, &[$(($name, object!(@absence $kind $($cfg)?))),*]);
                while let Some(index) = reader.field() {
                    match index {
                        $($(#[cfg($cfg)])? $index => reader.$kind(&mut object.$field),)*
                        _ => reader.unknown(),
                    }
                }
                match reader.finish(&mut object.unknown_fields) {
                    None => Ok(object),
                    Some(error) => Err(error),
                }
            }

            fn write<M: ::serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                let mut _writer = crate::codec::Writer::new(map, &self.unknown_fields);
                $($(#[cfg($cfg)])? {
                    object!(@watch $ty $name [$($since)?] _writer $index self.$field, $kind $($preset)?);
                })*
                $($(#[cfg($cfg)])? _writer.$kind($index, $name, &self.$field $(, || $preset)?);)*
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
        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self
            }
        }

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
    (@set $object:ident $field:ident required $index:literal) => {
        $object.$field = $field.into();
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
    ($ty:ident $tag:literal {
        $($(#[$cfg:meta])* $variant:ident $wire:literal $(@ ($there:literal, $stable:literal))?,)*
    }) => {
        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self::Unrecognized(crate::codec::Blank::blank())
            }
        }

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
                        $(crate::codec::since::wrote(stringify!($ty), $wire, $there, $stable);)?
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
    ($ty:ident {
        $($(#[$cfg:meta])* $variant:ident $wire:literal $shape:ident $(@ ($there:literal, $stable:literal))?,)*
    }) => {
        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self::Unrecognized(crate::codec::Blank::blank())
            }
        }

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
                        $(crate::codec::since::wrote(stringify!($ty), $wire, $there, $stable);)?
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
        impl crate::codec::Blank for $ty {
            #[inline]
            fn blank() -> Self {
                Self::Unrecognized(crate::codec::Blank::blank())
            }
        }

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

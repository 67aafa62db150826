//! The macros that the generated method tables call, and the functions that these expand to.

use std::fmt;

use serde::Deserializer;
use serde::de::Error as _;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::codec::{DecodeError, Read, read_str};

/// How the messages of a method are decoded.
type Row<M> = (&'static str, Read<M>);

/// Sorts a table for [`decode`]: by length first, so that a search compares few texts.
pub(crate) const fn sorted<M, const N: usize>(rows: &[Row<M>]) -> [Row<M>; N] {
    let mut table = [rows[0]; N];
    let mut end = 1;
    while end < N {
        let mut at = end;
        table[at] = rows[end];
        while at > 0 && is_before(table[at].0.as_bytes(), table[at - 1].0.as_bytes()) {
            table.swap(at, at - 1);
            at -= 1;
        }
        end += 1;
    }
    table
}

const fn is_before(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return a.len() < b.len();
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return a[at] < b[at];
        }
        at += 1;
    }
    false
}

/// Finds a method in a [`sorted`] table and decodes with it; `Err(None)` where it is not there.
pub(crate) fn decode<M>(
    table: &[Row<M>],
    method: &str,
    params: &str,
) -> Result<M, Option<DecodeError>> {
    let key = (method.len(), method);
    let index = table
        .binary_search_by(|(name, _)| (name.len(), *name).cmp(&key))
        .map_err(|_| None)?;
    table.get(index).map_or(Err(None), |(_, read)| {
        read_str(params, *read).map_err(|error| Some(DecodeError::new(error)))
    })
}

/// Writes `{"method": …, "params": …}`.
pub(crate) fn write_message<S: Serializer, P: Serialize>(
    serializer: S,
    method: &str,
    params: &P,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("method", method)?;
    map.serialize_entry("params", params)?;
    map.end()
}

/// Reads `{"method": …, "params": …}`, whatever else stands beside them.
pub(crate) fn read_message<'de, D: Deserializer<'de>, M>(
    deserializer: D,
    decode: fn(&str, &str) -> M,
) -> Result<M, D::Error> {
    struct Parts;
    impl<'de> serde::de::Visitor<'de> for Parts {
        type Value = (String, Box<RawValue>);

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a message with a method")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            let (mut method, mut params) = (None, None);
            while let Some(key) = map.next_key::<String>()? {
                match key.as_str() {
                    "method" => method = Some(map.next_value()?),
                    "params" => params = Some(map.next_value()?),
                    _ => {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
            }
            let method = method.ok_or_else(|| A::Error::missing_field("method"))?;
            Ok((method, params.unwrap_or_else(|| RawValue::NULL.to_owned())))
        }
    }
    let (method, params) = deserializer.deserialize_map(Parts)?;
    Ok(decode(&method, params.get()))
}

/// Implements [`ClientRequest`](crate::request::ClientRequest), one row a method.
macro_rules! client_requests {
    (@has object) => { true };
    (@has unit) => { false };
    // A concrete function is compiled here and not in every crate that makes the request.
    (@decode $response:ident compiled) => {
        fn decode_response(text: &str) -> serde_json::Result<$response> {
            crate::codec::from_str(text)
        }
    };
    ($(
        $(#[$cfg:meta])*
        $method:literal $params:ident $kind:ident => $response:ident $($compiled:ident)?,
    )*) => {
        $($(#[$cfg])* impl crate::request::ClientRequest for $params {
            const METHOD: &'static str = $method;
            const HAS_PARAMS: bool = client_requests!(@has $kind);
            type Response = $response;
            $(client_requests!(@decode $response $compiled);)?
        })*

        /// The names of all methods that a client can call, sorted.
        pub const CLIENT_METHODS: &[&str] = &[$($(#[$cfg])* $method,)*];
    };
}

/// Reads the id of the thread or turn from where a message has it.
macro_rules! routed {
    ($what:ident none $message:ident) => {{
        let _ = $message;
        None
    }};
    (thread direct $message:ident) => {
        Some(&$message.thread_id)
    };
    (thread optional $message:ident) => {
        $message.thread_id.as_deref()
    };
    (thread nested $message:ident) => {
        Some(&$message.thread.id)
    };
    (thread conversation $message:ident) => {
        Some(&$message.conversation_id)
    };
    (thread shared $message:ident) => {
        $message.thread_id()
    };
    (turn direct $message:ident) => {
        Some(&$message.turn_id)
    };
    (turn optional $message:ident) => {
        $message.turn_id.as_deref()
    };
    (turn nested $message:ident) => {
        Some(&$message.turn.id)
    };
    (turn shared $message:ident) => {
        $message.turn_id()
    };
}

/// Implements [`ServerRequest`](crate::request::ServerRequest) and the enum's reading and writing.
macro_rules! server_requests {
    ($(
        $(#[$cfg:meta])*
        $method:literal $variant:ident($params:ident) => $response:ident,
    )*) => {
        $($(#[$cfg])* impl crate::request::ServerRequest for $params {
            const METHOD: &'static str = $method;
            type Response = $response;

            fn safe_response(failure: Option<&str>) -> Option<$response> {
                let _ = failure;
                crate::safe::safe_answer!($variant, failure)
            }
        })*

        /// The names of all methods that the runtime can call, sorted.
        pub const SERVER_METHODS: &[&str] = &[$($(#[$cfg])* $method,)*];

        /// The fail-closed answer to a request of the runtime, by its method alone.
        ///
        /// It needs no params, so it answers also what could not be decoded. `failure` says what
        /// went wrong, for the methods whose answer has a place for it. `None` is for a method
        /// that these types do not know.
        ///
        /// ```
        /// use codex_types::{SafeReply, safe_reply};
        ///
        /// let reply = safe_reply("item/fileChange/requestApproval", None);
        /// assert_eq!(reply, Some(SafeReply::Result(r#"{"decision":"decline"}"#.to_owned())));
        /// assert_eq!(safe_reply("novel/method", None), None);
        /// ```
        pub fn safe_reply(method: &str, failure: Option<&str>) -> Option<crate::request::SafeReply> {
            match method {
                $($(#[$cfg])* $method => Some(crate::request::SafeReply::of::<$params>(failure)),)*
                _ => None,
            }
        }

        impl ServerRequest {
            /// Decodes a request; what does not fit is [`ServerRequest::Unknown`].
            pub fn decode(method: &str, params: &str) -> Self {
                const ROWS: &[(&str, crate::codec::Read<ServerRequest>)] = &[
                    $($(#[$cfg])* ($method, |input| match ::serde::Deserialize::deserialize(input) {
                        Ok(params) => Ok(ServerRequest::$variant(params)),
                        Err(error) => Err(error),
                    }),)*
                ];
                const TABLE: &[(&str, crate::codec::Read<ServerRequest>)] =
                    &crate::registry::sorted::<_, { ROWS.len() }>(ROWS);
                crate::registry::decode(TABLE, method, params)
                    .unwrap_or_else(|error| Self::Unknown(UnknownRequest::new(method, params, error)))
            }

            /// The method's name on the wire.
            pub fn method(&self) -> &str {
                match self {
                    $($(#[$cfg])* Self::$variant(_) => $method,)*
                    Self::Unknown(request) => &request.method,
                }
            }
        }

        impl ::serde::Serialize for ServerRequest {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(#[$cfg])* Self::$variant(params) => {
                        crate::registry::write_message(serializer, $method, params)
                    })*
                    Self::Unknown(request) => {
                        crate::registry::write_message(serializer, &request.method, &request.params)
                    }
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for ServerRequest {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::registry::read_message(deserializer, Self::decode)
            }
        }
    };
}

/// Implements where the ids stand in the params of each request of the runtime.
macro_rules! server_routes {
    ($(
        $(#[$cfg:meta])*
        $variant:ident thread=$thread:ident turn=$turn:ident,
    )*) => {
        impl ServerRequest {
            /// The thread that it belongs to, if its params say so.
            pub fn thread_id(&self) -> Option<&str> {
                match self {
                    $($(#[$cfg])* Self::$variant(params) => crate::registry::routed!(thread $thread params),)*
                    Self::Unknown(request) => request.thread_id(),
                }
            }

            /// The turn that it belongs to, if its params say so.
            pub fn turn_id(&self) -> Option<&str> {
                match self {
                    $($(#[$cfg])* Self::$variant(params) => crate::registry::routed!(turn $turn params),)*
                    Self::Unknown(request) => request.turn_id(),
                }
            }
        }
    };
}

/// Implements the notification enum: decoding, routing, reading and writing.
macro_rules! notifications {
    ($($(#[$cfg:meta])* $method:literal $variant:ident($payload:ident) thread=$thread:ident turn=$turn:ident,)*) => {
        /// The names of all notifications of the runtime, sorted.
        pub const NOTIFICATION_METHODS: &[&str] = &[$($(#[$cfg])* $method,)*];

        impl ServerNotification {
            /// Decodes a notification; what does not fit is [`ServerNotification::Unknown`].
            pub fn decode(method: &str, params: &str) -> Self {
                const ROWS: &[(&str, crate::codec::Read<ServerNotification>)] = &[
                    $($(#[$cfg])* ($method, |input| match ::serde::Deserialize::deserialize(input) {
                        Ok(params) => Ok(ServerNotification::$variant(params)),
                        Err(error) => Err(error),
                    }),)*
                ];
                const TABLE: &[(&str, crate::codec::Read<ServerNotification>)] =
                    &crate::registry::sorted::<_, { ROWS.len() }>(ROWS);
                crate::registry::decode(TABLE, method, params)
                    .unwrap_or_else(|error| Self::Unknown(UnknownNotification::new(method, params, error)))
            }

            /// The method's name on the wire.
            pub fn method(&self) -> &str {
                match self {
                    $($(#[$cfg])* Self::$variant(_) => $method,)*
                    Self::Unknown(notification) => &notification.method,
                }
            }

            /// The thread that it belongs to, if its payload says so.
            pub fn thread_id(&self) -> Option<&str> {
                match self {
                    $($(#[$cfg])* Self::$variant(payload) => crate::registry::routed!(thread $thread payload),)*
                    Self::Unknown(notification) => notification.thread_id(),
                }
            }

            /// The turn that it belongs to, if its payload says so.
            pub fn turn_id(&self) -> Option<&str> {
                match self {
                    $($(#[$cfg])* Self::$variant(payload) => crate::registry::routed!(turn $turn payload),)*
                    Self::Unknown(notification) => notification.turn_id(),
                }
            }
        }

        impl ::serde::Serialize for ServerNotification {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(#[$cfg])* Self::$variant(payload) => {
                        crate::registry::write_message(serializer, $method, payload)
                    })*
                    Self::Unknown(notification) => {
                        crate::registry::write_message(serializer, &notification.method, &notification.params)
                    }
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for ServerNotification {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::registry::read_message(deserializer, Self::decode)
            }
        }
    };
}

pub(crate) use {client_requests, notifications, routed, server_requests, server_routes};

//! Decodes JSON into the type that a method gives it, and encodes it again.

use codex_types::request::{ClientRequest, ServerRequest};
use codex_types::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// `None` for a method that the registry does not list.
pub(crate) type Recoded = Option<serde_json::Result<Value>>;

/// Through `T` and back, in both of the ways that JSON is read.
fn recode<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
    json: &Value,
) -> serde_json::Result<Value> {
    let buffered: T = serde_json::from_value(json.clone())?;
    let one_pass: T = codex_types::from_str(&json.to_string())?;
    assert_eq!(buffered, one_pass);
    assert_eq!(
        serde_json::to_value(&one_pass)?,
        serde_json::to_value(&buffered)?
    );
    assert_eq!(one_pass.clone_through_text()?, one_pass);
    serde_json::to_value(one_pass)
}

trait Through: Sized {
    fn clone_through_text(&self) -> serde_json::Result<Self>;
}

impl<T: DeserializeOwned + Serialize> Through for T {
    fn clone_through_text(&self) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(self)?)
    }
}

macro_rules! client_rows {
    ($($(#[$cfg:meta])* $method:literal $params:ident $kind:ident => $response:ident $($compiled:ident)?,)*) => {
        pub(crate) fn client_params(method: &str, json: &Value) -> Recoded {
            Some(match method {
                $($(#[$cfg])* $method => recode::<$params>(json),)*
                _ => return None,
            })
        }

        pub(crate) fn client_response(method: &str, json: &Value) -> Recoded {
            Some(match method {
                $($(#[$cfg])* $method => recode::<<$params as ClientRequest>::Response>(json),)*
                _ => return None,
            })
        }

        /// Method, params type and response type of every client request.
        pub(crate) const CLIENT: &[(&str, &str, &str)] = &[
            $($(#[$cfg])* ($method, stringify!($params), stringify!($response)),)*
        ];
    };
}

macro_rules! server_rows {
    ($($(#[$cfg:meta])* $method:literal $variant:ident($params:ident) => $response:ident,)*) => {
        pub(crate) fn server_params(method: &str, json: &Value) -> Recoded {
            Some(match method {
                $($(#[$cfg])* $method => recode::<$params>(json),)*
                _ => return None,
            })
        }

        pub(crate) fn server_response(method: &str, json: &Value) -> Recoded {
            Some(match method {
                $($(#[$cfg])* $method => recode::<<$params as ServerRequest>::Response>(json),)*
                _ => return None,
            })
        }

        /// Method, params type and response type of every server request.
        pub(crate) const SERVER: &[(&str, &str, &str)] = &[
            $($(#[$cfg])* ($method, stringify!($params), stringify!($response)),)*
        ];
    };
}

macro_rules! notification_rows {
    ($($(#[$cfg:meta])* $method:literal $variant:ident($payload:ident) thread=$thread:ident turn=$turn:ident,)*) => {
        pub(crate) fn payload(method: &str, json: &Value) -> Recoded {
            Some(match method {
                $($(#[$cfg])* $method => recode::<$payload>(json),)*
                _ => return None,
            })
        }

        /// Method, payload type, and where the thread and turn ids stand, of every notification.
        pub(crate) const NOTIFICATIONS: &[(&str, &str, &str, &str)] = &[
            $($(#[$cfg])* ($method, stringify!($payload), stringify!($thread), stringify!($turn)),)*
        ];
    };
}

codex_types::client_methods!(client_rows);
codex_types::server_methods!(server_rows);
codex_types::notification_methods!(notification_rows);

//! The generator's golden files compile, and do what they are there for.
//!
//! They are compiled with the sources of the codec itself, so that neither its macros become public nor
//! the generated types are built for it.
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(
    dead_code,
    unnameable_types,
    unexpected_cfgs,
    unreachable_pub,
    unused_imports,
    reason = "generated code without its users, in a crate without its features"
)]

#[path = "../../../crates/codex-types/src"]
mod types {
    pub(crate) mod codec;
    pub(crate) mod id;
    pub(crate) mod registry;
    pub(crate) mod request;
    pub(crate) mod safe;
    pub(crate) mod unknown;
}

use types::{codec, id, registry, request, safe, unknown};

use std::borrow::Borrow;
use std::collections::BTreeMap;

use codec::{
    DecodeError, UnknownFields, Unrecognized, external, named_string, object, redacted_debug,
    setters, string_enum, tagged, unit, untagged,
};
use id::{ItemId, ThreadId, TurnId};
use registry::{client_requests, notifications, server_requests, server_routes};
use serde_json::{Map, Value};
use unknown::{UnknownNotification, UnknownRequest};

macro_rules! golden {
    ($name:ident) => {
        mod $name {
            use super::*;
            include!(concat!("../../goldens/", stringify!($name), ".rs"));
        }
    };
}

mod behavior;

golden!(default);
golden!(empty_variant);
golden!(experimental_field);
golden!(experimental_type);
golden!(experimental_value);
golden!(experimental_variant);
golden!(external_payload);
golden!(external_union);
golden!(known_values);
golden!(named_string);
golden!(new_and_setters);
golden!(patch);
golden!(payload_ids);
golden!(presence);
golden!(preset);
golden!(secrets);
golden!(since);
golden!(softened);
golden!(string_literals);
golden!(tagged_union);
golden!(unit_params);
golden!(untagged_union);
golden!(variant_alternatives);

macro_rules! empty {
    ($($name:ident)*) => { $(
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { pub unknown_fields: UnknownFields }
        object!($name {});
    )* };
}

/// Goldens that show only a part: what stands around them is written here.
mod name_collision {
    use super::*;
    empty!(OpenaiSlashFormMcpServerElicitationRequestParams OpenaiFormMcpServerElicitationRequestParams);
    include!("../../goldens/name_collision.rs");
}

mod shared_fields {
    use super::*;
    pub struct Variant {
        pub id: String,
    }
    pub enum Item {
        Plan(Variant),
        Review(Variant),
        Unrecognized(Unrecognized),
    }
    include!("../../goldens/shared_fields.rs");
}

mod client_rows {
    pub use super::unit_params::AccountLogoutParams;
    use super::*;
    empty!(LogoutAccountResponse ModelListParams ModelListResponse);
    include!("../../goldens/client_rows.rs");
}

mod server_rows {
    use super::*;
    empty!(ApprovalResponse PatchResponse);
    #[derive(Debug, Clone, PartialEq)]
    pub struct ThreadId(pub String);
    named_string!(ThreadId);
    #[derive(Debug, Clone, PartialEq)]
    pub struct ApprovalParams {
        pub thread_id: String,
        pub turn_id: String,
        pub unknown_fields: UnknownFields,
    }
    object!(ApprovalParams {
        0 thread_id "threadId" required,
        1 turn_id "turnId" required,
    });
    #[derive(Debug, Clone, PartialEq)]
    pub struct PatchParams {
        pub conversation_id: ThreadId,
        pub unknown_fields: UnknownFields,
    }
    object!(PatchParams {
        0 conversation_id "conversationId" required,
    });
    include!("../../goldens/server_rows.rs");
}

mod notification_rows {
    use super::*;
    macro_rules! payload {
        ($name:ident $index:literal $field:ident $wire:literal $kind:ident $ty:ty) => {
            #[derive(Debug, Clone, PartialEq)]
            pub struct $name {
                pub $field: $ty,
                pub unknown_fields: UnknownFields,
            }
            object!($name { $index $field $wire $kind, });
        };
    }
    #[derive(Debug, Clone, PartialEq)]
    pub struct DeltaNotification {
        pub thread_id: ThreadId,
        pub turn_id: TurnId,
        pub unknown_fields: UnknownFields,
    }
    object!(DeltaNotification {
        0 thread_id "threadId" required,
        1 turn_id "turnId" required,
    });
    payload!(Turn 0 id "id" required String);
    payload!(TurnNotification 0 turn "turn" required Turn);
    payload!(WarningNotification 0 thread_id "threadId" optional Option<ThreadId>);
    include!("../../goldens/notification_rows.rs");
}

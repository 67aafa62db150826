//! The work of a job as it is saved, for whoever goes on with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openai_codex::ThreadBundle;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The thread, and what the agent has changed in its workspace.
#[derive(Serialize, Deserialize)]
pub(crate) struct SavedWork {
    pub(crate) thread: ThreadBundle,
    #[serde(default, with = "base64_bytes")]
    pub(crate) workspace: Option<Vec<u8>>,
}

mod base64_bytes {
    use super::*;
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        bytes
            .as_ref()
            .map(|bytes| STANDARD.encode(bytes))
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| STANDARD.decode(text).map_err(D::Error::custom))
            .transpose()
    }
}

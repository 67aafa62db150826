//! Recorded traffic of the real runtime, played back to the client.

use std::path::Path;

use codex_testkit::{Direction, Replay, Transcript};
use openai_codex::{Codex, CodexConfig, Error};
use serde_json::{Value, json};

use super::{spawn, still_works, within};

fn transcripts() -> Vec<(String, Transcript)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let transcripts = Transcript::load_all(folder).unwrap();
    assert!(!transcripts.is_empty());
    transcripts
}

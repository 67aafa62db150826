//! Installs the pinned runtime from a program, with its progress, and says which one a client would run.
//!
//! ```text
//! cargo run --example install_runtime --features install
//! ```

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage};
use openai_codex::runtime::{Installer, ProgressEvent};
use openai_codex::{Codex, RUNTIME_VERSION};

#[tokio::main]
async fn main() -> Outcome {
    println!("runtime.pinned: {RUNTIME_VERSION}");
    // Downloaded by npm, verified by its digest, and kept; where it is there already, this is quick. It blocks, so it
    // is kept off the async threads.
    let installing = tokio::task::spawn_blocking(|| {
        let progress =
            |event: &ProgressEvent<'_>| println!("install: {:?} {:?}", event.step, event.bytes);
        Installer::new().progress(progress).install()
    });
    let runtime = installing.await??;
    println!("runtime.program: {}", runtime.program().display());

    let stage = Stage::new([])?;
    let config = stage.config().codex_bin(runtime.program());
    let codex = Codex::start_with(config).await?;
    println!("runtime.running: {}", codex.server_info().runtime_version);
    codex.close().await?;
    Ok(())
}

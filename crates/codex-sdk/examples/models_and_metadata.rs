//! The runtime's metadata, and its models page by page.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage};
use futures_util::TryStreamExt;
use openai_codex::Codex;
use openai_codex::types::Model;

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([])?;
    let codex = Codex::start_with(stage.config()).await?;

    let info = codex.server_info();
    println!("server: {} ({})", info.runtime_version, info.platform_os);

    let page = codex.models().await?;
    println!("models.first_page: {}", page.data.len());
    // The same, and the pages that follow; hidden models too.
    let models = codex.models().include_hidden(true).limit(4).stream();
    let models: Vec<Model> = models.try_collect().await?;
    println!("models.count: {}", models.len());
    let names: Vec<_> = models.iter().map(|model| model.id.as_str()).collect();
    println!("models: {}", names.join(", "));

    codex.close().await?;
    Ok(())
}

//! Picks a model, and the most effort that it offers.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Outcome, Stage, words};
use futures_util::TryStreamExt;
use openai_codex::types::{Model, ReasoningEffort, ReasoningSummary};
use openai_codex::{Codex, Sandbox};

/// Orders the efforts; one that this version does not know comes first.
fn rank(effort: &ReasoningEffort) -> usize {
    const ORDER: [ReasoningEffort; 8] = [
        ReasoningEffort::None,
        ReasoningEffort::Minimal,
        ReasoningEffort::Low,
        ReasoningEffort::Medium,
        ReasoningEffort::High,
        ReasoningEffort::Xhigh,
        ReasoningEffort::Max,
        ReasoningEffort::Ultra,
    ];
    let known = ORDER.iter().position(|known| known == effort);
    known.map_or(0, |position| position + 1)
}

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([words("Ready."), words("Done.")])?;
    let codex = Codex::start_with(stage.config()).await?;

    // One that is offered and has no successor.
    let models: Vec<Model> = codex.models().stream().try_collect().await?;
    let current = models.iter().filter(|model| model.upgrade.is_none());
    let model = current
        .max_by_key(|model| model.is_default)
        .ok_or("the runtime offers no model")?;
    let efforts = model.supported_reasoning_efforts.iter();
    let effort = efforts
        .map(|option| &option.reasoning_effort)
        .max_by_key(|effort| rank(effort));
    let effort = effort.unwrap_or(&model.default_reasoning_effort);
    println!("selected.model: {}", model.id);
    println!("selected.effort: {effort}");

    let thread = codex.thread_start().model(&model.model).await?;
    let result = thread
        .turn("Get ready.")
        .effort(effort.clone())
        .run()
        .await?;
    println!("agent.message: {}", result.text());

    let result = thread
        .turn("Now do it.")
        .model(&model.model)
        .effort(effort.clone())
        .sandbox(Sandbox::ReadOnly)
        .summary(ReasoningSummary::Concise)
        .run()
        .await?;
    println!("agent.message.params: {}", result.text());
    println!("items.params: {}", result.items.len());

    codex.close().await?;
    Ok(())
}

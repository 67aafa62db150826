//! A final response that is a type of this program. Needs the feature `schemars`.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage};
use openai_codex::Codex;
use schemars::JsonSchema;
use serde::Deserialize;

/// What the model is asked for; it knows the fields by their doc comments.
#[derive(Debug, Deserialize, JsonSchema)]
struct Review {
    /// What is wrong, the worst first.
    findings: Vec<Finding>,
    verdict: Verdict,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Finding {
    /// The path of the file, from the folder of the project.
    file: String,
    /// The line, counted from one; null for the whole file.
    line: Option<u32>,
    /// One sentence.
    problem: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Bad,
}

#[tokio::main]
async fn main() -> Outcome {
    // The first answer does not fit the type, so the model is asked once more.
    let stage = Stage::new([
        Answer::text(r#"{"findings": "none", "verdict": "good"}"#),
        Answer::text(
            r#"{"findings": [{"file": "README.md", "line": 3, "problem": "It is tiny."}], "verdict": "good"}"#,
        ),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    let turn = thread.turn("Review this project.").output::<Review>();
    let typed = turn.run().await?;
    let Review { findings, verdict } = typed.value;
    println!("verdict: {verdict:?}");
    for Finding {
        file,
        line,
        problem,
    } in findings
    {
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        println!("finding: {file}{line}: {problem}");
    }
    if let Some(used) = typed.result.turn_usage() {
        println!(
            "tokens: {} in, {} out",
            used.input_tokens, used.output_tokens
        );
    }
    for request in stage.requests() {
        if let Some(schema) = request.output_schema() {
            println!("schema: {schema}");
        }
        println!("asked: {}", request.last_user_text().unwrap_or_default());
    }

    codex.close().await?;
    Ok(())
}

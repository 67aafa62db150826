//! Typed errors, and trying again where that helps.

#![allow(clippy::print_stdout, reason = "examples print their output")]

mod common;

use common::{Answer, Outcome, Stage, words};
use openai_codex::{Codex, Error, RetryPolicy, RpcErrorKind, retry_on_overload};

#[tokio::main]
async fn main() -> Outcome {
    let stage = Stage::new([
        Answer::failed("server_is_overloaded", "The model is busy."),
        words("Now I had time."),
        Answer::failed("server_error", "Something broke."),
    ])?;
    let codex = Codex::start_with(stage.config()).await?;
    let thread = codex.thread_start().await?;

    // An overloaded runtime is asked again by the client itself. A turn is not: that it failed
    // for lack of capacity is for you to know, and to repeat.
    let policy = RetryPolicy::default();
    let result = retry_on_overload(&policy, || thread.run("Do you have a moment?")).await?;
    println!("Text: {}", result.text());

    match thread.run("And now?").await {
        Ok(result) => println!("Text: {}", result.text()),
        Err(Error::TurnFailed(failure)) => {
            println!("Failed: {}", failure.error.message);
            println!("Kind: {:?}", failure.kind());
            println!("Worth another try: {}", failure.is_retryable());
            println!("Items before that: {}", failure.result.items.len());
        }
        Err(error) => return Err(error.into()),
    }

    // What cannot be right is refused before it is sent.
    if let Err(error) = thread.run(Vec::new()).await {
        println!("Refused: {error}");
    }
    // What the runtime refuses says why.
    if let Err(error) = codex
        .thread_resume("00000000-0000-7000-8000-000000000000")
        .await
    {
        match error.rpc().map(|error| error.kind()) {
            Some(RpcErrorKind::ThreadNotFound) => println!("There is no such thread: {error}"),
            _ => println!("Refused: {error}"),
        }
        println!("Worth another try: {}", error.is_retryable());
    }

    codex.close().await?;
    // After the end everything fails the same way.
    if let Err(error) = thread.run("Hello?").await {
        println!("Closed: {} ({error})", error.is_closed());
    }
    Ok(())
}

//! Content that is nested deeper than JSON parsers go by default reaches the caller.

use std::iter::successors;

use codex_testkit::Answer;
use futures_util::TryStreamExt;
use openai_codex::types::{ThreadItem, Turn};
use serde_json::json;

use crate::items::agent_texts;
use crate::stage::{Stage, ok, supported};

/// The server of the tool, which is a process of the runtime.
const SERVER: &str = env!("CARGO_BIN_EXE_nesting-mcp-server");

/// How many levels the answers of the tool have, in order.
fn levels(items: &[ThreadItem]) -> Vec<usize> {
    let contents = items.iter().filter_map(|item| match item {
        ThreadItem::McpToolCall(call) => call.result.as_ref()?.structured_content.as_ref(),
        _ => None,
    });
    contents
        .map(|content| successors(content.get("a"), |inner| inner.get("a")).count())
        .collect()
}

/// A stage whose model calls the tool for this many levels.
async fn stage(levels: usize) -> Stage {
    let server = json!({"command": SERVER, "default_tools_approval_mode": "approve"});
    let stage = Stage::with_home(|home| home.config("mcp_servers.nesting", server)).await;
    let call = Answer::function_call("nest", json!({"levels": levels})).namespace("mcp__nesting");
    stage.model.push(call).push(Answer::text("done"));
    stage
}

/// From 121 levels on, the line has more than the 128 at which serde_json stops.
#[tokio::test]
async fn the_deep_answer_of_a_tool_is_in_the_turn_and_in_the_history() {
    for deep in [20, 121, 123] {
        let mut stage = stage(deep).await;
        let thread = stage.thread().await;
        let result = ok(thread.run("nest")).await;
        assert_eq!(levels(&result.items), [deep]);
        let is_whole = |turns: &[Turn]| {
            let [turn] = turns else {
                panic!("{turns:?}");
            };
            assert_eq!(levels(&turn.items), [deep]);
            assert_eq!(agent_texts(&turn.items), ["done"]);
        };
        is_whole(&ok(thread.read_with_turns()).await.thread.turns);
        let Some(turns) = supported(thread.turns().try_collect::<Vec<_>>()).await else {
            return stage.leave().await;
        };
        is_whole(&turns);
        let loaded = ok(stage.codex.thread_resume(thread.id()).include_turns(true)).await;
        is_whole(&loaded.info().thread.turns);
        stage.restart().await;
        let resumed = ok(stage.codex.thread_resume(thread.id()).include_turns(true)).await;
        is_whole(&resumed.info().thread.turns);
        stage.finish().await;
    }
}

/// RT: the runtime cannot read these back from its own file: the call is missing from the history, and
/// what stands beside it is there.
#[tokio::test]
async fn what_the_runtime_itself_cannot_read_back_is_in_the_turn() {
    for deep in [124, 125] {
        let stage = stage(deep).await;
        let thread = stage.thread().await;
        let result = ok(thread.run("nest")).await;
        assert_eq!(levels(&result.items), [deep]);
        let turns = ok(thread.read_with_turns()).await.thread.turns;
        assert_eq!(levels(&turns[0].items), [0; 0]);
        assert_eq!(agent_texts(&turns[0].items), ["done"]);
        stage.finish().await;
    }
}

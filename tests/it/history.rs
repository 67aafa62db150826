//! The stored history of a thread.

use codex_testkit::Answer;
use futures_util::TryStreamExt;
use openai_codex::types::{SortDirection, ThreadTurnsListParams, Turn, TurnStatus};

use crate::items::dialog;
use crate::stage::{Stage, ok, supported, within};

/// A thread is read with what was said, in order.
#[tokio::test]
async fn a_thread_is_read_with_its_history() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("two"));
    let thread = stage.thread().await;
    ok(thread.run("first")).await;
    ok(thread.run("second")).await;
    let turns = ok(thread.read_with_turns()).await.thread.turns;
    let lines: Vec<_> = turns.iter().flat_map(|turn| dialog(&turn.items)).collect();
    let expected = ["user: first", "agent: one", "user: second", "agent: two"];
    assert_eq!(lines, expected);
    assert!(
        turns
            .iter()
            .all(|turn| turn.status == TurnStatus::Completed)
    );
    stage.finish().await;
}

/// The history has the same turns and items as the results.
#[tokio::test]
async fn the_history_is_what_the_results_were() {
    let stage = Stage::new().await;
    stage.model.push(
        Answer::text("Looking.")
            .phase("commentary")
            .and(Answer::text("Found it.").phase("final_answer")),
    );
    let thread = stage.thread().await;
    let result = ok(thread.run("look")).await;
    let turns = ok(thread.read_with_turns()).await.thread.turns;
    let [turn] = &turns[..] else {
        panic!("{turns:?}");
    };
    assert_eq!(turn.id, result.id);
    assert_eq!(dialog(&turn.items), dialog(&result.items));
    assert_eq!(
        crate::items::phases(&turn.items),
        crate::items::phases(&result.items)
    );
    assert_eq!(turn.started_at, result.started_at);
    assert_eq!(turn.completed_at, result.completed_at);
    stage.finish().await;
}

/// The turns of a thread are streamed over all pages, oldest first.
#[tokio::test]
async fn turns_are_streamed_over_all_pages() {
    let stage = Stage::new().await;
    stage.model.default_answer(Answer::text("done"));
    let thread = stage.thread().await;
    let mut ids = Vec::new();
    for number in 0..30 {
        ids.push(ok(thread.run(format!("turn {number}"))).await.id);
    }
    let params = ThreadTurnsListParams::new(thread.id()).sort_direction(SortDirection::Asc);
    let Some(page) = supported(stage.codex.request(params)).await else {
        return stage.leave().await;
    };
    assert!(page.data.len() < ids.len() && page.next_cursor.is_some());
    let turns: Vec<Turn> = within(thread.turns().try_collect()).await.unwrap();
    let listed: Vec<_> = turns.iter().map(|turn| turn.id.clone()).collect();
    assert_eq!(listed, ids);
    let last = dialog(&turns[29].items);
    assert_eq!(last, ["user: turn 29", "agent: done"]);
    stage.finish().await;
}

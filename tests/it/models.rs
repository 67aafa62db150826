//! Lists of models.

use futures_util::TryStreamExt;
use openai_codex::types::Model;

use crate::stage::{Stage, ok, within};

/// Models are listed, hidden ones only if they are asked for.
#[tokio::test]
async fn hidden_models_are_listed_if_asked_for() {
    let stage = Stage::new().await;
    let shown = ok(stage.codex.models()).await.data;
    let all = ok(stage.codex.models().include_hidden(true)).await.data;
    assert!(!shown.is_empty());
    assert!(shown.iter().all(|model| !model.hidden));
    assert!(all.iter().any(|model| model.hidden));
    let visible: Vec<_> = all.into_iter().filter(|model| !model.hidden).collect();
    assert_eq!(visible, shown);
    stage.finish().await;
}

/// Models are streamed over all pages.
#[tokio::test]
async fn models_are_streamed_over_all_pages() {
    let stage = Stage::new().await;
    let list = || stage.codex.models().include_hidden(true);
    let all = ok(list()).await;
    assert_eq!(all.next_cursor, None);
    assert!(all.data.len() > 1);
    let first = ok(list().limit(1)).await;
    assert_eq!(first.data, all.data[..1]);
    assert!(first.next_cursor.is_some());
    let models: Vec<Model> = within(list().limit(1).stream().try_collect())
        .await
        .unwrap();
    assert_eq!(models, all.data);
    stage.finish().await;
}

/// Two thousand requests at once are all answered.
#[tokio::test]
async fn two_thousand_requests_at_once_are_all_answered() {
    let stage = Stage::new().await;
    let requests = (0..2000).map(|_| async { stage.codex.models().await });
    let answers = within(futures_util::future::join_all(requests)).await;
    let failed: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(answers.len(), 2000);
    stage.finish().await;
}

//! The processes that exist while a client lives, and after it.

use std::path::Path;
use std::time::Duration;

use codex_testkit::{Answer, Gate};
use openai_codex::Codex;

use crate::stage::{Stage, config, ok, within};

/// Counts the processes that work in the home: children of this one, and all.
fn processes(stage: &Stage) -> (usize, usize) {
    let own = std::process::id().to_string();
    let mut counts = (0, 0);
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let folder = process.path();
        let cwd = std::fs::read_link(folder.join("cwd"));
        if cwd.is_ok_and(|cwd| cwd.starts_with(stage.home.root())) {
            counts.0 += usize::from(parent(&folder).as_deref() == Some(&own));
            counts.1 += 1;
        }
    }
    counts
}

/// Reads the parent of a process: the second word after the name in parentheses.
fn parent(folder: &Path) -> Option<String> {
    let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1).map(str::to_owned)
}

/// Waits until no process works in the home any more.
async fn gone(stage: &Stage) {
    let gone = async {
        while processes(stage) != (0, 0) {
            // Nothing tells of the end of a stranger's process.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(gone).await;
}

/// After a close in the middle of a turn the runtime is reaped, and what it has started is gone
/// with it.
#[tokio::test]
async fn a_close_leaves_no_process() {
    let stage = Stage::new().await;
    assert_eq!(processes(&stage).0, 1);
    let gate = Gate::new();
    stage.model.push(Answer::text("never").gate(&gate));
    let turn = ok(stage.thread().await.turn("go")).await;
    gate.reached().await.unwrap();
    ok(stage.codex.close()).await;
    assert_eq!(processes(&stage).0, 0);
    // What the runtime had started was killed by then, and ends when the system comes to it.
    gone(&stage).await;
    drop(turn);
    stage.finish().await;
}

/// A client that is dropped ends its runtime.
#[tokio::test]
async fn a_dropped_client_ends_its_runtime() {
    let stage = Stage::new().await;
    let other = ok(Codex::start_with(config(&stage.home, &stage.model))).await;
    assert_eq!(processes(&stage).0, 2);
    ok(stage.codex.close()).await;
    assert_eq!(processes(&stage).0, 1);
    drop(other);
    gone(&stage).await;
    stage.finish().await;
}

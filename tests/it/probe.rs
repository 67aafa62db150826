//! Scratch.
use crate::stage::{Stage, ok};
use codex_testkit::{Answer, Gate};
use openai_codex::Codex;
use serde_json::json;
use std::time::{Duration, Instant};

async fn watch(codex: &Codex, label: &str, ms: u64) {
    let _ = (codex, label, ms);
}

fn spy(codex: &Codex) -> tokio::task::JoinHandle<()> {
    let mut n = codex.notifications();
    let t = Instant::now();
    tokio::spawn(async move {
        while let Some(e) = n.next().await {
            match e {
                Ok(e) => {
                    let s = serde_json::to_string(&e).unwrap();
                    let s: String = s.chars().take(400).collect();
                    println!("{:>6} {}", t.elapsed().as_millis(), s);
                }
                Err(e) => println!("ERR {e}"),
            }
        }
    })
}

async fn raw(codex: &Codex, m: &str, p: serde_json::Value) -> serde_json::Value {
    match codex.request_raw(m, p).await {
        Ok(v) => {
            let s: String = v.to_string().chars().take(3000).collect();
            println!(">> {m} OK {s}");
            v
        }
        Err(e) => {
            println!(">> {m} ERR {e}");
            json!(null)
        }
    }
}
async fn sleep(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await
}

#[tokio::test]
async fn review() {
    let stage = Stage::new().await;
    let _s = spy(&stage.codex);
    let t = raw(&stage.codex, "thread/start", json!({})).await;
    let id = t["thread"]["id"].as_str().unwrap().to_owned();
    let r = raw(
        &stage.codex,
        "review/start",
        json!({"threadId": id, "target": {"type": "baseBranch", "branch": "main"}}),
    )
    .await;
    sleep(3000).await;
    raw(
        &stage.codex,
        "thread/read",
        json!({"threadId": id, "includeTurns": true}),
    )
    .await;
    raw(&stage.codex, "thread/turns/list", json!({"threadId": id})).await;
    let _ = r;
}

async fn mid(method: &str) {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("two").gate_at_end(&gate));
    let t = raw(&stage.codex, "thread/start", json!({})).await;
    let id = t["thread"]["id"].as_str().unwrap().to_owned();
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    sleep(1000).await;
    let _s = spy(&stage.codex);
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    sleep(1000).await;
    println!("---- {method}");
    raw(&stage.codex, method, json!({"threadId": id})).await;
    sleep(2000).await;
    println!("---- gate opens");
    gate.open();
    sleep(2000).await;
    raw(
        &stage.codex,
        "thread/read",
        json!({"threadId": id, "includeTurns": true}),
    )
    .await;
}
#[tokio::test]
async fn archive() {
    mid("thread/archive").await
}
#[tokio::test]
async fn delete() {
    mid("thread/delete").await
}
#[tokio::test]
async fn unsubscribe() {
    mid("thread/unsubscribe").await
}

#[tokio::test]
async fn compact() {
    let stage = Stage::new().await;
    let gate = Gate::new();
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("summary").gate_at_end(&gate));
    let t = raw(&stage.codex, "thread/start", json!({})).await;
    let id = t["thread"]["id"].as_str().unwrap().to_owned();
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    sleep(1000).await;
    let _s = spy(&stage.codex);
    raw(
        &stage.codex,
        "thread/compact/start",
        json!({"threadId": id}),
    )
    .await;
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    sleep(500).await;
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    raw(
        &stage.codex,
        "thread/read",
        json!({"threadId": id, "includeTurns": true}),
    )
    .await;
    gate.open();
    sleep(1000).await;
    watch(&stage.codex, "", 0).await;
}

#[tokio::test]
async fn resume() {
    let stage = Stage::new().await;
    stage
        .model
        .push(Answer::text("one"))
        .push(Answer::text("one"))
        .push(Answer::text("one"));
    let t = raw(&stage.codex, "thread/start", json!({"sandbox":"workspace-write","approvalPolicy":"on-request","approvalsReviewer":"auto_review", "baseInstructions":"base"})).await;
    let id = t["thread"]["id"].as_str().unwrap().to_owned();
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    sleep(1000).await;
    raw(&stage.codex, "thread/loaded/list", json!({})).await;
    raw(&stage.codex, "thread/resume", json!({"threadId": id, "sandbox":"read-only","approvalPolicy":"never","model":"other","modelProvider":"nope","cwd":"/","serviceTier":"flex","config":{"model_reasoning_effort":"high"},"baseInstructions":"x"})).await;
    raw(&stage.codex, "thread/fork", json!({"threadId": id, "sandbox":"read-only","approvalPolicy":"never","model":"other","cwd":"/","serviceTier":"flex","config":{"model_reasoning_effort":"high"}, "ephemeral": true, "threadSource":"user"})).await;
    raw(&stage.codex, "thread/unsubscribe", json!({"threadId": id})).await;
    raw(&stage.codex, "thread/loaded/list", json!({})).await;
    raw(&stage.codex, "thread/resume", json!({"threadId": id, "sandbox":"read-only","approvalPolicy":"never","model":"other","cwd":"/","serviceTier":"flex","config":{"model_reasoning_effort":"high"},"baseInstructions":"x"})).await;
    ok(stage.codex.close()).await;
}

#[tokio::test]
async fn resume2() {
    let mut stage = Stage::new().await;
    stage.model.default_answer(Answer::text("one"));
    let t = raw(&stage.codex, "thread/start", json!({"sandbox":"workspace-write","approvalPolicy":"on-request","approvalsReviewer":"auto_review", "baseInstructions":"base","sessionStartSource":"startup","threadSource":"user","serviceName":"svc","config":{"model_reasoning_effort":"high"}})).await;
    let id = t["thread"]["id"].as_str().unwrap().to_owned();
    raw(
        &stage.codex,
        "turn/start",
        json!({"threadId": id, "input": [{"type":"text","text":"hi"}]}),
    )
    .await;
    sleep(600).await;
    let opts = || json!({"threadId": id, "sandbox":"read-only","approvalPolicy":"never","model":"other","cwd":"/","serviceTier":"flex","config":{"model_reasoning_effort":"low"},"baseInstructions":"x", "developerInstructions":"dev", "excludeTurns": true});
    let a = raw(&stage.codex, "thread/resume", opts()).await;
    let r1 = raw(&stage.codex, "thread/read", json!({"threadId": id})).await;
    raw(&stage.codex, "thread/unsubscribe", json!({"threadId": id})).await;
    let r2 = raw(&stage.codex, "thread/read", json!({"threadId": id})).await;
    let b = raw(&stage.codex, "thread/resume", opts()).await;
    let c = raw(
        &stage.codex,
        "thread/resume",
        json!({"threadId": id, "excludeTurns": true, "developerInstructions":"dev2"}),
    )
    .await;
    stage.restart().await;
    let d = raw(&stage.codex, "thread/resume", opts()).await;
    let f = raw(&stage.codex, "thread/fork", opts()).await;
    std::fs::write("/tmp/resume2.json", serde_json::to_string(&json!({"loaded": a, "unsub": b, "again": c, "fresh": d, "fork": f, "r1": r1, "r2": r2})).unwrap()).unwrap();
}

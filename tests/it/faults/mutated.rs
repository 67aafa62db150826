//! Recorded lines, mutated and thrown at the client: it survives, or it says why not.

use std::path::Path;
use std::sync::LazyLock;

use codex_testkit::{Direction, Transcript};
use openai_codex::{CodexConfig, Error};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::json;

use crate::peer::{connect_with, spawn, start_thread, start_turn, within};

/// Lines of the real runtime, one of each kind and size.
static LINES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut kinds = std::collections::BTreeMap::new();
    for (_, transcript) in Transcript::load_all(folder).unwrap() {
        for line in transcript.of(Direction::ServerToClient) {
            let message = line.message();
            let item = message["params"]["item"]["type"].to_string();
            let kind = (
                message["method"].to_string(),
                item,
                line.raw().map_or(0, str::len) / 500,
            );
            kinds
                .entry(kind)
                .or_insert_with(|| line.raw().unwrap_or_default().to_owned());
        }
    }
    let lines: Vec<String> = kinds
        .into_values()
        .filter(|line| line.len() < 20_000)
        .collect();
    assert!(lines.len() > 50);
    lines
});

/// What is done to a line.
#[derive(Clone, Debug)]
enum Mutation {
    /// As it was.
    Keep,
    /// Cut off here.
    Cut(prop::sample::Index),
    /// One byte changed.
    Byte(prop::sample::Index, u8),
    /// Some bytes put in.
    Insert(prop::sample::Index, Vec<u8>),
    /// A piece of another line put in.
    Splice(prop::sample::Index, prop::sample::Index),
    /// Ids replaced, so that it may concern the turn that runs or the request that waits.
    Rename,
    /// A value replaced by another kind of value.
    Value(prop::sample::Index, &'static str),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    let values = prop::sample::select(
        &[
            "null",
            "5",
            "-1e300",
            "\"x\"",
            "[]",
            "{}",
            "[[[[]]]]",
            "true",
            "18446744073709551616",
        ][..],
    );
    prop_oneof![
        1 => Just(Mutation::Keep),
        2 => index().prop_map(Mutation::Cut),
        3 => (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        2 => (index(), prop::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (index(), index()).prop_map(|(at, other)| Mutation::Splice(at, other)),
        3 => Just(Mutation::Rename),
        4 => (index(), values).prop_map(|(at, value)| Mutation::Value(at, value)),
    ]
}

fn mutate(line: &str, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match mutation {
            Mutation::Keep => {}
            Mutation::Cut(at) => bytes.truncate(at.index(length)),
            Mutation::Byte(at, byte) => bytes[at.index(length)] = *byte,
            Mutation::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Mutation::Splice(at, other) => {
                let other = other.get::<String>(&LINES).as_bytes();
                let at = at.index(length);
                let piece = &other[at % other.len()..];
                bytes.splice(at..at, piece.iter().copied());
            }
            Mutation::Rename => bytes = renamed(&bytes),
            Mutation::Value(at, value) => bytes = with_value(&bytes, at.index(length), value),
        }
    }
    bytes
}

/// Makes a line say that it is of the thread and the turn that this test has.
fn renamed(line: &[u8]) -> Vec<u8> {
    let Ok(mut message) = serde_json::from_slice::<serde_json::Value>(line) else {
        return line.to_vec();
    };
    let params = &mut message["params"];
    if params.is_object() {
        params["threadId"] = json!("t");
        match params.get_mut("turn").and_then(|turn| turn.as_object_mut()) {
            Some(turn) => {
                turn.insert("id".into(), json!("a"));
            }
            None => params["turnId"] = json!("a"),
        }
    }
    message.to_string().into_bytes()
}

/// Replaces the value after the first colon from here on, roughly.
fn with_value(line: &[u8], from: usize, value: &str) -> Vec<u8> {
    let colon = line[from..].iter().position(|byte| *byte == b':');
    let Some(start) = colon.map(|at| from + at + 1) else {
        return line.to_vec();
    };
    let end = line[start..]
        .iter()
        .position(|byte| matches!(byte, b',' | b'}' | b']'));
    let end = end.map_or(line.len(), |at| start + at);
    [&line[..start], value.as_bytes(), &line[end..]].concat()
}

/// Throws lines at a client in the middle of a turn; then a request must work or say why not.
async fn survive(lines: Vec<Vec<u8>>) -> Result<(), TestCaseError> {
    let config = CodexConfig::new().max_line_bytes(1024 * 1024);
    let (codex, mut server) = connect_with(config).await;
    let thread = start_thread(&codex, &mut server, "t").await;
    let mut turn = start_turn(&thread, &mut server, "a").await;
    let mut globals = codex.notifications();
    for line in lines {
        server.line(line);
    }
    // Its id is not one that a recorded answer can have by chance.
    let mut asking = spawn({
        let codex = codex.clone();
        async move {
            let mut last = codex.request_raw("still/works", json!({})).await;
            while !matches!(&last, Ok(answer) if *answer == json!({"ok": "indeed"})) {
                if matches!(&last, Err(Error::Closed(_))) {
                    break;
                }
                last = codex.request_raw("still/works", json!({})).await;
            }
            last
        }
    });
    let outcome = within(async {
        loop {
            tokio::select! {
                outcome = &mut asking => return outcome.unwrap(),
                call = server.find("still/works") => {
                    if let Ok(call) = call {
                        call.reply(json!({"ok": "indeed"}));
                    }
                }
            }
        }
    })
    .await;
    let alive = outcome.is_ok();
    prop_assert!(alive, "{outcome:?}");
    // What belongs to the turn can be read, and the turn ends.
    server.notify("turn/completed", crate::peer::of_turn("a", "completed"));
    within(async { while turn.next().await.is_some() {} }).await;
    within(codex.close()).await.unwrap();
    within(async { while globals.next().await.is_some() {} }).await;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    /// Whatever is made of the lines of a real runtime, the client goes on.
    #[test]
    fn mutated_lines_do_not_end_the_client(
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::collection::vec(mutation(), 1..4)),
            1..20,
        )
    ) {
        let changes = changes.iter();
        let lines = changes.map(|(line, mutations)| mutate(line.get::<String>(&LINES), mutations));
        let lines = lines.collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(survive(lines))?;
    }

    /// Bytes of any kind, with ends of lines among them.
    #[test]
    fn any_bytes_do_not_end_the_client(
        bytes in prop::collection::vec(
            prop_oneof![3 => any::<u8>(), 1 => prop::sample::select(&b"\n{}[]\":,0"[..])],
            0..2000,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(survive(vec![bytes]))?;
    }
}

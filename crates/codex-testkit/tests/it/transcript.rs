//! Recordings: read, replayed and made.

use std::io::Write;
use std::sync::{Arc, Mutex};

use codex_testkit::{Direction, Recorder, Replay, ScriptedServer, Transcript};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

const RECORDING: &str = r#"{"dir": "meta", "scenario": "approval", "runtime": "1.2.3"}
{"t":0.1,"dir":"c2s","msg":{"id": 2, "method": "turn/start", "params": {}}}
{"t":0.2,"dir":"err","text":"a warning"}
{"t":0.3,"dir":"s2c","msg":{"method":"turn/started","params":{"z":1,"a":2}}}
{"t":0.4,"dir":"s2c","msg":{"id":2,"result":{"turn":{}}}}
{"t":0.5,"dir":"s2c","msg":{"method":"approve?","id":0,"params":{}}}
{"t":0.6,"dir":"c2s","msg":{"id": 0, "result": {"decision": "accept"}}}
{"t":0.7,"dir":"s2c","msg":{"method":"turn/completed","params":{}}}
{"t":0.8,"dir":"eof","text":"client closed stdin"}
{"t":0.9,"dir":"exit","text":"exit status: 0"}
{"dir":"restart","text":"again"}
"#;

#[test]
fn a_recording_is_read_line_by_line() {
    let transcript = Transcript::parse(RECORDING).unwrap();
    assert_eq!(transcript.meta()["scenario"], "approval");
    assert_eq!(transcript.lines().len(), 10);
    assert_eq!(transcript.lines()[1].text.as_deref(), Some("a warning"));
    assert_eq!(
        transcript.lines()[9].dir,
        Direction::Other("restart".to_owned())
    );
    assert_eq!(transcript.client_messages()[1]["id"], 0);
    assert_eq!(
        transcript.lines()[2].raw(),
        Some(r#"{"method":"turn/started","params":{"z":1,"a":2}}"#)
    );
}

#[test]
fn a_line_that_is_none_is_named() {
    let error = Transcript::parse("{\"dir\":\"meta\"}\n{\"t\":1}\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("line 2 is malformed: missing field `dir`"),
        "{error}"
    );
}

#[test]
fn the_recordings_of_a_folder_come_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.jsonl", "a.jsonl", "README.md"] {
        std::fs::write(folder.path().join(name), RECORDING).unwrap();
    }
    let all = Transcript::load_all(folder.path()).unwrap();
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn a_replay_answers_with_the_clients_own_ids() {
    let transcript = Transcript::parse(RECORDING).unwrap();
    let (replay, read, mut write) = Replay::pipe(transcript);
    let client = async {
        let mut lines = BufReader::new(read).lines();
        let call = b"{\"id\":\"mine\",\"method\":\"turn/start\",\"params\":{}}\n";
        write.write_all(call).await.unwrap();
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("approve?") {
                let answer = b"{\"id\":0,\"result\":{\"decision\":\"decline\"}}\n";
                write.write_all(answer).await.unwrap();
            }
            seen.push(line);
        }
        seen
    };
    let play = async { replay.play().await.unwrap().received() };
    let (seen, received) = tokio::join!(client, play);
    assert_eq!(
        seen,
        [
            r#"{"method":"turn/started","params":{"z":1,"a":2}}"#,
            r#"{"id":"mine","result":{"turn":{}}}"#,
            r#"{"method":"approve?","id":0,"params":{}}"#,
            r#"{"method":"turn/completed","params":{}}"#,
        ]
    );
    assert_eq!(
        received[1],
        json!({"id": 0, "result": {"decision": "decline"}})
    );
}

/// A writer whose bytes the test can read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_passes_is_recorded_and_can_be_replayed() {
    let file = Shared::default();
    let recorder = Recorder::to_writer(file.clone(), json!({"scenario": "made"}));
    let (mut server, read, write) = ScriptedServer::pipe();
    let mut read = BufReader::new(recorder.server(read)).lines();
    let mut write = recorder.client(write);
    write.write_all(b"{\"id\": 1, \"met").await.unwrap();
    write.write_all(b"hod\": \"x\"}\n").await.unwrap();
    server.expect("x").await.unwrap().reply(json!({"ok": true}));
    server.line("no json");
    read.next_line().await.unwrap();
    read.next_line().await.unwrap();
    recorder.note(Direction::Exited, "exit status: 0");
    recorder.flush().unwrap();

    let text = String::from_utf8(file.0.lock().unwrap().clone()).unwrap();
    let transcript = Transcript::parse(&text).unwrap();
    let lines: Vec<(Direction, Value, Option<&str>)> = transcript
        .lines()
        .iter()
        .map(|line| (line.dir.clone(), line.message(), line.text.as_deref()))
        .collect();
    assert_eq!(
        lines,
        [
            (
                Direction::ClientToServer,
                json!({"id": 1, "method": "x"}),
                None
            ),
            (
                Direction::ServerToClient,
                json!({"id": 1, "result": {"ok": true}}),
                None
            ),
            (Direction::ServerToClient, Value::Null, Some("no json")),
            (Direction::Exited, Value::Null, Some("exit status: 0")),
        ]
    );
    assert_eq!(transcript.meta()["scenario"], "made");
    assert_eq!(
        transcript.lines()[0].raw(),
        Some(r#"{"id": 1, "method": "x"}"#)
    );
}

#[test]
fn a_recording_of_two_runtimes_is_split() {
    let again = r#"{"t":0.1,"dir":"c2s","msg":{"id":1,"method":"initialize"}}"#;
    let transcript = Transcript::parse(&format!("{RECORDING}{again}\n")).unwrap();
    let runs = transcript.runs();
    let lengths: Vec<usize> = runs.iter().map(|run| run.lines().len()).collect();
    assert_eq!(lengths, [9, 1]);
    assert_eq!(runs[1].meta()["scenario"], "approval");
}

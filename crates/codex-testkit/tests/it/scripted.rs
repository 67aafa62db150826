//! The scripted server over a pipe.

use std::time::Duration;

use codex_testkit::{Script, ScriptedServer, text_turn};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines};

/// The client's ends of the pipe.
struct Client {
    input: Lines<BufReader<DuplexStream>>,
    output: DuplexStream,
}

impl Client {
    fn new(read: DuplexStream, write: DuplexStream) -> Self {
        Self {
            input: BufReader::new(read).lines(),
            output: write,
        }
    }

    async fn send(&mut self, message: Value) {
        let line = format!("{message}\n");
        self.output.write_all(line.as_bytes()).await.unwrap();
    }

    /// The next line, without the time stamp of notifications.
    async fn receive(&mut self) -> Option<Value> {
        let line = self.input.next_line().await.unwrap()?;
        let mut message: Value = serde_json::from_str(&line).unwrap();
        if let Some(stamp) = message.as_object_mut().unwrap().remove("emittedAtMs") {
            assert!(stamp.is_u64());
        }
        Some(message)
    }
}

fn pipe() -> (ScriptedServer, Client) {
    let (server, read, write) = ScriptedServer::pipe();
    (server, Client::new(read, write))
}

#[tokio::test]
async fn the_handshake_is_the_runtimes_own() {
    let (mut server, mut client) = pipe();
    server.version("1.2.3");
    let info = json!({"clientInfo": {"name": "rec", "version": "0.0.1"}});
    client
        .send(json!({"id": 1, "method": "initialize", "params": info}))
        .await;
    client.send(json!({"method": "initialized"})).await;
    assert_eq!(server.handshake().await.unwrap(), info);
    assert_eq!(
        client.receive().await.unwrap(),
        json!({"id": 1, "result": {
            "userAgent": "rec/1.2.3 (Debian 12.0.0; x86_64) xterm (rec; 0.0.1)",
            "codexHome": "/home/u/.codex",
            "platformFamily": "unix",
            "platformOs": "linux",
        }})
    );
}

#[tokio::test]
async fn calls_are_answered_in_any_order_with_their_own_ids() {
    let (mut server, mut client) = pipe();
    for (id, method) in [(json!("a"), "x"), (json!(7), "y"), (json!("c"), "z")] {
        client.send(json!({"id": id, "method": method})).await;
    }
    let last = server.find("z").await.unwrap();
    let first = server.expect("x").await.unwrap();
    server.next_call().await.unwrap().error(-32001, "busy");
    last.reply(json!({}));
    first.error_with(json!("no object"));
    assert_eq!(
        client.receive().await,
        Some(json!({"id": 7, "error": {"code": -32001, "message": "busy"}}))
    );
    assert_eq!(
        client.receive().await,
        Some(json!({"id": "c", "result": {}}))
    );
    assert_eq!(
        client.receive().await,
        Some(json!({"id": "a", "error": "no object"}))
    );
}

#[tokio::test]
async fn another_call_than_the_expected_one_is_named() {
    let (mut server, mut client) = pipe();
    client.send(json!({"id": 1, "method": "turn/start"})).await;
    let error = server.expect("thread/start").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"expected thread/start from the client, but it sent {"id":1,"method":"turn/start"}"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_limit_or_with_the_client() {
    let (mut server, client) = pipe();
    server.time_limit(Duration::from_secs(3));
    assert_eq!(
        server.expect("turn/start").await.unwrap_err().to_string(),
        "the client's call of turn/start did not happen within 3s"
    );
    drop(client);
    assert_eq!(
        server.find("turn/start").await.unwrap_err().to_string(),
        "a call of turn/start by the client did not happen before the client closed"
    );
    server.closed().await.unwrap();
}

#[tokio::test]
async fn the_client_is_asked_and_answers() {
    let (mut server, mut client) = pipe();
    let first = server.ask("one", json!({}));
    let second = server.ask("two", json!({}));
    assert_eq!((first, second), (0, 1));
    client.send(json!({"id": 1, "result": "second"})).await;
    client.send(json!({"id": 0, "result": "first"})).await;
    assert_eq!(
        server.answer(first).await.unwrap(),
        json!({"id": 0, "result": "first"})
    );
    assert_eq!(
        server.answer(second).await.unwrap(),
        json!({"id": 1, "result": "second"})
    );
}

#[tokio::test]
async fn a_standing_answer_needs_no_expectation() {
    let (mut server, mut client) = pipe();
    server.always("model/list", json!({"data": []}));
    for id in 0..3 {
        client.send(json!({"id": id, "method": "model/list"})).await;
        let expected = json!({"id": id, "result": {"data": []}});
        assert_eq!(client.receive().await, Some(expected));
    }
    assert_eq!(server.received_methods(), ["model/list"; 3]);
}

#[tokio::test]
async fn the_output_closes_and_the_input_lives_on() {
    let (mut server, mut client) = pipe();
    server
        .line("not json")
        .notify("warning", json!({}))
        .close_output();
    assert_eq!(client.input.next_line().await.unwrap().unwrap(), "not json");
    let warning = json!({"method": "warning", "params": {}});
    assert_eq!(client.receive().await, Some(warning));
    assert_eq!(client.receive().await, None);
    client.send(json!({"method": "still here"})).await;
    let _ = server.expect("still here").await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_read_stops_the_client() {
    let (mut server, read, write) = ScriptedServer::pipe_of(64);
    let mut client = Client::new(read, write);
    server.stop_reading();
    let long = json!({"method": "long", "params": "x".repeat(200)});
    let send = client.send(long.clone());
    tokio::pin!(send);
    let limit = Duration::from_millis(50);
    assert!(tokio::time::timeout(limit, &mut send).await.is_err());
    server.resume_reading();
    send.await;
    let received = server.expect("long").await.unwrap();
    assert_eq!(received.message(), &long);
}

#[tokio::test]
async fn a_dropped_server_closes_both_directions() {
    let (mut server, mut client) = pipe();
    server.notify("last", json!({}));
    drop(server);
    let last = json!({"method": "last", "params": {}});
    assert_eq!(client.receive().await, Some(last));
    assert_eq!(client.receive().await, None);
    assert!(client.output.write_all(b"{}\n").await.is_err());
}

#[tokio::test]
async fn a_script_is_played_over_a_pipe() {
    let (mut server, mut client) = pipe();
    let gate = server.gate("ready");
    let script = Script::new()
        .expect_as("start", "turn/start")
        .notify("early", json!({"turnId": "t"}))
        .reply_to("start", json!({"turn": {"id": "t"}}))
        .repeat(2, Script::new().notify("delta", json!({})))
        .hold("ready")
        .ask("approve?", json!({}))
        .answer(json!({"result": {"decision": "decline"}}))
        .exit(0);
    let play = async { server.play(&script).await.unwrap() };
    let act = async {
        client.send(json!({"id": 5, "method": "turn/start"})).await;
        gate.reached().await.unwrap();
        gate.open();
        let mut seen = Vec::new();
        while let Some(message) = client.receive().await {
            if message["method"] == "approve?" {
                let decline = json!({"id": 0, "result": {"decision": "decline"}});
                client.send(decline).await;
            }
            let method = message["method"].as_str().unwrap_or("answer");
            seen.push(method.to_owned());
        }
        seen
    };
    let ((), seen) = tokio::join!(play, act);
    assert_eq!(seen, ["early", "answer", "delta", "delta", "approve?"]);
}

#[tokio::test]
async fn a_script_says_what_differs() {
    let (mut server, mut client) = pipe();
    // The keys in their order, in which they are told whether or not serde_json sorts them.
    let params = json!({"input": [], "threadId": "t"});
    let call = json!({"id": 1, "method": "turn/start", "params": params});
    client.send(call.clone()).await;
    client.send(call).await;
    let wanted = Script::new().expect_with("turn/start", json!({"threadId": "other"}));
    assert_eq!(
        server.play(&wanted).await.unwrap_err().to_string(),
        r#"the params of turn/start differ: /threadId is "t", not "other""#
    );
    let wanted = Script::new().expect_exactly("turn/start", json!({"threadId": "t"}));
    assert_eq!(
        server.play(&wanted).await.unwrap_err().to_string(),
        r#"the params of turn/start are {"input":[],"threadId":"t"}, not {"threadId":"t"}"#
    );
}

#[tokio::test]
async fn a_step_for_a_process_is_refused_over_a_pipe() {
    let (mut server, _client) = pipe();
    let error = server.play(&Script::new().ignore_signals()).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "only an executable can play IgnoreSignals"
    );
}

/// A script ends with an error at a gate that nobody can open.
#[tokio::test]
async fn a_script_does_not_hold_for_ever() {
    let (mut server, _client) = pipe();
    let script = Script::new().hold("ready");
    let error = server.play(&script).await.unwrap_err().to_string();
    assert!(error.contains("\"ready\""), "{error}");
}

/// A client is taken through a whole turn with what is there ready made.
#[tokio::test]
async fn a_whole_turn_is_played() {
    let (mut server, mut client) = pipe();
    client
        .send(json!({"id": 1, "method": "thread/start", "params": {"cwd": "/w"}}))
        .await;
    client
        .send(json!({"id": 2, "method": "turn/start", "params": {"threadId": "t1"}}))
        .await;
    assert_eq!(server.thread_started("t1").await.unwrap()["cwd"], "/w");
    assert_eq!(server.turn_started("u1").await.unwrap()["threadId"], "t1");
    server.text_turn("t1", "u1", "Done.");
    let answer = client.receive().await.unwrap();
    assert_eq!(
        (&answer["id"], &answer["result"]["thread"]["id"]),
        (&json!(1), &json!("t1"))
    );
    let answer = client.receive().await.unwrap();
    assert_eq!(
        (&answer["id"], &answer["result"]["turn"]["id"]),
        (&json!(2), &json!("u1"))
    );
    for (method, params) in text_turn("t1", "u1", "Done.") {
        let notice = client.receive().await.unwrap();
        assert_eq!(
            (&notice["method"], &notice["params"]),
            (&json!(method), &params)
        );
    }
}

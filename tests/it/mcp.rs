//! The program's own tools by a server on loopback, as the docs of `tool` have it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use codex_testkit::Answer;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use openai_codex::types::{McpToolCallStatus, ThreadItem};
use openai_codex::{ApprovalMode, CodexConfig};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{Stage, ok};

const SECRET: &str = "a secret of this test";

/// A server of one tool, `lookup`, and the methods that it was asked for.
#[derive(Clone, Default)]
struct Server {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Listens on loopback, and returns its URL.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                let service = service_fn(move |request| server.clone().serve(request));
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        url
    }

    async fn serve(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let respond = |status, body: Value| {
            let response = Response::builder().status(status);
            let response = response.header(CONTENT_TYPE, "application/json");
            Ok(response.body(Full::from(body.to_string())).unwrap())
        };
        let told = request.headers().get(AUTHORIZATION);
        if told.is_none_or(|told| told != &format!("Bearer {SECRET}")) {
            return respond(StatusCode::UNAUTHORIZED, json!({}));
        }
        if request.method() != Method::POST {
            return respond(StatusCode::METHOD_NOT_ALLOWED, json!({}));
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let call: Value = serde_json::from_slice(&body).unwrap();
        let method = call["method"].as_str().unwrap().to_owned();
        let result = match &*method {
            "initialize" => json!({
                "protocolVersion": call["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "own", "version": "1.0.0"},
            }),
            "tools/list" => json!({"tools": [{
                "name": "lookup", "description": "Looks a word up.",
                "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}},
            }]}),
            "tools/call" => {
                let word = call["params"]["arguments"]["word"].as_str().unwrap();
                json!({"content": [{"type": "text", "text": format!("{word} is a word.")}]})
            }
            _ => json!({}),
        };
        self.asked.lock().unwrap().push(method);
        match call.get("id") {
            Some(id) => respond(
                StatusCode::OK,
                json!({"jsonrpc": "2.0", "id": id, "result": result}),
            ),
            None => respond(StatusCode::ACCEPTED, json!({})),
        }
    }
}

/// The model calls a tool of the server, and nobody is asked, whatever the approval mode is.
#[tokio::test]
async fn a_server_on_loopback_has_tools_for_the_model() {
    let server = Server::default();
    let own = json!({
        "url": server.start().await,
        "bearer_token_env_var": "OWN_TOOLS_TOKEN",
        "required": true,
        "default_tools_approval_mode": "approve",
    });
    let with_server = |config: CodexConfig| {
        let config = config.config_override("mcp_servers.own", own);
        config.env("OWN_TOOLS_TOKEN", SECRET)
    };
    let stage = Stage::with_config(with_server).await;
    let call = Answer::function_call("lookup", json!({"word": "codex"})).namespace("mcp__own");
    stage.model.push(call).push(Answer::text("It is one."));
    let start = stage.codex.thread_start();
    let thread = ok(start.approval_mode(ApprovalMode::DenyAll)).await;
    let result = ok(thread.run("Is codex a word?")).await;
    assert_eq!(result.text(), "It is one.");
    let is_done = |item: &ThreadItem| matches!(item, ThreadItem::McpToolCall(call) if call.status == McpToolCallStatus::Completed);
    assert!(result.items.iter().any(is_done), "{:?}", result.items);
    let requests = stage.model.responses_requests();
    let told = requests[1].function_call_outputs()[0].text();
    assert!(told.contains("codex is a word."), "{told}");
    assert!(!requests[0].body_json.to_string().contains(SECRET));
    let asked = server.asked.lock().unwrap().clone();
    for method in ["initialize", "tools/list", "tools/call"] {
        assert!(asked.iter().any(|asked| asked == method), "{asked:?}");
    }
    stage.finish().await;
}

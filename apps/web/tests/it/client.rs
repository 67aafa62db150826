//! A client of the API.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::stage::within;

/// A client of the API.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) origin: String,
    token: String,
}

impl Client {
    pub(crate) fn new(origin: String, token: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            origin,
            token: token.to_owned(),
        }
    }

    /// Prepares a request with the token.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        request.bearer_auth(&self.token)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let response = within(self.request(Method::POST, path).json(&body).send()).await;
        let response = response.unwrap();
        let status = response.status();
        (status, within(response.json()).await.unwrap())
    }

    /// Posts what must succeed.
    #[track_caller]
    pub(crate) fn ok(&self, path: &str, body: Value) -> impl Future<Output = Value> + use<> {
        let place = std::panic::Location::caller();
        let client = self.clone();
        let path = path.to_owned();
        async move {
            let (status, answer) = client.post(&path, body).await;
            assert!(status.is_success(), "{place}: {status} {answer}");
            answer
        }
    }

    /// Starts a thread; returns its path in the API.
    pub(crate) async fn thread(&self) -> String {
        let thread = self.ok("/api/threads", json!({})).await;
        format!("/api/threads/{}", thread["id"].as_str().unwrap())
    }

    /// Starts a turn.
    pub(crate) async fn say(&self, thread: &str, text: &str) -> Value {
        let path = format!("{thread}/turns");
        self.ok(&path, json!({"text": text})).await
    }

    /// Starts a turn on a new thread, and waits for its question; returns the thread, its events, and the question.
    pub(crate) async fn asked(&self) -> (String, Events, Value) {
        let thread = self.thread().await;
        let mut events = self.events(&thread, None).await;
        self.say(&thread, "make it").await;
        let ask = events.question().await;
        (thread, events, ask)
    }

    pub(crate) async fn answer(&self, key: &str, decision: &str) -> (StatusCode, Value) {
        let path = format!("/api/approvals/{key}");
        self.post(&path, json!({"decision": decision})).await
    }

    /// Reads the events of a thread, after the event with this id.
    pub(crate) async fn events(&self, thread: &str, last: Option<u64>) -> Events {
        let mut request = self.request(Method::GET, &format!("{thread}/events"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = within(request.send()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events {
            response,
            text: Vec::new(),
        }
    }
}

/// A stream of events.
pub(crate) struct Events {
    response: reqwest::Response,
    text: Vec<u8>,
}

/// An event, with its id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) json: Value,
}

impl Event {
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.json["type"] == kind
    }
}

impl Events {
    /// Waits for the next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        // The whole of it: a stream without events says now and then that it is there.
        within(self.read()).await
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                if let Some(event) = read(std::str::from_utf8(&block).unwrap()) {
                    return Some(event);
                }
                continue;
            }
            let more = self.response.chunk().await.ok()??;
            self.text.extend_from_slice(&more);
        }
    }

    /// Reads up to an event of this kind; returns all, that one the last.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Event> {
        self.until_event(|event| event.is(kind)).await
    }

    /// Reads up to an event that matches; returns all, that one the last.
    pub(crate) async fn until_event(&mut self, matches: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut all = Vec::new();
        loop {
            match self.next().await {
                Some(event) => all.push(event),
                None => panic!("the stream has ended after {all:#?}"),
            }
            if all.last().is_some_and(&matches) {
                return all;
            }
        }
    }

    /// Reads up to the next question; returns it.
    pub(crate) async fn question(&mut self) -> Value {
        let mut all = self.until("approval_asked").await;
        all.pop().unwrap().json["approval"].take()
    }
}

/// Reads a block; `None` for a comment.
fn read(block: &str) -> Option<Event> {
    let field = |name: &str| {
        let mut lines = block.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let json = field("data")?;
    Some(Event {
        id: field("id").unwrap().parse().unwrap(),
        json: serde_json::from_str(json).unwrap(),
    })
}

/// Joins the text deltas among these events.
pub(crate) fn text(events: &[Event]) -> String {
    let deltas = events.iter().filter(|event| event.is("text_delta"));
    deltas
        .map(|event| event.json["delta"].as_str().unwrap())
        .collect()
}

/// Finds the completed items of this kind.
pub(crate) fn completed<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Value> {
    let completed = events.iter().filter(|event| event.is("item_completed"));
    completed
        .map(|event| &event.json["item"])
        .filter(|item| item["kind"] == kind)
        .collect()
}

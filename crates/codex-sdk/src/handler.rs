//! The user's handlers of the runtime's requests, and what is answered without one.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use codex_types::request::{SafeReply, ServerRequest};
use codex_types::{CommandExecutionRequestApprovalParams, FileChangeRequestApprovalParams};

use crate::error::{ResponseError, RpcErrorCode};
use crate::question::{Approval, Decision};

/// What the runtime is answered.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A result, as JSON text.
    Result(String),
    Error(ResponseError),
}

type Answering = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A handler of one method.
#[derive(Clone)]
pub(crate) struct Handler {
    start: Arc<dyn Fn(&str) -> Answering + Send + Sync>,
    /// What is answered if the handler fails.
    safe: fn(Option<ResponseError>) -> Reply,
}

type Deciding = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// The handler of approvals.
#[derive(Clone)]
pub(crate) struct Approver(Arc<dyn Fn(Approval) -> Deciding + Send + Sync>);

/// The handlers by method, and the one of approvals.
#[derive(Clone, Default)]
pub(crate) struct Handlers {
    by_method: HashMap<&'static str, Handler>,
    approver: Option<Approver>,
}

impl Handlers {
    /// Sets the handler of the method that `P` belongs to.
    pub(crate) fn set<P, F, Fut>(&mut self, handler: F)
    where
        P: ServerRequest,
        F: Fn(P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<P::Response, ResponseError>> + Send + 'static,
    {
        self.by_method.insert(P::METHOD, Handler::new(handler));
    }

    pub(crate) fn get(&self, method: &str) -> Option<Handler> {
        self.by_method.get(method).cloned()
    }

    /// Sets the handler of approvals.
    pub(crate) fn set_approver<F, Fut>(&mut self, decide: F)
    where
        F: Fn(Approval) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Decision> + Send + 'static,
    {
        let decide = move |approval| -> Deciding { Box::pin(decide(approval)) };
        self.approver = Some(Approver(Arc::new(decide)));
    }

    pub(crate) fn approver(&self) -> Option<Approver> {
        self.approver.clone()
    }

    /// Tells whether there is a handler that approvals of commands or of file changes come to.
    pub(crate) fn decide(&self) -> bool {
        self.approver.is_some()
            || self
                .by_method
                .contains_key(CommandExecutionRequestApprovalParams::METHOD)
            || self
                .by_method
                .contains_key(FileChangeRequestApprovalParams::METHOD)
    }
}

impl Approver {
    /// Asks the handler; a panic declines.
    pub(crate) async fn decide(&self, approval: Approval) -> Decision {
        caught(|| (self.0)(approval))
            .await
            .unwrap_or(Decision::Decline)
    }
}

/// Runs a handler; `None` if it panics.
async fn caught<T>(start: impl FnOnce() -> Pin<Box<dyn Future<Output = T> + Send>>) -> Option<T> {
    let started = catch_unwind(AssertUnwindSafe(start));
    let outcome = match started {
        // What a panic may have torn is dropped and never looked at again.
        Ok(mut running) => {
            poll_fn(
                |cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
                    Ok(poll) => poll.map(Some),
                    Err(_) => Poll::Ready(None),
                },
            )
            .await
        }
        Err(_) => None,
    };
    if outcome.is_none() {
        tracing::error!("a request handler panicked");
    }
    outcome
}

impl Handler {
    /// Makes the handler of the method that `P` belongs to.
    pub(crate) fn new<P, F, Fut>(handler: F) -> Self
    where
        P: ServerRequest,
        F: Fn(P) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<P::Response, ResponseError>> + Send + 'static,
    {
        let start = move |params: &str| -> Answering {
            match codex_types::from_str(params) {
                Ok(params) => {
                    let answer = handler(params);
                    Box::pin(async move {
                        match answer.await {
                            Ok(response) => encode(&response),
                            Err(error) => safe::<P>(Some(error)),
                        }
                    })
                }
                // The error may quote the params, which may hold secrets.
                Err(_) => Box::pin(std::future::ready(safe::<P>(Some(
                    ResponseError::with_code(
                        RpcErrorCode::INVALID_PARAMS,
                        "the client cannot decode the params of this request",
                    ),
                )))),
            }
        };
        Self {
            start: Arc::new(start),
            safe: safe::<P>,
        }
    }

    /// Runs the handler; a panic is a failure like any other.
    pub(crate) async fn run(&self, params: &str) -> Reply {
        let panicked = || (self.safe)(Some(ResponseError::new("the client's handler panicked")));
        caught(|| (self.start)(params))
            .await
            .unwrap_or_else(panicked)
    }
}

/// Answers a request that has no handler: nothing is accepted, granted or told.
///
/// Which answer that is, the types say for every method they know; there is no list here.
pub(crate) fn unattended(method: &str) -> Reply {
    match codex_types::safe_reply(method, None) {
        Some(SafeReply::Result(text)) => Reply::Result(text),
        Some(_) => Reply::Error(ResponseError::new("no handler answers this request")),
        None => Reply::Error(ResponseError::with_code(
            RpcErrorCode::METHOD_NOT_FOUND,
            "the client does not know this method",
        )),
    }
}

/// The safe answer of a method, or an error where it has none.
fn safe<P: ServerRequest>(failure: Option<ResponseError>) -> Reply {
    match P::safe_response(failure.as_ref().map(ResponseError::text)) {
        Some(response) => encode(&response),
        None => Reply::Error(
            failure.unwrap_or_else(|| ResponseError::new("no handler answers this request")),
        ),
    }
}

fn encode(response: &impl serde::Serialize) -> Reply {
    match serde_json::to_string(response) {
        Ok(text) => Reply::Result(text),
        Err(_) => Reply::Error(ResponseError::new("the client cannot encode its answer")),
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let approver = self.approver.as_ref().map(|_| &"approvals");
        f.debug_set()
            .entries(self.by_method.keys())
            .entries(approver)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use codex_types::DynamicToolCallParams;

    use super::*;

    fn text(reply: Reply) -> String {
        match reply {
            Reply::Result(text) => text,
            Reply::Error(error) => format!("error {} {error}", error.code()),
        }
    }

    #[test]
    fn every_request_of_the_runtime_has_a_safe_answer() {
        let table = [
            (
                "item/commandExecution/requestApproval",
                r#"{"decision":"decline"}"#,
            ),
            (
                "item/fileChange/requestApproval",
                r#"{"decision":"decline"}"#,
            ),
            ("item/tool/requestUserInput", r#"{"answers":{}}"#),
            ("mcpServer/elicitation/request", r#"{"action":"decline"}"#),
            ("item/permissions/requestApproval", r#"{"permissions":{}}"#),
        ];
        for (method, answer) in table {
            assert_eq!(text(unattended(method)), answer, "{method}");
        }
        for method in codex_types::SERVER_METHODS {
            let answer = text(unattended(method));
            assert!(!answer.contains("-32601"), "{method}: {answer}");
            assert!(
                !answer.contains("accept") && !answer.contains("\"approved"),
                "{answer}"
            );
        }
        let unknown = text(unattended("nope/nope"));
        assert!(unknown.starts_with("error -32601"), "{unknown}");
    }

    #[tokio::test]
    async fn failing_and_panicking_handlers_answer_safely() {
        const CALL: &str =
            r#"{"arguments":{},"callId":"c","threadId":"t","tool":"x","turnId":"u"}"#;
        let run = |outcome: fn() -> Result<codex_types::DynamicToolCallResponse, ResponseError>| async move {
            let mut handlers = Handlers::default();
            handlers.set(move |_: DynamicToolCallParams| async move { outcome() });
            let handler = handlers.get("item/tool/call").unwrap();
            (text(handler.run(CALL).await), text(handler.run("5").await))
        };
        let (failed, undecodable) = run(|| Err(ResponseError::new("no such tool"))).await;
        assert!(
            failed.contains("\"success\":false") && failed.contains("no such tool"),
            "{failed}"
        );
        assert!(undecodable.contains("\"success\":false"), "{undecodable}");
        let (panicked, _) = run(|| panic!("oh")).await;
        assert!(panicked.contains("\"success\":false"), "{panicked}");
    }
}

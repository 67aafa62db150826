//! The HTTP side of the model server.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Shared;
use super::answer::{Answer, Ending};
use super::part::Step;
use super::request::Request;
use crate::error::TestkitError;

/// Serves until `stop` resolves; then every connection ends.
pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stop: oneshot::Receiver<Infallible>,
) {
    let mut connections = JoinSet::new();
    // All three are cancel safe. The loop ends when the handle of the model is
    // dropped, and the set takes its connections with it.
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(serve_connection(stream, Arc::clone(&shared)));
                    }
                    // The process is out of descriptors; some will be free again.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                }
            }
            Some(_) = connections.join_next() => {}
            _ = &mut stop => return,
        }
    }
}

async fn serve_connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| respond(request, Arc::clone(&shared)));
    // A broken connection is a scripted failure or the runtime's own end.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(
    request: hyper::Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<AnswerBody>, Infallible> {
    let request = match record(request).await {
        Ok(request) => request,
        Err(error) => return Ok(plain(400, "text/plain", error.to_string())),
    };
    if request.is_response() {
        return Ok(match shared.answer(request) {
            Ok(answer) => stream(answer, &shared).await,
            Err(text) => {
                let body = json!({"error": {"message": text, "type": "unscripted_request"}});
                plain(500, "application/json", body.to_string())
            }
        });
    }
    let (status, body) = shared.page(request);
    Ok(plain(status, "application/json", body.to_string()))
}

async fn record(request: hyper::Request<Incoming>) -> Result<Request, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes().to_vec();
    Ok(Request {
        method: head.method.to_string(),
        // A request to a proxy for a tunnel has no path, but a host.
        path: match head.uri.authority() {
            Some(host) if head.method == hyper::Method::CONNECT => host.to_string(),
            _ => head.uri.path().to_owned(),
        },
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect(),
        body_json: serde_json::from_slice(&body).unwrap_or(Value::Null),
        body,
    })
}

/// Starts to send `answer`; what waits at a gate is sent when the gate opens.
async fn stream(answer: Answer, shared: &Arc<Shared>) -> Response<AnswerBody> {
    let (steps, ending) = answer.plan(&shared.ids);
    let mut response = match ending {
        Ending::Http { status, body } => {
            for step in steps {
                match step {
                    Step::Hold(gate) => {
                        if let Err(error) = gate.pass().await {
                            let text = shared.forget(&error);
                            return plain(500, "text/plain", text);
                        }
                    }
                    Step::Pause(length) => tokio::time::sleep(length).await,
                    Step::Send(_) | Step::Delta(_) => {}
                }
            }
            plain(status, "application/json", body)
        }
        ending => {
            // A bound of one: an event leaves only when the one before it is on its way.
            let (sender, receiver) = mpsc::channel(1);
            // It ends with the answer, or as soon as the body has no reader any more.
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                tokio::select! {
                    sent = send(steps, ending, &sender) => {
                        if let Err(error) = sent {
                            let broken = io::Error::other(shared.forget(&error));
                            let _ = sender.send(Err(broken)).await;
                        }
                    }
                    () = sender.closed() => {}
                }
            });
            let mut response = Response::new(AnswerBody::Stream(receiver));
            set_type(&mut response, "text/event-stream");
            response
        }
    };
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

async fn send(
    steps: Vec<Step>,
    ending: Ending,
    events: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), TestkitError> {
    for step in steps {
        match step {
            Step::Send(event) | Step::Delta(event) => {
                if events.send(Ok(encode(&event))).await.is_err() {
                    return Ok(());
                }
            }
            Step::Hold(gate) => gate.pass().await?,
            Step::Pause(length) => tokio::time::sleep(length).await,
        }
    }
    // A refused send means that the runtime has gone, which needs no answer.
    match ending {
        Ending::Event(event) => {
            let _ = events.send(Ok(encode(&event))).await;
        }
        Ending::Broken => {
            let broken = io::Error::from(io::ErrorKind::ConnectionAborted);
            let _ = events.send(Err(broken)).await;
        }
        Ending::Completed | Ending::EndedEarly | Ending::Http { .. } => {}
    }
    Ok(())
}

fn encode(event: &Value) -> Bytes {
    let name = event["type"].as_str().unwrap_or("message");
    Bytes::from(format!("event: {name}\ndata: {event}\n\n"))
}

fn plain(status: u16, content_type: &'static str, body: String) -> Response<AnswerBody> {
    let mut response = Response::new(AnswerBody::Whole(Some(Bytes::from(body))));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set_type(&mut response, content_type);
    response
}

fn set_type(response: &mut Response<AnswerBody>, content_type: &'static str) {
    let value = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, value);
}

/// A body that is there at once, or comes event by event.
enum AnswerBody {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(events) => events
                .poll_recv(context)
                .map(|event| event.map(|event| event.map(Frame::data))),
        }
    }

    /// The length of a whole body is known, so that it is not sent in chunks.
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

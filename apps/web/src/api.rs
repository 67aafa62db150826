//! The routes: the page, and the API that it uses.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;

use crate::desk::Refused;
use crate::events::{Choice, Outcome};
use crate::page::{self, File};
use crate::reply::{Failure, Json, read};
use crate::shared::Shared;

type Server = State<Arc<Shared>>;
type Answer = Result<Response, Failure>;

/// How often a stream without events says that it is there; a client that is gone is noticed then at the latest.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How soon a page that lost its connection comes back.
const RETRY: Duration = Duration::from_secs(1);

/// Makes the routes.
pub(crate) fn router(server: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/threads", post(new_thread))
        .route("/threads/{id}", get(thread))
        .route("/threads/{id}/turns", post(new_turn))
        .route("/threads/{id}/interrupt", post(interrupt))
        .route("/threads/{id}/events", get(events))
        .route("/approvals/{key}", post(answer))
        .layer(from_fn_with_state(Arc::clone(&server), check_api));
    Router::new()
        .route("/", get(index))
        .route("/{file}", get(file))
        .nest("/api", api)
        .layer(from_fn_with_state(Arc::clone(&server), check_source))
        .with_state(server)
}

async fn check_source(State(server): Server, request: Request, next: Next) -> Response {
    let checked = server
        .guard
        .check_source(request.method(), request.headers());
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            tracing::warn!(
                path = request.uri().path(),
                reason = refusal.reason,
                "a request is refused"
            );
            Failure::from(refusal).into_response()
        }
    };
    page::protect(response.headers_mut());
    response
}

async fn check_api(State(server): Server, request: Request, next: Next) -> Response {
    match server.guard.check_api(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => Failure::from(refusal).into_response(),
    }
}

/// The page, for who has the token in the address or in the cookie; the address gives the cookie.
async fn index(State(server): Server, uri: Uri, headers: HeaderMap) -> Response {
    let guard = &server.guard;
    if guard.is_opened_by(&uri) {
        return ([(SET_COOKIE, guard.set_cookie())], page::INDEX).into_response();
    }
    match guard.is_known(&headers) {
        true => page::INDEX.into_response(),
        false => (StatusCode::UNAUTHORIZED, page::CLOSED).into_response(),
    }
}

async fn file(Path(path): Path<String>) -> Response {
    page::file(&path).map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        File::into_response,
    )
}

async fn new_thread(State(server): Server) -> Answer {
    let room = server.open_room().await?;
    Ok(Json(StatusCode::CREATED, json!(room.about())).into_response())
}

async fn thread(State(server): Server, Path(id): Path<String>) -> Answer {
    let snapshot = server.room(&id)?.snapshot();
    let kind = [(axum::http::header::CONTENT_TYPE, "application/json")];
    Ok((kind, snapshot.json.to_string()).into_response())
}

#[derive(Deserialize)]
struct NewTurn {
    text: String,
}

async fn new_turn(State(server): Server, Path(id): Path<String>, body: Request) -> Answer {
    let room = server.room(&id)?;
    let NewTurn { text } = read(body).await?;
    if text.trim().is_empty() {
        return Err(Failure::new(StatusCode::BAD_REQUEST, "the text is empty"));
    }
    server.check_running()?;
    let turn = room.start_turn(text).await?;
    Ok(Json(StatusCode::CREATED, json!({"turn_id": turn})).into_response())
}

async fn interrupt(State(server): Server, Path(id): Path<String>) -> Answer {
    match server.room(&id)?.interrupt().await? {
        Some(turn) => Ok(Json(StatusCode::OK, json!({"turn_id": turn})).into_response()),
        None => Err(Failure::new(StatusCode::CONFLICT, "no turn runs")),
    }
}

async fn events(State(server): Server, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let room = server.room(&id)?;
    let read = headers.get("last-event-id");
    let read = read.and_then(|id| id.to_str().ok()?.parse().ok());
    let retry = stream::iter([Event::default().retry(RETRY)]);
    let messages = room.read(read).map(|message| {
        let event = Event::default().id(message.id.to_string());
        event.data(&*message.json)
    });
    let messages = retry.chain(messages).map(Ok::<_, Infallible>);
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(messages).keep_alive(alive).into_response())
}

#[derive(Deserialize)]
struct Decision {
    decision: Choice,
}

async fn answer(State(server): Server, Path(key): Path<String>, body: Request) -> Answer {
    let Decision { decision } = read(body).await?;
    match server.desk.answer(&key, decision).await {
        Ok(outcome) => Ok(Json(StatusCode::OK, json!({"outcome": outcome})).into_response()),
        Err(refused) => Err(refused.into()),
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::new(StatusCode::NOT_FOUND, "there is no such question"),
            Refused::NotOffered => Self::new(
                StatusCode::BAD_REQUEST,
                "the question does not offer this answer",
            ),
            Refused::Closed(Outcome::Over) => {
                Self::new(StatusCode::GONE, "the question is not open any more")
            }
            Refused::Closed(outcome) => {
                Self::new(StatusCode::CONFLICT, "somebody else has answered already")
                    .with("outcome", json!(outcome))
            }
        }
    }
}

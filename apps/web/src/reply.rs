//! Bodies of requests and answers, which are all JSON, errors too.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use openai_codex::Error;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::guard::Refusal;

/// How many bytes a request may have.
const LIMIT: usize = 1 << 20;

/// An answer with a status and a JSON body.
pub(crate) struct Json(pub(crate) StatusCode, pub(crate) Value);

/// An answer that says why something was not done: `{"error": "…"}`.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    body: Map<String, Value>,
}

impl Failure {
    /// Makes a failure.
    pub(crate) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let body = Map::from_iter([("error".to_owned(), json!(error.into()))]);
        Self { status, body }
    }

    /// Adds a field.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.body.insert(name.to_owned(), value);
        self
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status, refusal.reason)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::ThreadBusy { turn_id } => Self::new(StatusCode::CONFLICT, "a turn runs already")
                .with("turn_id", json!(turn_id)),
            Error::Closed(_) => Self::new(StatusCode::BAD_GATEWAY, "the runtime has ended"),
            Error::InvalidInput(_) => Self::new(StatusCode::BAD_REQUEST, error.to_string()),
            _ => {
                tracing::warn!(%error, "the runtime has failed a request");
                Self::new(StatusCode::BAD_GATEWAY, error.to_string())
            }
        }
    }
}

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        (self.0, axum::Json(self.1)).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        Json(self.status, Value::Object(self.body)).into_response()
    }
}

/// Reads the body of a request.
///
/// # Errors
///
/// [`Failure`], if it is too long or not what is wanted.
pub(crate) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Failure> {
    let bytes = to_bytes(request.into_body(), LIMIT).await;
    let too_long = |_| Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is too long");
    let bytes = bytes.map_err(too_long)?;
    let wrong = |error: serde_json::Error| Failure::new(StatusCode::BAD_REQUEST, error.to_string());
    serde_json::from_slice(&bytes).map_err(wrong)
}

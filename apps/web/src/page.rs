//! The page and its files, which are part of the program.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

/// The page may load its own script and style and talk to its own server, nothing else; nothing of it is made from
/// text as HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

/// A file of the page.
pub(crate) struct File {
    kind: &'static str,
    text: &'static str,
}

/// The page.
pub(crate) const INDEX: File = File {
    kind: "text/html; charset=utf-8",
    text: include_str!("../static/index.html"),
};

/// What is shown to who comes without the token.
pub(crate) const CLOSED: File = File {
    kind: "text/html; charset=utf-8",
    text: include_str!("../static/closed.html"),
};

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Returns the file of a path.
pub(crate) fn file(path: &str) -> Option<File> {
    let (kind, text) = match path {
        "app.css" => ("text/css; charset=utf-8", include_str!("../static/app.css")),
        "app.js" => (SCRIPT, include_str!("../static/app.js")),
        "items.js" => (SCRIPT, include_str!("../static/items.js")),
        "approvals.js" => (SCRIPT, include_str!("../static/approvals.js")),
        "text.js" => (SCRIPT, include_str!("../static/text.js")),
        _ => return None,
    };
    Some(File { kind, text })
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, self.kind)], self.text).into_response()
    }
}

/// Adds the headers that every answer has.
pub(crate) fn protect(headers: &mut HeaderMap) {
    let rows: [(HeaderName, &'static str); 7] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in rows {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

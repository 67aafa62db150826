//! Who may connect: other pages, other hosts and clients without the token may not.

use codex_web::{Options, Server};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::stage::{Stage, within};

async fn status(request: RequestBuilder) -> StatusCode {
    within(request.send()).await.unwrap().status()
}

#[tokio::test]
async fn requests_of_other_pages_are_refused() {
    let stage = Stage::new().await;
    let client = stage.client();
    let own = client.origin.clone();
    let post = || client.request(Method::POST, "/api/threads");
    let json = || post().header("content-type", "application/json").body("{}");
    let rows = [
        (json().header("origin", &own), StatusCode::CREATED),
        (
            json().header("origin", "http://evil.example"),
            StatusCode::FORBIDDEN,
        ),
        (json().header("origin", "null"), StatusCode::FORBIDDEN),
        (json().header("host", "evil.example"), StatusCode::FORBIDDEN),
        (
            json().header("sec-fetch-site", "cross-site"),
            StatusCode::FORBIDDEN,
        ),
        (
            json().header("sec-fetch-site", "same-site"),
            StatusCode::FORBIDDEN,
        ),
        (post().body("{}"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            post().header("content-type", "text/plain").body("{}"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        // A preflight of another page.
        (
            client
                .request(Method::OPTIONS, "/api/threads")
                .header("origin", "http://evil.example"),
            StatusCode::FORBIDDEN,
        ),
    ];
    for (request, expected) in rows {
        let shown = format!("{request:?}");
        assert_eq!(status(request).await, expected, "{shown}");
    }
    // Reading too, and the page itself.
    let thread = client.thread().await;
    for path in ["/", "/app.js", &thread, &format!("{thread}/events")] {
        for (name, value) in [("host", "evil.example"), ("origin", "http://evil.example")] {
            let request = client.request(Method::GET, path).header(name, value);
            assert_eq!(
                status(request).await,
                StatusCode::FORBIDDEN,
                "{path} {name}"
            );
        }
    }
    let response = within(client.request(Method::GET, &thread).send()).await;
    let headers = response.unwrap().headers().clone();
    assert!(!headers.contains_key("access-control-allow-origin"));
    stage.finish().await;
}

#[tokio::test]
async fn the_token_is_needed() {
    let stage = Stage::new().await;
    let client = stage.client();
    let thread = client.thread().await;
    let url = |path: &str| format!("{}{path}", client.origin);
    let without = |method: Method, path: &str| {
        let request = client.http.request(method, url(path));
        request
            .header("content-type", "application/json")
            .body("{}")
    };
    let paths = [
        (Method::POST, "/api/threads".to_owned()),
        (Method::POST, format!("{thread}/turns")),
        (Method::POST, format!("{thread}/interrupt")),
        (Method::POST, "/api/approvals/key".to_owned()),
        (Method::GET, thread.clone()),
        (Method::GET, format!("{thread}/events")),
        (Method::GET, "/".to_owned()),
    ];
    for (method, path) in paths {
        let wrong = without(method.clone(), &path).bearer_auth("wrong");
        assert_eq!(status(wrong).await, StatusCode::UNAUTHORIZED, "{path}");
        let none = without(method, &path);
        assert_eq!(status(none).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    // The address that is printed gives the page and its cookie.
    let page = within(client.http.get(stage.server.url()).send())
        .await
        .unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let cookie = page.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"),
        "{cookie}"
    );
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let cookie = cookie.split(';').next().unwrap();
    let request = client.http.get(url(&thread)).header("cookie", cookie);
    assert_eq!(status(request).await, StatusCode::OK);
    let wrong = client.http.get(url("/?token=wrong"));
    assert_eq!(status(wrong).await, StatusCode::UNAUTHORIZED);
    stage.finish().await;
}

#[tokio::test]
async fn errors_are_json() {
    let stage = Stage::new().await;
    let client = stage.client();
    let request = client.http.get(format!("{}/api/threads/x", client.origin));
    let response = within(request.send()).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = within(response.json()).await.unwrap();
    assert!(body["error"].as_str().unwrap().contains("token"), "{body}");
    stage.finish().await;
}

#[tokio::test]
async fn an_address_that_others_reach_must_be_allowed() {
    let mut options = Options::default();
    options.listen = "0.0.0.0:0".parse().unwrap();
    let error = within(Server::start(options))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("--allow-remote"), "{error}");
    assert!(error.contains("can run commands"), "{error}");
}

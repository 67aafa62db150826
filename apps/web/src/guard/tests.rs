//! Tests of who may talk to the server.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use super::{Guard, Hosts, Token};

const TOKEN: &str = "0123456789abcdef";

fn guard(address: &str, names: &[&str]) -> Guard {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let hosts = Hosts::new(address.parse().unwrap(), &names);
    Guard::new(hosts, Token(TOKEN.to_owned()))
}

fn local() -> Guard {
    guard("127.0.0.1:8080", &[])
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |&(name, value): &(&str, &str)| {
        (
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        )
    };
    pairs.iter().map(pair).collect()
}

fn source(guard: &Guard, method: Method, pairs: &[(&str, &str)]) -> Option<StatusCode> {
    let checked = guard.check_source(&method, &headers(pairs));
    checked.err().map(|refusal| refusal.status)
}

#[test]
fn the_host_must_be_one_of_the_server() {
    let forbidden = Some(StatusCode::FORBIDDEN);
    let rows = [
        (local(), "127.0.0.1:8080", None),
        (local(), "localhost:8080", None),
        (local(), "LocalHost:8080", None),
        (local(), "127.0.0.1:8081", forbidden),
        (local(), "127.0.0.1", forbidden),
        (local(), "evil.example:8080", forbidden),
        (local(), "localhost.evil.example:8080", forbidden),
        (local(), "192.0.2.1:8080", forbidden),
        (guard("[::1]:8080", &[]), "[::1]:8080", None),
        (guard("127.0.0.1:80", &[]), "127.0.0.1", None),
        (guard("127.0.0.1:80", &[]), "localhost", None),
        (guard("0.0.0.0:8080", &[]), "192.0.2.1:8080", None),
        (guard("0.0.0.0:8080", &[]), "192.0.2.1:8081", forbidden),
        (guard("0.0.0.0:8080", &[]), "localhost:8080", forbidden),
        (guard("0.0.0.0:8080", &[]), "evil.example:8080", forbidden),
        // Forwarded from another port.
        (
            guard("127.0.0.1:8080", &["127.0.0.1:9000"]),
            "127.0.0.1:9000",
            None,
        ),
        (
            guard("0.0.0.0:8080", &["dev.example"]),
            "dev.example:8080",
            None,
        ),
    ];
    for (guard, host, expected) in rows {
        let found = source(&guard, Method::GET, &[("host", host)]);
        assert_eq!(found, expected, "{host} of {guard:?}");
    }
    assert_eq!(source(&local(), Method::GET, &[]), forbidden);
}

#[test]
fn the_origin_must_be_the_server() {
    let forbidden = Some(StatusCode::FORBIDDEN);
    let rows = [
        ("http://127.0.0.1:8080", None),
        // Another name of the same server is another page.
        ("http://localhost:8080", forbidden),
        ("https://127.0.0.1:8080", forbidden),
        ("http://evil.example", forbidden),
        ("null", forbidden),
        ("", forbidden),
    ];
    let host = ("host", "127.0.0.1:8080");
    for (origin, expected) in rows {
        for method in [Method::GET, Method::POST] {
            let json = ("content-type", "application/json");
            let found = source(&local(), method, &[host, json, ("origin", origin)]);
            assert_eq!(found, expected, "{origin}");
        }
    }
}

#[test]
fn changes_need_json_from_the_same_site() {
    let host = ("host", "127.0.0.1:8080");
    let json = ("content-type", "application/json; charset=utf-8");
    let unsupported = Some(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let rows: [(&[_], _); 7] = [
        (&[host, json], None),
        (&[host, json, ("sec-fetch-site", "none")], None),
        (&[host, json, ("sec-fetch-site", "same-origin")], None),
        (
            &[host, json, ("sec-fetch-site", "cross-site")],
            Some(StatusCode::FORBIDDEN),
        ),
        (&[host], unsupported),
        (&[host, ("content-type", "text/plain")], unsupported),
        (
            &[host, ("content-type", "application/x-www-form-urlencoded")],
            unsupported,
        ),
    ];
    for (pairs, expected) in rows {
        assert_eq!(source(&local(), Method::POST, pairs), expected, "{pairs:?}");
    }
}

#[test]
fn the_api_needs_the_token() {
    let longer = format!("codex_web_8080={TOKEN}0");
    let rows = [
        (("cookie", "codex_web_8080=0123456789abcdef"), true),
        (
            ("cookie", "a=b; codex_web_8080=0123456789abcdef; c=d"),
            true,
        ),
        (("authorization", "Bearer 0123456789abcdef"), true),
        (("cookie", "codex_web_8081=0123456789abcdef"), false),
        (("cookie", "codex_web_8080="), false),
        (("cookie", longer.as_str()), false),
        (("authorization", "Bearer x123456789abcdef"), false),
        (("x-other", "0123456789abcdef"), false),
    ];
    for (pair, is_known) in rows {
        let checked = local().check_api(&headers(&[pair]));
        assert_eq!(checked.is_ok(), is_known, "{pair:?}");
    }
    let of = |text: &str| text.parse::<Uri>().unwrap();
    assert!(local().is_opened_by(&of("/?token=0123456789abcdef")));
    assert!(!local().is_opened_by(&of("/?token=0123")));
    assert!(!local().is_opened_by(&of("/")));
}

#[test]
fn tokens_differ_and_are_not_printed() {
    let (one, two) = (Token::new().unwrap(), Token::new().unwrap());
    assert_ne!(one.0, two.0);
    assert_eq!(one.0.len(), 48);
    assert!(!format!("{one:?}").contains(&one.0));
}

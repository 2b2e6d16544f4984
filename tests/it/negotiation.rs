//! Format and language of an error: `Accept` and `Accept-Language`, HEAD, and never a 406.

use crate::rig::client::{self, Reply};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};

#[test]
fn accept_decides_the_format() {
    let gateway = nothing_behind("");
    let cases = [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/problem+json", "application/problem+json"),
        ("application/problem+xml", "application/problem+xml"),
        ("text/html", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("text/plain", "text/plain"),
        ("application/json;q=0.2, application/problem+json;q=0.9", "application/problem+json"),
        ("application/problem+json;q=0, application/json", "application/json"),
        ("image/png", "application/json"),
        ("nonsense", "application/json"),
        ("text/*", "text/"),
    ];

    each(
        &cases,
        |(accept, _)| (*accept).to_owned(),
        |(accept, expected)| {
            let reply = refused(&gateway, "GET", &format!("Accept: {accept}\r\n"));

            assert_eq!(reply.status(), 404);
            let shown = reply.header("content-type").unwrap();
            assert!(shown.starts_with(expected), "{shown}");
            assert_eq!(reply.header("error-code"), Some("fr.ammyInvalidResource"));
            assert!(reply.text().contains(&reply.request_id()) || *expected == "text/");
        },
    );
}

#[test]
fn the_configured_format_is_what_everything_gets() {
    let gateway = nothing_behind("[errors]\nformat = \"problem+json\"\nprefix = \"org.example\"");

    let reply = refused(&gateway, "GET", "Accept: */*\r\n");

    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    let body = reply.json();
    assert_eq!(body["code"], "org.exampleInvalidResource");
    assert_eq!(body["instance"], format!("urn:uuid:{}", reply.request_id()));
    assert_eq!(body["status"], 404);
    assert!(body["title"].is_string() && body["detail"].is_string());
}

#[test]
fn documentation_links_follow_the_code() {
    let gateway = nothing_behind("[errors]\ndocs = \"https://docs.test/errors/\"");

    let reply = refused(&gateway, "GET", "Accept: application/problem+json\r\n");

    assert_eq!(reply.json()["type"], "https://docs.test/errors/InvalidResource");
}

#[test]
fn accept_language_decides_the_language() {
    let gateway = nothing_behind("");
    let cases = [
        ("", "fr"),
        ("en", "en"),
        ("en-GB", "en"),
        ("fr-CA, en;q=0.9", "fr"),
        ("en;q=0.3, fr;q=0.8", "fr"),
        ("de, en;q=0.1", "en"),
        ("de", "fr"),
        ("*", "fr"),
        ("fr;q=0, *", "en"),
        ("EN", "en"),
        ("??", "fr"),
    ];

    each(
        &cases,
        |(accept, _)| (*accept).to_owned(),
        |(accept, expected)| {
            let reply = refused(&gateway, "GET", &format!("Accept-Language: {accept}\r\n"));

            reply.is_problem(404, "InvalidResource");
            assert_eq!(reply.header("content-language"), Some(*expected));
        },
    );
}

#[test]
fn languages_differ_in_their_message_only() {
    let gateway = nothing_behind("");

    let french = refused(&gateway, "GET", "Accept-Language: fr\r\n").json();
    let english = refused(&gateway, "GET", "Accept-Language: en\r\n").json();

    assert_ne!(french["message"], english["message"]);
    assert_eq!((&french["code"], &french["status"]), (&english["code"], &english["status"]));
}

#[test]
fn head_gets_the_same_headers_and_no_body() {
    let gateway = nothing_behind("");

    let whole = refused(&gateway, "GET", "");
    let head = refused(&gateway, "HEAD", "");

    assert_eq!((head.status(), head.body.len()), (404, 0));
    for name in ["content-type", "error-code", "content-language", "vary", "cache-control"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    assert_eq!(head.head.content_length(), whole.head.content_length());
}

#[test]
fn a_grpc_client_is_told_in_trailers_only() {
    let gateway = nothing_behind("");
    let client = crate::rig::h2::H2Client::tls(gateway.tls());
    let request = crate::rig::h2::request("POST", "/a.B/C")
        .header("content-type", "application/grpc")
        .header("te", "trailers");

    let reply = client.ask(request, crate::rig::h2::Frames::default());

    assert_eq!((reply.status(), reply.body.len()), (200, 0));
    let all = |name: &str| {
        let trailer = reply.trailers.iter().find(|(key, _)| key == name);
        reply.header(name).map(str::to_owned).or_else(|| trailer.map(|(_, value)| value.clone()))
    };
    assert_eq!(all("grpc-status").as_deref(), Some("12"));
    assert!(all("grpc-message").is_some());
    assert_eq!(all("error-code").as_deref(), Some("fr.ammyInvalidResource"));
}

#[test]
fn nothing_of_the_request_is_executed_in_a_page() {
    let gateway = nothing_behind("");

    let reply = client::ask(
        gateway.plain(),
        "GET /<script>alert(1)</script> HTTP/1.1\r\nHost: gw.test\r\nAccept: text/html\r\n\r\n",
    );

    assert!(!reply.text().contains("<script"), "{}", reply.text());
    if reply.status() == 404 {
        assert!(reply.text().contains("lang=\"fr\""));
    }
}

fn nothing_behind(tables: &str) -> Gateway {
    Setup::new()
        .with(tables)
        .route("name = \"only\"\nmatch = \"/only\"\nrespond = { status = 200, json = {} }")
        .start()
}

fn refused(gateway: &Gateway, method: &str, fields: &str) -> Reply {
    client::ask(
        gateway.plain(),
        &format!("{method} /nothing HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n"),
    )
}

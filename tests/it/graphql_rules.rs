//! Promises about GraphQL that hold across its parts: which failures keep their status, where a reply has
//! no data, and what the keys of `[route.graphql]` change.

use serde_json::{Value, json};

use crate::rig::client::{self, Client, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, nobody, send};
use crate::rig::{callers, each};

const LEGACY: &str = "application/json";
const RESPONSE: &str = "application/graphql-response+json";

fn before(url: &str, tables: &str, lines: &str) -> Gateway {
    Setup::new()
        .upstream(&format!("endpoints = [\"{url}\"]"))
        .with(tables)
        .route(&format!("name = \"graph\"\nmatch = \"/graphql\"\nupstream = \"origin\"\n{lines}"))
        .start()
}

fn asks(accept: &str, document: &str) -> String {
    let body = json!({ "query": document }).to_string();
    format!(
        "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nAccept: {accept}\r\nAccept-Language: en\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn post(gateway: &Gateway, accept: &str, document: &str) -> Reply {
    client::ask(gateway.plain(), &asks(accept, document))
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn what_is_no_failure_of_graphql_s_own_keeps_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let keys = callers::keys(&folder, &[("acme", "s3cret-key", "")]);
    let keys = format!("[auth.all]\ntype = \"api_key\"\nkeys = {{ file = \"{keys}\" }}");
    let works = "[[maintenance]]\nfrom = 2020-01-01T00:00:00Z\nuntil = 2099-01-01T00:00:00Z";
    let rate = "[limit.one]\nkey = \"ip\"\nrate = \"1/h\"\nburst = 1";
    let cases = [
        (
            "auth",
            &*keys,
            "auth = \"all\"\ngraphql = {}",
            "{ a }",
            401,
            "unauthorized",
            "Unauthorized",
        ),
        (
            "maintenance",
            works,
            "graphql = {}",
            "{ a }",
            503,
            "service_unavailable",
            "ServiceUnavailable",
        ),
        (
            "a quota",
            rate,
            "limits = [\"one\"]\ngraphql = {}",
            "{ a }",
            429,
            "too_many_requests",
            "TooManyRequests",
        ),
        (
            "a limit",
            "",
            "graphql = { limits = { depth = 1 } }",
            "{ a { b } }",
            400,
            "bad_request",
            "BadRequest",
        ),
        ("nobody there", "", "graphql = {}", "{ a }", 502, "internal_server_error", "BadGateway"),
    ];
    each(
        &cases,
        |(name, ..)| (*name).to_owned(),
        |(_, tables, lines, document, status, code, problem)| {
            for accept in [LEGACY, RESPONSE] {
                let gateway = before(&nobody(), tables, lines);
                if *status == 429 {
                    post(&gateway, accept, document);
                }

                let reply = post(&gateway, accept, document);

                let body = reply.json();
                let errors = body["errors"].as_array().unwrap();
                assert_eq!((reply.status(), errors.len()), (*status, 1), "{accept}: {body}");
                assert_eq!(reply.header("content-type"), Some(accept));
                let extensions = &errors[0]["extensions"];
                assert_eq!(
                    (&extensions["code"], &extensions["status"]),
                    (&json!(code), &json!(status))
                );
                assert_eq!(extensions["problem"], format!("fr.ammy{problem}"));
                assert_eq!(body.get("data"), Some(&Value::Null), "{body}");
            }
        },
    );
}

#[test]
fn where_graphql_refuses_to_execute_there_is_no_data() {
    let refusing = r#"{"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}}]}"#;
    for (answer, document) in [
        (ok("{\"data\":{}}"), "{ a("),
        (ok("{\"data\":{}}"), "query A { a } query B { b }"),
        (ok(refusing), "{ a }"),
    ] {
        let origin = Origin::answering(answer);
        let gateway = before(&origin.url(), "", "graphql = {}");
        let new = post(&gateway, RESPONSE, document);
        assert!(new.status() >= 400, "{}", new.text());
        assert_eq!(new.json().get("data"), None, "{}", new.text());
        let old = post(&gateway, LEGACY, document);
        assert_eq!(old.status(), 200, "{}", old.text());
        assert!(old.json()["data"].is_null(), "{}", old.text());
    }
}

#[test]
fn lists_of_errors_and_warnings_have_the_names_that_the_route_says() {
    for (lines, body, outcome) in [
        ("mutation_errors = [\"problems\"]", r#"{"data":{"buy":{"problems":[1]}}}"#, "refused"),
        ("mutation_errors = [\"problems\"]", r#"{"data":{"buy":{"errors":[1]}}}"#, "success"),
        ("mutation_errors = []", r#"{"data":{"buy":{"errors":[1]}}}"#, "success"),
        ("warnings = [\"notices\"]", r#"{"data":{"buy":{"notices":[1]}}}"#, "warning"),
        ("warnings = [\"notices\"]", r#"{"data":{"buy":{"warnings":[1]}}}"#, "success"),
        ("warnings = []", r#"{"data":{"buy":{"warnings":[1]}}}"#, "success"),
    ] {
        let origin = Origin::answering(ok(body));
        let gateway = before(&origin.url(), "", &format!("[route.graphql]\n{lines}"));
        let reply = post(&gateway, LEGACY, "mutation { buy }");
        assert_eq!((reply.status(), reply.text()), (200, body.to_owned()));
        assert_eq!(gateway.log_line(&reply.request_id())["outcome"], outcome, "{lines}: {body}");
    }
}

#[test]
fn a_reply_is_put_in_words_up_to_the_last_byte_that_is_held() {
    let of = |length: usize| {
        let body = r#"{"data":{"a":""},"errors":[{"message":"m"}]}"#;
        body.replacen("\"\"", &format!("\"{}\"", "x".repeat(length - body.len())), 1)
    };
    for (length, rewritten) in [(4096, true), (4097, false)] {
        let origin = Origin::answering(ok(&of(length)));
        let gateway = before(&origin.url(), "", "graphql = { inspect = \"4KiB\" }");
        let reply = post(&gateway, LEGACY, "{ a }");
        assert_eq!(reply.text() != of(length), rewritten, "{length}");
        assert_eq!(gateway.log_line(&reply.request_id())["outcome"], "failed");
    }
}

#[test]
fn a_reply_that_says_that_it_is_long_is_not_waited_for() {
    let begins = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n{\"data\":{\"a\":\"";
    let origin = Origin::scripted([Step::Read, send(begins), Step::Stall]);
    let gateway = before(&origin.url(), "", "graphql = {}");
    let mut client = Client::plain(gateway.plain());
    client.send(asks(LEGACY, "{ a }"));
    let mut begun = Vec::new();
    while !begun.ends_with(b"{\"data\":{\"a\":\"") {
        begun.extend(client.bytes(1));
    }
    origin.release();
}

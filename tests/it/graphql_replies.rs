//! Replies of GraphQL upstreams, as clients, the log, the metrics and the breaker see them.

mod long;

use std::io::Write as _;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::rig::PATIENCE;
use crate::rig::client::{self, Ending, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, send};

/// A 200 in the type that every client knows.
fn ok(body: &str) -> Vec<u8> {
    answer("200 OK", "Content-Type: application/json\r\n", body.as_bytes())
}

fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A gateway before an origin, with these lines of `[route.graphql]`.
fn before(origin: &Origin, lines: &str) -> Gateway {
    let upstream = format!("endpoints = [\"{}\"]", origin.url());
    Setup::new()
        .upstream(&upstream)
        .route(&format!(
            "name = \"graph\"\nmatch = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]\n{lines}"
        ))
        .start()
}

/// A gateway whose breaker opens for so long at the third failure.
fn spared(origin: &Origin, open: &str, lines: &str) -> Gateway {
    let url = origin.url();
    Setup::new()
        .upstream(&format!(
            "endpoints = [\"{url}\"]\nbreaker = {{ at_least = 3, open = \"{open}\" }}"
        ))
        .route(&format!("match = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]\n{lines}"))
        .start()
}

fn post(gateway: &Gateway, fields: &str, document: &str) -> Reply {
    let body = json!({ "query": document }).to_string();
    let length = body.len();
    client::ask(
        gateway.plain(),
        &format!(
            "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: en\r\n\
             Content-Type: application/json\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

/// What becomes of a reply.
fn replied(bytes: impl Into<Vec<u8>>, lines: &str, fields: &str) -> (Gateway, Reply) {
    let origin = Origin::answering(bytes);
    let gateway = before(&origin, lines);
    let reply = post(&gateway, fields, "{ a }");
    (gateway, reply)
}

const LEGACY: &str = "Accept: application/json\r\n";
const RESPONSE: &str = "Accept: application/graphql-response+json\r\n";

#[test]
fn a_clean_reply_goes_on_byte_for_byte() {
    for body in [
        "{\"data\":{\"a\":1}}".to_owned(),
        " {\n \"data\" : { \"a\" : \"caf\\u00e9 \\\"errors\\\" \" } }\n".to_owned(),
        format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(300_000)),
    ] {
        let (gateway, reply) = replied(ok(&body), "outcome_header = true", LEGACY);
        assert_eq!((reply.status(), reply.text()), (200, body.clone()));
        assert_eq!(reply.header("content-length"), Some(&*body.len().to_string()));
        assert_eq!(reply.header("guichet-outcome"), Some("success"));
        let line = gateway.log_line(&reply.request_id());
        assert_eq!((&line["outcome"], &line["bytes_out"]), (&json!("success"), &json!(body.len())));
        assert_eq!(line.get("code"), None, "{line}");
    }
}

#[test]
fn errors_beside_data_are_put_in_words_and_the_data_stay() {
    let data = "{ \"a\" : [ 1.50, null ], \"b\":null}";
    let body = format!(
        "{{\"data\":{data},\"errors\":[{{\"message\":\"too slow\",\"path\":[\"b\"],\
         \"extensions\":{{\"code\":\"TIMEOUT\"}}}},{{\"message\":\"no\",\"extensions\":{{\"code\":\"invalid_null\"}}}}]}}"
    );
    let (gateway, reply) = replied(ok(&body), "outcome_header = true", LEGACY);
    assert_eq!((reply.status(), reply.ending), (200, Ending::Complete));
    assert!(reply.text().contains(data), "{}", reply.text());
    let errors = &reply.json()["errors"];
    assert_eq!(errors[0]["message"], "too slow");
    assert_eq!(
        errors[0]["extensions"],
        json!({"code": "timeout", "problem": "fr.ammyGatewayTimeout", "request_id": reply.request_id()})
    );
    assert_eq!(errors[1]["extensions"]["problem"], "fr.ammyInvalidNull");
    assert_eq!(reply.header("guichet-outcome"), Some("failed"));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["outcome"], &line["status"]), (&json!("failed"), &json!(200)), "{line}");
    assert_eq!(
        (&line["code"], &line["cause"]),
        (&json!("fr.ammyGatewayTimeout"), &json!("graphql_errors"))
    );
    assert_eq!((&line["origin"], &line["complete"]), (&json!("upstream"), &json!(true)));
    let series =
        "guichet_errors_total{route=\"graph\",code=\"fr.ammyGatewayTimeout\",origin=\"upstream\"}";
    assert_eq!(gateway.metric(series), Some(1.0));
}

#[test]
fn fatal_leaves_no_data_and_the_status_of_the_worst() {
    let body = r#"{"data":{"a":1},"errors":[{"message":"m","extensions":{"code":"FORBIDDEN"}},{"message":"n","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}"#;
    let (_, response) = replied(ok(body), "root_errors = \"fatal\"", RESPONSE);
    let json = response.json();
    assert_eq!((response.status(), &json["data"]), (503, &json!(null)), "{json}");
    assert_eq!(json["errors"][0]["extensions"]["problem"], "fr.ammyForbidden");
    assert_eq!(json["errors"][1]["extensions"]["problem"], "fr.ammyServiceUnavailable");
    assert_eq!(response.header("error-code"), Some("fr.ammyServiceUnavailable"));
    assert_eq!(response.header("retry-after"), Some("5"));
    let own = r#"{"data":{},"errors":[{"message":"m","extensions":{"code":"invalid_null"}}]}"#;
    let (_, legacy) = replied(ok(own), "root_errors = \"fatal\"", LEGACY);
    assert_eq!(legacy.status(), 200, "GraphQL's own failures keep it in the old type");
    let (_, legacy) = replied(ok(body), "root_errors = \"fatal\"", LEGACY);
    assert_eq!(legacy.status(), 503);
}

#[test]
fn fatal_takes_the_data_of_those_of_a_batch_that_have_errors() {
    let replies = r#"[{"data":{"a":1}},{"data":{"b":2},"errors":[{"message":"m","extensions":{"code":"SERVICE_UNAVAILABLE"}}]}]"#;
    let origin = Origin::answering(ok(replies));
    let gateway = before(&origin, "root_errors = \"fatal\"\nlimits = { batch = true }");
    let batch = r#"[{"query":"{a}"},{"query":"{b}"}]"#;
    let reply = client::ask(
        gateway.plain(),
        &format!(
            "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{batch}",
            batch.len()
        ),
    );
    let json = reply.json();
    assert_eq!((reply.status(), &json[0]), (200, &json!({"data":{"a":1}})), "{json}");
    assert_eq!(json[1]["data"], json!(null), "{json}");
    let problem = &json[1]["errors"][0]["extensions"]["problem"];
    assert_eq!(problem, "fr.ammyServiceUnavailable", "{json}");
}

#[test]
fn pass_only_counts() {
    let body = r#"{ "data": {}, "errors": [ {"message":"m","extensions":{"code":"FORBIDDEN"}} ] }"#;
    let (gateway, reply) = replied(ok(body), "root_errors = \"pass\"", RESPONSE);
    assert_eq!((reply.status(), reply.text()), (200, body.to_owned()));
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["outcome"], &line["code"]), (&json!("refused"), &json!("fr.ammyForbidden")));
}

#[test]
fn the_operator_s_spellings_come_first() {
    let body = r#"{"data":{},"errors":[{"message":"m","extensions":{"code":"bad_user_input"}}]}"#;
    let (_, reply) = replied(ok(body), "codes = { BAD_USER_INPUT = \"InvalidParameter\" }", LEGACY);
    assert_eq!(reply.json()["errors"][0]["extensions"]["problem"], "fr.ammyInvalidParameter");
}

#[test]
fn what_a_payload_says_is_an_outcome_and_changes_nothing() {
    for (body, outcome) in [
        (r#"{"data":{"buy":{"order":null,"errors":[{"m":1}]}}}"#, "refused"),
        (r#"{"data":{"buy":{"order":{},"errors":[{"m":1}]}}}"#, "success"),
        (r#"{"data":{"buy":{"order":{},"warnings":[{"m":1}]}}}"#, "warning"),
        (r#"{"data":{"buy":{"order":{},"warnings":[]}}}"#, "success"),
    ] {
        let origin = Origin::answering(ok(body));
        let gateway = before(&origin, "outcome_header = true");
        let reply = post(&gateway, LEGACY, "mutation { buy }");
        assert_eq!((reply.status(), reply.text()), (200, body.to_owned()));
        assert_eq!(reply.header("guichet-outcome"), Some(outcome), "{body}");
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["outcome"], outcome, "{body}");
        let series = |name: &str| format!("{name}=\"{outcome}\"}}");
        let operations = "guichet_graphql_operations_total{route=\"graph\",type=\"mutation\",";
        assert_eq!(gateway.metric(&(operations.to_owned() + &series("result"))), Some(1.0));
        let outcomes = "guichet_outcomes_total{route=\"graph\",".to_owned() + &series("outcome");
        assert_eq!(gateway.metric(&outcomes), Some(1.0));
    }
}

#[test]
fn operations_are_counted_however_they_end() {
    let origin = Origin::answering(ok("{\"data\":{}}"));
    let gateway = before(&origin, "limits = { batch = true, depth = 2 }");
    post(&gateway, LEGACY, "subscription { a }");
    post(&gateway, LEGACY, "{ a { b { c } } }");
    let batch = r#"[{"query":"{a}"},{"query":"{b}"},{"documentId":"1"}]"#;
    client::ask(
        gateway.plain(),
        &format!(
            "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{batch}",
            batch.len()
        ),
    );
    let count = |kind: &str, result: &str| {
        gateway.metric(&format!(
            "guichet_graphql_operations_total{{route=\"graph\",type=\"{kind}\",result=\"{result}\"}}"
        ))
    };
    assert_eq!(count("subscription", "success"), Some(1.0));
    assert_eq!(count("unknown", "refused"), Some(1.0));
    assert_eq!((count("query", "success"), count("unknown", "success")), (Some(2.0), Some(1.0)));
}

#[test]
fn a_coded_reply_is_judged_and_goes_on_as_it_came_unless_it_changes() {
    let gzip = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let fields = "Content-Type: application/json\r\nContent-Encoding: gzip\r\nETag: \"a\"\r\n";
    let clean = gzip("{\"data\":{\"buy\":{\"errors\":[1]}}}");
    let (gateway, coded) = replied(answer("200 OK", fields, &clean), "", LEGACY);
    assert_eq!((coded.body.clone(), coded.header("content-encoding")), (clean, Some("gzip")));
    assert_eq!(coded.header("etag"), Some("\"a\""));
    assert_eq!(gateway.log_line(&coded.request_id())["outcome"], "refused");
    let body = gzip("{\"data\":{},\"errors\":[{\"message\":\"m\"}]}");
    let (_, changed) = replied(answer("200 OK", fields, &body), "", LEGACY);
    assert_eq!((changed.header("content-encoding"), changed.header("etag")), (None, None));
    assert_eq!(changed.json()["errors"][0]["extensions"]["code"], "internal_server_error");
    let bomb = gzip(&format!("{{\"data\":{{}},\"errors\":[1],\"a\":\"{}\"}}", "x".repeat(9000)));
    let (gateway, long) = replied(answer("200 OK", fields, &bomb), "inspect = \"4KiB\"", LEGACY);
    assert_eq!(long.body, bomb, "longer than what is held: it goes as it came");
    let line = gateway.log_line(&long.request_id());
    let unread = "the reply went on unread: not decoded, or longer than what is held";
    assert_eq!((&line["outcome"], &line["detail"]), (&json!("success"), &json!(unread)));
}

#[test]
fn what_is_no_graphql_becomes_one_error() {
    let html = "Content-Type: text/html\r\n";
    for (bytes, status, problem) in [
        (answer("200 OK", html, b"<html><body>Welcome</body></html>"), 502, "BadGateway"),
        (answer("200 OK", "", b""), 502, "BadGateway"),
        (answer("200 OK", "", b"{\"error\":\"boom\"}"), 502, "BadGateway"),
        (answer("200 OK", "", b"{\"statusCode\":404,\"message\":\"m\"}"), 404, "InvalidResource"),
        (answer("200 OK", "", b"{\"data\":{\"a\":"), 502, "BadGateway"),
        (answer("204 No Content", "", b""), 502, "BadGateway"),
        (answer("502 Bad Gateway", html, b"<h1>nginx</h1>"), 502, "BadGateway"),
        (answer("429 Whatever", "Retry-After: 7\r\n", b"Too many"), 429, "TooManyRequests"),
        (answer("503 Whatever", "", b"{\"error\":\"down\"}"), 503, "ServiceUnavailable"),
    ] {
        let (gateway, reply) = replied(bytes.clone(), "", RESPONSE);
        let (body, told) = (reply.json(), String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(reply.status(), status, "{told}");
        assert_eq!(body["errors"].as_array().unwrap().len(), 1, "{told}");
        assert_eq!(
            body["errors"][0]["extensions"]["problem"],
            format!("fr.ammy{problem}"),
            "{told}"
        );
        let wait = match status {
            429 => Some("7"),
            503 => Some("5"),
            _ => None,
        };
        assert_eq!(reply.header("retry-after"), wait, "{told}");
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["outcome"], if status < 500 { "refused" } else { "failed" }, "{line}");
    }
}

#[test]
fn errors_under_their_own_status_are_all_kept() {
    let body = r#"{"errors":[{"message":"Cannot query field \"a\".","locations":[{"line":1,"column":3}]},{"message":"b"}]}"#;
    let (_, response) = replied(answer("400 Bad Request", "", body.as_bytes()), "", RESPONSE);
    let json = response.json();
    assert_eq!((response.status(), json["errors"].as_array().unwrap().len()), (400, 2), "{json}");
    assert_eq!(json["errors"][0]["locations"], json!([{"line": 1, "column": 3}]));
    assert_eq!(json["errors"][1]["extensions"]["problem"], "fr.ammyBadRequest");
    assert_eq!(response.header("error-code"), Some("fr.ammyBadRequest"));
    // What a server breaks over is not the client's to know.
    let (_, broken) = replied(answer("500 Oh", "", body.as_bytes()), "", RESPONSE);
    let json = broken.json();
    assert_eq!((broken.status(), json["errors"].as_array().unwrap().len()), (500, 1), "{json}");
}

#[test]
fn the_type_that_knows_statuses_has_one() {
    let body = r#"{"errors":[{"message":"m","extensions":{"code":"UNAUTHENTICATED"}}]}"#;
    let (_, response) = replied(ok(body), "", RESPONSE);
    assert_eq!(response.status(), 401);
    assert_eq!(response.header("content-type"), Some("application/graphql-response+json"));
    for accept in [LEGACY, "", "Accept: */*\r\n"] {
        let (_, reply) = replied(ok(body), "", accept);
        assert_eq!((reply.status(), reply.header("content-type")), (200, Some("application/json")));
        assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "unauthorized");
    }
}

#[test]
fn pages_and_redirections_pass() {
    let html = answer("200 OK", "Content-Type: text/html\r\n", b"<html>GraphiQL</html>");
    let origin = Origin::answering(html);
    let gateway = before(&origin, "");
    let page = client::get(gateway.plain(), "/graphql");
    assert_eq!((page.status(), page.text()), (200, "<html>GraphiQL</html>".to_owned()));
    let (_, moved) = replied(answer("307 Away", "Location: /a\r\n", b""), "", "");
    assert_eq!((moved.status(), moved.header("location")), (307, Some("/a")));
    let parts = b"--a\r\n\r\n{}\r\n--a--";
    let parted = answer("200 OK", "Content-Type: multipart/mixed; boundary=a\r\n", parts);
    let (_, deferred) = replied(parted, "", "");
    assert_eq!((deferred.status(), &deferred.body[..]), (200, &parts[..]));
}

#[test]
fn a_reply_that_does_not_end_in_time_is_a_timeout() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"data\":{";
    let origin = Origin::scripted([Step::Read, send(head), Step::Drain]);
    let gateway = before(&origin, "timeout = \"300ms\"");
    let reply = post(&gateway, LEGACY, "{ a }");
    assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "timeout");
    assert_eq!(reply.status(), 200);
}

#[test]
fn an_upstream_that_answers_nothing_but_errors_is_seen_to_fail() {
    let origin = Origin::answering(ok(r#"{"data":null,"errors":[{"message":"m"}]}"#));
    let gateway = spared(&origin, "1m", "");
    for _ in 0..3 {
        assert_eq!(post(&gateway, LEGACY, "{ a }").status(), 200);
    }
    let refused = post(&gateway, LEGACY, "{ a }");
    assert_eq!((refused.status(), origin.requests().len()), (503, 3));
    assert_eq!(refused.json()["errors"][0]["extensions"]["code"], "service_unavailable");
}

#[test]
fn a_trial_that_is_answered_nothing_but_errors_has_not_closed_the_breaker() {
    let origin = Origin::answering(ok(r#"{"data":null,"errors":[{"message":"m"}]}"#));
    let gateway = spared(&origin, "1s", "");
    let status = || post(&gateway, LEGACY, "{ a }").status();
    assert_eq!([status(), status(), status(), status()], [200, 200, 200, 503]);
    let patience = Instant::now() + PATIENCE;
    while status() == 503 {
        assert!(Instant::now() < patience, "nobody tries");
    }
    assert_eq!((status(), origin.requests().len()), (503, 4));
}

#[test]
fn observing_changes_nothing() {
    let origin = Origin::answering(ok("{\"errors\":[{\"message\":\"m\"}]}"));
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route(
            "match = \"/graphql\"\nupstream = \"origin\"\nnormalise = \"observe\"\n[route.graphql]",
        )
        .start();
    let reply = post(&gateway, RESPONSE, "{ a }");
    assert_eq!(
        (reply.status(), reply.text()),
        (200, "{\"errors\":[{\"message\":\"m\"}]}".to_owned())
    );
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(
        (&line["outcome"], &line["would_change"]),
        (&json!("refused"), &json!("fr.ammyBadRequest"))
    );
}

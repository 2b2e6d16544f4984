//! GraphQL operations as clients and upstreams see them.

use serde_json::json;

use crate::rig::client::{self, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"data\":{}}";
const LEGACY: &str = "Accept: application/json\r\n";

fn before(origin: &Origin, lines: &str) -> Gateway {
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route(&format!("match = \"/graphql\"\nupstream = \"origin\"\n[route.graphql]\n{lines}"))
        .start()
}

fn post(gateway: &Gateway, fields: &str, body: &str) -> Reply {
    let length = body.len();
    client::ask(
        gateway.plain(),
        &format!(
            "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: en\r\n\
             Content-Type: application/json\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

/// A refusal in GraphQL's form.
#[track_caller]
fn is_refused(reply: &Reply, status: u16, code: &str, problem: &str) -> serde_json::Value {
    let body = reply.json();
    assert_eq!(reply.status(), status, "{body}");
    assert_eq!(reply.header("error-code"), Some(&*format!("fr.ammy{problem}")), "{body}");
    assert_eq!(body["data"], json!(null));
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], code, "{body}");
    assert_eq!(error["extensions"]["problem"], format!("fr.ammy{problem}"));
    assert_eq!(error["extensions"]["request_id"], reply.request_id());
    error.clone()
}

#[test]
fn an_operation_goes_on_byte_for_byte() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "");
    for body in [
        "{ \"query\" : \"mutation { a(b: \\\"\\u00e9\\\") { ok } }\" }\n",
        "{\"extensions\":{\"persistedQuery\":{\"version\":1,\"sha256Hash\":\"ab\"}}}",
    ] {
        let reply = post(&gateway, "", body);
        assert_eq!((reply.status(), reply.text()), (200, "{\"data\":{}}".to_owned()));
        assert_eq!(origin.last().body, body.as_bytes());
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["bytes_in"], body.len(), "{line}");
    }
    let get = client::get(gateway.plain(), "/graphql?query=%7Ba%7D");
    assert_eq!(get.status(), 200);
    let line = origin.last().head.line;
    assert!(line.contains("/graphql?query=%7Ba%7D"), "{line}");
}

#[test]
fn what_does_not_parse_is_shown_where_and_its_status_is_that_of_the_media_type() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "");
    let body = "{\"query\":\"{\\n  a(b: )\\n}\"}";
    let reply = post(&gateway, "", body);
    assert_eq!(reply.header("content-type"), Some("application/graphql-response+json"));
    let error = is_refused(&reply, 400, "graphql_parse_error", "GraphqlParseError");
    assert_eq!(error["locations"], json!([{ "line": 2, "column": 8 }]));
    let legacy = post(&gateway, LEGACY, body);
    assert_eq!(legacy.header("content-type"), Some("application/json"));
    is_refused(&legacy, 200, "graphql_parse_error", "GraphqlParseError");
    let line = gateway.log_line(&legacy.request_id());
    assert_eq!((&line["outcome"], &line["cause"]), (&json!("refused"), &json!("graphql_syntax")));
    let several = "{\"query\":\"query A{a} query B{b}\"}";
    is_refused(&post(&gateway, LEGACY, several), 200, "bad_request", "BadRequest");
    // Nobody could read it: that is no failure of GraphQL's own.
    is_refused(&post(&gateway, LEGACY, "{"), 400, "bad_request", "BadRequest");
    is_refused(&post(&gateway, LEGACY, "{}"), 400, "bad_request", "MissingParameter");
    assert!(origin.requests().is_empty());
}

#[test]
fn limits_are_named_and_keep_their_status() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "limits = { depth = 2, introspection = false }");
    let reply = post(&gateway, LEGACY, "{\"query\":\"{a{b{c}}}\"}");
    let error = is_refused(&reply, 400, "bad_request", "BadRequest");
    assert_eq!(error["message"], "The operation goes beyond what is allowed here: depth = 2.");
    let schema = post(&gateway, LEGACY, "{\"query\":\"{__schema{a}}\"}");
    let error = is_refused(&schema, 400, "bad_request", "BadRequest");
    assert!(error["message"].as_str().unwrap().ends_with("introspection = false."), "{error}");
    assert_eq!(post(&gateway, LEGACY, "{\"query\":\"{a{b}}\"}").status(), 200);
}

#[test]
fn no_page_of_another_origin_can_change_anything() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "");
    let get = client::get(gateway.plain(), "/graphql?query=mutation%7Ba%7D");
    is_refused(&get, 405, "bad_request", "MethodNotAllowed");
    assert_eq!(get.header("allow"), Some("POST"));
    let form = "POST /graphql HTTP/1.1\r\nHost: gw.test\r\nContent-Type: text/plain\r\n\
                Content-Length: 15\r\n\r\n{\"query\":\"{a}\"}";
    let reply = client::ask(gateway.plain(), form);
    is_refused(&reply, 415, "bad_request", "UnsupportedMediaType");
    assert_eq!(reply.header("accept-post"), Some("application/json"));
    let put = client::ask(
        gateway.plain(),
        "PUT /graphql HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n",
    );
    is_refused(&put, 405, "bad_request", "MethodNotAllowed");
    assert!(origin.requests().is_empty());
}

#[test]
fn batches_are_taken_where_the_route_says_so() {
    let origin = Origin::answering(OK);
    let batch = "[{\"query\":\"{a}\"},{\"query\":\"{b}\"}]";
    is_refused(&post(&before(&origin, ""), LEGACY, batch), 400, "bad_request", "BadRequest");
    let gateway = before(&origin, "limits = { batch = true, root_fields = 2 }");
    assert_eq!(post(&gateway, LEGACY, batch).status(), 200);
    assert_eq!(origin.last().body, batch.as_bytes());
    let three = "[{\"query\":\"{a}\"},{\"query\":\"{b}\"},{\"query\":\"{c}\"}]";
    is_refused(&post(&gateway, LEGACY, three), 400, "bad_request", "BadRequest");
}

#[test]
fn an_operation_that_outlives_its_limit_is_a_timeout_of_graphql() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let gateway = before(&origin, "timeout = \"200ms\"");
    let reply = post(&gateway, LEGACY, "{\"query\":\"{a}\"}");
    is_refused(&reply, 200, "timeout", "GatewayTimeout");
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["outcome"], &line["cause"]), (&json!("failed"), &json!("total_timeout")));
}

#[test]
fn what_carries_no_document_passes() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "");
    assert_eq!(client::get(gateway.plain(), "/graphql").status(), 200);
    let options = "OPTIONS /graphql HTTP/1.1\r\nHost: gw.test\r\nOrigin: https://a.test\r\n\r\n";
    assert_eq!(client::ask(gateway.plain(), options).status(), 200);
    assert_eq!(origin.requests().len(), 2);
}

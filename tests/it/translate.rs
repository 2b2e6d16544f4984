//! What upstream says about its failure, turned into the vocabulary.

use serde_json::{Value, json};

use crate::rig::client::{self, Reply};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, answer, send};

#[test]
fn a_stack_trace_never_reaches_the_client() {
    let trace = "<html><pre>java.lang.NullPointerException\n\tat fr.Shop.buy(Shop.java:42)</pre>";
    let (_origin, gateway) = behind(500, "text/html", trace);

    let reply = client::get(gateway.plain(), "/a");

    reply.is_problem(500, "ServerError");
    assert!(!reply.text().contains("java"), "{}", reply.text());
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["origin"], &line["status"]), (&"upstream".into(), &500.into()));
    assert!(line["cause"].as_str().unwrap().starts_with("upstream_status"), "{line}");
}

#[test]
fn every_status_has_its_code() {
    let cases = [
        (400, 400, "BadRequest"),
        (401, 401, "Unauthorized"),
        (402, 402, "BadRequest"),
        (403, 403, "Forbidden"),
        (404, 404, "InvalidResource"),
        (405, 405, "MethodNotAllowed"),
        (409, 409, "Conflict"),
        (410, 410, "Gone"),
        (418, 418, "BadRequest"),
        (422, 422, "UnprocessableContent"),
        (429, 429, "TooManyRequests"),
        (499, 400, "BadRequest"),
        (500, 500, "ServerError"),
        (501, 501, "NotImplemented"),
        (502, 502, "BadGateway"),
        (503, 503, "ServiceUnavailable"),
        (504, 504, "GatewayTimeout"),
        (507, 507, "ServerError"),
        (599, 500, "ServerError"),
    ];

    each(
        &cases,
        |(said, ..)| said.to_string(),
        |(said, status, name)| {
            let origin = Origin::scripted([
                Step::Read,
                send(format!(
                    "HTTP/1.1 {said} X\r\nAllow: GET\r\nContent-Type: text/plain\r\n\
                 Content-Length: 6\r\n\r\nsecret"
                )),
                Step::Again,
            ]);
            let gateway = Gateway::before(&origin.url());

            let reply = client::get(gateway.plain(), "/a");

            reply.is_problem(*status, name);
            assert!(!reply.text().contains("secret"));
        },
    );
}

#[test]
fn a_404_on_a_route_with_an_identifier_names_it() {
    let origin = Origin::scripted([Step::Read, answer(404, "text/plain", "no"), Step::Again]);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route(
            "name = \"user\"\nmatch = \"GET /users/{id}\"\nupstream = \"origin\"\n\
             [route.params]\nid = { in = \"path\", type = \"string\", identifier = true }",
        )
        .start();

    let body = client::get(gateway.plain(), "/users/7").is_problem(404, "InvalidIdentifier");

    assert!(body["message"].as_str().unwrap().contains("id"), "{body}");
    assert!(!body.to_string().contains("/users/7"));
}

#[test]
fn problem_json_of_a_client_s_fault_keeps_its_words() {
    let said = json!({ "type": "about:blank", "title": "Conflict", "status": 409,
                       "detail": "Version 3 is newer than yours." });
    let (_origin, gateway) = behind(409, "application/problem+json", &said.to_string());

    let body = client::get(gateway.plain(), "/a").is_problem(409, "Conflict");

    assert_eq!(body["message"], "Version 3 is newer than yours.");
}

#[test]
fn problem_json_of_a_server_s_fault_does_not() {
    let said = json!({ "title": "x", "status": 500, "detail": "SELECT * FROM users failed" });
    let (_origin, gateway) = behind(500, "application/problem+json", &said.to_string());

    let body = client::get(gateway.plain(), "/a").is_problem(500, "ServerError");

    assert!(!body.to_string().contains("SELECT"), "{body}");
}

#[test]
fn a_body_that_is_already_ours_keeps_code_and_id_and_is_not_wrapped() {
    let inner = Setup::new()
        .route("name = \"only\"\nmatch = \"/only\"\nrespond = { status = 200, json = {} }")
        .start();
    let outer = Gateway::before(&format!("http://{}", inner.plain()));

    let reply = client::get(outer.plain(), "/missing");

    let body = reply.json();
    assert_eq!((reply.status(), &body["code"]), (404, &"fr.ammyInvalidResource".into()));
    assert_eq!(body.to_string().matches("fr.ammy").count(), 1, "{body}");
    let line = inner.log_line_where(|line| line["path"] == "/missing");
    assert_eq!(body["request_id"], line["request_id"]);
}

#[test]
fn graphql_errors_under_an_error_status_are_understood() {
    let said = json!({ "errors": [{ "message": "Field `x` is unknown.",
                                    "extensions": { "code": "BAD_USER_INPUT" } }] });
    let (_origin, gateway) = behind(400, "application/json", &said.to_string());

    let reply = client::get(gateway.plain(), "/a");

    assert_eq!(reply.status(), 400);
    let body = reply.json();
    assert!(body["code"].as_str().unwrap().starts_with("fr.ammy"), "{body}");
    assert_eq!(body["message"], "Field `x` is unknown.");
}

#[test]
fn the_first_rule_that_matches_wins() {
    let origin = Origin::scripted([
        Step::Read,
        answer(
            422,
            "application/json",
            r#"{"error":{"field":"siret","text":"the number is too short"}}"#,
        ),
        Step::Again,
    ]);
    let gateway = Setup::before(&origin.url())
        .upstream(
            "errors = [\n\
             { when = { status = 409 }, raise = \"Conflict\" },\n\
             { when = { status = \"4xx\" }, raise = \"InvalidParameter\", \
             take = { parameter = \"/error/field\", message = \"/error/text\" } },\n\
             { when = { status = 422 }, raise = \"Gone\" }]",
        )
        .start();

    let body = client::get(gateway.plain(), "/a").is_problem(400, "InvalidParameter");

    assert_eq!(body["message"], "the number is too short");
    assert_eq!(body["parameters"][0]["name"], "siret");
}

#[test]
fn what_a_client_needs_is_kept_and_the_rest_is_not() {
    let origin = Origin::answering(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer realm=\"x\"\r\nSet-Cookie: a=1\r\n\
         Access-Control-Allow-Origin: *\r\nX-Powered-By: Cobol\r\nServer: secret/1\r\n\
         X-Mine: kept\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\nno",
    );
    let gateway =
        Setup::before(&origin.url()).with("[errors]\nkeep_headers = [\"x-mine\"]").start();

    let reply = client::get(gateway.plain(), "/a");

    reply.is_problem(401, "Unauthorized");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"x\""));
    assert_eq!(reply.header("set-cookie"), Some("a=1"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("x-mine"), Some("kept"));
    for name in ["x-powered-by", "server", "etag"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
}

#[test]
fn the_upstream_s_own_wait_is_kept() {
    let origin =
        Origin::answering("HTTP/1.1 503 No\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n");
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    let body = reply.is_problem(503, "ServiceUnavailable");
    assert_eq!((reply.header("retry-after"), &body["retry_after"]), (Some("17"), &17.into()));
    assert_eq!(body["retryable"], true);
}

#[test]
fn an_encoded_body_is_read() {
    let said = json!({ "status": 409, "title": "x", "detail": "Already taken by somebody." });
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, said.to_string().as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let mut bytes = format!(
        "HTTP/1.1 409 No\r\nContent-Type: application/problem+json\r\nContent-Encoding: gzip\r\n\
         Content-Length: {}\r\n\r\n",
        packed.len()
    )
    .into_bytes();
    bytes.extend(packed);
    let origin = Origin::answering(bytes);
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.is_problem(409, "Conflict")["message"], "Already taken by somebody.");
}

#[test]
fn an_endless_error_body_does_not_delay_the_reply() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 500 No\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Step::Drip {
            times: 100_000,
            every: std::time::Duration::ZERO,
            bytes: format!("400\r\n{}\r\n", "x".repeat(1024)).into_bytes(),
        },
    ]);
    let gateway = Gateway::before(&origin.url());

    client::get(gateway.plain(), "/a").is_problem(500, "ServerError");
}

#[test]
fn an_error_body_that_stops_does_not_hold_the_reply_back() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 500 No\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\nhalf"),
        Step::Stall,
    ]);
    for idle in ["300ms", "1h"] {
        let timeout = format!("timeout = {{ idle = \"{idle}\" }}");
        let gateway = Setup::before(&origin.url()).upstream(&timeout).start();

        let reply = client::get(gateway.plain(), "/a");

        assert!(matches!(reply.status(), 500 | 502 | 504), "{}", reply.head.line);
        assert!(reply.header("error-code").is_some());
    }
}

#[test]
fn a_success_passes_whatever_its_body() {
    for (status, body) in [(200, r#"{"error":"no"}"#), (302, "<p>moved</p>"), (204, "")] {
        let length = if status == 204 {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let origin = Origin::answering(format!(
            "HTTP/1.1 {status} Fine\r\nContent-Type: text/html\r\n{length}\r\n{body}"
        ));
        let gateway = Gateway::before(&origin.url());

        let reply = client::get(gateway.plain(), "/a");

        assert_eq!((reply.status(), reply.text().as_str()), (status, body));
        assert_eq!(reply.header("error-code"), None);
    }
}

#[test]
fn normalise_can_be_switched_off_and_only_observed() {
    for value in ["false", "\"observe\""] {
        let origin = Origin::scripted([
            Step::Read,
            answer(500, "text/html", "<p>their own page</p>"),
            Step::Again,
        ]);
        let gateway = Setup::new()
            .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
            .route(&format!(
                "name = \"all\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\nnormalise = {value}"
            ))
            .start();

        let reply = client::get(gateway.plain(), "/a");

        assert_eq!((reply.status(), reply.text().as_str()), (500, "<p>their own page</p>"));
        assert_eq!(reply.header("error-code"), None);
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["status"], 500);
    }
}

#[test]
fn head_of_an_error_has_headers_and_no_body() {
    let origin = Origin::answering(
        "HTTP/1.1 404 No\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n",
    );
    let gateway = Gateway::before(&origin.url());

    let reply: Reply = client::ask(gateway.plain(), "HEAD /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");

    assert_eq!((reply.status(), reply.body.len()), (404, 0));
    assert_eq!(reply.header("error-code"), Some("fr.ammyInvalidResource"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[test]
fn the_order_of_the_members_is_the_contract() {
    let (_origin, gateway) = behind(503, "text/plain", "no");

    let text = client::get(gateway.plain(), "/a").text();

    let members = [
        "\"code\"",
        "\"message\"",
        "\"status\"",
        "\"request_id\"",
        "\"retryable\"",
        "\"retry_after\"",
    ];
    let places: Vec<_> = members.iter().map(|member| text.find(member).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}

fn behind(status: u16, content_type: &str, body: &str) -> (Origin, Gateway) {
    let origin = Origin::scripted([Step::Read, answer(status, content_type, body), Step::Again]);
    let gateway = Gateway::before(&origin.url());
    (origin, gateway)
}

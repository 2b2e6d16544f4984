//! `responses = "report"` of an OpenAPI document: what an upstream answers beside what the document says.
//! Whatever is found, the client gets the answer byte for byte.

use serde_json::{Value, json};

use crate::rig::client::{self, Client, Reply};
use crate::rig::frames::{self, FrameClient};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, send};

const DOCUMENT: &str = "openapi: 3.0.3
paths:
  /pets:
    get:
      operationId: pets
      responses:
        200:
          description: some
          headers:
            X-Total: {required: true, schema: {type: integer, maximum: 100}}
            X-Request-Id: {required: true, schema: {type: string}}
            x-note: {schema: {type: string, maxLength: 3}}
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}
            text/csv: {schema: {type: string}}
        204: {description: none}
        4XX: {$ref: '#/components/responses/Failed'}
  /open:
    get:
      operationId: open
      responses:
        default: {content: {'application/*': {schema: {$ref: '#/components/schemas/Pet'}}}}
components:
  responses:
    Failed:
      description: no
      content: {application/problem+json: {schema: {type: object, required: [code]}}}
  schemas:
    Pet:
      type: object
      required: [name, secret]
      properties:
        name: {type: string, nullable: true}
        age: {type: integer}
        secret: {type: string, writeOnly: true}
";

fn before(origin: &Origin, document: &str, lines: &str) -> (Gateway, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.yaml");
    std::fs::write(&file, document).unwrap();
    let file = file.display();
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with(&format!("[[openapi]]\nfile = \"{file}\"\nupstream = \"origin\"\n{lines}"))
        .start();
    (gateway, folder)
}

const REPORT: &str = "responses = \"report\"\nbody_limit = \"1KiB\"\n";

fn answer(status: u16, fields: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status} X\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn get(gateway: &Gateway, path: &str, fields: &str) -> Reply {
    let request = format!("GET {path} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
    client::ask(gateway.plain(), &request)
}

fn told(gateway: &Gateway, reply: &Reply) -> Value {
    gateway.log_line(&reply.request_id())["response_mismatch"].clone()
}

fn count(gateway: &Gateway, result: &str) -> f64 {
    ["pets", "open"]
        .iter()
        .filter_map(|route| {
            let labels = format!("route=\"{route}\",result=\"{result}\"");
            gateway.metric(&format!("guichet_openapi_responses_total{{{labels}}}"))
        })
        .sum()
}

const JSON: &str = "Content-Type: application/json; charset=utf-8\r\nX-Total: 2\r\n";

/// What the log tells and the page counts of one answer to `GET /pets`, which the client gets unchanged.
fn of(status: u16, fields: &str, body: impl AsRef<[u8]>) -> (Value, &'static str) {
    asked("/pets", status, fields, body)
}

fn asked(path: &str, status: u16, fields: &str, body: impl AsRef<[u8]>) -> (Value, &'static str) {
    let origin = Origin::answering(answer(status, fields, &body));
    let (gateway, _folder) = before(&origin, DOCUMENT, &format!("{REPORT}normalise = false\n"));
    let reply = get(&gateway, path, "");
    assert_eq!((reply.status(), &*reply.body), (status, body.as_ref()), "unchanged");
    let told = told(&gateway, &reply);
    let results = ["conforms", "unread", "status", "media_type", "body", "schema", "header"];
    let counted: Vec<_> =
        results.into_iter().filter(|result| count(&gateway, result) > 0.0).collect();
    assert_eq!((counted.len(), count(&gateway, counted[0])), (1, 1.0), "{counted:?}");
    (told, counted[0])
}

#[test]
fn what_is_as_the_document_says_is_counted_and_not_told() {
    let pets = r#"[{"name":"a","age":1},{"name":null}]"#;
    for (status, fields, body) in [
        (200, JSON, pets),
        (200, "content-type: Application/JSON\r\nx-total: 0\r\nX-Note: abc\r\nX-Note: d\r\n", "[]"),
        (200, "Content-Type: text/csv\r\nX-Total: 1\r\n", "name\na\n"),
        (422, "Content-Type: application/problem+json\r\n", "{\"code\":1}"),
    ] {
        assert_eq!(of(status, fields, body), (Value::Null, "conforms"), "{status} {fields} {body}");
    }
}

#[test]
fn each_thing_that_is_wrong_is_told_by_its_place() {
    let wrong = r#"[{"age":"secret value"},{"name":"a","secret":"x"},{"name":7}]"#;
    for (status, fields, body, expected, result) in [
        (500, JSON, "{}", json!(["status 500"]), "status"),
        (201, JSON, "[]", json!(["status 201"]), "status"),
        (
            200,
            "Content-Type: text/html\r\nX-Total: 1\r\n",
            "a",
            json!(["media_type text/html"]),
            "media_type",
        ),
        (200, "X-Total: 1\r\n", "a", json!(["media_type"]), "media_type"),
        (200, JSON, "", json!(["body"]), "body"),
        (200, JSON, "[{]", json!(["body"]), "body"),
        (
            200,
            JSON,
            wrong,
            json!(["schema /0/age", "schema /0/name", "schema /1/secret", "schema /2/name"]),
            "schema",
        ),
        (200, "Content-Type: text/csv\r\n", "a", json!(["header x-total"]), "header"),
        (
            200,
            "Content-Type: application/json\r\nX-Total: 101\r\nX-Note: abcd\r\n",
            "{}",
            json!(["header x-total", "header x-note", "schema"]),
            "schema",
        ),
        (
            404,
            "Content-Type: application/problem+json\r\n",
            "{}",
            json!(["schema /code"]),
            "schema",
        ),
    ] {
        let (told, counted) = of(status, fields, body);
        let mut told = told.as_array().cloned().unwrap_or_default();
        told.sort_by_key(|one| (!one.to_string().contains("header"), one.to_string()));
        let mut expected = expected.as_array().cloned().unwrap();
        expected.sort_by_key(|one| (!one.to_string().contains("header"), one.to_string()));
        assert_eq!((told, counted), (expected, result), "{status} {fields} {body}");
    }
}

#[test]
fn ranges_of_media_types_and_the_default_take_what_is_left() {
    let pet = r#"{"name":"a"}"#;
    for status in [200, 418, 503] {
        let told = asked("/open", status, "Content-Type: application/vnd.x+json\r\n", pet);
        assert_eq!(told, (Value::Null, "conforms"));
    }
    let told = asked("/open", 200, "Content-Type: application/vnd.x+json\r\n", "{}");
    assert_eq!(told, (json!(["schema /name"]), "schema"));
    let told = asked("/open", 200, "Content-Type: application/pdf\r\n", "{}");
    assert_eq!(told, (Value::Null, "conforms"), "no JSON: nobody reads it");
    let told = asked("/open", 200, "Content-Type: text/plain\r\n", pet);
    assert_eq!(told, (json!(["media_type text/plain"]), "media_type"));
}

#[test]
fn what_cannot_be_read_is_counted_as_such() {
    use std::io::Write as _;
    let long = format!("[{}]", " ".repeat(1024));
    assert_eq!(of(200, JSON, &long), (Value::Null, "unread"), "longer than body_limit");
    let gzip = |text: &str| {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        coder.write_all(text.as_bytes()).unwrap();
        coder.finish().unwrap()
    };
    let coded = |coding: &str| format!("{JSON}Content-Encoding: {coding}\r\n");
    assert_eq!(
        of(200, &coded("gzip"), gzip("[{\"name\":1}]")),
        (json!(["schema /0/name"]), "schema")
    );
    assert_eq!(of(200, &coded("gzip"), gzip("[{\"name\":\"a\"}]")), (Value::Null, "conforms"));
    assert_eq!(of(200, &coded("gzip"), gzip(&long)), (Value::Null, "unread"), "longer once undone");
    assert_eq!(of(200, &coded("gzip"), "this is no gzip at all"), (Value::Null, "unread"));
    assert_eq!(of(200, &coded("unheard"), "[{}]"), (Value::Null, "unread"));
    assert_eq!(
        of(206, &format!("{JSON}Content-Range: bytes 0-1/9\r\n"), "[{"),
        (Value::Null, "unread")
    );
}

#[test]
fn answers_without_a_body_are_judged_by_their_head() {
    assert_eq!(of(204, "X: 1\r\n", ""), (Value::Null, "conforms"));
    let origin = Origin::by_path([
        ("/pets", vec![send(answer(304, "X: 1\r\n", "")), Step::Again]),
        (
            "/open",
            vec![
                send("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n"),
                Step::Again,
            ],
        ),
    ]);
    let (gateway, _folder) = before(&origin, DOCUMENT, REPORT);
    let reply = get(&gateway, "/pets", "If-None-Match: \"a\"\r\n");
    assert_eq!((reply.status(), told(&gateway, &reply)), (304, Value::Null));
    let mut client = Client::plain(gateway.plain());
    client.send("HEAD /open HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let reply = client.reply_to_head();
    assert_eq!(told(&gateway, &reply), json!(["media_type text/html"]));
    assert_eq!((count(&gateway, "conforms"), count(&gateway, "media_type")), (1.0, 1.0));
}

#[test]
fn of_errors_that_come_out_in_the_vocabulary_the_upstream_s_are_judged() {
    let origin = Origin::answering(answer(404, "Content-Type: application/problem+json\r\n", "{}"));
    let (gateway, _folder) = before(&origin, DOCUMENT, REPORT);
    let reply = get(&gateway, "/pets", "");
    reply.is_problem(404, "InvalidResource");
    assert_eq!(told(&gateway, &reply), json!(["schema /code"]));
    // What guichet answers by itself is nobody's answer.
    let refused = client::ask(gateway.plain(), "PUT /pets HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    assert_eq!(refused.status(), 405);
    assert_eq!(told(&gateway, &refused), Value::Null);
    assert_eq!(count(&gateway, "schema"), 1.0);
}

#[test]
fn what_guichet_makes_smaller_is_judged_as_it_came() {
    let body = format!("[{}{{\"name\":1}}]", "{\"name\":\"a\"},".repeat(50));
    let origin = Origin::answering(answer(200, JSON, &body));
    let (gateway, _folder) =
        before(&origin, DOCUMENT, &format!("{REPORT}compress = {{ min_size = \"1B\" }}\n"));
    let reply = get(&gateway, "/pets", "Accept-Encoding: gzip\r\n");
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(told(&gateway, &reply), json!(["schema /50/name"]));
}

#[test]
fn nothing_waits_for_it_and_what_breaks_off_is_unread() {
    let head = format!("HTTP/1.1 200 OK\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n");
    let origin = Origin::by_path([
        (
            "/pets",
            vec![
                send(format!("{head}3\r\n[{{\"\r\n")),
                Step::Stall,
                send("2\r\n}]\r\n0\r\n\r\n"),
                Step::Again,
            ],
        ),
        ("/open", vec![send(format!("{head}3\r\n[{{\"\r\n")), Step::Close]),
    ]);
    let (gateway, _folder) = before(&origin, DOCUMENT, REPORT);
    let mut client = Client::plain(gateway.plain());
    client.send("GET /pets HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let mut seen = Vec::new();
    while !seen.ends_with(b"[{\"\r\n") {
        seen.extend(client.bytes(1));
    }
    origin.release();
    let rest = client.bytes(b"2\r\n}]\r\n0\r\n\r\n".len());
    assert_eq!(rest, b"2\r\n}]\r\n0\r\n\r\n");
    let line = gateway.log_line_where(|line| line["path"] == "/pets");
    assert_eq!(line["response_mismatch"], json!(["body"]));
    let mut client = Client::plain(gateway.plain());
    client.send("GET /open HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let line = gateway.log_line_where(|line| line["path"] == "/open");
    assert_eq!((&line["complete"], &line["response_mismatch"]), (&false.into(), &Value::Null));
    assert_eq!((count(&gateway, "body"), count(&gateway, "unread")), (1.0, 1.0));
}

#[test]
fn what_nobody_has_heard_to_its_end_is_unread() {
    let origin = Origin::scripted([
        Step::Read,
        send(format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: 9\r\n\r\n[{{")),
        Step::Stall,
    ]);
    let (gateway, _folder) = before(&origin, DOCUMENT, REPORT);
    let mut client = Client::plain(gateway.plain());
    client.send("GET /pets HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n[{") {
        seen.extend(client.bytes(1));
    }
    client.leave();
    let line = gateway.log_line_where(|line| line["path"] == "/pets");
    assert_eq!((&line["outcome"], &line["response_mismatch"]), (&"aborted".into(), &Value::Null));
    // An error whose body is longer than what is looked at.
    let body = format!("{{\"text\":\"{}\"}}", "a".repeat(70_000));
    let long = Origin::answering(answer(404, "Content-Type: application/problem+json\r\n", body));
    let (second, _folder) =
        before(&long, DOCUMENT, "responses = \"report\"\nbody_limit = \"1MiB\"\n");
    let reply = get(&second, "/pets", "");
    assert_eq!((reply.status(), told(&second, &reply)), (404, Value::Null));
    assert_eq!((count(&gateway, "unread"), count(&second, "unread")), (1.0, 1.0));
}

#[test]
fn nobody_looks_where_that_is_not_asked_for() {
    let origin = Origin::answering(answer(201, JSON, "[{]"));
    let (gateway, _folder) = before(&origin, DOCUMENT, "responses = \"off\"\n");
    let reply = get(&gateway, "/pets", "");
    assert_eq!((reply.status(), told(&gateway, &reply)), (201, Value::Null));
    assert_eq!(
        gateway.metric("guichet_openapi_responses_total{route=\"pets\",result=\"status\"}"),
        None
    );
}

#[test]
fn two_versions_of_http_tell_the_same() {
    let long = format!("[{}]", " ".repeat(700));
    for (body, expected) in [("[{}]", json!(["schema /0/name"])), (&*long, Value::Null)] {
        let origin = Origin::answering(answer(200, JSON, body));
        let (gateway, _folder) = before(&origin, DOCUMENT, REPORT);
        let mut client = FrameClient::open(gateway.plain());
        client.ask(1, &frames::request("GET", "/pets"));
        client.wait_for("the end", |frame| {
            frame.stream == 1 && frame.flags & frames::END_STREAM != 0
        });
        assert_eq!(client.body(1), body.as_bytes());
        let line = gateway.log_line_where(|line| line["path"] == "/pets");
        assert_eq!(line["response_mismatch"], expected);
    }
}

//! Declared bodies as clients and upstreams see them.

use crate::rig::client::{self, Client, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, request};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const SCHEMA: &str = r#"{ "type": "object", "required": ["name"], "additionalProperties": false,
    "properties": { "name": { "type": "string", "maxLength": 5 }, "tags": { "items": { "type": "string" } } } }"#;

struct Scene {
    gateway: Gateway,
    origin: Origin,
    _folder: tempfile::TempDir,
}

fn scene(lines: &str) -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("user.json");
    std::fs::write(&schema, SCHEMA).unwrap();
    let origin = Origin::answering(OK);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route(&format!(
            "match = \"/users\"\nupstream = \"origin\"\n[route.body]\nschema = \"{}\"\n{lines}",
            schema.display()
        ))
        .start();
    Scene { gateway, origin, _folder: folder }
}

impl Scene {
    fn post(&self, content_type: &str, body: &str) -> Reply {
        let length = body.len();
        client::ask(
            self.gateway.plain(),
            &format!(
                "POST /users HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: en\r\n{content_type}\
                 Content-Length: {length}\r\n\r\n{body}"
            ),
        )
    }
}

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn a_body_that_is_as_declared_goes_on_byte_for_byte() {
    let scene = scene("");
    for body in ["{ \"name\" : \"a\\u0064a\" }\n", "{\"name\":\"x\",\"tags\":[\"é\"]}"] {
        let reply = scene.post("Content-Type: application/vnd.user+json\r\n", body);
        assert_eq!(reply.status(), 200, "{}", reply.text());
        let seen = scene.origin.last();
        assert_eq!(seen.body, body.as_bytes());
        assert_eq!(seen.header("content-length"), Some(body.len().to_string().as_str()));
    }
    let chunks = "POST /users HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
        Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\n3\r\ne\":\r\n4\r\n\"x\"}\r\n0\r\n\r\n";
    assert_eq!(client::ask(scene.gateway.plain(), chunks).status(), 200);
    assert_eq!(scene.origin.last().body, b"{\"name\":\"x\"}");
}

#[test]
fn all_violations_are_named_by_pointer_and_no_value_is_repeated() {
    let scene = scene("");
    let reply = scene.post(JSON, "{\"tags\":[\"a\",-1234567],\"x/y\":\"secret\"}");
    let body = reply.is_problem(400, "InvalidParameter");
    let mut said: Vec<String> = body["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!(one["in"], "body");
            format!("{} {}", one["name"].as_str().unwrap(), one["message"].as_str().unwrap())
        })
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "/name The parameter “/name” is required.",
            "/tags/1 The parameter “/tags/1” is not in the expected format: a text.",
            "/x~1y The parameter “/x~1y” is not known here.",
        ]
    );
    assert!(!reply.text().contains("secret") && !reply.text().contains("1234567"));

    let body = scene.post(JSON, "[]").is_problem(400, "InvalidParameter");
    assert_eq!(body["message"], "Wrong format in the request body: an object.");
    let body = scene.post(JSON, "").is_problem(400, "MissingParameter");
    assert_eq!(body["message"], "Missing: the request body.");
    scene.post(JSON, "{\"name\":\"a\",\"name\":\"b\"}").is_problem(400, "InvalidParameter");
    let broken = scene.post(JSON, "{\"name\"");
    broken.is_problem(400, "BadRequest");
    let line = scene.gateway.log_line(&broken.request_id());
    assert_eq!(line["cause"], "bad_body");
    assert!(scene.origin.saw_nothing());
}

#[test]
fn other_types_codings_and_lengths_are_refused_before_they_are_read() {
    let scene = scene("limit = \"100B\"");
    let refused = scene.post("Content-Type: text/plain\r\n", "x");
    refused.is_problem(415, "UnsupportedMediaType");
    assert_eq!(refused.header("accept-post"), Some("application/json"));
    let coded = scene.post(&format!("{JSON}Content-Encoding: gzip\r\n"), "x");
    coded.is_problem(415, "UnsupportedMediaType");
    assert_eq!(coded.header("accept-encoding"), Some("identity"));
    scene.post(JSON, &format!("\"{}\"", "x".repeat(100))).is_problem(413, "PayloadTooLarge");
    let chunks = format!(
        "PATCH /users HTTP/1.1\r\nHost: gw.test\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n\
         65\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x65)
    );
    client::ask(scene.gateway.plain(), &chunks).is_problem(413, "PayloadTooLarge");
    assert!(scene.origin.saw_nothing());
}

#[test]
fn a_connection_goes_on_after_a_body_that_was_refused() {
    let scene = scene("");
    let mut client = Client::plain(scene.gateway.plain());
    for (body, status) in [("{}", 400), ("{\"name\":\"x\"}", 200), ("[]", 400)] {
        let request = format!(
            "POST /users HTTP/1.1\r\nHost: gw.test\r\n{JSON}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(client.ask(&request).status(), status, "{body}");
    }
}

#[test]
fn who_waits_for_leave_to_send_its_body_gets_it() {
    let scene = scene("");
    let mut client = Client::plain(scene.gateway.plain());
    client.send(format!(
        "POST /users HTTP/1.1\r\nHost: gw.test\r\n{JSON}Content-Length: 12\r\nExpect: 100-continue\r\n\r\n"
    ));
    let line = client.bytes(b"HTTP/1.1 100 Continue\r\n\r\n".len());
    assert!(line.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&line));
    client.send("{\"name\":\"x\"}");
    assert_eq!(client.reply().status(), 200);
}

#[test]
fn an_optional_body_may_be_absent_and_forms_are_checked_by_field() {
    let scene = scene("optional = true");
    let get = "GET /users HTTP/1.1\r\nHost: gw.test\r\n\r\n";
    assert_eq!(client::ask(scene.gateway.plain(), get).status(), 200);
    scene.post(JSON, "[]").is_problem(400, "InvalidParameter");

    let gateway = Setup::new()
        .route(
            "match = \"/f\"\nrespond = { text = \"ok\" }\nstrict = true\n[route.body.fields]\n\
             age = { type = \"integer\", min = 0 }",
        )
        .start();
    let post = |body: &str| {
        let request = format!(
            "POST /f HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        client::ask(gateway.plain(), &request)
    };
    assert_eq!(post("age=0").status(), 200);
    let body = post("age=-1&b=1").is_problem(400, "InvalidParameter");
    assert_eq!(
        (&body["parameters"][0]["in"], &body["parameters"][1]["in"]),
        (&"body".into(), &"body".into())
    );
}

#[test]
fn http2_bodies_are_judged_as_well_and_cost_no_connection() {
    let scene = scene("");
    let client = H2Client::plain(scene.gateway.plain());
    let post = |body: &'static str| {
        let request = request("POST", "/users").header("content-type", "application/json");
        client.ask(request, Frames::data(body))
    };
    post("{}").is_problem(400, "MissingParameter");
    assert_eq!(post("{\"name\":\"x\"}").status(), 200);
    assert_eq!(scene.origin.last().body, b"{\"name\":\"x\"}");
    post("").is_problem(400, "MissingParameter");
}

#[test]
fn a_body_that_does_not_arrive_is_not_waited_for_longer_than_the_exchange() {
    let origin = Origin::answering(OK);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("match = \"/f\"\nupstream = \"origin\"\ntimeout = \"100ms\"\n[route.body.fields]\nage = {}")
        .start();
    let mut client = Client::plain(gateway.plain());
    client.send(
        "POST /f HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 9\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\nage=",
    );
    client.reply().is_problem(408, "RequestTimeout");
    assert!(origin.saw_nothing());
}

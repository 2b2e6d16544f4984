//! Routes of an OpenAPI document as clients and upstreams see them.

use crate::rig::client::{self, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const PET: &str = "6f1f7a52-7d3c-4f0b-9c1d-2f6f1c0a9b11";

fn before(origin: &Origin, lines: &str) -> Gateway {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpora/openapi/petstore-3.1.yaml");
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with(&format!(
            "[[openapi]]\nfile = \"{file}\"\nupstream = \"origin\"\nprefix = \"/new\"\nstrict = true\n{lines}"
        ))
        .start()
}

fn ask(gateway: &Gateway, line: &str, fields: &str, body: &str) -> Reply {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: en\r\nX-Tenant: acme\r\n\
         {fields}Content-Length: {length}\r\n\r\n{body}"
    );
    client::ask(gateway.plain(), &request)
}

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn operations_are_checked_routes() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "auth = false\n");
    let reply = ask(&gateway, "GET /new/api/pets?tag=cow&page=2", "", "");
    let body = reply.is_problem(400, "InvalidParameter");
    let names: Vec<_> =
        body["parameters"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["tag", "page"]);
    let reply = ask(&gateway, "GET /new/api/pets/7", "", "");
    let body = reply.is_problem(400, "InvalidParameter");
    assert_eq!(body["parameters"][0]["name"], "petId", "by the name of the document");
    let reply = ask(&gateway, "POST /new/api/pets", JSON, "{\"name\":\"a\",\"tag\":7}");
    let body = reply.is_problem(400, "InvalidParameter");
    assert!(body["parameters"].to_string().contains("/tag"), "{body}");
    assert!(origin.requests().is_empty());

    let reply = ask(&gateway, &format!("GET /new/api/pets/{PET}?"), "", "");
    assert_eq!((reply.status(), origin.last().head.target()), (200, &*format!("/api/pets/{PET}?")));
    assert_eq!(gateway.log_line(&reply.request_id())["route"], "showPet");
    ask(&gateway, "GET /new/api/pets?tag=cat&tag=dog", "", "");
    assert_eq!(origin.last().head.target(), "/api/pets?tag=cat&tag=dog&limit=20");
    let pet = "{ \"name\": \"Ada\" }";
    assert_eq!(ask(&gateway, "POST /new/api/pets", JSON, pet).status(), 200);
    assert_eq!(origin.last().body, pet.as_bytes());
}

#[test]
fn who_observes_counts_and_changes_nothing() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "mode = \"observe\"\n");
    let code = "InvalidParameter";
    for (line, fields, body, would) in [
        ("GET /new/api/pets?tag=cow", "", "", Some(code)),
        ("GET /new/api/pets?tag=cat", "", "", None),
        ("POST /new/api/pets", JSON, "{\"name\":\"a\",\"tag\":7}", Some(code)),
        ("POST /new/api/pets", JSON, "{\"name\":\"a\"}", None),
        ("POST /new/api/pets", "Content-Type: text/csv\r\n", "a,b", Some("UnsupportedMediaType")),
        ("POST /new/api/pets", "", "", Some("MissingParameter")),
    ] {
        let reply = ask(&gateway, line, fields, body);
        assert_eq!(reply.status(), 200, "{line}: {}", reply.text());
        let seen = origin.last();
        let target = line.split_once(' ').unwrap().1.replace("/new", "");
        assert_eq!((seen.head.target(), &*seen.body), (&*target, body.as_bytes()));
        let told = gateway.log_line(&reply.request_id())["would_change"].clone();
        match would {
            Some(code) => {
                assert!(told.as_str().is_some_and(|told| told.ends_with(code)), "{line}: {told}")
            }
            None => assert!(told.is_null(), "{line}: {told}"),
        }
    }
}

/// A document of its own, in a folder that stays as long as the gateway.
fn of(document: &str, origin: &Origin) -> (Gateway, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("api.yaml");
    std::fs::write(&file, document).unwrap();
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with(&format!("[[openapi]]\nfile = \"{}\"\nupstream = \"origin\"\n", file.display()))
        .start();
    (gateway, folder)
}

#[test]
fn a_form_is_held_to_all_of_its_schema() {
    let origin = Origin::answering(OK);
    let document = "openapi: 3.1.0
paths:
  /callback:
    post:
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema:
              anyOf:
              - {type: object, required: [type], properties: {type: {const: 1}}, additionalProperties: false}
              - type: object
                required: [type, data]
                properties:
                  type: {const: 6}
                  data: {type: [object, 'null'], properties: {flags: {type: integer, maximum: 3}}}
                  files: {type: array, maxItems: 2, items: {type: string, format: binary}}
";
    let (gateway, _folder) = of(document, &origin);
    let multipart = |parts: &[(&str, &str)]| -> String {
        let mut body = String::new();
        for (head, content) in parts {
            body +=
                &format!("--b\r\nContent-Disposition: form-data; name={head}\r\n\r\n{content}\r\n");
        }
        body + "--b--\r\n"
    };
    let asked = |parts: &[(&str, &str)]| {
        let head = "Content-Type: multipart/form-data; boundary=b\r\n";
        ask(&gateway, "POST /callback", head, &multipart(parts))
    };
    let file = ("files; filename=\"a.png\"", "\0PNG");
    for right in [
        &[("type", "1")][..],
        &[("type", "6"), ("data", "{\"flags\": 3}"), file, file],
        &[("type", "6"), ("data", "null")],
    ] {
        let reply = asked(right);
        assert_eq!(reply.status(), 200, "{right:?}: {}", reply.text());
        assert_eq!(origin.last().body, multipart(right).as_bytes());
    }
    for wrong in [
        &[("type", "2")][..],
        &[("type", "6")],
        &[("type", "6"), ("data", "{\"flags\": {}}")],
        &[("type", "6"), ("data", "{\"flags\": 4}")],
        &[("type", "6"), ("data", "{"), file],
        &[("type", "6"), ("data", "{}"), file, file, file],
    ] {
        asked(wrong).is_problem(400, "InvalidParameter");
    }
    let reply = ask(
        &gateway,
        "POST /callback",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "type=1",
    );
    reply.is_problem(415, "UnsupportedMediaType");
    assert_eq!(reply.header("accept-post"), Some("multipart/form-data"));
}

#[test]
fn a_concrete_path_keeps_what_a_template_cannot_mean() {
    let origin = Origin::answering(OK);
    let document = "openapi: 3.1.0
paths:
  /pets/mine: {get: {operationId: mine}}
  /pets/{id}:
    delete:
      operationId: drop
      parameters:
      - {in: path, name: id, required: true, schema: {type: integer}}
      - {in: query, name: now, schema: {type: boolean}}
  /users/me: {get: {operationId: me}}
  /users/{name}:
    delete: {operationId: leave, parameters: [{in: path, name: name, required: true, schema: {type: string}}]}
";
    let (gateway, _folder) = of(document, &origin);
    let reply = ask(&gateway, "DELETE /pets/mine", "", "");
    reply.is_problem(405, "MethodNotAllowed");
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert_eq!(gateway.log_line(&reply.request_id())["route"], "drop");
    ask(&gateway, "DELETE /pets/yours", "", "").is_problem(400, "InvalidParameter");
    ask(&gateway, "DELETE /pets/7?now=7", "", "").is_problem(400, "InvalidParameter");
    assert!(origin.requests().is_empty());
    // What the template can mean, it takes, as routers do.
    let reply = ask(&gateway, "DELETE /users/me", "", "");
    assert_eq!(
        (reply.status(), &gateway.log_line(&reply.request_id())["route"]),
        (200, &"leave".into())
    );
}

#[test]
fn null_needs_a_place_in_the_enum() {
    let origin = Origin::answering(OK);
    let document = "openapi: 3.0.3
paths:
  /a:
    patch:
      requestBody:
        content:
          application/json:
            schema:
              properties:
                strict: {type: string, nullable: true, enum: [a]}
                open: {type: string, nullable: true, enum: [a, null]}
                any: {type: string, nullable: true}
";
    let (gateway, _folder) = of(document, &origin);
    for (body, status) in [
        ("{\"strict\":null}", 400),
        ("{\"strict\":\"a\"}", 200),
        ("{\"open\":null,\"any\":null}", 200),
    ] {
        assert_eq!(ask(&gateway, "PATCH /a", JSON, body).status(), status, "{body}");
    }
}

#[test]
fn paths_fields_and_cookies_are_held_to_their_schemas() {
    let origin = Origin::answering(OK);
    let document = "openapi: 3.1.0
paths:
  /a/{id}/{size}:
    get:
      parameters:
      - {in: path, name: id, required: true, schema: {oneOf: [{const: all}, {type: integer, maximum: 3}]}}
      - {in: path, name: size, required: true, schema: {type: integer, multipleOf: 5}}
      - {in: header, name: X-Kind, schema: {anyOf: [{type: integer}, {format: ipv4}], not: {const: 7}}}
      - {in: cookie, name: mode, required: true, schema: {type: number, multipleOf: 0.5}}
";
    let (gateway, _folder) = of(document, &origin);
    let asked = |path: &str, kind: &str, mode: &str| {
        let fields = format!("X-Kind: {kind}\r\nCookie: other=1; mode={mode}\r\n");
        ask(&gateway, &format!("GET /a/{path}"), &fields, "")
    };
    for (path, kind, mode) in
        [("all/5", "1", "1.5"), ("3/10", "127.0.0.1", "\"2\""), ("%61ll/0", "8", "0")]
    {
        let reply = asked(path, kind, mode);
        assert_eq!(reply.status(), 200, "{path} {kind} {mode}: {}", reply.text());
    }
    for (path, kind, mode, name, place) in [
        ("4/5", "1", "1", "id", "path"),
        ("some/5", "1", "1", "id", "path"),
        ("all/6", "1", "1", "size", "path"),
        ("all/5", "7", "1", "X-Kind", "header"),
        ("all/5", "300.0.0.1", "1", "X-Kind", "header"),
        ("all/5", "1", "0.7", "mode", "cookie"),
    ] {
        let reply = asked(path, kind, mode);
        let body = reply.is_problem(400, "InvalidParameter");
        let told = &body["parameters"][0];
        assert_eq!((&told["name"], &told["in"]), (&name.into(), &place.into()), "{path} {body}");
    }
    let reply = ask(&gateway, "GET /a/all/5", "", "");
    reply.is_problem(400, "MissingParameter");
}

#[test]
fn a_query_is_held_to_its_schema() {
    let origin = Origin::answering(OK);
    let document = "openapi: 3.1.0
paths:
  /a:
    get:
      parameters:
      - {in: query, name: kind, schema: {oneOf: [{const: all}, {type: integer, maximum: 3}]}}
";
    let (gateway, _folder) = of(document, &origin);
    for right in ["/a", "/a?kind=%61ll&other=1", "/a?kind=3"] {
        assert_eq!(ask(&gateway, &format!("GET {right}"), "", "").status(), 200, "{right}");
        assert_eq!(origin.last().head.target(), right);
    }
    for wrong in ["kind=4", "kind=none", "kind", "kind=all&kind=all"] {
        let reply = ask(&gateway, &format!("GET /a?{wrong}"), "", "");
        let body = reply.is_problem(400, "InvalidParameter");
        let told = &body["parameters"][0];
        assert_eq!((&told["name"], &told["in"]), (&"kind".into(), &"query".into()), "{wrong}");
    }
}

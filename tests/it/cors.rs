//! Pages of other origins: what their browsers are told, before a call and with every reply.

use crate::rig::client::{self, Client, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, send};

const APP: &str = "https://app.example.fr";

/// An upstream with answers of its own to the same question.
const OK: &str = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: https://old.test\r\n\
    Access-Control-Allow-Credentials: true\r\nAccess-Control-Max-Age: 9\r\n\
    Vary: Accept\r\nContent-Length: 2\r\n\r\nok";

const BAD: &str =
    "HTTP/1.1 500 Broken\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n";

fn before(origin: &Origin, cors: &str) -> Gateway {
    let url = format!("endpoints = [\"{}\"]", origin.url());
    Setup::new()
        .upstream(&url)
        .with("[limit.few]\nkey = \"ip\"\nrate = \"1/h\"\nburst = 1")
        .route(&format!("name = \"shop\"\nmatch = \"GET,PUT /shop/{{id}}\"\nupstream = \"origin\"\ncors = {cors}"))
        .route("name = \"basket\"\nmatch = \"POST /shop/{id}\"\nupstream = \"origin\"")
        .route("name = \"drop\"\nmatch = \"DELETE /shop/{id}\"\nupstream = \"origin\"\ncors = { origins = [\"https://admin.test\"] }")
        .route(&format!("name = \"few\"\nmatch = \"/few\"\nrespond = {{ text = \"ok\" }}\nlimits = [\"few\"]\ncors = {cors}"))
        .start()
}

fn ask(gateway: &Gateway, line: &str, fields: &str) -> Reply {
    client::ask(gateway.plain(), &format!("{line} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n"))
}

fn preflight(gateway: &Gateway, path: &str, origin: &str, method: &str, more: &str) -> Reply {
    let fields = format!("Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\n{more}");
    ask(gateway, &format!("OPTIONS {path}"), &fields)
}

fn told(reply: &Reply) -> Vec<String> {
    let mut told: Vec<String> = reply
        .head
        .fields
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| name.starts_with("access-control-") || name == "vary")
        .map(|(name, value)| format!("{}: {value}", name.replace("access-control-", "")))
        .collect();
    told.sort();
    told
}

const QUESTION: &str =
    "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

#[test]
fn a_preflight_is_answered_by_the_route_of_the_method_that_is_asked_for() {
    let origin = Origin::answering(OK);
    let gateway = before(
        &origin,
        "{ origins = [\"https://app.example.fr\"], headers = [\"X-Trace\"], max_age = \"1h\", credentials = true }",
    );
    let reply =
        preflight(&gateway, "/shop/1", APP, "PUT", "Access-Control-Request-Headers: x-trace\r\n");
    assert_eq!(reply.status(), 204);
    assert_eq!(
        told(&reply),
        [
            "allow-credentials: true",
            "allow-headers: X-Trace",
            "allow-methods: GET, PUT, HEAD",
            "allow-origin: https://app.example.fr",
            "max-age: 3600",
            QUESTION,
        ]
    );
    assert_eq!(reply.header("content-length"), None);
    assert_eq!(gateway.log_line(&reply.request_id())["route"], "shop");
    let reply = preflight(&gateway, "/shop/1", "https://admin.test", "DELETE", "");
    assert_eq!(reply.header("access-control-allow-methods"), Some("DELETE"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://admin.test"));
    // A route without CORS, and a method without a route: OPTIONS as ever.
    for method in ["POST", "PATCH"] {
        let reply = preflight(&gateway, "/shop/1", APP, method, "");
        assert_eq!((reply.status(), told(&reply)), (204, Vec::new()), "{method}");
        assert_eq!(reply.header("allow"), Some("DELETE, GET, HEAD, OPTIONS, POST, PUT"));
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_preflight_that_may_not_is_answered_without_a_word_of_leave() {
    let origin = Origin::answering(OK);
    let gateway =
        before(&origin, "{ origins = [\"https://app.example.fr\"], methods = [\"GET\"] }");
    for (from, method, more) in [
        ("https://evil.test", "GET", ""),
        ("https://app.example.fr.evil.test", "GET", ""),
        ("null", "GET", ""),
        (APP, "PUT", ""),
        (APP, "GET", "Access-Control-Request-Headers: authorization,x-other\r\n"),
        (APP, "GET", "Origin: https://evil.test\r\n"),
    ] {
        let reply = preflight(&gateway, "/shop/1", from, method, more);
        assert_eq!(
            (reply.status(), told(&reply)),
            (204, vec![QUESTION.to_owned()]),
            "{from} {more}"
        );
    }
    let right = "Access-Control-Request-Headers: authorization,Content-Type\r\n";
    assert_eq!(told(&preflight(&gateway, "/shop/1", APP, "GET", right)).len(), 5);
}

#[test]
fn every_reply_says_who_may_read_it_in_place_of_the_upstream() {
    let origin = Origin::by_path([
        ("/shop/1", vec![send(OK), Step::Again]),
        ("/shop/2", vec![send(BAD), Step::Again]),
    ]);
    let gateway =
        before(&origin, "{ origins = [\"https://*.example.fr\", \"null\"], expose = [\"ETag\"] }");
    for from in [APP, "null"] {
        let reply = ask(&gateway, "GET /shop/1", &format!("Origin: {from}\r\n"));
        let line = format!("allow-origin: {from}");
        assert_eq!(told(&reply), [&line, "expose-headers: ETag", "vary: Accept", "vary: Origin"]);
        assert_eq!(reply.text(), "ok");
    }
    // A stranger gets the reply, which its browser keeps from it; so does who is no browser.
    let reply = ask(&gateway, "GET /shop/1", "Origin: https://evil.test\r\n");
    assert_eq!(
        (reply.status(), told(&reply)),
        (200, vec!["vary: Accept".into(), "vary: Origin".into()])
    );
    let reply = ask(&gateway, "GET /shop/2", &format!("Origin: {APP}\r\n"));
    reply.is_problem(500, "ServerError");
    assert_eq!(reply.header("access-control-allow-origin"), Some(APP));
    assert_eq!(reply.head.all("access-control-allow-origin").count(), 1);
}

#[test]
fn errors_of_the_gateway_can_be_read_and_preflights_pass_what_they_report() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "{ origins = [\"*\"] }");
    let fields = format!("Origin: {APP}\r\n");
    assert_eq!(ask(&gateway, "GET /few", &fields).status(), 200);
    let reply = ask(&gateway, "GET /few", &fields);
    assert_eq!(reply.status(), 429);
    assert_eq!(
        told(&reply),
        [
            "allow-origin: *",
            "expose-headers: X-Request-ID, Retry-After, RateLimit, RateLimit-Policy",
            "vary: accept, accept-language",
        ]
    );
    for _ in 0..3 {
        let reply = preflight(&gateway, "/few", APP, "PURGE", "");
        assert_eq!(reply.status(), 204);
        assert_eq!(reply.header("access-control-allow-methods"), Some("PURGE"));
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    }
    // Before there is a route, nobody can say who may read.
    for line in ["GET /nowhere", "PATCH /shop/1"] {
        assert_eq!(
            told(&ask(&gateway, line, &fields)),
            ["vary: accept, accept-language"],
            "{line}"
        );
    }
}

#[test]
fn a_connection_goes_on_behind_a_preflight_with_a_body() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin, "{ origins = [\"*\"] }");
    let mut client = Client::plain(gateway.plain());
    let question = format!(
        "OPTIONS /shop/1 HTTP/1.1\r\nHost: gw.test\r\nOrigin: {APP}\r\n\
         Access-Control-Request-Method: PUT\r\nContent-Length: 5\r\n\r\nGET /"
    );
    let reply = client.ask(&question);
    assert_eq!(reply.status(), 204);
    // What was not read is never taken for a request: the connection goes on behind it, or ends.
    if reply.header("connection") != Some("close") {
        assert_eq!(client.get("/few").text(), "ok");
    }
}

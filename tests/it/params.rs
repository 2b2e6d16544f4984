//! Declared parameters as clients and upstreams see them.

use crate::rig::client::{self, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const ROUTE: &str = "name = \"orders\"\nmatch = \"GET /users/{id}/orders\"\nupstream = \"origin\"\n\
    strict = true\n[route.params]\nid = { type = \"integer\", min = 1 }\n\
    since = { in = \"query\", type = \"date\" }\n\
    page = { in = \"query\", type = \"integer\", min = 0, default = 0 }\n\
    x-tenant = { in = \"header\", default = \"none\" }\n\
    theme = { in = \"cookie\", one_of = [\"dark\", \"light\"], default = \"light\" }";

fn before(origin: &Origin) -> Gateway {
    let url = format!("endpoints = [\"{}\"]", origin.url());
    Setup::new().upstream(&url).route(ROUTE).start()
}

fn get(gateway: &Gateway, target: &str, fields: &str) -> Reply {
    let request = format!("GET {target} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
    client::ask(gateway.plain(), &request)
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_no_value_is_repeated() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin);
    let target = "/users/x9secret/orders?since=&page=-1secret&size=5secret";
    for (language, first, unknown) in [
        (
            "en",
            "The parameter “id” is not in the expected format: a whole number of at least 1.",
            "The parameter “size” is not known here.",
        ),
        (
            "fr",
            "Le paramètre «\u{a0}id\u{a0}» n’a pas le format attendu\u{a0}: un nombre entier d’au moins 1.",
            "Le paramètre «\u{a0}size\u{a0}» n’est pas connu ici.",
        ),
    ] {
        let reply = get(
            &gateway,
            target,
            &format!("Accept-Language: {language}\r\nCookie: theme=blue\r\n"),
        );
        let body = reply.is_problem(400, "InvalidParameter");
        assert_eq!(body["message"], first);
        let said: Vec<String> = body["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| format!("{} {} {}", one["name"], one["in"], one["reason"]).replace('"', ""))
            .collect();
        assert_eq!(
            said,
            [
                "id path invalid",
                "since query empty",
                "page query invalid",
                "theme cookie invalid",
                "size query unknown"
            ]
        );
        assert_eq!(body["parameters"][0]["message"], first);
        assert_eq!(body["parameters"][4]["message"], unknown);
        assert!(!reply.text().contains("secret"), "{}", reply.text());
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(
            (&line["cause"], &line["parameter"]),
            (&"invalid_parameter".into(), &"id".into())
        );
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn a_missing_parameter_is_named_with_what_it_should_be() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin);
    let body = get(&gateway, "/users/1/orders", "Accept-Language: en\r\n")
        .is_problem(400, "MissingParameter");
    assert_eq!(body["message"], "The parameter “since” is required: a date such as 2026-01-31.");
    assert_eq!(body["parameters"][0]["reason"], "missing");
    assert!(body.get("retryable").is_none());
}

#[test]
fn the_upstream_gets_what_was_sent_and_the_defaults_of_what_was_not() {
    let origin = Origin::answering(OK);
    let gateway = before(&origin);
    let reply = get(&gateway, "/users/1/orders?since=2026%2D01-31", "Cookie: a=1\r\n");
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let reply = get(
        &gateway,
        "/users/1/orders?page=0&since=2026-01-31",
        "X-Tenant: ada\r\nCookie: theme=dark\r\n",
    );
    assert_eq!(reply.status(), 200, "{}", reply.text());
    let requests = origin.requests();
    assert_eq!(requests[0].head.target(), "/users/1/orders?since=2026%2D01-31&page=0");
    assert_eq!(requests[0].head.header("x-tenant"), Some("none"));
    assert_eq!(requests[0].head.header("cookie"), Some("a=1; theme=light"));
    assert_eq!(requests[1].head.target(), "/users/1/orders?page=0&since=2026-01-31");
    assert_eq!(requests[1].head.header("x-tenant"), Some("ada"));
    assert_eq!(requests[1].head.header("cookie"), Some("theme=dark"));
}

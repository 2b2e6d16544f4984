//! Errors that guichet makes itself, for requests that it can read.

use crate::rig::client::{self, Client};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{self, Origin};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn a_healthy_answer_passes_untouched_and_carries_a_request_id() {
    let origin = Origin::answering("HTTP/1.1 203 Fine\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    assert_eq!((reply.status(), reply.text().as_str()), (203, "ok"));
    assert_eq!(reply.header("x-own"), Some("1"));
    assert_eq!(reply.header("error-code"), None);
    assert_eq!(reply.request_id(), origin.last().header("x-request-id").unwrap());
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["status"], &line["outcome"]), (&203.into(), &"success".into()));
    assert_eq!(line["route"], "all");
    assert_eq!(line["upstream"], "origin");
}

#[test]
fn an_unknown_path_is_invalid_resource() {
    let origin = Origin::answering(OK);
    let gateway = only_users(&origin);

    let reply = client::get(gateway.plain(), "/elsewhere");

    reply.is_problem(404, "InvalidResource");
    assert!(origin.saw_nothing());
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(
        (&line["code"], &line["cause"]),
        (&"fr.ammyInvalidResource".into(), &"no_route".into())
    );
    assert_eq!(line["origin"], "client");
}

#[test]
fn a_host_without_routes_is_invalid_resource() {
    let origin = Origin::answering(OK);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("name = \"a\"\nmatch = \"/a\"\nhosts = [\"api.test\"]\nupstream = \"origin\"")
        .start();

    let other = client::ask(gateway.plain(), "GET /a HTTP/1.1\r\nHost: other.test\r\n\r\n");
    let right = client::ask(gateway.plain(), "GET /a HTTP/1.1\r\nHost: API.test:80\r\n\r\n");

    other.is_problem(404, "InvalidResource");
    assert_eq!(right.status(), 200);
}

#[test]
fn a_wrong_method_names_the_right_ones() {
    let origin = Origin::answering(OK);
    let gateway = only_users(&origin);

    let reply = client::ask(gateway.plain(), "DELETE /users/7 HTTP/1.1\r\nHost: gw.test\r\n\r\n");

    reply.is_problem(405, "MethodNotAllowed");
    let mut allowed: Vec<_> = reply.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert!(allowed.contains(&"GET") && allowed.contains(&"POST"), "{allowed:?}");
    assert!(origin.saw_nothing());
}

#[test]
fn options_is_answered_where_no_route_takes_it() {
    let origin = Origin::answering(OK);
    let gateway = only_users(&origin);

    let reply = client::ask(gateway.plain(), "OPTIONS /users/7 HTTP/1.1\r\nHost: gw.test\r\n\r\n");

    assert!(matches!(reply.status(), 200 | 204), "{}", reply.head.line);
    assert!(reply.header("allow").unwrap().contains("GET"));
    assert!(origin.saw_nothing());
}

#[test]
fn head_goes_where_get_goes() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    let gateway = only_users(&origin);

    let reply = client::ask(gateway.plain(), "HEAD /users/7 HTTP/1.1\r\nHost: gw.test\r\n\r\n");

    assert_eq!((reply.status(), reply.header("content-length")), (200, Some("2")));
    assert_eq!(origin.last().head.method(), "HEAD");
}

#[test]
fn a_fixed_reply_needs_no_upstream() {
    let gateway = Setup::new()
        .route("name = \"up\"\nmatch = \"/up\"\nrespond = { status = 200, json = { ok = true } }")
        .start();

    let reply = client::get(gateway.plain(), "/up");

    assert_eq!(reply.status(), 200);
    assert_eq!(reply.json()["ok"], true);
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[test]
fn a_refused_request_leaves_the_connection_usable() {
    let origin = Origin::answering(OK);
    let gateway = only_users(&origin);
    let mut client = Client::plain(gateway.plain());

    client.get("/elsewhere").is_problem(404, "InvalidResource");
    let second = client.get("/users/7");

    assert_eq!(second.status(), 200);
}

#[test]
fn the_unread_body_of_a_refused_request_is_no_request() {
    let origin = Origin::answering(OK);
    let gateway = only_users(&origin);
    let mut client = Client::plain(gateway.plain());

    let hidden = "GET /users/7 HTTP/1.1\r\nHost: gw.test\r\n\r\n";
    let length = hidden.len();
    let head = format!("POST /no HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {length}\r\n\r\n");
    client.ask(&format!("{head}{hidden}")).is_problem(404, "InvalidResource");

    // Either the body was thrown away and the connection goes on, or it closes.
    if let Ok(next) = {
        let sent = client.try_send("GET /nowhere HTTP/1.1\r\nHost: gw.test\r\n\r\n");
        sent.and_then(|()| client.try_reply(client::Expects::Body))
    } {
        next.is_problem(404, "InvalidResource");
    }
    assert!(origin.saw_nothing());
}

#[test]
fn a_trusted_id_is_kept_and_a_stranger_s_is_not() {
    let origin = Origin::answering(OK);
    let trusting =
        Setup::before(&origin.url()).server("trusted_proxies = [\"127.0.0.1/32\"]").start();
    let strict = Setup::before(&origin.url()).server("trusted_proxies = []").start();
    let request = "GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Request-Id: mine-1\r\n\r\n";

    let kept = client::ask(trusting.plain(), request);
    let replaced = client::ask(strict.plain(), request);

    assert_eq!(kept.request_id(), "mine-1");
    assert_ne!(replaced.request_id(), "mine-1");
    assert_eq!(replaced.request_id().len(), 36);
}

#[test]
fn a_traceparent_is_passed_or_begun() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    client::ask(
        gateway.plain(),
        &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nTraceparent: {given}\r\n\r\n"),
    );
    let passed = origin.last().header("traceparent").unwrap().to_owned();
    client::get(gateway.plain(), "/b");
    let begun = origin.last().header("traceparent").unwrap().to_owned();

    assert_eq!(&passed[..36], &given[..36], "the trace goes on");
    assert_eq!((begun.len(), &begun[..3]), (55, "00-"));
    assert_ne!(&begun[..36], &given[..36]);
}

#[test]
fn an_operator_s_own_code_comes_out_in_every_language() {
    let origin = Origin::scripted([
        origin::Step::Read,
        origin::answer(409, "application/json", r#"{"error":{"code":"SOLD_OUT"}}"#),
        origin::Step::Again,
    ]);
    let gateway = Setup::before(&origin.url())
        .upstream(
            "errors = [{ when = { status = 409, json = { \"/error/code\" = \"SOLD_OUT\" } }, \
             raise = \"OutOfStock\" }]",
        )
        .with(
            "[errors.catalogue]\nOutOfStock = { status = 409, fr = \"Cet article manque.\", \
             en = \"This item is out.\" }",
        )
        .start();
    let ask = |language: &str| {
        client::ask(
            gateway.plain(),
            &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: {language}\r\n\r\n"),
        )
    };

    let french = ask("fr-CA").is_problem(409, "OutOfStock");
    let english = ask("en").is_problem(409, "OutOfStock");

    assert_eq!(french["message"], "Cet article manque.");
    assert_eq!(english["message"], "This item is out.");
}

fn only_users(origin: &Origin) -> Gateway {
    Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("name = \"users\"\nmatch = \"GET,POST /users/{id}\"\nupstream = \"origin\"")
        .start()
}

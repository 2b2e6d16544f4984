//! What guichet does to fields: hop-by-hop, forwarding, Via, names that hide.

use crate::rig::client::{self, Client};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Seen};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn hop_by_hop_fields_stay_on_their_hop() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());

    let seen = forwarded(
        &gateway,
        &origin,
        "Connection: X-Own, keep-alive\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\n\
         Proxy-Connection: close\r\nProxy-Authorization: Basic eDp5\r\nX-Kept: 1\r\n",
    );

    for name in ["x-own", "keep-alive", "proxy-connection", "proxy-authorization", "te"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("x-kept"), Some("1"));
}

#[test]
fn te_trailers_may_pass_and_no_other_te() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());

    let seen = forwarded(&gateway, &origin, "TE: trailers, deflate\r\nConnection: TE\r\n");

    assert!(matches!(seen.header("te"), None | Some("trailers")), "{:?}", seen.header("te"));
}

#[test]
fn a_client_cannot_have_the_host_removed() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());

    let reply = client::ask(
        gateway.plain(),
        "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: close, Host, Content-Length\r\n\r\n",
    );

    if reply.status() == 200 {
        assert_eq!(origin.last().header("host"), Some("gw.test"));
    } else {
        reply.is_problem(400, "BadRequest");
    }
}

#[test]
fn hop_by_hop_fields_of_an_answer_stay_on_their_hop() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=1\r\n\
         Proxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok",
    );
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!((reply.header("x-kept"), reply.text().as_str()), (Some("1"), "ok"));
}

#[test]
fn a_stranger_s_forwarding_fields_are_replaced() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).server("trusted_proxies = []").start();

    let seen = forwarded(
        &gateway,
        &origin,
        "X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.test\r\n",
    );

    let all = format!("{:?}", seen.head.fields);
    assert!(!all.contains("6.6.6.6") && !all.contains("evil.test"), "{all}");
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.header("x-forwarded-host"), Some("gw.test"));
    assert!(seen.header("forwarded").unwrap().contains("for=127.0.0.1"));
}

#[test]
fn a_trusted_proxy_s_forwarding_fields_are_continued() {
    let origin = Origin::answering(OK);
    let gateway =
        Setup::before(&origin.url()).server("trusted_proxies = [\"127.0.0.1/32\"]").start();

    let seen = forwarded(
        &gateway,
        &origin,
        "X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7;proto=https\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\n",
    );

    assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    assert_eq!(seen.header("x-forwarded-host"), Some("shop.test"));
    let forwarded = seen.header("forwarded").unwrap();
    assert!(forwarded.starts_with("for=192.0.2.7;proto=https, for=127.0.0.1"), "{forwarded}");
}

#[test]
fn names_that_pretend_to_be_others_do_not_pass() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());

    let seen = forwarded(
        &gateway,
        &origin,
        "X_Forwarded_For: 6.6.6.6\r\nContent_Length: 0\r\nTransfer_Encoding: chunked\r\n\
         Proxy: http://evil.test\r\n",
    );

    for name in ["x_forwarded_for", "content_length", "transfer_encoding", "proxy"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

#[test]
fn via_names_guichet_upstream_and_keeps_what_others_said() {
    let origin =
        Origin::answering("HTTP/1.1 200 OK\r\nVia: 1.1 inner\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());

    let reply =
        client::ask(gateway.plain(), "GET /a HTTP/1.1\r\nHost: gw.test\r\nVia: 1.0 outer\r\n\r\n");

    let up = origin.last();
    let up: Vec<_> = up.head.all("via").collect();
    assert!(up.join(", ").starts_with("1.0 outer, 1.1 "), "{up:?}");
    let down: Vec<_> = reply.head.all("via").collect();
    assert!(down.join(", ").starts_with("1.1 inner"), "{down:?}");
}

#[test]
fn a_request_that_was_here_before_is_a_loop() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    client::get(gateway.plain(), "/a");
    let via = origin.last().header("via").unwrap().to_owned();

    let reply = client::ask(
        gateway.plain(),
        &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nVia: 1.1 other, {via}\r\n\r\n"),
    );

    reply.is_problem(508, "LoopDetected");
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn another_gateway_of_the_same_product_is_no_loop() {
    let origin = Origin::answering(OK);
    let inner = Gateway::before(&origin.url());
    let outer = Gateway::before(&format!("http://{}", inner.plain()));

    assert_eq!(client::get(outer.plain(), "/a").status(), 200);
}

#[test]
fn the_host_is_preserved_or_the_endpoint_s_or_a_fixed_one() {
    let origin = Origin::answering(OK);
    let kept = Setup::before(&origin.url()).upstream("host = \"preserve\"").start();
    let fixed = Setup::before(&origin.url()).upstream("host = \"inner.test\"").start();

    client::get(kept.plain(), "/a");
    assert_eq!(origin.last().header("host"), Some("gw.test"));
    client::get(fixed.plain(), "/a");
    assert_eq!(origin.last().header("host"), Some("inner.test"));
}

#[test]
fn the_path_is_made_plain_before_it_is_matched() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let path = |target: &str| {
        let reply = client::get(gateway.plain(), target);
        (reply.status(), origin.requests().last().map(|seen| seen.head.target().to_owned()))
    };

    assert_eq!(path("/pub/%2e%2e/admin"), (200, Some("/admin".into())));
    assert_eq!(path("/a/./b/../c"), (200, Some("/a/c".into())));
    assert_eq!(path("/a%2Fb?x=%2e%2e"), (200, Some("/a%2Fb?x=%2e%2e".into())));
    let (status, seen) = path("/../../etc/passwd");
    assert!(status == 400 || seen == Some("/etc/passwd".into()), "{status} {seen:?}");
}

#[test]
fn a_rewritten_path_keeps_what_was_captured() {
    let origin = Origin::answering(OK);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route(
            "name = \"users\"\nmatch = \"GET /v1/users/{id}\"\nupstream = \"origin\"\n\
             rewrite = \"/people/{id}\"",
        )
        .start();

    client::get(gateway.plain(), "/v1/users/a%2Fb?q=1");

    assert_eq!(origin.last().head.target(), "/people/a%2Fb?q=1");
}

#[test]
fn an_answer_cannot_bring_its_own_request_id() {
    let origin =
        Origin::answering("HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    let ids: Vec<_> = reply.head.all("x-request-id").collect();
    assert_eq!(ids, [origin.last().header("x-request-id").unwrap()]);
}

#[test]
fn an_http10_client_is_answered_in_kind() {
    let origin = Origin::answering(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let reply = client.ask("GET /a HTTP/1.0\r\nHost: gw.test\r\n\r\n");

    assert_eq!((reply.status(), reply.text().as_str()), (200, "ok"));
    assert!(!reply.head.is_chunked());
    client.is_closed();
}

fn forwarded(gateway: &Gateway, origin: &Origin, fields: &str) -> Seen {
    let request = format!("GET /a HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
    assert_eq!(client::ask(gateway.plain(), &request).status(), 200);
    origin.last()
}

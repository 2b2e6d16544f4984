//! Plain listeners: refuse, redirect or allow; and plain HTTP on a TLS port.

use crate::rig::client::{self, Client};
use crate::rig::gateway::Setup;
use crate::rig::h2::H2Client;
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn refuse_understands_and_does_not_execute() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("plain = \"refuse\"").start();

    let reply = client::ask(
        gateway.plain(),
        "POST /orders HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\nhello",
    );

    reply.is_problem(426, "NonSecureConnection");
    assert!(origin.saw_nothing());
    let line = gateway.log_line(&reply.request_id());
    assert!(line["cause"].as_str().unwrap().starts_with("plain_http"), "{line}");
}

#[test]
fn refuse_is_the_default() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("").start();

    client::get(gateway.plain(), "/a").is_problem(426, "NonSecureConnection");

    assert!(origin.saw_nothing());
}

#[test]
fn redirect_keeps_method_path_and_query() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("plain = \"redirect\"").start();

    let reply = client::ask(
        gateway.plain(),
        "POST /a/b?c=%20d HTTP/1.1\r\nHost: gw.test:8080\r\nContent-Length: 0\r\n\r\n",
    );

    assert_eq!(reply.status(), 308);
    let location = reply.header("location").unwrap();
    assert!(location.starts_with("https://gw.test"), "{location}");
    assert!(location.ends_with("/a/b?c=%20d"), "{location}");
    assert!(!location.contains(":8080"), "{location}");
    assert!(reply.header("x-request-id").is_some());
    assert!(origin.saw_nothing());
}

#[test]
fn allow_serves() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("plain = \"allow\"").start();

    assert_eq!(client::get(gateway.plain(), "/a").status(), 200);
}

#[test]
fn a_trusted_proxy_that_had_tls_is_served() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .server("trusted_proxies = [\"127.0.0.1/32\"]")
        .plain("plain = \"refuse\"")
        .start();
    let ask = |proto: &str| {
        client::ask(
            gateway.plain(),
            &format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Forwarded-Proto: {proto}\r\n\r\n"),
        )
    };

    ask("http").is_problem(426, "NonSecureConnection");
    assert!(origin.saw_nothing());
    assert_eq!(ask("https").status(), 200);
}

#[test]
fn a_stranger_that_claims_tls_is_refused() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url())
        .server("trusted_proxies = []")
        .plain("plain = \"refuse\"")
        .start();

    let reply = client::ask(
        gateway.plain(),
        "GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Forwarded-Proto: https\r\n\r\n",
    );

    reply.is_problem(426, "NonSecureConnection");
    assert!(origin.saw_nothing());
}

#[test]
fn plain_http_on_the_tls_port_gets_a_whole_answer_in_plain_http() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();
    let mut client = Client::plain(gateway.tls());

    let reply = client.ask(
        "POST /orders HTTP/1.1\r\nHost: gw.test\r\nAccept-Language: en\r\n\
         Content-Length: 5\r\n\r\nhello",
    );

    reply.is_problem(426, "NonSecureConnection");
    assert_eq!(reply.header("content-language"), Some("en"));
    client.is_closed();
    assert!(origin.saw_nothing());
    let line = gateway.log_line(&reply.request_id());
    assert_eq!(line["listener"], "tls");
}

#[test]
fn http2_in_the_clear_on_the_tls_port_is_answered_and_not_executed() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).start();

    let reply = H2Client::plain(gateway.tls()).get("/a");

    reply.is_problem(426, "NonSecureConnection");
    assert!(origin.saw_nothing());
}

#[test]
fn noise_on_the_tls_port_is_closed() {
    let origin = Origin::answering(OK);
    let gateway =
        Setup::before(&origin.url()).server("limits = { header_time = \"300ms\" }").start();
    let mut client = Client::plain(gateway.tls());

    client.send([0x80, 0x01, 0x02, 0xff, 0xfe]);
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client, &mut rest);

    assert!(origin.saw_nothing());
    assert_eq!(Client::tls(gateway.tls()).get("/a").status(), 200, "others are served");
}

//! Plain listeners: refuse, redirect or allow; and plain HTTP on a TLS port.

use crate::rig::client::{self, Client};
use crate::rig::gateway::Setup;
use crate::rig::h2::H2Client;
use crate::rig::origin::Origin;

/// RFC 2817, section 3.1.
const UPGRADE: &str = "GET /a HTTP/1.1\r\nHost: gw.test\r\nUpgrade: TLS/1.0\r\n\
                       Connection: Upgrade\r\n\r\n";
/// The beginning of a TLS record.
const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
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
fn a_refusal_is_the_last_word_on_its_connection_and_is_not_overtaken_by_a_reset() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("plain = \"refuse\"").start();
    let mut client = Client::plain(gateway.plain());

    let reply = client.get("/a");
    // The client had more to say before it read that. Were the socket closed, this would be reset.
    client.send(vec![b'x'; 8 << 20]);

    reply.is_problem(426, "NonSecureConnection");
    assert!(reply.head.fields.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close")
    }));
    client.half_close().ends_in_order();
    assert!(origin.saw_nothing());
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
fn a_connection_never_becomes_tls_on_the_way() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("plain = \"refuse\"").start();
    let mut client = Client::plain(gateway.plain());

    client.ask(UPGRADE).is_problem(426, "NonSecureConnection");

    // A handshake from here on is a request that cannot be read, if it is read at all.
    let _ = client.try_send([HELLO, b"\r\n\r\n"].concat());
    let mut said = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client, &mut said);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400 "), "{}", said.escape_ascii());
    assert!(origin.saw_nothing());
}

#[test]
fn a_listener_that_serves_serves_in_the_clear_what_asks_for_tls() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).plain("plain = \"allow\"").start();
    let mut client = Client::plain(gateway.plain());

    assert_eq!(client.ask(UPGRADE).status(), 200);

    let seen = origin.last();
    assert!(seen.header("upgrade").is_none() && seen.header("connection").is_none());
    assert_eq!(client.get("/b").status(), 200, "and it stays as it was");
}

#[test]
fn tls_on_a_plain_port_ends_without_a_byte_that_could_be_taken_for_an_answer() {
    let origin = Origin::answering(OK);
    for plain in ["refuse", "redirect", "allow"] {
        let gateway = Setup::before(&origin.url()).plain(&format!("plain = \"{plain}\"")).start();
        let mut client = Client::plain(gateway.plain());

        client.send(HELLO).send([0; 100_000]);

        client.half_close().ends_in_order();
    }
    assert!(origin.saw_nothing());
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

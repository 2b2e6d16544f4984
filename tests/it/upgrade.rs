//! WebSocket and other upgrades: a tunnel after a valid 101, and never otherwise.

use std::thread;

use crate::rig::client::{self, Client, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, ok, send};

/// RFC 6455, section 1.3: the key of the example and what belongs to it.
pub const ASK: &str = "GET /chat HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
pub const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn a_websocket_echoes_through() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let reply = client.ask(ASK);
    assert_eq!(reply.status(), 101, "{}", reply.text());
    assert_eq!(reply.header("upgrade"), Some("websocket"));
    assert_eq!(reply.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));

    // A masked text frame of five bytes, and one of two hundred.
    let frame = [0x81, 0x85, 1, 2, 3, 4, b'h' ^ 1, b'e' ^ 2, b'l' ^ 3, b'l' ^ 4, b'o' ^ 1];
    client.send(frame);
    assert_eq!(client.bytes(frame.len()), frame);
    let long = vec![7; 200_000];
    let sent = long.clone();
    client.send(&sent);
    assert_eq!(client.bytes(long.len()), long);
    let seen = origin.last();
    assert_eq!(seen.header("upgrade"), Some("websocket"));
    assert!(seen.header("connection").unwrap().eq_ignore_ascii_case("upgrade"));
}

#[test]
fn a_websocket_echoes_through_tls() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::tls(gateway.tls());

    let reply = client.ask(&ASK.replace("gw.test", "localhost"));

    assert_eq!(reply.status(), 101);
    client.send(b"ping");
    assert_eq!(client.bytes(4), b"ping");
}

#[test]
fn two_hundred_websockets_echo_at_once() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());
    let address = gateway.plain();

    let mut clients: Vec<Client> = (0..200)
        .map(|_| {
            let mut client = Client::plain(address);
            assert_eq!(client.ask(ASK).status(), 101);
            client
        })
        .collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(format!("{number:04}"));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.bytes(4), format!("{number:04}").into_bytes());
    }
    assert_eq!(origin.connections(), 200);
}

#[test]
fn nothing_reaches_the_origin_before_it_has_agreed() {
    let origin = Origin::scripted([Step::ReadHead, Step::Stall, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send(format!("{ASK}GET /smuggled HTTP/1.1\r\nHost: gw.test\r\n\r\n"));
    origin.wait_for_requests(1);
    let before = origin.bytes();
    origin.release();
    let reply = client.reply();

    assert!(before < 1000, "only the head: {before}");
    if reply.status() == 101 {
        let echoed = client.bytes(13);
        assert_eq!(echoed, b"GET /smuggled");
    }
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn the_end_of_either_side_is_the_end_of_the_tunnel() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), send("bye"), Step::Close]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.ask(ASK).status(), 101);
    assert_eq!(client.bytes(3), b"bye");
    client.is_closed();

    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.ask(ASK).status(), 101);
    client.leave();
    origin.wait_for_closed(1);
}

#[test]
fn a_refused_upgrade_is_an_ordinary_answer() {
    let origin = Origin::scripted([Step::Read, ok("no"), Step::Again]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let reply = client.ask(ASK);

    assert_eq!((reply.status(), reply.text().as_str()), (200, "no"));
}

#[test]
fn a_refusal_with_an_error_is_normalised() {
    let origin = Origin::answering(
        "HTTP/1.1 403 No\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>no</p>",
    );
    let gateway = Gateway::before(&origin.url());

    client::ask(gateway.plain(), ASK).is_problem(403, "Forbidden");
}

#[test]
fn a_switch_that_nobody_asked_for_is_a_bad_gateway() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    bad_upgrade(&gateway, &reply);
}

#[test]
fn a_switch_to_something_else_is_a_bad_gateway() {
    let wrong = [
        SWITCH.replace("websocket", "other/1"),
        SWITCH.replace("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        SWITCH.replace("Upgrade: websocket\r\n", ""),
    ];
    for switch in wrong {
        let origin = Origin::scripted([Step::ReadHead, send(switch), Step::EchoBytes]);
        let gateway = Gateway::before(&origin.url());

        let reply = client::ask(gateway.plain(), ASK);

        bad_upgrade(&gateway, &reply);
    }
}

#[test]
fn http2_in_the_clear_is_never_asked_of_the_origin_by_upgrade() {
    let origin = Origin::scripted([Step::Read, ok("plain"), Step::Again]);
    let gateway = Gateway::before(&origin.url());

    let reply = client::ask(
        gateway.plain(),
        "GET /a HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade, HTTP2-Settings\r\n\
         Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    );

    if reply.status() == 200 {
        let all = format!("{:?}", origin.last().head.fields).to_ascii_lowercase();
        assert!(!all.contains("h2c") && !all.contains("http2-settings"), "{all}");
    } else {
        reply.is_problem(400, "BadRequest");
    }
}

#[test]
fn a_tunnel_ends_when_the_gateway_has_drained_long_enough() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Setup::before(&origin.url()).server("shutdown = { drain = \"300ms\" }").start();
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.ask(ASK).status(), 101);

    let draining = thread::spawn(move || gateway.drain());
    client.is_closed();

    draining.join().unwrap();
}

#[track_caller]
fn bad_upgrade(gateway: &Gateway, reply: &Reply) {
    reply.is_problem(502, "BadGateway");
    let line = gateway.log_line(&reply.request_id());
    assert!(line["cause"].as_str().unwrap().starts_with("bad_upgrade"), "{line}");
}

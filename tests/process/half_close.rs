//! Half-closed connections in every state: each comes to its end, and none keeps the process busy.

use crate::measure::{comes_to_rest, gauge, turn};
use crate::rig::client::Client;
use crate::rig::eventually;
use crate::rig::frames::{END_HEADERS, HEADERS, PREFACE, SETTINGS, WHOLE, frame, request};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, ok, send};

const AT_ONCE: usize = 10;

const ASK: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                   Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                      Upgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[test]
fn by_a_client_in_any_state_over_plain_sockets() {
    half_closed_everywhere(Client::plain, Gateway::plain, |client| {
        client.half_close();
    });
}

#[test]
fn by_a_client_in_any_state_over_tls() {
    half_closed_everywhere(Client::tls, Gateway::tls, |client| {
        client.half_close();
    });
}

#[test]
fn by_somebody_between_in_any_state_over_tls() {
    half_closed_everywhere(Client::tls, Gateway::tls, |client| {
        client.truncate();
    });
}

#[test]
fn by_a_client_within_a_tls_handshake_or_over_http2() {
    let _turn = turn();
    let origin = origin();
    let gateway = Gateway::before(&origin.url());
    let opened = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let asked = frame(HEADERS, WHOLE, 1, &request("GET", "/silent"));
    let uploads = frame(HEADERS, END_HEADERS, 1, &request("POST", "/body"));
    let handshake = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    let states = [
        ("within a handshake", gateway.tls(), handshake),
        ("within a preface", gateway.plain(), b"PRI * HTTP/2".to_vec()),
        ("with no stream", gateway.plain(), opened.clone()),
        ("with a stream that waits", gateway.plain(), [opened.clone(), asked].concat()),
        ("with a stream that uploads", gateway.plain(), [opened, uploads].concat()),
    ];

    let mut all = Vec::new();
    for (state, address, bytes) in states {
        let clients = (0..AT_ONCE).map(|_| {
            let mut client = Client::plain(address);
            client.send(&bytes).half_close();
            client
        });
        all.extend(clients);
        end(&gateway, state);
    }
    comes_to_rest(std::process::id(), "rest, with all of them half-closed");
}

#[test]
fn by_an_origin_in_any_state() {
    let _turn = turn();
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
    let states = [
        ("before it reads", vec![Step::HalfClose, Step::Drain]),
        ("before it answers", vec![Step::Read, Step::HalfClose, Step::Drain]),
        ("within a head", vec![Step::Read, send("HTTP/1.1 2"), Step::HalfClose, Step::Drain]),
        ("within a body", vec![Step::Read, send(half), Step::HalfClose, Step::Drain]),
        ("after its answer", vec![Step::Read, ok("ok"), Step::HalfClose, Step::Drain]),
        ("within an upload", vec![Step::ReadHead, Step::HalfClose, Step::Drain]),
        ("in a tunnel", vec![Step::ReadHead, send(SWITCH), Step::HalfClose, Step::Drain]),
    ];
    for (state, steps) in states {
        let origin = Origin::scripted(steps);
        let gateway = Gateway::before(&origin.url());
        let mut clients = Vec::new();
        for _ in 0..AT_ONCE {
            let mut client = Client::plain(gateway.plain());
            match state {
                "within an upload" => client
                    .send("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello"),
                "in a tunnel" => client.send(ASK),
                _ => client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            };
            clients.push(client);
        }
        for client in &mut clients {
            let status = client.reply().status();
            assert!(matches!(status, 101 | 200 | 502), "{state}: {status}");
        }
        comes_to_rest(std::process::id(), state);
        // Its clients are still there, and say nothing more.
        eventually(&format!("{state}: the upstream's connections"), || {
            (gauge(gateway.admin(), "guichet_upstream_connections") == 0.0 && origin.open() == 0)
                .then_some(())
        });
    }
}

fn half_closed_everywhere(
    connect: fn(std::net::SocketAddr) -> Client,
    address: fn(&Gateway) -> std::net::SocketAddr,
    half_close: fn(&mut Client),
) {
    let _turn = turn();
    let origin = origin();
    let gateway = Setup::before(&origin.url())
        .route_first("name = \"local\"\nmatch = \"/local\"\nrespond = { status = 200, json = {} }")
        .start();
    let post = |path: &str, fields: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n\r\n{body}")
    };
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let chunked = "Transfer-Encoding: chunked";
    // What is sent, and how much of an answer is read before the half-close.
    let states = [
        ("before a byte", String::new(), 0),
        ("within a head", "GET /a HT".to_owned(), 0),
        ("within a body", post("/body", "Content-Length: 10", "hello"), 0),
        ("within a chunk", post("/body", chunked, "a\r\nhello"), 0),
        ("between chunks", post("/body", chunked, "5\r\nhello\r\n"), 0),
        ("within an unwanted body", post("/local", "Content-Length: 10", "hello"), 1),
        ("within an unwanted chunk", post("/local", chunked, "a\r\nhello"), 1),
        ("before a word", post("/x", "Expect: 100-continue\r\nContent-Length: 9", ""), 1),
        ("before an answer", get("/silent"), 0),
        ("within an answer", get("/half"), 1),
        ("within an answer and a body", post("/early", "Content-Length: 10", "hello"), 1),
        ("between requests", get("/fine"), 1),
        ("within the next head", format!("{}GET /b", get("/fine")), 1),
        ("with the next request behind it", get("/silent").repeat(2), 0),
        ("with many requests behind it", get("/silent").repeat(1200), 0),
        ("in a tunnel", ASK.to_owned(), 1),
    ];
    let mut all = Vec::new();
    for (state, bytes, read) in states {
        let clients = (0..AT_ONCE).map(|_| {
            let mut client = connect(address(&gateway));
            client.send(&bytes).bytes(read);
            half_close(&mut client);
            client
        });
        all.extend(clients);
        end(&gateway, state);
    }
    comes_to_rest(std::process::id(), "rest, with all of them half-closed");
}

/// The clients' receiving sides are still open; all their connections end nevertheless.
#[track_caller]
fn end(gateway: &Gateway, state: &str) {
    eventually(&format!("{state}: the end of its connections"), || {
        (gauge(gateway.admin(), "guichet_connections") == 0.0).then_some(())
    });
}

fn origin() -> Origin {
    Origin::by_path([
        ("/body", vec![Step::ReadBody, ok("read"), Step::Again]),
        ("/silent", vec![Step::ReadBody, Step::Drain]),
        ("/half", vec![send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), Step::Drain]),
        ("/early", vec![send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), Step::Drain]),
        ("/chat", vec![send(SWITCH), Step::EchoBytes]),
    ])
}

//! Bytes that mean harm in what guichet reads or writes down: the log stays JSON line by line, and
//! nothing that a field can hold is a fault of guichet's.
//!
//! Lessons: Envoy CVE-2024-45808 and CVE-2026-47220, tracing-subscriber CVE-2025-58160, hyper 1.9.0.

use serde_json::Value;

use crate::rig::client::{Client, Expects};
use crate::rig::each;
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, nobody};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Every field that something in guichet looks into.
const READ: &[&str] = &[
    "Host",
    "Connection",
    "TE",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "Forwarded",
    "X-Request-Id",
    "traceparent",
    "tracestate",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Content-Type",
    "Content-Length",
    "Transfer-Encoding",
    "Trailer",
    "Expect",
    "Upgrade",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Keep-Alive",
    "Cookie",
    "User-Agent",
    "grpc-timeout",
    "Proxy-Connection",
];

/// obs-text (RFC 9110, section 5.5) in every way: alone, before, after and between what is expected.
const OBS_TEXT: &[&[u8]] = &[
    b"\x80",
    b"\xff\xfe",
    b"caf\xe9",
    b"close, \xc3\x28",
    b"\xf0\x9f\x92\xa9, trailers;q=\xb2",
    b"text/html;q=\xe9, */*",
    b"1.1 \xe9, 1.1 b\xa0",
    b"00-\xe9af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"\"\xff\", for=\xff",
    b"100-continue\xff",
];

#[test]
fn obs_text_in_a_field_is_passed_or_refused() {
    let origin = Origin::answering(OK);
    let trusting = "trusted_proxies = [\"127.0.0.1/32\"]";
    let gateways = [
        Gateway::before(&origin.url()),
        Setup::before(&origin.url()).server(trusting).start(),
        // Every answer is guichet's own: what a client accepts is looked into.
        Gateway::before(&nobody()),
    ];

    each(
        READ,
        |name| (*name).to_owned(),
        |name| {
            for value in OBS_TEXT {
                for (place, gateway) in gateways.iter().enumerate() {
                    let mut client = Client::plain(gateway.plain());
                    client.send(with_field(name, value));
                    let shown = format!("{name}: {:?}", String::from_utf8_lossy(value));
                    let reply = client.try_reply(Expects::Body).expect(&shown);
                    let status = reply.status();
                    match (place, status) {
                        (2, 502) | (0 | 1, 200) => {}
                        // A length, a coding, a host or an expectation that is none.
                        (_, 400 | 417 | 426 | 501) => {
                            assert_eq!(reply.json()["status"], status, "{shown}");
                        }
                        _ => panic!("{shown}: {} {}", reply.head.line, reply.text()),
                    }
                }
            }
        },
    );
    for gateway in &gateways {
        let internal = |line: &Value| line["origin"] == "gateway" && line["status"] == 500;
        assert!(!gateway.log_lines().iter().any(internal));
    }
}

#[test]
fn whatever_a_client_writes_a_log_line_is_one_line_of_json() {
    let origin = Origin::answering(OK);
    let trusting =
        Setup::before(&origin.url()).server("trusted_proxies = [\"127.0.0.1/32\"]").start();
    let wicked: &[&[u8]] = &[
        b"\x1b[2J\x1b[31mred",
        b"\x1b]0;title\x07",
        b"a\tb",
        b"a\rb",
        b"a\nb",
        b"a\x00b",
        b"a\x7fb",
        b"a\x08\x08b",
        b"\"},{\"status\":200,\"x\":\"",
        b"\\\",\\u0000",
        b"\xe2\x80\xa8 \xe2\x80\xae \xc2\x85",
        b"\xc2\x9b31mred",
        b"\xff\xfe\x80",
        b"%0a%0d%1b%5b31m%00%22",
    ];
    let address = trusting.plain();
    let mut asked = Vec::new();

    for bytes in wicked {
        let places: [(&[u8], &[u8]); 6] = [
            (b"GET /", b" HTTP/1.1\r\nHost: gw.test\r\n\r\n"),
            (b"GET /a?", b" HTTP/1.1\r\nHost: gw.test\r\n\r\n"),
            (b"GET /a HTTP/1.1\r\nHost: ", b"\r\n\r\n"),
            (b"GET /a HTTP/1.1\r\nHost: gw.test\r\nUser-Agent: ", b"\r\n\r\n"),
            (b"GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Request-Id: ", b"\r\n\r\n"),
            (b"GET", b" /a HTTP/1.1\r\nHost: gw.test\r\n\r\n"),
        ];
        for (before, after) in places {
            let mut client = Client::plain(address);
            client.send([before, bytes, after].concat());
            let shown = String::from_utf8_lossy(&[before, bytes, after].concat())
                .escape_debug()
                .to_string();
            let reply = client.try_reply(Expects::Body).expect(&shown);
            assert!(matches!(reply.status(), 200 | 400 | 405 | 501), "{}", reply.head.line);
            asked.push((reply.request_id(), reply.status()));
        }
    }

    eventually("a line for each request, and no other", || {
        (trusting.log_lines().len() == asked.len()).then_some(())
    });
    for (id, status) in &asked {
        assert_eq!(trusting.log_line(id)["status"], *status);
    }
    let text = String::from_utf8(trusting.log_bytes()).expect("the log is UTF-8");
    let stray = text.lines().find(|line| line.chars().any(char::is_control));
    assert_eq!(stray, None, "a control could reach a terminal");
}

fn with_field(name: &str, value: &[u8]) -> Vec<u8> {
    let host: &[u8] = if name == "Host" { b"" } else { b"Host: gw.test\r\n" };
    let head = [b"GET /a HTTP/1.1\r\n", host, name.as_bytes(), b": ", value, b"\r\n\r\n"];
    head.concat()
}

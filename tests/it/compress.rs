//! Replies that are made smaller on their way, decoded as a client would.

use crate::rig::client::{self, Client, Ending, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, send};

fn before(origin: &Origin, more: &str) -> Gateway {
    let url = format!("endpoints = [\"{}\"]", origin.url());
    let route = format!("match = \"/{{*path}}\"\nupstream = \"origin\"\n{more}");
    Setup::new().upstream(&url).route(&route).start()
}

fn body() -> String {
    (0..4000).map(|at| format!("{{\"number\":{at}}},")).collect()
}

fn answer(fields: &str) -> String {
    let body = body();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{fields}\r\n{body}", body.len())
}

fn ask(gateway: &Gateway, line: &str, fields: &str) -> Reply {
    client::ask(gateway.plain(), &format!("{line} HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n"))
}

/// What a client makes of it; as much as can be decoded.
fn decoded(reply: &Reply) -> Vec<u8> {
    unpack(reply.header("content-encoding"), &reply.body)
}

fn unpack(coding: Option<&str>, mut body: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut out = Vec::new();
    let _ = match coding {
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut out),
        Some("br") => brotli_decompressor::Decompressor::new(body, 4096).read_to_end(&mut out),
        Some("zstd") => zstd::stream::read::Decoder::new(body).unwrap().read_to_end(&mut out),
        _ => body.read_to_end(&mut out),
    };
    out
}

const JSON: &str = "Content-Type: application/json\r\nETag: \"v1\"\r\nAccept-Ranges: bytes\r\n";

#[test]
fn the_client_chooses_and_gets_what_it_can_read() {
    let origin = Origin::answering(answer(JSON));
    let gateway = before(&origin, "compress = true");
    for (accepted, coding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("gzip, br;q=0.9, zstd;q=0.1", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("*", Some("zstd")),
        ("*, zstd;q=0", Some("br")),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("deflate", None),
        ("identity;q=0", None),
        ("*;q=0", None),
        ("", None),
    ] {
        let reply = ask(&gateway, "GET /", &format!("Accept-Encoding: {accepted}\r\n"));
        assert_eq!((reply.status(), reply.header("content-encoding")), (200, coding), "{accepted}");
        assert_eq!(decoded(&reply), body().into_bytes(), "{accepted}");
        assert_eq!(reply.header("vary"), Some("Accept-Encoding"), "{accepted}");
        let tag = if coding.is_some() { "W/\"v1\"" } else { "\"v1\"" };
        assert_eq!(reply.header("etag"), Some(tag), "{accepted}");
        assert_eq!(reply.header("content-length").is_some(), coding.is_none(), "{accepted}");
        assert_eq!(reply.header("accept-ranges").is_some(), coding.is_none(), "{accepted}");
        if coding.is_some() {
            assert!(reply.body.len() * 4 < body().len(), "{accepted}: {}", reply.body.len());
            let logged = gateway.log_line(&reply.request_id())["bytes_out"].as_u64();
            assert_eq!(logged, Some(reply.body.len() as u64));
        }
    }
}

#[test]
fn some_replies_are_never_touched() {
    for (fields, line, asked) in [
        ("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "GET /", ""),
        ("Content-Type: application/json\r\nContent-Range: bytes 0-1/9\r\n", "GET /", ""),
        (
            "Content-Type: application/json\r\nCache-Control: max-age=1, No-Transform\r\n",
            "GET /",
            "",
        ),
        ("Content-Type: application/json\r\nSet-Cookie: a=1\r\n", "GET /", ""),
        ("Content-Type: application/json\r\n", "GET /", "Cookie: a=1\r\n"),
        ("Content-Type: application/json\r\n", "GET /", "Authorization: Basic YTpi\r\n"),
        ("Content-Type: text/event-stream; charset=utf-8\r\n", "GET /", ""),
        ("Content-Type: application/grpc+proto\r\n", "GET /", ""),
        ("Content-Type: image/png\r\n", "GET /", ""),
        ("", "GET /", ""),
    ] {
        let origin = Origin::answering(answer(fields));
        let gateway = before(&origin, "compress = true");
        let mut plain = ask(&gateway, line, &format!("Accept-Encoding: br, gzip\r\n{asked}"));
        assert_eq!(plain.text(), body(), "{fields}");
        assert_eq!(plain.head.content_length(), Some(body().len() as u64), "{fields}");
        plain.body.clear();
    }
    for status in ["204 No Content", "304 Not Modified"] {
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/css\r\nETag: \"v\"\r\n\r\n");
        let origin = Origin::answering(head);
        let reply = ask(&before(&origin, "compress = true"), "GET /", "Accept-Encoding: br\r\n");
        assert_eq!(reply.header("etag"), Some("\"v\""), "{status}");
        assert_eq!(reply.header("content-encoding"), None, "{status}");
    }
    let small = "HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: 5\r\n\r\nabcde";
    let origin = Origin::answering(small);
    let small = ask(&before(&origin, "compress = true"), "GET /", "Accept-Encoding: br\r\n");
    assert_eq!((small.header("content-encoding"), small.header("vary")), (None, None));
    let gateway = before(&origin, "compress = { min_size = \"5B\", types = [\"text/css\"] }");
    let small = ask(&gateway, "GET /", "Accept-Encoding: br\r\n");
    assert_eq!(
        (small.header("content-encoding"), decoded(&small)),
        (Some("br"), b"abcde".to_vec())
    );
}

#[test]
fn a_head_says_what_the_body_would_be() {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n{JSON}\r\n");
    let origin = Origin::answering(head);
    let gateway = before(&origin, "compress = true");
    let mut client = Client::plain(gateway.plain());
    client.send("HEAD / HTTP/1.1\r\nHost: gw.test\r\nAccept-Encoding: gzip\r\n\r\n");
    let reply = client.reply_to_head();
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!((reply.header("content-length"), reply.header("etag")), (None, Some("W/\"v1\"")));
}

#[test]
fn errors_of_the_gateway_stay_as_they_are() {
    let origin = Origin::answering("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n");
    let reply = ask(&before(&origin, "compress = true"), "GET /", "Accept-Encoding: br\r\n");
    reply.is_problem(500, "ServerError");
    assert_eq!(reply.header("content-encoding"), None);
}

#[test]
fn what_was_sent_is_readable_as_soon_as_the_upstream_pauses() {
    for coding in ["gzip", "br", "zstd"] {
        let origin = Origin::scripted([
            Step::Read,
            send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n",
            ),
            Step::Stall,
            send("6\r\nsecond\r\n0\r\n\r\n"),
        ]);
        let gateway = before(&origin, "compress = true");
        let mut client = Client::plain(gateway.plain());
        client
            .send(format!("GET / HTTP/1.1\r\nHost: gw.test\r\nAccept-Encoding: {coding}\r\n\r\n"));
        let mut seen = Vec::new();
        // The head, then chunks, until the first piece can be read out of them.
        while !seen.ends_with(b"\r\n\r\n") {
            seen.extend(client.bytes(1));
        }
        let mut packed = Vec::new();
        while unpack(Some(coding), &packed) != b"first" {
            let mut size = Vec::new();
            while !size.ends_with(b"\r\n") {
                size.extend(client.bytes(1));
            }
            let size = String::from_utf8(size).unwrap();
            let length = usize::from_str_radix(size.trim(), 16).unwrap();
            packed.extend(client.bytes(length));
            client.bytes(2);
        }
        origin.release();
    }
}

#[test]
fn a_body_that_breaks_off_stays_broken_off() {
    for coding in ["gzip", "br", "zstd"] {
        let origin = Origin::scripted([
            Step::Read,
            send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9000\r\n\r\nfirst",
            ),
            Step::Close,
        ]);
        let gateway = before(&origin, "compress = true");
        let reply = ask(&gateway, "GET /", &format!("Accept-Encoding: {coding}\r\n"));
        assert_eq!(decoded(&reply), b"first", "{coding}");
        assert_ne!(reply.ending, Ending::Complete, "{coding}");
        let line = gateway.log_line(&reply.request_id());
        assert_eq!(line["complete"], false, "{line}");
    }
}

//! What goes wrong behind the gateway, seen from in front: the right code, nothing leaked, retried
//! where nothing was lost, and connections that are reused only when they are clean.

use std::time::Duration;

use crate::rig::client::{self, Client, Ending};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, nobody, ok, send};

const SHORT: &str = "timeout = { connect = \"400ms\", first_byte = \"400ms\", idle = \"400ms\" }";

/// Answers that are none, whole or in part: 502 with the vocabulary's body.
#[test]
fn what_is_not_an_answer_is_a_bad_gateway() {
    let cases: Vec<(&str, Vec<Step>)> = vec![
        ("closes at once", vec![Step::Read, Step::Close]),
        ("resets at once", vec![Step::Read, Step::Reset]),
        ("half a status line", vec![Step::Read, send("HTTP/1.1 2"), Step::Close]),
        ("half a field", vec![Step::Read, send("HTTP/1.1 200 OK\r\nContent-Le"), Step::Close]),
        ("two lengths", head("Content-Length: 5\r\nContent-Length: 3")),
        ("a negative length", head("Content-Length: -1")),
        ("status 099", line("HTTP/1.1 099 Odd")),
        ("status 1000", line("HTTP/1.1 1000 Odd")),
        ("another version", line("HTTP/3.7 200 OK")),
        (
            "binary noise",
            vec![Step::Read, send(&b"\x15\x03\x03\x00\x02\x02F\xff\x00"[..]), Step::Close],
        ),
        ("frames of HTTP/2", vec![Step::Read, send(&b"\0\0\0\x04\0\0\0\0\0"[..]), Step::Close]),
        (
            "an interim answer, then nothing",
            vec![Step::Read, send("HTTP/1.1 100 Continue\r\n\r\n"), Step::Close],
        ),
        ("a megabyte of head", head(&format!("X-A: {}", "a".repeat(1 << 20)))),
    ];

    each(
        &cases,
        |(name, _)| (*name).to_owned(),
        |(_, steps)| {
            let origin = Origin::scripted(steps.clone());
            let gateway = Setup::before(&origin.url()).upstream(SHORT).start();

            let reply = client::get(gateway.plain(), "/a");

            reply.is_problem(502, "BadGateway");
            assert_eq!(gateway.log_line(&reply.request_id())["origin"], "upstream");
        },
    );
}

/// Answers that a lenient reader could take: either refused, or passed in one clean form.
#[test]
fn what_is_almost_an_answer_never_passes_as_it_stood() {
    let cases: &[(&str, &str, &str)] = &[
        ("bare lf", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "\u{0}"),
        ("folding", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 5\r\n\r\nhello", "\r\n 2"),
        ("nul", "HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 5\r\n\r\nhello", "\0"),
        (
            "bare cr",
            "HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: s=1\r\nContent-Length: 5\r\n\r\nhello",
            "\rSet",
        ),
        (
            "unknown coding",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nhello",
            "xchunked",
        ),
        (
            "length beside coding",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            "Content-Length: 3",
        ),
    ];

    each(
        cases,
        |(name, ..)| (*name).to_owned(),
        |(_, answer, never)| {
            let origin = Origin::scripted([Step::Read, send(*answer), Step::Close]);
            let gateway = Setup::before(&origin.url()).upstream(SHORT).start();
            let mut client = Client::plain(gateway.plain());

            let reply = client.ask("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");

            if reply.status() == 200 {
                let shown = format!("{:?}", reply.head.fields);
                assert!(!shown.contains(never), "{shown}");
            } else {
                reply.is_problem(502, "BadGateway");
            }
        },
    );
}

#[test]
fn interim_answers_without_end_run_into_the_deadline() {
    let origin = Origin::scripted([
        Step::Read,
        Step::Drip {
            times: 400,
            every: Duration::from_millis(20),
            bytes: b"HTTP/1.1 102 Processing\r\n\r\n".to_vec(),
        },
    ]);
    let gateway = Setup::before(&origin.url()).upstream(SHORT).start();

    let reply = client::get(gateway.plain(), "/a");

    if reply.status() == 504 {
        reply.is_problem(504, "GatewayTimeout");
    } else {
        reply.is_problem(502, "BadGateway");
    }
}

#[test]
fn a_head_that_drips_runs_into_the_deadline() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 200 OK\r\n"),
        Step::Drip { times: 400, every: Duration::from_millis(20), bytes: b"X: 1\r\n".to_vec() },
    ]);
    let gateway = Setup::before(&origin.url()).upstream(SHORT).start();

    let reply = client::get(gateway.plain(), "/a");

    if reply.status() == 504 {
        reply.is_problem(504, "GatewayTimeout");
    } else {
        reply.is_problem(502, "BadGateway");
    }
}

#[test]
fn nothing_of_the_upstream_leaks() {
    let origin = Origin::scripted([Step::Read, Step::Reset]);
    let gateway = Gateway::before(&origin.url());

    let reply = client::get(gateway.plain(), "/a");

    let body = reply.is_problem(502, "BadGateway").to_string();
    let address = origin.address();
    for secret in [address.ip().to_string(), address.port().to_string(), "hyper".into()] {
        assert!(!body.contains(&secret), "{body}");
        assert!(!format!("{:?}", reply.head.fields).contains(&secret));
    }
    let line = gateway.log_line(&reply.request_id());
    assert!(line["endpoint"].as_str().unwrap().contains(&address.port().to_string()));
}

#[test]
fn a_pooled_connection_is_reused() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    for _ in 0..5 {
        assert_eq!(client.get("/a").status(), 200);
    }

    assert_eq!(origin.connections(), 1);
}

#[test]
fn a_stale_connection_costs_no_request() {
    let origin = Origin::scripted([Step::Read, ok("hello"), Step::Close]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    for count in 1..=5 {
        assert_eq!(client.get("/a").text(), "hello");
        origin.wait_for_closed(count);
    }
    let posted = client.ask("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\nhi");

    assert_eq!(posted.text(), "hello");
    assert_eq!(origin.requests().len(), 6);
}

#[test]
fn a_get_that_dies_on_a_reused_connection_is_tried_again() {
    let origin = Origin::scripted([Step::Read, ok("hello"), Step::Read, Step::Close]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    assert_eq!(client.get("/1").text(), "hello");
    assert_eq!(client.get("/2").text(), "hello");
}

#[test]
fn a_post_that_may_have_been_read_is_not_sent_twice() {
    let origin = Origin::scripted([Step::Read, ok("hello"), Step::Read, Step::Close]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    let post = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 2\r\n\r\nhi")
    };

    assert_eq!(client.ask(&post("/1")).text(), "hello");
    let second = client.ask(&post("/2"));

    let body = second.is_problem(502, "BadGateway");
    assert_ne!(body["retryable"], true, "nobody knows whether it was executed");
    let twice = origin.requests().iter().filter(|seen| seen.head.target() == "/2").count();
    assert_eq!(twice, 1);
}

#[test]
fn a_connection_with_surplus_bytes_is_not_reused() {
    let endings = [
        ("surplus", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloEXTRA", 200),
        (
            "a second answer",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            200,
        ),
        ("close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", 200),
        ("body of a 304", "HTTP/1.1 304 Not Modified\r\n\r\nhello", 304),
    ];
    each(
        &endings,
        |(name, ..)| (*name).to_owned(),
        |(_, answer, status)| {
            let origin = Origin::scripted([Step::Read, send(*answer), Step::Read, ok("evil")]);
            let gateway = Gateway::before(&origin.url());
            let mut client = Client::plain(gateway.plain());

            let first = client.get("/1");
            let second = client.get("/2");

            assert_eq!((first.status(), second.status()), (*status, *status));
            assert_ne!(second.text(), "evil");
            assert_eq!(origin.connections(), 2);
        },
    );
}

#[test]
fn the_body_of_a_head_is_dropped_with_its_connection() {
    let origin = Origin::scripted([Step::Read, ok("hello"), Step::Read, ok("other")]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let head = client.ask("HEAD /1 HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let next = client.get("/2");

    assert_eq!((head.status(), head.body.len()), (200, 0));
    assert_eq!((next.text().as_str(), next.ending), ("hello", Ending::Complete));
}

#[test]
fn one_dead_endpoint_of_two_costs_nobody_an_answer() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let dead = nobody();
    let gateway = Setup::new()
        .upstream(&format!(
            "endpoints = [\"{}\", \"{dead}\"]\nbalance = \"round_robin\"",
            origin.url()
        ))
        .route("name = \"all\"\nmatch = \"/{*rest}\"\nupstream = \"origin\"")
        .start();
    let mut client = Client::plain(gateway.plain());

    for _ in 0..6 {
        assert_eq!(client.get("/a").status(), 200);
    }
}

#[test]
fn endpoints_take_turns_by_weight() {
    let (one, two) = (Origin::answering(OK), Origin::answering(OK));
    let gateway = Setup::new()
        .upstream(&format!(
            "endpoints = [\"{}\", {{ url = \"{}\", weight = 2 }}]\nbalance = \"round_robin\"",
            one.url(),
            two.url()
        ))
        .route("name = \"all\"\nmatch = \"/{*rest}\"\nupstream = \"origin\"")
        .start();
    let mut client = Client::plain(gateway.plain());

    for _ in 0..9 {
        client.get("/a");
    }

    assert_eq!((one.requests().len(), two.requests().len()), (3, 6));
}

#[test]
fn a_unix_socket_serves_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let origin =
        Origin::unix(&folder.path().join("origin.sock"), [Step::Read, ok("ok"), Step::Again]);
    let gateway = Gateway::before(&origin.url());

    assert_eq!(client::get(gateway.plain(), "/a").text(), "ok");
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn head(fields: &str) -> Vec<Step> {
    vec![Step::Read, send(format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\nhello")), Step::Close]
}

fn line(line: &str) -> Vec<Step> {
    vec![Step::Read, send(format!("{line}\r\nContent-Length: 0\r\n\r\n")), Step::Close]
}

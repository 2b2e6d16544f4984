//! Bodies both ways: streamed, with backpressure, trailers, early answers and interim ones.

use std::time::Duration;

use crate::rig::client::{self, Client, Ending};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, H2Origin, request};
use crate::rig::origin::{Origin, Step, ok, send};

#[test]
fn a_chunked_body_arrives_whole_both_ways() {
    let origin = Origin::echoing();
    let gateway = Gateway::before(&origin.url());

    let reply = client::ask(
        gateway.plain(),
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    );

    assert_eq!((reply.status(), reply.text().as_str()), (200, "hello"));
    assert_eq!(origin.last().body, b"hello");
}

#[test]
fn the_first_bytes_of_an_answer_do_not_wait_for_the_last() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"),
        Step::Stall,
        send("4\r\nlast\r\n0\r\n\r\n"),
    ]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let mut seen = Vec::new();
    while !seen.ends_with(b"first") {
        seen.extend(client.bytes(1));
    }
    origin.release();

    while !seen.ends_with(b"0\r\n\r\n") {
        seen.extend(client.bytes(1));
    }
    assert!(String::from_utf8_lossy(&seen).contains("last"));
}

#[test]
fn the_first_bytes_of_a_request_do_not_wait_for_the_last() {
    let origin = Origin::scripted([Step::Read, ok("ok"), Step::Again]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nhello");
    origin.wait_for_requests(1);
    client.send("world");

    assert_eq!(client.reply().status(), 200);
    assert_eq!(origin.last().body, b"helloworld");
}

#[test]
fn an_origin_that_does_not_read_holds_the_client_back() {
    let origin = Origin::scripted([Step::ReadHead, Step::Stall]);
    let gateway = Setup::before(&origin.url()).server("limits = { body = \"1GiB\" }").start();
    let mut client = Client::plain(gateway.plain());
    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 1000000000\r\n\r\n");

    let sent = client.send_until_stuck(Duration::from_millis(500));

    assert!(sent < 64 * 1024 * 1024, "{sent} bytes vanished into buffers");
}

#[test]
fn a_client_that_does_not_read_holds_the_origin_back() {
    let block = vec![b'x'; 1 << 20];
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"),
        Step::Drip { times: 1024, every: Duration::ZERO, bytes: block },
    ]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    client.bytes(1);
    let sent = settled(|| origin.sent());

    assert!(sent < 64 * 1024 * 1024, "{sent} bytes vanished into buffers");
}

/// The value of a counter once it has stood still for a while.
fn settled(counter: impl Fn() -> u64) -> u64 {
    let mut last = counter();
    eventually("a counter that stands still", || {
        std::thread::sleep(Duration::from_millis(300));
        let now = counter();
        let still = now == last;
        last = now;
        still.then_some(now)
    })
}

#[test]
fn trailers_pass_upstream() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());

    let reply = client::ask(
        gateway.plain(),
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    );

    assert_eq!(reply.status(), 200);
    assert_eq!(origin.last().trailers, [("X-T".to_owned(), "1".to_owned())].map(lower));
}

#[test]
fn trailers_that_would_change_the_framing_do_not_pass() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());

    let reply = client::ask(
        gateway.plain(),
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\nContent-Length: 0\r\nHost: evil.test\r\n\r\n",
    );

    let all = format!("{:?}", origin.requests());
    assert!(!all.contains("evil.test"), "{all}");
    assert!(matches!(reply.status(), 200 | 400));
}

#[test]
fn trailers_pass_back() {
    let origin = H2Origin::plain();
    let gateway = Setup::before(&origin.url()).upstream("protocol = \"h2c\"").start();

    let over_h2 = H2Client::tls(gateway.tls()).get("/trailers");
    let over_h1 = client::ask(
        gateway.plain(),
        "GET /trailers HTTP/1.1\r\nHost: gw.test\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
    );

    let expected = [("x-checksum".to_owned(), "abc".to_owned())];
    assert_eq!((over_h2.text().as_str(), &over_h2.trailers[..]), ("hello", &expected[..]));
    assert_eq!(over_h1.text(), "hello");
    assert!(over_h1.trailers.is_empty() || over_h1.trailers.map_lower() == expected);
}

#[test]
fn a_grpc_call_passes_with_its_status() {
    let origin = H2Origin::plain();
    let gateway = Setup::before(&origin.url()).upstream("protocol = \"h2c\"").start();
    let request = request("POST", "/grpc")
        .header("content-type", "application/grpc")
        .header("te", "trailers");

    let reply = H2Client::tls(gateway.tls()).ask(request, Frames::data(&b"\0\0\0\0\0"[..]));

    assert_eq!((reply.status(), reply.body.len()), (200, 5));
    assert_eq!(reply.trailers, [("grpc-status".to_owned(), "0".to_owned())]);
    assert_eq!(origin.requests()[0].headers["te"], "trailers");
}

#[test]
fn an_early_answer_arrives_though_the_upload_goes_on() {
    let origin = Origin::scripted([
        Step::ReadHead,
        send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nearly"),
        Step::Stall,
    ]);
    let gateway = Setup::before(&origin.url()).server("limits = { body = \"1GiB\" }").start();
    let mut client = Client::plain(gateway.plain());

    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 50000000\r\n\r\n");
    let _ = client.try_send(vec![b'x'; 100_000]);

    let reply = client.reply();
    assert_eq!((reply.status(), reply.text().as_str()), (200, "early"));
}

#[test]
fn an_early_refusal_arrives_in_the_vocabulary() {
    let origin = Origin::scripted([
        Step::ReadHead,
        send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig"),
        Step::Pause(Duration::from_millis(200)),
        Step::Close,
    ]);
    let gateway = Setup::before(&origin.url()).server("limits = { body = \"1GiB\" }").start();
    let mut client = Client::plain(gateway.plain());

    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 8388608\r\n\r\n");
    let _ = client.try_send(vec![b'x'; 500_000]);

    client.reply().is_problem(413, "PayloadTooLarge");
}

#[test]
fn a_client_that_expects_a_word_before_its_body_gets_it() {
    let origin = Origin::echoing();
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send(
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    let line: Vec<u8> = client.bytes(b"HTTP/1.1 100 Continue\r\n\r\n".len());
    assert!(line.starts_with(b"HTTP/1.1 100"), "{:?}", String::from_utf8_lossy(&line));
    client.send("hello");

    assert_eq!(client.reply().text(), "hello");
}

#[test]
fn a_body_that_would_be_refused_is_not_asked_for() {
    let origin = Origin::echoing();
    let gateway = Setup::before(&origin.url()).server("limits = { body = \"1KiB\" }").start();
    let mut client = Client::plain(gateway.plain());

    client.send(
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nExpect: 100-continue\r\n\
         Content-Length: 5000\r\n\r\n",
    );
    let reply = client.reply();

    reply.is_problem(413, "PayloadTooLarge");
    assert!(reply.interim.is_empty());
    assert!(origin.saw_nothing());
}

#[test]
fn interim_answers_do_not_spoil_the_final_one() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"),
        ok("hello"),
        Step::Again,
    ]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let reply = client.get("/a");

    assert_eq!((reply.status(), reply.text().as_str()), (200, "hello"));
    assert!(reply.interim.iter().all(|head| head.status() == 103));
    client.is_open();
}

#[test]
fn an_interim_answer_that_nobody_asked_for_does_not_spoil_the_final_one() {
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 100 Continue\r\n\r\n"),
        ok("hello"),
        Step::Again,
    ]);
    let gateway = Gateway::before(&origin.url());

    assert_eq!(client::get(gateway.plain(), "/a").text(), "hello");
}

#[test]
fn a_body_that_ends_with_the_connection_arrives_whole() {
    let origin = Origin::scripted([Step::Read, send("HTTP/1.1 200 OK\r\n\r\nhello"), Step::Close]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    let reply = client.get("/a");

    assert_eq!((reply.text().as_str(), reply.ending), ("hello", Ending::Complete));
    client.is_open();
}

#[test]
fn a_client_that_half_closes_still_gets_its_answer() {
    let origin = Origin::scripted([Step::Read, Step::Stall, ok("late")]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);
    client.half_close();
    origin.release();

    // RFC 9112, section 9.6 lets a server go either way; hanging is the only wrong answer.
    let _ = client.try_reply(client::Expects::Body);
}

#[test]
fn a_client_that_leaves_is_told_to_the_origin() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);
    client.leave();

    origin.wait_for_closed(1);
    let line = gateway.log_line_where(|line| line["path"] == "/a");
    assert_eq!((&line["origin"], &line["outcome"]), (&"client".into(), &"aborted".into()));
}

fn lower((name, value): (String, String)) -> (String, String) {
    (name.to_ascii_lowercase(), value)
}

trait Lower {
    fn map_lower(self) -> Self;
}

impl Lower for Vec<(String, String)> {
    fn map_lower(self) -> Self {
        self.into_iter().map(lower).collect()
    }
}

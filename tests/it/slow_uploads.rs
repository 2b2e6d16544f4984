//! Bodies that come slowly: a few reach their upstream as they come, many do not occupy it.

use crate::grpc::before;
use crate::grpc_errors::{call, trailer};
use crate::rig::client::Client;
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::grpc::service::Steps;
use crate::rig::h2::{Frames, H2Client, request};
use crate::rig::origin::{Origin, Step, nobody, ok};

/// Bodies that may be under way at once before others are held.
const MANY: usize = 64;
/// A request that an upstream would be called with at once, were it not held.
const PART: &str = "POST /dead HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nx";

#[test]
fn many_slow_bodies_do_not_occupy_an_upstream() {
    let origin = origin();
    let gateway = gateway(&origin);
    Client::plain(gateway.plain()).ask(PART).is_problem(502, "BadGateway");

    let crowd = crowd(&gateway, &origin);
    // Nobody is called: it is the client that was too slow.
    Client::plain(gateway.plain()).ask(PART).is_problem(408, "RequestTimeout");
    let mut late = Client::plain(gateway.plain());
    late.send(PART).send("123456789");
    late.reply().is_problem(502, "BadGateway");
    // Nothing of that concerns whoever has no body.
    assert_eq!(Client::plain(gateway.plain()).get("/a").status(), 200);

    drop(crowd);
    eventually("the end of the crowd", || {
        (Client::plain(gateway.plain()).ask(PART).status() == 502).then_some(())
    });
}

#[test]
fn beside_many_slow_bodies_others_arrive_as_they_were_sent() {
    let origin = origin();
    let gateway = gateway(&origin);
    let _crowd = crowd(&gateway, &origin);
    let long = "0123456789abcdef".repeat(10_000);

    for body in ["hello", &long] {
        let length = body.len();
        let head = |more: &str| {
            format!("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: {length}\r\n{more}\r\n")
        };
        let mut client = Client::plain(gateway.plain());
        for _ in 0..2 {
            client.send(head("")).send(&body[..2]).send(&body[2..]);
            assert_eq!(client.reply().text(), *body);
            let seen = origin.last();
            assert_eq!(seen.header("content-length"), Some(&*length.to_string()));
        }

        client.send(head("Expect: 100-continue\r\n"));
        assert_eq!(client.bytes(25), b"HTTP/1.1 100 Continue\r\n\r\n");
        client.send(body);
        assert_eq!(client.reply().text(), *body);

        let request = request("POST", "/a").header("content-length", length);
        let reply = H2Client::plain(gateway.plain()).ask(request, Frames::data(body.to_owned()));
        assert_eq!(reply.text(), *body);
    }
}

#[test]
fn a_body_of_unknown_length_may_be_a_talk_and_is_never_held() {
    let origin = origin();
    let gateway = gateway(&origin);
    let _crowd = crowd(&gateway, &origin);
    let mut client = Client::plain(gateway.plain());

    client
        .send("POST /a HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    origin.wait_for_requests(MANY + 1);

    client.send("0\r\n\r\n");
    assert_eq!(client.reply().text(), "x");
}

#[test]
fn a_client_that_leaves_a_held_body_has_asked_nobody() {
    let origin = origin();
    let gateway = gateway(&origin);
    let _crowd = crowd(&gateway, &origin);
    let mut client = Client::plain(gateway.plain());
    client.send("POST /left HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\n123");

    client.leave();

    let line = gateway.log_line_where(|line| line["path"] == "/left");
    assert_eq!((&line["cause"], &line["bytes_in"]), (&"client_left".into(), &3.into()), "{line}");
    assert!(!origin.requests().iter().any(|seen| seen.head.line.contains("/left")));
}

#[test]
fn a_call_that_was_held_keeps_its_own_bound_and_its_trailers() {
    let (origin, service) = (origin(), Steps::start());
    let gateway = before(&service)
        .server("limits = { body = \"1KiB\" }")
        .with(&format!("[upstream.slow]\nendpoints = [\"{}\"]\n", origin.url()))
        .route_first("name = \"slow\"\nmatch = \"/slow\"\nupstream = \"slow\"")
        .start();
    let _crowd = crowd(&gateway, &origin);
    // The whole is longer than a body may be, but no body of a call is bounded by that.
    let sent = [&b"\0\0\0\x08\0"[..], &[b'x'; 2048]].concat();
    let asked = call("Raw").header("content-length", sent.len());
    let body = Frames::data(sent.clone()).trailers(&[("x-checksum", "abc")]);

    let reply = H2Client::plain(gateway.plain()).ask(asked, body);

    assert_eq!(reply.body, sent, "{reply:?}");
    assert_eq!(trailer(&reply, "x-checksum"), Some("abc"));
}

fn origin() -> Origin {
    Origin::by_path([
        ("/slow", vec![Step::ReadBody, ok("ok")]),
        ("/", vec![Step::ReadBody, Step::EchoBody]),
    ])
}

fn gateway(origin: &Origin) -> Gateway {
    Setup::before(&origin.url())
        .with(&format!("[upstream.dead]\nendpoints = [\"{}\"]\n", nobody()))
        .route_first("name = \"dead\"\nmatch = \"/dead\"\nupstream = \"dead\"\ntimeout = \"1s\"")
        .start()
}

/// As many bodies under way as may be.
fn crowd(gateway: &Gateway, origin: &Origin) -> Vec<Client> {
    let before = origin.requests().len();
    let crowd = (0..MANY).map(|_| {
        let mut client = Client::plain(gateway.plain());
        client.send("POST /slow HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nx");
        client
    });
    let crowd = crowd.collect();
    origin.wait_for_requests(before + MANY);
    crowd
}

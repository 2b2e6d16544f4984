//! HTTP/2 upstreams that change their mind: nothing is lost that could be kept, nothing waits for
//! ever, and a cut is seen.

use std::time::{Duration, Instant};

use crate::rig::client::{Client, Ending, Expects, Reply};
use crate::rig::frame_origin::{FrameOrigin, Play};
use crate::rig::frames::{
    DATA, END_HEADERS, GOAWAY, HEADERS, RST_STREAM, SETTINGS, field, frame, initial_window,
};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, request};

const INTERNAL_ERROR: u32 = 2;

#[test]
fn a_goaway_with_ten_streams_costs_nobody_an_answer() {
    let last = [1u32.to_be_bytes(), 0u32.to_be_bytes()].concat();
    let origin = FrameOrigin::new(
        &[],
        &[
            &[
                Play::Heads(10),
                Play::Send(frame(GOAWAY, 0, 0, &last)),
                Play::Answer(0),
                Play::Drain,
            ],
            &[Play::AnswerFrom(0)],
        ],
    );
    let gateway = before(&origin, "");
    let client = H2Client::plain(gateway.plain());

    // Methods that must not be sent twice are sent again as well: these were not looked at.
    let asked = (0..10).map(|number| {
        let method = if number % 2 == 0 { "POST" } else { "GET" };
        (request(method, "/a"), Frames::default())
    });
    let replies = client.ask_all(asked.collect());

    for reply in &replies {
        is_hello(reply.as_ref().expect("an answer"));
    }
    assert_eq!(origin.requests(), [10, 9]);
}

#[test]
fn fewer_streams_than_before_lose_nothing() {
    let one = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
    let shrinking =
        [Play::Heads(1), Play::Send(one), Play::Answer(0), Play::Heads(2), Play::AnswerFrom(1)];
    let origin = FrameOrigin::new(&[], &[&shrinking]);
    let gateway = before(&origin, "");
    let client = H2Client::plain(gateway.plain());

    is_hello(&client.get("/a"));
    let asked = (0..20).map(|_| (request("POST", "/a"), Frames::default()));
    let replies = client.ask_all(asked.collect());

    assert_eq!(replies.len(), 20);
    for reply in &replies {
        is_hello(reply.as_ref().expect("an answer"));
    }
}

#[test]
fn fewer_streams_than_are_under_way_lose_nothing() {
    let one = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
    let shrinking = [Play::Heads(5), Play::Send(one), Play::AnswerFrom(0)];
    let origin = FrameOrigin::new(&[], &[&shrinking, &[Play::AnswerFrom(0)]]);
    let gateway = before(&origin, "");
    let client = H2Client::plain(gateway.plain());

    for count in [5, 10] {
        let asked = (0..count).map(|_| (request("GET", "/a"), Frames::default()));
        for reply in client.ask_all(asked.collect()) {
            is_hello(&reply.expect("an answer"));
        }
    }
}

#[test]
fn a_window_that_stays_shut_is_given_up() {
    let origin = FrameOrigin::new(&initial_window(0), &[&[Play::Drain]]);
    let gateway = before(&origin, "timeout = { first_byte = \"10s\", idle = \"400ms\" }");
    let mut client = Client::plain(gateway.plain());
    let start = Instant::now();

    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 33554432\r\n\r\n");
    let taken = client.send_until_stuck(Duration::from_millis(200));
    let reply = client.try_reply(Expects::Body).expect("an answer");

    reply.is_problem(504, "GatewayTimeout");
    assert!(taken < 16 << 20 || start.elapsed() > Duration::from_millis(400), "{taken} bytes");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    client.is_closed();
}

#[test]
fn a_grpc_stream_that_is_reset_keeps_its_messages_and_ends_with_a_status() {
    let message = |text: u8| [0, 0, 0, 0, 1, text];
    let head = [&[0x88][..], &field("content-type", "application/grpc")].concat();
    let origin = FrameOrigin::new(
        &[],
        &[&[
            Play::Heads(1),
            Play::Send(frame(HEADERS, END_HEADERS, 1, &head)),
            Play::Send(frame(DATA, 0, 1, &message(b'a'))),
            Play::Send(frame(DATA, 0, 1, &message(b'b'))),
            Play::Send(frame(RST_STREAM, 0, 1, &INTERNAL_ERROR.to_be_bytes())),
            Play::Drain,
        ]],
    );
    let gateway = before(&origin, "");
    let client = H2Client::tls(gateway.tls());

    let asked = request("POST", "/a.B/C")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let reply = client.ask(asked, Frames::data(&b"\0\0\0\0\0"[..]));

    let whole = [message(b'a'), message(b'b')].concat();
    assert!(whole.starts_with(&reply.body), "messages in their order: {:?}", reply.body);
    let said = reply.trailers.iter().find(|(name, _)| name == "grpc-status");
    let said = said.map(|(_, value)| value.as_str()).or_else(|| reply.header("grpc-status"));
    assert_eq!(said, Some("13"), "{reply:?}");
}

fn before(origin: &FrameOrigin, lines: &str) -> Gateway {
    Setup::before(&origin.url())
        .server("limits = { body = \"1GiB\" }")
        .upstream(&format!("protocol = \"h2c\"\n{lines}"))
        .start()
}

#[track_caller]
fn is_hello(reply: &Reply) {
    let (status, ending) = (reply.status(), reply.ending);
    assert_eq!((status, ending, &*reply.text()), (200, Ending::Complete, "hello"));
}

//! Frames without end that ask for work and bring none.

use crate::honest::Beside;
use crate::rig::frames::{
    DATA, END_HEADERS, ENHANCE_YOUR_CALM, FrameClient, GOAWAY, HEADERS, PING, PRIORITY,
    PROTOCOL_ERROR, PUSH_PROMISE, SETTINGS, WINDOW_UPDATE, frame, initial_window, request,
};
use crate::rig::gateway::Gateway;
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, ok};

/// Floods until the connection ends, which must come within `most` frames.
#[track_caller]
fn ends(most: u32, attack: impl FnMut(u32) -> Vec<u8>) {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::open(gateway.plain());

    let frames = client.flood(most, attack);

    println!("ended within {frames} frames");
    assert_eq!(client.ended(), Some(ENHANCE_YOUR_CALM));
    beside.is_well(&gateway);
    assert!(gateway_counts(&gateway) > 0.0, "the metrics tell of it");
}

fn gateway_counts(gateway: &Gateway) -> f64 {
    let reply = crate::rig::client::ask(
        gateway.admin(),
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    let page = reply.text();
    let line = page.lines().find(|line| line.contains("reason=\"http2_abuse\""));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

#[test]
fn pings() {
    ends(2000, |number| frame(PING, 0, 0, &u64::from(number).to_be_bytes()));
}

#[test]
fn settings() {
    ends(200, |number| frame(SETTINGS, 0, 0, &initial_window(number + 1)));
}

#[test]
fn priorities() {
    ends(2000, |_| frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1]));
}

#[test]
fn frames_of_unknown_kinds() {
    ends(2000, |_| frame(0xfa, 0, 0, b"grease"));
}

#[test]
fn window_updates() {
    ends(2000, |_| frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes()));
}

#[test]
fn data_without_data() {
    let mut begun = false;
    ends(200, move |_| {
        let head = frame(HEADERS, END_HEADERS, 1, &request("POST", "/honest"));
        let empty = frame(DATA, 0, 1, &[]);
        if std::mem::replace(&mut begun, true) { empty } else { [head, empty].concat() }
    });
}

#[test]
fn padding_without_data() {
    let mut begun = false;
    ends(200, move |_| {
        let head = frame(HEADERS, END_HEADERS, 1, &request("POST", "/honest"));
        let padded = frame(DATA, 0x8, 1, &[3, 0, 0, 0]);
        if std::mem::replace(&mut begun, true) { padded } else { [head, padded].concat() }
    });
}

#[test]
fn acknowledgements_that_nobody_reads_are_not_hoarded() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::open(gateway.plain());

    let batch = frame(PING, 0, 0, b"unread!!").repeat(500);
    for _ in 0..100 {
        client.send(&batch);
    }

    assert_eq!(client.ended(), Some(ENHANCE_YOUR_CALM));
    beside.is_well(&gateway);
}

#[test]
fn a_promise_of_a_client_ends_the_connection() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let mut client = FrameClient::open(gateway.plain());

    client.ask(1, &request("GET", "/a"));
    let promise = [&2u32.to_be_bytes()[..], &request("GET", "/b")].concat();
    client.send(frame(PUSH_PROMISE, END_HEADERS, 1, &promise));

    assert_eq!(client.ended(), Some(PROTOCOL_ERROR));
}

#[test]
fn an_honest_client_may_ping_update_and_prioritise() {
    let body = "x".repeat(256 * 1024);
    let steps = [Step::Read, ok(&body), Step::Again];
    let origin = Origin::scripted(steps);
    let gateway = Gateway::before(&origin.url());
    let mut client = FrameClient::open(gateway.plain());

    // Each reply of 256 KiB is about 16 frames; a client may answer each with two updates.
    client.send(frame(WINDOW_UPDATE, 0, 0, &0x3fff_ffffu32.to_be_bytes()));
    for turn in 0..60u32 {
        let stream = turn * 2 + 1;
        let ahead = frame(WINDOW_UPDATE, 0, stream, &0x3fff_ffffu32.to_be_bytes());
        client.ask(stream, &request("GET", "/a"));
        client.send(ahead);
        client.wait_for("the end", |frame| {
            frame.stream == stream && frame.kind == DATA && frame.flags & 1 == 1
        });
        let update = frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes());
        client.send(update.repeat(32));
        assert!(client.settle(turn.into()));
        client.seen.clear();
    }

    assert_eq!(client.count(GOAWAY), 0);
    assert_eq!(H2Client::plain(gateway.plain()).get("/a").status(), 200);
}

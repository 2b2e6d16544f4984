//! Streams that are opened to be reset: by the client (CVE-2023-44487), or by a fault of the
//! client's that makes the gateway reset them (CVE-2025-8671).

use crate::honest::Beside;
use crate::rig::eventually;
use crate::rig::frames::{
    CANCEL, DATA, END_HEADERS, ENHANCE_YOUR_CALM, FrameClient, HEADERS, PRIORITY, PROTOCOL_ERROR,
    REFUSED_STREAM, RST_STREAM, STREAM_CLOSED, WHOLE, WINDOW_UPDATE, frame, request,
};
use crate::rig::gateway::Gateway;
use crate::rig::origin::{Origin, Step, ok};

/// `/honest` is answered; everything else waits until the other side leaves.
fn origin() -> Origin {
    Origin::by_path([
        ("/honest", vec![Step::ReadBody, ok("ok"), Step::Again]),
        ("/slow", vec![Step::Drain]),
    ])
}

fn stream(number: u32) -> u32 {
    number * 2 + 1
}

/// Floods, and asserts that the upstream is rid of every request that reached it.
#[track_caller]
fn ends(most: u32, attack: impl FnMut(u32) -> Vec<u8>) {
    let origin = origin();
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::open(gateway.plain());

    let streams = client.flood(most, attack);

    println!("ended within {streams} streams, {} upstream", origin.connections());
    assert_eq!(client.ended(), Some(ENHANCE_YOUR_CALM));
    beside.is_well(&gateway);
    // One is left: the honest client's.
    eventually("the upstream requests to be given up", || (origin.open() <= 2).then_some(()));
}

#[test]
fn by_the_client_at_once() {
    ends(300, |number| {
        let head = frame(HEADERS, WHOLE, stream(number), &request("GET", "/slow"));
        [head, frame(RST_STREAM, 0, stream(number), &CANCEL.to_be_bytes())].concat()
    });
}

#[test]
fn by_the_client_after_the_request_has_gone_upstream() {
    let origin = origin();
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::open(gateway.plain());

    let ended = (0..60u32).find(|turn| {
        let streams = turn * 5..turn * 5 + 5;
        let heads = streams
            .clone()
            .flat_map(|number| frame(HEADERS, WHOLE, stream(number), &request("GET", "/slow")));
        let heads: Vec<u8> = heads.collect();
        let alive = client.send(heads) && client.settle(u64::from(*turn) * 2);
        let resets =
            streams.flat_map(|number| frame(RST_STREAM, 0, stream(number), &CANCEL.to_be_bytes()));
        let resets: Vec<u8> = resets.collect();
        !(alive && client.send(resets) && client.settle(u64::from(*turn) * 2 + 1))
    });

    let streams = (ended.expect("the connection ends") + 1) * 5;
    println!("ended within {streams} streams");
    assert!((200..300).contains(&streams));
    assert_eq!(client.ended(), Some(ENHANCE_YOUR_CALM));
    beside.is_well(&gateway);
    eventually("the upstream requests to be given up", || (origin.open() <= 2).then_some(()));
}

#[test]
fn by_a_stream_that_depends_on_itself() {
    ends(400, |number| {
        let head = frame(HEADERS, WHOLE, stream(number), &request("GET", "/slow"));
        let itself = [&stream(number).to_be_bytes()[..], &[0]].concat();
        [head, frame(PRIORITY, 0, stream(number), &itself)].concat()
    });
}

#[test]
fn by_a_window_that_overflows() {
    ends(400, |number| {
        let head = frame(HEADERS, WHOLE, stream(number), &request("GET", "/slow"));
        let most = 0x7fff_ffffu32.to_be_bytes();
        [head, frame(WINDOW_UPDATE, 0, stream(number), &most)].concat()
    });
}

#[test]
fn by_a_length_that_lies() {
    ends(400, |number| {
        let block = [request("POST", "/slow"), crate::rig::frames::field("content-length", "9")];
        frame(HEADERS, WHOLE, stream(number), &block.concat())
    });
}

/// h2 takes these for faults of the whole connection.
#[test]
fn by_data_after_the_end_or_an_update_of_nothing() {
    let after = (frame(DATA, 0, 1, b"more"), STREAM_CLOSED);
    let nothing = (frame(WINDOW_UPDATE, 0, 1, &[0; 4]), PROTOCOL_ERROR);
    for (fault, code) in [after, nothing] {
        let origin = origin();
        let gateway = Gateway::before(&origin.url());
        let beside = Beside::of(&gateway);
        let mut client = FrameClient::open(gateway.plain());

        client.ask(1, &request("GET", "/slow"));
        client.send(fault);

        assert_eq!(client.ended(), Some(code));
        beside.is_well(&gateway);
        eventually("the request to be given up", || (origin.open() <= 2).then_some(()));
    }
}

#[test]
fn a_thousand_streams_at_once_are_a_hundred() {
    let origin = origin();
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::open(gateway.plain());

    let heads = (0..1000)
        .flat_map(|number| frame(HEADERS, WHOLE, stream(number), &request("GET", "/slow")));
    client.send(heads.collect::<Vec<u8>>());
    assert!(client.settle(1));

    let refused = (0..1000).filter(|number| client.reset(stream(*number)) == Some(REFUSED_STREAM));
    assert_eq!(refused.count(), 900);
    assert_eq!(client.goaway(), None);
    eventually("a hundred upstream", || (origin.connections() >= 100).then_some(()));
    beside.is_well(&gateway);
    drop(client);
    eventually("the upstream requests to be given up", || (origin.open() <= 2).then_some(()));
}

#[test]
fn whoever_is_served_may_also_leave() {
    let origin = origin();
    let gateway = Gateway::before(&origin.url());
    let mut client = FrameClient::open(gateway.plain());

    for turn in 0..300u32 {
        let (kept, left) = (stream(turn * 2), stream(turn * 2 + 1));
        client.ask(kept, &request("GET", "/honest"));
        client.send(frame(HEADERS, END_HEADERS, left, &request("POST", "/slow")));
        client.send(frame(RST_STREAM, 0, left, &CANCEL.to_be_bytes()));
        client.wait_for("an answer", |frame| frame.stream == kept && frame.flags & 1 == 1);
        client.seen.clear();
    }

    assert_eq!(client.goaway(), None);
    assert!(client.settle(1));
}

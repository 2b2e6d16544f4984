//! Header blocks that are small on the wire and large in memory, or that never end.

use crate::honest::Beside;
use crate::rig::frames::{
    CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FrameClient, HEADERS, PROTOCOL_ERROR,
    WHOLE, field, frame, indexed, initial_window, request,
};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// What the attack is met with.
#[derive(Clone, Copy)]
enum Met {
    Calm,
    Malformed,
}

/// Sends the frames; the connection ends, and none of it goes upstream.
#[track_caller]
fn ends(met: Met, settings: &[u8], frames: impl Fn(&mut FrameClient)) {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let before = origin.requests().len();
    let mut client = FrameClient::with_settings(gateway.plain(), settings);

    frames(&mut client);

    let code = match met {
        Met::Calm => ENHANCE_YOUR_CALM,
        Met::Malformed => PROTOCOL_ERROR,
    };
    assert_eq!(client.ended(), Some(code));
    assert_eq!(origin.requests().len(), before, "nothing went upstream");
    beside.is_well(&gateway);
}

#[test]
fn a_block_that_goes_on_and_on() {
    ends(Met::Calm, &[], |client| {
        client.send(frame(HEADERS, END_STREAM, 1, &request("GET", "/a")));
        for number in 0..50 {
            let more = field(format!("x-{number}"), "a".repeat(1000));
            if !client.send(frame(CONTINUATION, 0, 1, &more)) {
                return;
            }
        }
    });
}

#[test]
fn a_block_that_goes_on_with_nothing() {
    ends(Met::Calm, &[], |client| {
        client.send(frame(HEADERS, END_STREAM, 1, &request("GET", "/a")));
        client.send(frame(CONTINUATION, 0, 1, &[]).repeat(1700));
    });
}

#[test]
fn a_large_value_again_and_again() {
    ends(Met::Calm, &[], |client| {
        let value = indexed("x-large", &"a".repeat(3900));
        let mut block = [request("GET", "/a"), value].concat();
        block.extend([0x80 | 62; 150]);
        client.ask(1, &block);
    });
}

#[test]
fn a_tiny_field_again_and_again() {
    ends(Met::Calm, &[], |client| {
        let mut block = [request("GET", "/a"), indexed("a", "")].concat();
        block.extend([0x80 | 62; 4000]);
        client.ask(1, &block);
    });
}

#[test]
fn cookie_crumbs_held_by_a_shut_window() {
    ends(Met::Calm, &initial_window(0), |client| {
        let mut block = [request("GET", "/a"), indexed("cookie", "")].concat();
        block.extend([0x80 | 62; 1900]);
        for number in 0..90 {
            if !client.send(frame(HEADERS, WHOLE, number * 2 + 1, &block)) {
                return;
            }
        }
    });
}

#[test]
fn a_bomb_within_the_bounds_of_lists_is_refused_stream_by_stream() {
    let origin = Origin::answering(OK);
    let gateway = Gateway::before(&origin.url());
    let beside = Beside::of(&gateway);
    let before = origin.requests().len();
    let mut client = FrameClient::with_settings(gateway.plain(), &initial_window(1 << 20));

    let mut block = [request("GET", "/a"), indexed("cookie", "")].concat();
    block.extend([0x80 | 62; 190]);
    for number in 0..90 {
        assert!(client.send(frame(HEADERS, WHOLE, number * 2 + 1, &block)));
    }

    for number in 0..90 {
        let stream = number * 2 + 1;
        let over = client.wait_for("an answer", |frame| frame.stream == stream && frame.flags == 1);
        assert_eq!(over.kind, 0, "a body is carried: {over:?}");
        let body: serde_json::Value = serde_json::from_slice(&client.body(stream)).unwrap();
        assert_eq!(body["code"], "fr.ammyHeadersTooLarge");
    }
    assert_eq!(origin.requests().len(), before);
    beside.is_well(&gateway);
}

#[test]
fn every_crumb_counts_as_a_field() {
    let origin = Origin::answering(OK);
    let gateway = Setup::before(&origin.url()).server("limits = { headers = 20 }").start();
    let mut client = FrameClient::open(gateway.plain());

    let crumbs = |count: usize| field("cookie", "a=1").repeat(count);
    client.ask(1, &[request("GET", "/a"), crumbs(21)].concat());
    client.wait_for("the answer", |frame| frame.stream == 1 && frame.flags & 1 == 1);
    let body: serde_json::Value = serde_json::from_slice(&client.body(1)).unwrap();
    assert_eq!(body["code"], "fr.ammyHeadersTooLarge");
    assert!(origin.saw_nothing());

    client.ask(3, &[request("GET", "/a"), crumbs(20)].concat());
    client.wait_for("the answer", |frame| frame.stream == 3 && frame.flags & 1 == 1);
    assert_eq!(client.body(3), b"ok");
}

#[test]
fn trailers_with_a_pseudo_header() {
    for trailers in [
        // By index, by the index of a name, spelled out, and from the dynamic table.
        vec![0x84],
        [&[0x04, 2][..], b"/x"].concat(),
        field(":path", "/x"),
        vec![0x80 | 62],
    ] {
        ends(Met::Malformed, &[], |client| {
            let head = [request("POST", "/a"), indexed(":authority", "localhost")].concat();
            // Twice the same pseudo-header is refused as well, so the table is filled by one.
            let head = if trailers == [0x80 | 62] {
                [
                    field(":method", "POST"),
                    field(":scheme", "http"),
                    field(":path", "/a"),
                    indexed(":authority", "localhost"),
                ]
                .concat()
            } else {
                head[..request("POST", "/a").len()].to_vec()
            };
            // In one write: a head that arrives alone is a good one, and goes upstream.
            let head = frame(HEADERS, END_HEADERS, 1, &head);
            client.send([head, frame(HEADERS, WHOLE, 1, &trailers)].concat());
        });
    }
}

#[test]
fn trailers_from_the_dynamic_table_pass() {
    let origin = Origin::echoing();
    let gateway = Gateway::before(&origin.url());
    let mut client = FrameClient::open(gateway.plain());

    for stream in [1, 3] {
        let head = [request("POST", "/a"), field("trailer", "x-checksum")].concat();
        client.send(frame(HEADERS, END_HEADERS, stream, &head));
        client.send(frame(0, 0, stream, b"body"));
        let trailers = if stream == 1 { indexed("x-checksum", "abc") } else { vec![0x80 | 62] };
        client.send(frame(HEADERS, WHOLE, stream, &trailers));
        client.wait_for("the answer", |frame| frame.stream == stream && frame.flags & 1 == 1);
    }

    for seen in origin.requests() {
        assert_eq!(seen.trailers, [("x-checksum".to_owned(), "abc".to_owned())]);
    }
}

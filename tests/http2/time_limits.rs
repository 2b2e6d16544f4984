//! Connections that begin and do not go on.

use std::time::{Duration, Instant};

use crate::honest::Beside;
use crate::rig::frames::{
    DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, FrameClient, HEADERS, PING, PREFACE,
    PROTOCOL_ERROR, SETTINGS, frame, request,
};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;

fn gateway(origin: &Origin) -> Gateway {
    let limits = "limits = { header_time = \"500ms\", body_idle = \"700ms\", idle = \"900ms\" }";
    Setup::before(&origin.url()).server(limits).start()
}

/// The connection ends after at least `least`, and soon after it.
#[track_caller]
fn ends_after(least: u64, client: &mut FrameClient, started: Instant) -> Option<u32> {
    let goaway = client.ended();
    let took = started.elapsed();
    println!("ended after {took:?}, GOAWAY {goaway:?}");
    assert!(took >= Duration::from_millis(least), "ended after {took:?}");
    assert!(took < Duration::from_millis(least + 3000), "ended after {took:?}");
    goaway
}

#[test]
fn what_is_begun_has_to_be_ended() {
    let origin = Origin::echoing();
    let limits = "limits = { header_time = \"500ms\", body_idle = \"700ms\" }";
    let gateway = Setup::before(&origin.url()).server(limits).start();
    let beside = Beside::of(&gateway);
    let post = frame(HEADERS, END_HEADERS, 1, &request("POST", "/a"));
    let settings = frame(SETTINGS, 0, 0, &[]);
    let ask = frame(HEADERS, END_STREAM, 1, &request("GET", "/a"));
    let half_data = [post, frame(DATA, 0, 1, &[0; 100])[..50].to_vec()].concat();
    for (name, bytes, least, code) in [
        ("no SETTINGS", PREFACE.to_vec(), 500, ENHANCE_YOUR_CALM),
        ("half a head", [PREFACE, &settings, &ask[..5]].concat(), 500, ENHANCE_YOUR_CALM),
        ("half a block", [PREFACE, &settings, &ask[..20]].concat(), 500, ENHANCE_YOUR_CALM),
        ("no CONTINUATION", [PREFACE, &settings, &ask].concat(), 500, ENHANCE_YOUR_CALM),
        ("half of the data", [PREFACE, &settings, &half_data].concat(), 700, ENHANCE_YOUR_CALM),
    ] {
        println!("case: {name}");
        let mut client = FrameClient::silent(gateway.plain());
        client.send(&bytes);
        assert_eq!(ends_after(least, &mut client, Instant::now()), Some(code), "{name}");
    }
    beside.is_well(&gateway);
}

#[test]
fn half_a_preface_is_told_in_http1() {
    let origin = Origin::echoing();
    let gateway = gateway(&origin);
    let mut client = crate::rig::client::Client::plain(gateway.plain());

    client.send(&PREFACE[..10]);

    client.reply().is_problem(408, "RequestTimeout");
}

#[test]
fn half_a_handshake_is_cut() {
    let origin = Origin::echoing();
    let gateway = gateway(&origin);
    let mut client = FrameClient::silent(gateway.tls());
    let started = Instant::now();

    client.send(b"\x16\x03\x01\x02\x00\x01\x00");

    assert_eq!(ends_after(500, &mut client, started), None);
}

#[test]
fn another_frame_than_settings_is_no_beginning() {
    let origin = Origin::echoing();
    let gateway = gateway(&origin);
    let mut client = FrameClient::silent(gateway.plain());

    client.send([PREFACE, &frame(PING, 0, 0, &[0; 8])].concat());

    assert_eq!(client.ended(), Some(PROTOCOL_ERROR));
}

#[test]
fn an_idle_connection_is_told_and_then_cut() {
    let origin = Origin::echoing();
    let gateway = gateway(&origin);
    let mut client = FrameClient::open(gateway.plain());
    let started = Instant::now();

    // PINGs are no activity.
    while client.goaway().is_none() {
        assert!(started.elapsed() < Duration::from_secs(5));
        client.settle(u64::from(started.elapsed().subsec_nanos()));
        client.read(Duration::from_millis(50));
    }

    assert_eq!(ends_after(900, &mut client, started), Some(0));
}

#[test]
fn quick_requests_keep_a_connection() {
    let origin = Origin::echoing();
    let gateway = Setup::before(&origin.url())
        .server("limits = { idle = \"900ms\" }")
        .route_first("name = \"fixed\"\nmatch = \"/fixed\"\nrespond = { status = 200 }")
        .start();
    let mut client = FrameClient::open(gateway.plain());

    let started = Instant::now();
    for stream in (1..).step_by(2).take_while(|_| started.elapsed() < Duration::from_secs(3)) {
        client.ask(stream, &request("GET", "/fixed"));
        client.wait_for("the answer", |frame| frame.stream == stream && frame.flags & 1 == 1);
        client.read(Duration::from_millis(100));
        client.seen.retain(|frame| frame.kind == 7);
    }

    assert_eq!(client.goaway(), None);
}

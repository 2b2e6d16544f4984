//! What aborted streams must not leave behind: flow-control credit, and upstream requests.

use crate::honest::Beside;
use crate::rig::eventually;
use crate::rig::frames::{
    CANCEL, DATA, END_HEADERS, FrameClient, HEADERS, RST_STREAM, WINDOW_UPDATE, frame, request,
};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, ok};

const LARGE: usize = 10 << 20;

/// Each aborted stream has sent 1,000 bytes and is reset; between them requests are served, as the
/// bound on resets asks for. Were any of the bytes lost to the window, 5,000 of them would shut it.
#[test]
fn after_five_thousand_aborted_streams_ten_mebibytes_flow() {
    let origin = Origin::by_path([
        ("/slow", vec![Step::Drain]),
        ("/large", vec![Step::ReadBody, ok("taken"), Step::Again]),
    ]);
    let gateway = Setup::before(&origin.url())
        .server("limits = { body = \"20MiB\" }")
        .route_first("name = \"honest\"\nmatch = \"/honest\"\nrespond = { status = 200 }")
        .start();
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::open(gateway.plain());

    let mut stream = 1;
    for turn in 0..500u64 {
        let mut bytes = Vec::new();
        for _ in 0..10 {
            let padded = [&[9][..], &[b'x'; 991], &[0; 9]].concat();
            bytes.extend(frame(HEADERS, END_HEADERS, stream, &request("POST", "/slow")));
            bytes.extend(frame(DATA, 8, stream, &padded));
            bytes.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
            stream += 2;
            bytes.extend(frame(HEADERS, END_HEADERS | 1, stream, &request("GET", "/honest")));
            stream += 2;
        }
        assert!(client.send(bytes) && client.settle(turn), "{turn}: {:?}", client.goaway());
        client.seen.retain(|frame| frame.kind == WINDOW_UPDATE);
    }
    println!("{} connections upstream", origin.connections());
    eventually("the aborted requests to be given up", || (origin.open() <= 1).then_some(()));

    upload(&mut client, stream);
    beside.is_served(&gateway);
    // The origin remembers five thousand requests, and had as many threads: 10 to 17 MiB in all.
    beside.memory_grew_less_than(40 << 20);
}

/// Sends 10 MiB as the windows allow.
fn upload(client: &mut FrameClient, stream: u32) {
    // What the connection window is by now: 65,535, and every update so far, less all data so far.
    let granted = |client: &FrameClient, stream: u32| -> i64 {
        let mine = client.seen.iter().filter(|f| f.kind == WINDOW_UPDATE && f.stream == stream);
        mine.map(|f| i64::from(u32::from_be_bytes(f.payload[..4].try_into().unwrap()))).sum()
    };
    let aborted = 5000 * 1001;
    let (mut sent, mut left) = (0i64, LARGE);
    client.send(frame(HEADERS, END_HEADERS, stream, &request("POST", "/large")));
    while left > 0 {
        let connection = 65_535 + granted(client, 0) - aborted - sent;
        let own = 256 * 1024 + granted(client, stream) - sent;
        let room = usize::try_from(connection.min(own).clamp(0, 16 * 1024)).unwrap();
        let count = room.min(left);
        if count == 0 {
            let before = client.seen.len();
            client.read(std::time::Duration::from_secs(5));
            assert!(client.seen.len() > before, "stuck with {left} bytes left");
            continue;
        }
        left -= count;
        sent += i64::try_from(count).unwrap();
        client.send(frame(DATA, u8::from(left == 0), stream, &vec![b'y'; count]));
    }
    client.wait_for("the answer", |frame| frame.stream == stream && frame.flags & 1 == 1);
    assert_eq!(client.body(stream), b"taken");
}

#[test]
fn a_reset_stream_cancels_its_upstream_request() {
    let origin = Origin::by_path([("/slow", vec![Step::Drain])]);
    let gateway = Gateway::before(&origin.url());
    let mut client = FrameClient::open(gateway.plain());

    for number in 0..20 {
        client.ask(number * 2 + 1, &request("GET", "/slow"));
    }
    origin.wait_for_requests(20);
    assert_eq!(origin.open(), 20);
    for number in 0..20 {
        client.send(frame(RST_STREAM, 0, number * 2 + 1, &CANCEL.to_be_bytes()));
    }

    origin.wait_for_closed(20);
}

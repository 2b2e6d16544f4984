use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::frame::{Frame, code, flag, kind};
use super::*;
use crate::base::clock;

const LIMITS: Limits = Limits {
    header: 16 * 1024,
    headers: 100,
    uri: 8192,
    body: 1 << 20,
    header_time: Duration::from_secs(10),
    body_idle: Duration::from_secs(30),
    idle: Duration::from_secs(60),
    connections: 10,
};

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&Frame { length, kind, flags, stream }.bytes()[..], payload].concat()
}

/// The preface and the client's SETTINGS.
fn opening() -> Vec<u8> {
    [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(kind::SETTINGS, 0, 0, &[])].concat()
}

fn guarded() -> (DuplexStream, FrameGuard<DuplexStream>) {
    let (client, socket) = tokio::io::duplex(1 << 20);
    (client, FrameGuard::new(socket, &LIMITS))
}

fn judged(frames: &[u8]) -> Result<(), Ending> {
    let mut watch = Watch::new(&LIMITS);
    watch.incoming(&opening())?;
    watch.incoming(frames)
}

#[tokio::test]
async fn healthy_bytes_pass_as_they_are() {
    let (mut client, mut guard) = guarded();
    let block = b"\x82\x86\x84\x41\x07gw.test";
    let bytes = [
        opening(),
        frame(kind::HEADERS, flag::END_HEADERS, 1, block),
        frame(kind::DATA, flag::END_STREAM, 1, &[b'x'; 5000]),
    ]
    .concat();
    client.write_all(&bytes).await.unwrap();
    client.shutdown().await.unwrap();
    let mut seen = Vec::new();
    guard.read_to_end(&mut seen).await.unwrap();
    assert_eq!(seen, bytes);
    assert_eq!(guard.ending().get(), None);
}

#[tokio::test]
async fn what_goes_over_is_not_passed_on_and_told() {
    let (mut client, mut guard) = guarded();
    client.write_all(&opening()).await.unwrap();
    let mut seen = vec![0; 1024];
    assert_eq!(guard.read(&mut seen).await.unwrap(), opening().len());
    client.write_all(&frame(kind::PUSH_PROMISE, 0, 1, &[0; 4])).await.unwrap();
    assert!(guard.read(&mut seen).await.is_err());
    assert_eq!(guard.ending().get(), Some(Ending::Malformed(code::PROTOCOL_ERROR)));
    assert!(guard.write(b"more").await.is_err(), "nothing follows a GOAWAY");
    let mut told = Vec::new();
    drop(guard);
    client.read_to_end(&mut told).await.unwrap();
    let last = [0u32.to_be_bytes(), code::PROTOCOL_ERROR.to_be_bytes()].concat();
    assert_eq!(told, frame(kind::GOAWAY, 0, 0, &last));
}

#[tokio::test]
async fn a_goaway_is_never_written_into_a_frame() {
    let (mut client, mut guard) = guarded();
    guard.write_all(&frame(kind::DATA, 0, 1, &[7; 100])[..50]).await.unwrap();
    client.write_all(&[0; 24]).await.unwrap();
    client.write_all(&frame(kind::DATA, 0, 1, &[])).await.unwrap();
    assert!(guard.read(&mut [0; 100]).await.is_err(), "DATA before SETTINGS");
    drop(guard);
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    assert_eq!(told.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_reply_is_reset_between_frames() {
    let (mut client, mut guard) = guarded();
    client.write_all(&opening()).await.unwrap();
    client.write_all(&frame(kind::HEADERS, 5, 1, b"\x82\x86\x84")).await.unwrap();
    let mut seen = vec![0; 1024];
    let _ = guard.read(&mut seen).await.unwrap();
    guard.write_all(&frame(kind::HEADERS, flag::END_HEADERS, 1, b"\x88")).await.unwrap();
    for _ in 0..4 {
        guard.write_all(&frame(kind::DATA, 0, 1, &vec![0; 16_383])).await.unwrap();
    }
    guard.write_all(&frame(kind::DATA, 0, 1, &[0; 3])).await.unwrap();
    let before = clock::now();
    let count = guard.read(&mut seen).await.unwrap();
    assert!(before.elapsed() >= LIMITS.body_idle);
    assert_eq!(seen[..count], frame(kind::PRIORITY, 0, 1, &[0, 0, 0, 1, 0]));
}

#[test]
fn padding_and_priority_are_no_fields() {
    let block = [&[0x82, 0x86, 0x84][..], &[0xbe; 3]].concat();
    let padded = [&[200, 0, 0, 0, 3, 9][..], &block, &[0xbe; 200]].concat();
    let flags = flag::PADDED | flag::PRIORITY | flag::END_HEADERS;
    let mut watch = Watch::new(&Limits { headers: 0, ..LIMITS });
    watch.incoming(&opening()).unwrap();
    assert_eq!(watch.incoming(&frame(kind::HEADERS, flags, 1, &padded)), Ok(()));
    let seven = frame(kind::HEADERS, flag::END_HEADERS, 3, &[0x82; 7]);
    assert_eq!(watch.incoming(&seven), Err(Ending::Flood));
}

#[test]
fn a_block_is_bounded_over_all_its_frames() {
    let mut bytes = frame(kind::HEADERS, 0, 1, b"\x82\x86\x84");
    for _ in 0..5 {
        bytes.extend(frame(kind::CONTINUATION, 0, 1, &[0xbe; 41]));
    }
    assert_eq!(judged(&bytes), Err(Ending::Flood), "3 + 205 fields are more than 206");
    bytes.truncate(bytes.len() - 50);
    assert_eq!(judged(&bytes), Ok(()));
}

#[test]
fn resets_of_the_upstreams_making_are_not_the_clients() {
    let mut watch = Watch::new(&LIMITS);
    let reset = |code: u32| frame(kind::RST_STREAM, 0, 1, &code.to_be_bytes());
    (0..1000).for_each(|_| watch.outgoing(&reset(2)));
    assert_eq!(watch.verdict, None);
    (0..201).for_each(|_| watch.outgoing(&reset(code::PROTOCOL_ERROR)));
    assert_eq!(watch.verdict, Some(Ending::Flood));
}

#[test]
fn a_frame_of_the_wrong_length_is_called_so() {
    let wrong: [(u8, u8, u32, usize); 7] = [
        (kind::PING, 0, 0, 6),
        (kind::WINDOW_UPDATE, 0, 0, 3),
        (kind::WINDOW_UPDATE, 0, 1, 5),
        (kind::SETTINGS, 0, 0, 3),
        (kind::SETTINGS, flag::ACK, 0, 6),
        (kind::RST_STREAM, 0, 1, 3),
        (kind::PRIORITY, 0, 1, 4),
    ];
    for (kind, flags, stream, length) in wrong {
        let judged = judged(&frame(kind, flags, stream, &vec![0; length]));
        assert_eq!(judged, Err(Ending::Malformed(code::FRAME_SIZE_ERROR)), "{kind} of {length}");
    }
    assert_eq!(judged(&frame(kind::SETTINGS, 0, 0, &[0; 12])), Ok(()));
}

#[test]
fn a_window_larger_than_windows_can_be_is_called_so() {
    let settings =
        |size: u32| frame(kind::SETTINGS, 0, 0, &[&[0, 4][..], &size.to_be_bytes()].concat());
    assert_eq!(judged(&settings(u32::MAX >> 1)), Ok(()));
    let refused = Err(Ending::Malformed(code::FLOW_CONTROL_ERROR));
    assert_eq!(judged(&settings((u32::MAX >> 1) + 1)), refused);
}

#[test]
fn a_block_that_ends_within_a_field_is_called_so() {
    let flags = flag::END_HEADERS | flag::END_STREAM;
    let refused = Err(Ending::Malformed(code::COMPRESSION_ERROR));
    assert_eq!(judged(&frame(kind::HEADERS, flags, 1, b"\x82\x86\x84\x40\x01")), refused);
    let begun = frame(kind::HEADERS, 0, 1, b"\x82\x86\x84\x40\x01");
    let rest = frame(kind::CONTINUATION, flag::END_HEADERS, 1, b"a\x01b");
    assert_eq!(judged(&[begun, rest].concat()), Ok(()), "it may end within a frame");
}

#[test]
fn nothing_comes_between_the_frames_of_a_block() {
    let begun = frame(kind::HEADERS, 0, 1, b"\x82\x86\x84");
    let refused = Err(Ending::Malformed(code::PROTOCOL_ERROR));
    for between in [frame(kind::DATA, 0, 1, b"x"), frame(kind::PING, 0, 0, &[0; 8])] {
        assert_eq!(judged(&[begun.clone(), between].concat()), refused);
    }
}

#[test]
fn what_follows_the_client_s_own_end_of_a_stream_is_called_so() {
    let open = |flags| frame(kind::HEADERS, flag::END_HEADERS | flags, 1, b"\x82\x86\x84");
    let data = |flags| frame(kind::DATA, flags, 1, &[0; 300]);
    let trailers = frame(kind::HEADERS, flag::END_HEADERS | flag::END_STREAM, 1, b"\x00\x01a\x01b");
    let reset = frame(kind::RST_STREAM, 0, 1, &[0; 4]);
    let refused = Err(Ending::Malformed(code::STREAM_CLOSED));
    for (frames, expected) in [
        (vec![open(0), data(0), trailers.clone()], Ok(())),
        (vec![open(flag::END_STREAM), reset.clone()], Ok(())),
        (vec![open(flag::END_STREAM), data(0)], refused),
        (vec![open(flag::END_STREAM), trailers.clone()], refused),
        (vec![open(0), data(flag::END_STREAM), data(0)], refused),
        (vec![open(0), trailers.clone(), trailers.clone()], refused),
        (vec![open(0), reset.clone(), data(0)], refused),
        (vec![open(0), reset, trailers], refused),
    ] {
        assert_eq!(judged(&frames.concat()), expected, "{frames:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_stumble(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        back in prop::collection::vec(any::<u8>(), 0..200),
        cut in 1..50usize,
    ) {
        let mut whole = Watch::new(&LIMITS);
        let mut pieces = Watch::new(&LIMITS);
        whole.outgoing(&back);
        back.chunks(cut).for_each(|piece| pieces.outgoing(piece));
        whole.incoming(&opening()).unwrap();
        pieces.incoming(&opening()).unwrap();
        let one = whole.incoming(&bytes);
        let many = bytes.chunks(cut).try_for_each(|piece| pieces.incoming(piece));
        prop_assert_eq!(one, many);
        if one.is_ok() {
            prop_assert_eq!(whole.units(), pieces.units());
            prop_assert_eq!(whole.owes(), pieces.owes());
        }
    }
}

//! Clients that ask and do not take what they get.

use std::time::{Duration, Instant};

use crate::honest::Beside;
use crate::rig::eventually;
use crate::rig::frames::{
    FrameClient, HEADERS, WHOLE, WINDOW_UPDATE, frame, initial_window, request,
};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, ok, send};

fn origin() -> Origin {
    Origin::by_path([
        ("/honest", vec![Step::ReadBody, ok("ok"), Step::Again]),
        ("/large", {
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1048576\r\n\r\n";
            vec![Step::ReadBody, send(format!("{head}{}", "x".repeat(1 << 20))), Step::Drain]
        }),
        ("/silent", {
            let head = send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
            let rest = send("3\r\nbye\r\n0\r\n\r\n");
            vec![Step::ReadBody, head, Step::Pause(Duration::from_secs(3)), rest, Step::Again]
        }),
    ])
}

fn impatient(origin: &Origin) -> Gateway {
    Setup::before(&origin.url()).server("limits = { body_idle = \"1s\" }").start()
}

#[test]
fn fifty_replies_behind_shut_windows_are_reset() {
    let origin = origin();
    let gateway = impatient(&origin);
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::with_settings(gateway.plain(), &initial_window(0));

    let start = Instant::now();
    for number in 0..50 {
        client.send(frame(HEADERS, WHOLE, number * 2 + 1, &request("GET", "/large")));
    }
    eventually("replies to begin", || (origin.open() > 40).then_some(()));
    beside.is_served(&gateway);

    for number in 0..50 {
        client.wait_for("a reset", |frame| frame.kind == 3 && frame.stream == number * 2 + 1);
    }
    println!("reset after {:?}", start.elapsed());
    assert!(start.elapsed() >= Duration::from_secs(1));
    eventually("the upstream requests to be given up", || (origin.open() <= 2).then_some(()));
    // The connection itself did nothing wrong.
    client.send(frame(WINDOW_UPDATE, 0, 0, &65_535u32.to_be_bytes()));
    assert!(client.settle(1));
    beside.is_well(&gateway);
}

#[test]
fn a_shut_connection_window_stops_them_all_the_same() {
    let origin = origin();
    let gateway = impatient(&origin);
    let beside = Beside::of(&gateway);
    // Streams have room, the connection has its 65,535 bytes and no more.
    let mut client = FrameClient::with_settings(gateway.plain(), &initial_window(1 << 24));

    for stream in [1, 3, 5] {
        client.ask(stream, &request("GET", "/large"));
    }

    for stream in [1, 3, 5] {
        client.wait_for("a reset", |frame| frame.kind == 3 && frame.stream == stream);
    }
    beside.is_well(&gateway);
}

#[test]
fn a_byte_now_and_then_is_no_reading() {
    let origin = origin();
    let gateway = impatient(&origin);
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::with_settings(gateway.plain(), &initial_window(0));

    client.ask(1, &request("GET", "/large"));
    let start = Instant::now();
    while client.reset(1).is_none() {
        assert!(start.elapsed() < Duration::from_secs(10), "it goes on for ever");
        client.send(frame(WINDOW_UPDATE, 0, 1, &1u32.to_be_bytes()));
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_millis(100) && client.reset(1).is_none() {
            client.read(Duration::from_millis(20));
        }
    }

    beside.is_well(&gateway);
}

#[test]
fn an_upstream_that_is_silent_is_not_the_clients_fault() {
    let origin = origin();
    let gateway = impatient(&origin);
    let mut client = FrameClient::open(gateway.plain());

    client.ask(1, &request("GET", "/silent"));
    client.wait_for("the end", |frame| frame.stream == 1 && frame.kind == 0 && frame.flags == 1);

    assert_eq!(client.body(1), b"hibye");
}

#[test]
fn a_slow_reader_gets_everything() {
    let origin = origin();
    let gateway = impatient(&origin);
    let mut client = FrameClient::with_settings(gateway.plain(), &initial_window(0));

    client.ask(1, &request("GET", "/large"));
    client.send(frame(WINDOW_UPDATE, 0, 0, &(1u32 << 20).to_be_bytes()));
    let mut got = 0;
    while got < 1 << 20 {
        client.send(frame(WINDOW_UPDATE, 0, 1, &(64u32 << 10).to_be_bytes()));
        // Half the time that would be too long, in which nothing is granted.
        let pause = Instant::now();
        while pause.elapsed() < Duration::from_millis(200) {
            client.read(Duration::from_millis(20));
        }
        got = client.body(1).len();
        assert_eq!(client.reset(1), None, "after {got} bytes");
    }
}

#[test]
fn a_client_that_does_not_read_its_socket_is_cut() {
    let origin = origin();
    let gateway = impatient(&origin);
    let beside = Beside::of(&gateway);
    let mut client = FrameClient::with_settings(gateway.plain(), &initial_window(0x7fff_ffff));
    client.send(frame(WINDOW_UPDATE, 0, 0, &0x7000_0000u32.to_be_bytes()));

    // Far more than the kernel takes for a client that sleeps.
    for number in 0..60 {
        client.send(frame(HEADERS, WHOLE, number * 2 + 1, &request("GET", "/large")));
    }

    eventually("the upstream requests to be given up", || {
        (origin.connections() > 30 && origin.open() <= 2).then_some(())
    });
    beside.is_served(&gateway);
}

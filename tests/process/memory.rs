//! Backpressure from end to end: whoever stands still or never ends costs no memory.

use std::time::{Duration, Instant};

use crate::measure::{resident, turn};
use crate::rig::client::{Client, Expects};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, send};

const MIB: usize = 1 << 20;

#[test]
fn an_origin_that_never_reads_costs_its_idle_time_and_no_memory() {
    let _turn = turn();
    let origin = Origin::scripted([Step::Stall]);
    let gateway = Setup::before(&origin.url())
        .server("limits = { body = \"1GiB\" }")
        .upstream("timeout = { first_byte = \"10s\", idle = \"500ms\" }")
        .start();
    let body = vec![b'x'; 32 * MIB];
    let mut client = Client::plain(gateway.plain());
    let (start, before) = (Instant::now(), resident());

    client.send("POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 33554432\r\n\r\n");
    // The answer comes before all of it has left, and what is left is read and thrown away.
    let _ = client.try_send(&body);
    let reply = client.try_reply(Expects::Body).expect("an answer");

    let grown = resident().saturating_sub(before);
    reply.is_problem(504, "GatewayTimeout");
    assert!(grown < 8 * MIB, "{} KiB more", grown >> 10);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    client.is_closed();
    println!("{} KiB more after 32 MiB in {:?}", grown >> 10, start.elapsed());
}

#[test]
fn an_endless_answer_flows_without_memory() {
    let _turn = turn();
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(MIB));
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        Step::Drip { times: 100_000, every: Duration::ZERO, bytes: chunk.into_bytes() },
    ]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());

    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    for _ in 0..16 {
        client.bytes(MIB);
    }
    let before = resident();
    for _ in 0..256 {
        client.bytes(MIB);
    }

    let grown = resident().saturating_sub(before);
    println!("{} KiB more after 256 MiB", grown >> 10);
    assert!(grown < 8 * MIB, "{} KiB more", grown >> 10);
    client.leave();
    origin.wait_for_closed(1);
}

#[test]
fn clients_that_read_slowly_cost_their_windows_only() {
    let _turn = turn();
    let origin = Origin::scripted([
        Step::Read,
        send("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n"),
        Step::Drip { times: 16_384, every: Duration::ZERO, bytes: vec![b'x'; 64 << 10] },
    ]);
    let gateway = Gateway::before(&origin.url());
    let before = resident();

    let mut clients: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = Client::plain(gateway.plain());
            client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            client
        })
        .collect();
    for _ in 0..100 {
        for client in &mut clients {
            client.bytes(1000);
        }
    }
    let mut last = 0;
    let sent = eventually("the origin to be held back", || {
        // As long as this nothing has moved.
        std::thread::sleep(Duration::from_millis(200));
        let now = origin.sent();
        (std::mem::replace(&mut last, now) == now).then_some(now)
    });

    let grown = resident().saturating_sub(before);
    println!("{} KiB more, {sent} bytes sent", grown >> 10);
    assert!(grown < 24 * MIB, "{} KiB more", grown >> 10);
    drop(clients);
    origin.wait_for_closed(20);
}

//! What a connection costs in memory, by what it does: the figures of docs/operations.md, held with
//! a quarter of slack. The gateway is a process of its own, so that nothing is counted
//! but what is its.

use std::fs;
use std::net::TcpStream;

use crate::measure::{resident_of, turn};
use crate::own_process::Process;
use crate::rig::client::Client;
use crate::rig::frames::{FrameClient, request};
use crate::rig::origin::{Origin, Step, ok};

const KIB: usize = 1 << 10;
/// Descriptors of the gateway.
const LIMIT: usize = 10_000;

#[test]
fn an_idle_connection_costs_no_more_than_its_budget() {
    let _turn = turn();
    each("idle, plain", 2_000, IDLE, |gateway| {
        let mut client = Client::plain(gateway.plain);
        assert_eq!(client.get("/up").status(), 200);
        client
    });
    each("silent", 2_000, SILENT, |gateway| TcpStream::connect(gateway.plain).unwrap());
}

#[test]
fn an_idle_connection_over_tls_costs_no_more_than_its_budget() {
    let _turn = turn();
    each("idle, TLS", 1_000, IDLE_TLS, |gateway| {
        let mut client = Client::tls(gateway.tls);
        assert_eq!(client.get("/up").status(), 200);
        client
    });
}

#[test]
fn an_idle_http2_connection_costs_no_more_than_its_budget() {
    let _turn = turn();
    each("idle, HTTP/2", 1_000, IDLE_HTTP2, |gateway| {
        let mut client = FrameClient::open(gateway.plain);
        client.ask(1, &request("GET", "/up"));
        client.wait_for("an answer", |frame| frame.stream == 1);
        client
    });
}

#[test]
fn half_a_head_costs_no_more_than_its_budget() {
    let _turn = turn();
    each("half a head", 500, HALF_A_HEAD, |gateway| {
        let mut client = Client::plain(gateway.plain);
        client.send("GET /up HTTP/1.1\r\nX-Half: ").send("x".repeat(2_000));
        client
    });
}

#[test]
fn an_active_connection_costs_no_more_than_its_budget() {
    let _turn = turn();
    each("waits for its upstream", 500, ACTIVE, |gateway| {
        let mut client = Client::plain(gateway.plain);
        client.send("GET /slow HTTP/1.1\r\nHost: gw.test\r\n\r\n");
        client
    });
}

/// Opens so many connections and asserts what each of them costs the gateway.
#[track_caller]
fn each<C>(what: &str, count: usize, budget: usize, open: impl Fn(&Process) -> C) {
    let origin = Origin::by_path([("/", vec![Step::ReadBody, Step::Stall, ok("ok")])]);
    let gateway = Process::with_limit(&origin.url(), LIMIT);
    let count = count.min(room());
    // What the first ones leave behind belongs to the process and not to them.
    let first: Vec<C> = (0..WARM).map(|_| open(&gateway)).collect();
    gateway.wait_for_connections(WARM);
    let before = resident_of(gateway.id());

    let rest: Vec<C> = (0..count).map(|_| open(&gateway)).collect();
    gateway.wait_for_connections(WARM + count);

    let grown = resident_of(gateway.id()).saturating_sub(before);
    println!("{what}: {} bytes each, of {budget}", grown / count);
    assert!(grown < count * budget * 5 / 4, "{what}: {} bytes each, not {budget}", grown / count);
    drop((first, rest));
    origin.release();
}

/// How many connections this process can hold open; the origin is in it, too.
fn room() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: usize = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    (soft.saturating_sub(100) / 2).saturating_sub(WARM)
}

const WARM: usize = 100;

const SILENT: usize = 8 * KIB;
const HALF_A_HEAD: usize = 16 * KIB;
const IDLE: usize = 20 * KIB;
const IDLE_TLS: usize = 28 * KIB;
const IDLE_HTTP2: usize = 52 * KIB;
const ACTIVE: usize = 22 * KIB;

//! Upstreams that are not there, or not any more: a quick word where nobody listens, the deadline
//! where nobody speaks, and never a second request for a connection that has fallen silent.

use std::time::{Duration, Instant};

use crate::rig::client::{self, Client};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, request};
use crate::rig::origin::{Origin, Step, nobody, ok, send};
use crate::upgrade::{ASK, SWITCH};

#[test]
fn where_nobody_listens_the_answer_comes_at_once() {
    let gateway = Gateway::before(&nobody());
    let mut client = Client::plain(gateway.plain());

    let mut quickest = Duration::MAX;
    for _ in 0..10 {
        let start = Instant::now();
        client.get("/a").is_problem(502, "BadGateway");
        quickest = quickest.min(start.elapsed());
    }

    // The worst of ten says how busy the machine is; the best, what guichet does.
    assert!(quickest < Duration::from_millis(50), "{quickest:?}");
}

#[test]
fn a_grpc_client_of_nobody_gets_a_status_and_no_body() {
    let gateway = Gateway::before(&nobody());
    let call = request("POST", "/a.B/C")
        .header("content-type", "application/grpc")
        .header("te", "trailers");

    let reply = H2Client::tls(gateway.tls()).ask(call, Frames::data(&b"\0\0\0\0\0"[..]));

    assert_eq!((reply.status(), reply.header("grpc-status")), (200, Some("14")), "{reply:?}");
    assert!(reply.body.is_empty() && reply.trailers.is_empty(), "trailers alone: {reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/grpc"));
}

#[test]
fn a_kept_connection_whose_peer_is_gone_costs_one_deadline() {
    let origin = Origin::scripted([Step::Read, ok("hello"), Step::Read, Step::Drain]);
    let gateway =
        Setup::before(&origin.url()).upstream("timeout = { first_byte = \"300ms\" }").start();
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.get("/1").text(), "hello");

    let start = Instant::now();
    let silent = client.get("/2");
    let waited = start.elapsed();
    let next = client.get("/3");

    silent.is_problem(504, "GatewayTimeout");
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
    assert!(waited < Duration::from_secs(5), "{waited:?}");
    assert_eq!(next.text(), "hello");
    let seen: Vec<_> = origin.requests();
    let carried: Vec<_> =
        seen.iter().map(|seen| (seen.head.target().to_owned(), seen.connection)).collect();
    assert_eq!(carried, [("/1".to_owned(), 0), ("/2".to_owned(), 0), ("/3".to_owned(), 1)]);
    origin.wait_for_closed(1);
}

#[test]
fn all_kept_connections_of_a_peer_that_is_gone_cost_one_deadline_each_and_are_closed() {
    let origin = Origin::by_path([
        (
            "/slow",
            vec![Step::ReadBody, Step::Pause(Duration::from_millis(100)), ok("x"), Step::Again],
        ),
        ("/gone", vec![Step::ReadBody, Step::Drain]),
    ]);
    let gateway =
        Setup::before(&origin.url()).upstream("timeout = { first_byte = \"400ms\" }").start();
    let ask = |path: &'static str| {
        let address = gateway.plain();
        let asking: Vec<_> =
            (0..4).map(|_| std::thread::spawn(move || client::get(address, path))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect::<Vec<_>>()
    };

    assert!(ask("/slow").iter().all(|reply| reply.status() == 200));
    let opened = origin.connections();
    for reply in ask("/gone") {
        reply.is_problem(504, "GatewayTimeout");
    }

    origin.wait_for_closed(opened.min(4));
    assert!(ask("/slow").iter().all(|reply| reply.status() == 200));
}

#[test]
fn a_fin_of_either_side_ends_a_tunnel() {
    let origin = Origin::scripted([Step::ReadHead, send(SWITCH), Step::EchoBytes]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.ask(ASK).status(), 101);
    client.send("last words").half_close();
    assert_eq!(client.bytes(10), b"last words", "what was sent before the end arrives");
    origin.wait_for_closed(1);
    client.is_closed();

    let origin =
        Origin::scripted([Step::ReadHead, send(SWITCH), send("bye"), Step::HalfClose, Step::Drain]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    assert_eq!(client.ask(ASK).status(), 101);
    assert_eq!(client.bytes(3), b"bye");
    client.ends_in_order();
    drop(client);
    origin.wait_for_closed(1);
}

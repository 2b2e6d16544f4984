//! The end: what is under way is finished, nobody is cut before the deadline.

use std::thread;
use std::time::Duration;

use crate::rig::client::{self, Client};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, ok};

#[test]
fn a_request_under_way_is_answered_and_the_connection_ends() {
    let origin = Origin::scripted([Step::Read, Step::Stall, ok("late")]);
    let gateway = Gateway::before(&origin.url());
    let mut client = Client::plain(gateway.plain());
    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);

    gateway.begin_drain();
    let draining = thread::spawn(move || gateway.drain());
    origin.release();
    let reply = client.reply();

    assert_eq!(reply.text(), "late");
    client.is_closed();
    assert!(draining.join().unwrap(), "everything ended in time");
}

#[test]
fn the_last_request_of_a_kept_connection_is_answered() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let mut kept = [Client::plain(gateway.plain()), Client::tls(gateway.tls())];
    for client in &mut kept {
        assert_eq!(client.get("/a").header("connection"), None);
    }

    gateway.begin_drain();
    // The listener goes first.
    eventually("nobody accepts", || std::net::TcpStream::connect(gateway.plain()).err());
    for client in &mut kept {
        let last = client.get("/b");
        assert_eq!((last.status(), last.header("connection")), (200, Some("close")));
        client.is_closed();
    }

    assert!(gateway.drain());
}

#[test]
fn idle_connections_do_not_hold_the_end_up() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Gateway::before(&origin.url());
    let mut http1 = Client::plain(gateway.plain());
    let http2 = H2Client::tls(gateway.tls());
    assert_eq!((http1.get("/a").status(), http2.get("/a").status()), (200, 200));

    let draining = thread::spawn(move || gateway.drain());

    http1.is_closed();
    http2.is_closed();
    assert!(draining.join().unwrap());
}

#[test]
fn the_deadline_ends_what_does_not_end() {
    let origin = Origin::scripted([Step::Read, Step::Stall]);
    let gateway = Setup::before(&origin.url()).server("shutdown = { drain = \"300ms\" }").start();
    let mut client = Client::plain(gateway.plain());
    client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);

    let in_time = gateway.drain();

    assert!(!in_time, "one request was cut");
    let _ = client.try_reply(client::Expects::Body);
}

#[test]
fn readiness_goes_first() {
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Setup::before(&origin.url())
        .server("shutdown = { delay = \"2s\", drain = \"1s\" }")
        .start();
    let admin = gateway.admin();
    let ready =
        move || client::ask(admin, "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status();
    assert_eq!(ready(), 200);

    gateway.begin_drain();

    eventually("not ready", || (ready() == 503).then_some(()));
    assert_eq!(client::get(gateway.plain(), "/a").status(), 200, "it still serves in the delay");
}

#[test]
fn requests_before_and_during_the_end_all_get_answers() {
    let origin = Origin::scripted([
        Step::Read,
        Step::Pause(Duration::from_millis(20)),
        ok("ok"),
        Step::Again,
    ]);
    let gateway = Gateway::before(&origin.url());
    let address = gateway.plain();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(move || {
                let mut served = 0;
                while let Ok(stream) = std::net::TcpStream::connect(address) {
                    drop(stream);
                    let mut client = Client::plain(address);
                    let sent = client.try_send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
                    let Ok(reply) = sent.and_then(|()| client.try_reply(client::Expects::Body))
                    else {
                        // Accepted by the kernel, closed by the end: no head was promised.
                        break;
                    };
                    assert_eq!(reply.status(), 200);
                    served += 1;
                }
                served
            })
        })
        .collect();
    origin.wait_for_requests(20);

    assert!(gateway.drain());

    let served: usize = clients.into_iter().map(|client| client.join().unwrap_or(0)).sum();
    assert!(served >= 12, "{served}");
}

//! A thousand upstreams die in the middle of a body, under load: afterwards nothing is left of them.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::{descriptors, gauge, resident, turn};
use crate::rig::client::{Client, Ending, Reply};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::h2::{Frames, H2Client, request};
use crate::rig::origin::{Origin, Step, ok, send};

const THREADS: usize = 8;
const DEATHS: usize = 150;
const REFUSALS: usize = 200;

/// How an upstream dies, by path; on `/endless`, one time in seven, the client leaves first. So more
/// than a thousand upstreams die.
const FATES: [&str; 7] =
    ["/reset", "/close", "/reset-chunk", "/close-chunk", "/stall", "/refuse-upload", "/endless"];

#[test]
fn a_thousand_deaths_leave_nothing_behind() {
    let _turn = turn();
    let origin = Origin::by_path(fates());
    let gateway = Setup::before(&origin.url())
        .upstream("timeout = { idle = \"60ms\" }\npool = { idle_time = \"200ms\" }")
        .start();
    let (plain, tls) = (gateway.plain(), gateway.tls());
    assert_eq!(Client::plain(plain).get("/fine").status(), 200);
    assert_eq!(Client::tls(tls).get("/fine").status(), 200);
    let before = at_base(&gateway, &origin, None);
    let (start, memory) = (Instant::now(), resident());

    let clients: Vec<_> = (0..THREADS)
        .map(|number| {
            thread::spawn(move || match number {
                0 => over_http2(plain),
                1 | 2 => over_http1(number, || Client::tls(tls)),
                _ => over_http1(number, || Client::plain(plain)),
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    assert!(origin.connections() > THREADS * DEATHS, "each death takes a connection along");
    let died = start.elapsed();

    at_base(&gateway, &origin, Some(before));
    assert_eq!(Client::plain(plain).get("/fine").status(), 200);
    println!(
        "{} connections upstream, {died:?}, {:?} until all was back; {} KiB more",
        origin.connections(),
        start.elapsed() - died,
        resident().saturating_sub(memory) >> 10
    );
}

/// Over the cap, clients that are being told so leave at every moment of it.
#[test]
fn refusals_that_nobody_waits_for_leave_nothing_behind() {
    let _turn = turn();
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Setup::before(&origin.url())
        .server("limits = { connections = 4 }")
        .upstream("pool = { idle_time = \"200ms\" }")
        .start();
    let (plain, tls) = (gateway.plain(), gateway.tls());
    assert_eq!(Client::plain(plain).get("/a").status(), 200);
    let before = at_base(&gateway, &origin, None);
    let memory = resident();

    let mut kept: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = Client::plain(plain);
            assert_eq!(client.get("/a").status(), 200);
            client
        })
        .collect();
    let leavers: Vec<_> = (0..THREADS)
        .map(|thread| {
            thread::spawn(move || {
                for turn in 0..REFUSALS {
                    leave_at((thread + turn) % 5, plain, tls);
                }
            })
        })
        .collect();
    for leaver in leavers {
        leaver.join().unwrap();
    }
    for client in &mut kept {
        assert_eq!(client.get("/a").status(), 200, "who is served does not feel it");
    }
    Client::plain(plain).get("/a").is_problem(503, "ServiceUnavailable");
    drop(kept);

    at_base(&gateway, &origin, Some(before));
    assert_eq!(Client::plain(plain).get("/a").status(), 200);
    let grown = resident().saturating_sub(memory);
    println!("{} KiB more after {} refusals", grown >> 10, THREADS * REFUSALS);
    assert!(grown < 8 << 20, "{} KiB more", grown >> 10);
}

fn leave_at(moment: usize, plain: SocketAddr, tls: SocketAddr) {
    match moment {
        // In the middle of its head, after it, and in the middle of a body that is not wanted.
        0 => begin(plain, "GET /a HT").leave(),
        1 => begin(plain, "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n").leave(),
        2 => {
            begin(plain, "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 9\r\n\r\nx").leave()
        }
        // Within a handshake, and as it begins to read.
        3 => drop(std::net::TcpStream::connect(tls)),
        _ => {
            let mut client = begin(plain, "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            let _ = std::io::Read::read(&mut client, &mut [0]);
            client.leave();
        }
    }
}

fn begin(address: SocketAddr, bytes: &str) -> Client {
    let mut client = Client::plain(address);
    // Some are closed at once: the cap has an end, too.
    let _ = client.try_send(bytes);
    client
}

/// Waits until nothing is open and, if it is known, so many descriptors are; their number.
fn at_base(gateway: &Gateway, origin: &Origin, known: Option<usize>) -> usize {
    let admin = gateway.admin();
    for name in
        ["guichet_connections", "guichet_upstream_connections", "guichet_requests_in_flight"]
    {
        eventually(name, || (gauge(admin, name) == 0.0).then_some(()));
    }
    eventually("the origin's connections", || (origin.open() == 0).then_some(()));
    let mut last = 0;
    eventually(&format!("the descriptors: {known:?}"), || {
        let now = descriptors();
        let still = std::mem::replace(&mut last, now) == now;
        (still && known.is_none_or(|known| now == known)).then_some(now)
    })
}

fn over_http1(number: usize, connect: impl Fn() -> Client) {
    let mut client = connect();
    for turn in 0..DEATHS {
        let fate = FATES[(turn + number) % FATES.len()];
        match fate {
            "/endless" => {
                client.send(format!("GET {fate} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
                client.bytes(1000);
                client.leave();
                client = connect();
            }
            "/refuse-upload" => {
                client.send(format!(
                    "POST {fate} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
                ));
                let _ = client.try_send(vec![b'x'; 100_000]);
                // It may have been cut before the answer could be read; either way it is used up.
                if let Ok(reply) = client.try_reply(crate::rig::client::Expects::Body) {
                    is_told(fate, &reply);
                }
                client = connect();
            }
            _ => {
                let reply = client.get_as("localhost", fate);
                is_told(fate, &reply);
                if reply.ending != Ending::Complete {
                    client = connect();
                }
            }
        }
    }
}

fn over_http2(address: SocketAddr) {
    let client = H2Client::plain(address);
    for turn in 0..DEATHS {
        let fate = FATES[turn % FATES.len()];
        if fate == "/endless" {
            client.ask_and_leave(request("GET", fate));
            continue;
        }
        let method = if fate == "/refuse-upload" { "POST" } else { "GET" };
        let asked = (request(method, fate), Frames::data(vec![b'x'; 50_000 * (method.len() - 3)]));
        for reply in client.ask_all(vec![asked]).into_iter().flatten() {
            is_told(fate, &reply);
        }
    }
}

/// An answer that broke never looks whole.
#[track_caller]
fn is_told(fate: &str, reply: &Reply) {
    let told = matches!(reply.status(), 502 | 504) || reply.ending == Ending::Cut;
    assert!(told, "{fate}: {} {:?} {:?}", reply.head.line, reply.ending, reply.text());
}

fn fates() -> [(&'static str, Vec<Step>); 8] {
    let sized = || send(format!("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{:5000}", "x"));
    let chunked = || {
        send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n{:5000}", "x"))
    };
    let endless = Step::Drip { times: 10_000, every: Duration::ZERO, bytes: vec![b'x'; 64 << 10] };
    [
        ("/reset-chunk", vec![chunked(), Step::Reset]),
        ("/close-chunk", vec![chunked(), send("\r\n3"), Step::Close]),
        ("/reset", vec![sized(), Step::Reset]),
        ("/close", vec![sized(), Step::Close]),
        ("/stall", vec![sized(), Step::Drain]),
        ("/refuse-upload", vec![Step::Reset]),
        ("/endless", vec![send("HTTP/1.1 200 OK\r\nContent-Length: 655360000\r\n\r\n"), endless]),
        ("/fine", vec![ok("fine"), Step::Again]),
    ]
}

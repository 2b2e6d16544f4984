//! Clients that never stop asking, over HTTP/1 and HTTP/2, with and without TLS. What they count is
//! what their users would notice: a request without its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::rig::client::{Client, Expects};
use crate::rig::h2::{Failed, H2Client};

/// Clients at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    /// Two clients of each kind, which ask for `path` and take 200 for an answer. One of them thinks
    /// before it asks again, so that its connection is idle most of the time.
    pub fn start(plain: SocketAddr, tls: SocketAddr, path: &'static str) -> Self {
        let (stop, answered) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let asks: [(SocketAddr, Asks); 4] =
            [(plain, http1_plain), (tls, http1_tls), (plain, http2_plain), (tls, http2_tls)];
        let eager = asks.into_iter().map(|(address, asks)| (address, asks, Duration::ZERO));
        let slow = asks.into_iter().map(|(address, asks)| (address, asks, THOUGHT));
        let clients = eager.chain(slow).map(|(address, asks, thought)| {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            thread::spawn(move || {
                let mut lost = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let (stop, answered) = (&*stop, &*answered);
                    let mut counts = Counts { stop, answered, lost: &mut lost, thought };
                    asks(address, path, &mut counts);
                }
                lost
            })
        });
        let clients = clients.collect();
        Self { stop, answered, clients }
    }

    /// Requests with their answers so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Stops; how many were answered, and what became of the others.
    pub fn stop(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let lost = self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
        (self.answered.load(Ordering::Relaxed), lost)
    }
}

/// One connection from its beginning to its end.
type Asks = fn(SocketAddr, &str, &mut Counts<'_>);

struct Counts<'a> {
    stop: &'a AtomicBool,
    answered: &'a AtomicU64,
    lost: &'a mut Vec<String>,
    thought: Duration,
}

impl Counts<'_> {
    fn goes_on(&self) -> bool {
        thread::sleep(self.thought);
        !self.stop.load(Ordering::Relaxed)
    }

    fn answer(&mut self, kind: &str, status: u16) {
        if status == 200 {
            self.answered.fetch_add(1, Ordering::Relaxed);
        } else {
            self.lost.push(format!("{kind}: status {status}"));
        }
    }
}

fn http1_plain(address: SocketAddr, path: &str, counts: &mut Counts<'_>) {
    http1(Client::plain(address), path, counts);
}

fn http1_tls(address: SocketAddr, path: &str, counts: &mut Counts<'_>) {
    http1(Client::tls(address), path, counts);
}

fn http1(mut client: Client, path: &str, counts: &mut Counts<'_>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while counts.goes_on() {
        let reply = client.try_send(&request).and_then(|()| client.try_reply(Expects::Body));
        match reply {
            Ok(reply) => {
                counts.answer("HTTP/1", reply.status());
                if reply.header("connection") == Some("close") {
                    return;
                }
            }
            Err(error) => return counts.lost.push(format!("HTTP/1: {error}")),
        }
    }
}

fn http2_plain(address: SocketAddr, path: &str, counts: &mut Counts<'_>) {
    http2(&H2Client::plain(address), path, counts);
}

fn http2_tls(address: SocketAddr, path: &str, counts: &mut Counts<'_>) {
    http2(&H2Client::tls(address), path, counts);
}

fn http2(client: &H2Client, path: &str, counts: &mut Counts<'_>) {
    while counts.goes_on() {
        match client.try_get(path) {
            Ok(reply) => counts.answer("HTTP/2", reply.status()),
            Err(Failed::NotTaken) => return,
            Err(Failed::Lost(error)) => return counts.lost.push(format!("HTTP/2: {error}")),
        }
    }
}

/// Long enough for a connection to be idle, short enough for its next request to meet every change.
const THOUGHT: Duration = Duration::from_millis(5);

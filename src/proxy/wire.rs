//! What the spine and a client's connection say to each other beside requests and replies.
//!
//! On HTTP/1 the connection tells why it refused a request, and carries interim replies (1xx). One
//! thread, so plain cells.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use http::{HeaderMap, StatusCode};

use super::socket::Socket;
use crate::base::clock::{self, Instant};
use crate::problem::Problem;
use crate::upstream::Tunnel;

/// One client connection, as its exchanges know it.
#[derive(Debug, Default)]
pub struct Wire {
    /// Exchanges whose reply is not over yet.
    open: Cell<u32>,
    /// Whether anybody asks when the last exchange ended.
    timed: bool,
    ended: Cell<Option<Instant>>,
    /// The refusal that takes the place of the next request.
    refusal: RefCell<Option<Problem>>,
    /// Interim replies that wait for the socket.
    interim: RefCell<Vec<u8>>,
    has_interim: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    switched: RefCell<Option<Switched>>,
}

/// The upstream's side of a connection that has left HTTP.
#[derive(Debug)]
pub enum Switched {
    /// Bytes that are nobody's business.
    Tunnel(Tunnel),
    /// A socket of a GraphQL route.
    GraphQl(Box<Socket>),
}

impl Wire {
    /// The wire of a connection that asks when its last exchange ended: HTTP/2, where exchanges
    /// come and go beside the one task that watches for idleness.
    pub fn timed() -> Self {
        Self { timed: true, ..Self::default() }
    }

    /// The next request stands for one that was refused.
    pub fn refuse(&self, problem: Problem) {
        self.refusal.replace(Some(problem));
    }

    /// An exchange begins. The refusal, if its request stands for one.
    pub fn begin(self: &Rc<Self>) -> (Open, Option<Problem>) {
        self.open.set(self.open.get() + 1);
        (Open(Rc::clone(self)), self.refusal.take())
    }

    /// How many exchanges are under way.
    pub fn open(&self) -> u32 {
        self.open.get()
    }

    /// When the last exchange ended, on a timed wire; none before the first has.
    pub fn ended(&self) -> Option<Instant> {
        self.ended.get()
    }

    /// Queues an interim reply. Beyond a bound they are dropped: they are hints.
    pub fn send_interim(&self, status: StatusCode, headers: &HeaderMap) {
        let mut queue = self.interim.borrow_mut();
        if queue.len() > INTERIM_BOUND {
            return;
        }
        queue.extend_from_slice(b"HTTP/1.1 ");
        queue.extend_from_slice(status.as_str().as_bytes());
        queue.push(b' ');
        queue.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        queue.extend_from_slice(b"\r\n");
        for (name, value) in headers {
            queue.extend_from_slice(name.as_str().as_bytes());
            queue.extend_from_slice(b": ");
            queue.extend_from_slice(value.as_bytes());
            queue.extend_from_slice(b"\r\n");
        }
        queue.extend_from_slice(b"\r\n");
        self.has_interim.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Whether interim replies wait; cheap enough for every poll.
    pub fn has_interim(&self) -> bool {
        self.has_interim.get()
    }

    /// Takes the waiting interim replies.
    pub fn take_interim(&self) -> Vec<u8> {
        self.has_interim.set(false);
        self.interim.take()
    }

    /// Remembers whom to wake for interim replies.
    pub fn register(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// The spine hands over the upstream's side, to be joined after the 101.
    pub fn join(&self, switched: Switched) {
        self.switched.replace(Some(switched));
    }

    /// The connection takes the upstream's side.
    pub fn take_switched(&self) -> Option<Switched> {
        self.switched.take()
    }
}

/// Stands for an exchange until its reply is over.
#[derive(Debug)]
pub struct Open(Rc<Wire>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        if self.0.timed {
            self.0.ended.set(Some(clock::now()));
        }
    }
}

const INTERIM_BOUND: usize = 16 * 1024;

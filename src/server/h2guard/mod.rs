//! The guard between the socket and hyper on HTTP/2 connections.
//!
//! h2 bounds what it keeps: streams, windows, lists, its own resets. What a client can make it do
//! over and over at no price of its own, h2 does not count: streams opened and reset at once,
//! control frames without end, a thousand fields of one byte each, a window that stays shut. The
//! guard follows the frames of both directions as their bytes pass and counts.
//!
//! A connection that goes over a bound is told GOAWAY and ended; hyper sees a broken socket, so every
//! exchange on it is dropped, and with it its upstream request. A reply that the client does not
//! take is reset alone.
//!
//! Invariants: bytes pass in place, uncopied; a frame costs a few comparisons and no allocation;
//! what was judged too much is never seen by hyper; every wait has a deadline.

mod block;
mod budget;
mod form;
mod frame;
mod io;
#[cfg(test)]
mod tests;
mod watch;
mod windows;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use self::watch::Watch;
use super::timer::Timer;
use crate::config::model::Limits;

/// Why the guard ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// More than a client can need: ENHANCE_YOUR_CALM.
    Flood,
    /// What must not be understood, with the error code that says why.
    Malformed(u32),
    /// A frame or a header block that did not end, or a client that does not read.
    Slow,
}

/// Follows the frames of a client's socket.
#[derive(Debug)]
pub(super) struct FrameGuard<S> {
    socket: S,
    watch: Watch,
    ended: Rc<Cell<Option<Ending>>>,
    /// Streams that hyper has to be rid of.
    given_up: Vec<u32>,
    /// The rest of a frame on its way to hyper that resets one of them.
    reset: Vec<u8>,
    /// What the client owes.
    timer: Timer,
    /// The next look at the windows.
    look: Timer,
    write_timer: Timer,
    header_time: Duration,
    body_idle: Duration,
}

impl<S> FrameGuard<S> {
    /// A guard before a socket from which nothing of HTTP/2 has been read.
    pub(super) fn new(socket: S, limits: &Limits) -> Self {
        Self {
            socket,
            watch: Watch::new(limits),
            ended: Rc::default(),
            given_up: Vec::new(),
            reset: Vec::new(),
            timer: Timer::default(),
            look: Timer::default(),
            write_timer: Timer::default(),
            header_time: limits.header_time,
            body_idle: limits.body_idle,
        }
    }

    /// Where it is said why the guard ended the connection, if it did.
    pub(super) fn ending(&self) -> Rc<Cell<Option<Ending>>> {
        Rc::clone(&self.ended)
    }
}

//! The guard stands between the socket and hyper on HTTP/1 connections.
//!
//! It reads head and framing of every request once, strictly, and lets hyper see only clean bytes,
//! because hyper by itself answers the unreadable with an empty reply, a slow head with nothing, and
//! silently repairs what request smuggling is made of.
//!
//! A head that is refused never reaches hyper. In its place the guard lets through a tiny stand-in
//! request; the spine answers it with the refusal. So the refusal comes after the replies before it,
//! is written by the one exit that all errors share, and closes the connection. Bytes after a refused
//! request are never looked at.
//!
//! Invariants: a clean request that arrives in one read is passed on without a copy and without an
//! allocation; at most one head and one socket read are held back; every wait has a deadline.

mod head;
mod io;
mod target;
#[cfg(test)]
mod tests;
mod timer;

use std::rc::Rc;

use self::head::{Head, HeadLimits, HeadScanner};
pub(super) use self::timer::{Timer, Wait};
use crate::base::BodyFault;
use crate::base::chunked::{ChunkLimits, ChunkScanner, Extent, Padding};
use crate::config::model::Limits;
use crate::problem::{Cause, Problem};
use crate::proxy::Wire;

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fault {
    cause: Cause,
    detail: &'static str,
}

impl Fault {
    fn new(cause: Cause, detail: &'static str) -> Self {
        Self { cause, detail }
    }
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Empty,
    Length(u64),
    Chunked,
}

/// Where the connection stands.
#[derive(Debug)]
enum Phase {
    /// A head is expected, or has begun.
    Head,
    /// Data bytes are left of a body.
    Length(u64),
    /// A chunked body.
    Chunked(Box<ChunkScanner>),
    /// The client asked to leave HTTP: nothing more is read as HTTP until the answer is known.
    Upgrading,
    /// The next read fails with this.
    Broken(BodyFault),
    /// Refused, or ended by the client: nothing more comes.
    Ended,
}

/// A strict reader around a client's socket.
#[derive(Debug)]
pub(super) struct Guard<S> {
    socket: S,
    wire: Rc<Wire>,
    phase: Phase,
    scanner: HeadScanner,
    chunk_limits: ChunkLimits,
    /// Bytes read from the socket that hyper has not got yet.
    held: Vec<u8>,
    /// How many of them may go to hyper.
    approved: usize,
    /// Interim replies on their way to the socket.
    outgoing: Vec<u8>,
    /// Whether hyper has written something since it last flushed.
    unflushed: bool,
    refused: bool,
    timer: Timer,
    write_timer: Timer,
    limits: Limits,
}

impl<S> Guard<S> {
    pub(super) fn new(socket: S, wire: Rc<Wire>, over_tls: bool, limits: &Limits) -> Self {
        let heads = HeadLimits { uri: limits.uri, header: limits.header, headers: limits.headers };
        Self {
            socket,
            wire,
            phase: Phase::Head,
            scanner: HeadScanner::new(over_tls, heads),
            chunk_limits: ChunkLimits {
                body: limits.body,
                bytes: limits.header,
                fields: limits.headers,
                padding: Padding::Refused,
            },
            held: Vec::new(),
            approved: 0,
            outgoing: Vec::new(),
            unflushed: false,
            refused: false,
            timer: Timer::default(),
            write_timer: Timer::default(),
            limits: *limits,
        }
    }

    /// Whether the client may still be sending: then closing at once would reset the connection and
    /// the last reply could be lost.
    pub(super) fn may_hold_unread(&self) -> bool {
        self.refused || !matches!(self.phase, Phase::Head) || !self.held.is_empty()
    }

    /// Gives the socket back, and what was read of it beyond the last request.
    pub(super) fn into_parts(self) -> (S, Vec<u8>) {
        (self.socket, self.held)
    }

    /// Decides how many of `fresh` bytes hyper may see. They begin where the last approved byte
    /// ended; in the head phase they begin with the head.
    fn approve(&mut self, fresh: &mut [u8]) -> usize {
        let mut passed = 0;
        while passed < fresh.len() {
            let rest = &mut fresh[passed..];
            match &mut self.phase {
                Phase::Head => match self.scanner.scan(rest) {
                    Ok(None) => return passed,
                    Ok(Some(head)) => {
                        passed += head.end;
                        self.begin(&head);
                        // One request at a time: what follows waits, unless it is the body.
                        if matches!(self.phase, Phase::Head | Phase::Upgrading) {
                            return passed;
                        }
                    }
                    Err(fault) => {
                        self.refuse(fault, &fresh[passed..]);
                        return passed;
                    }
                },
                Phase::Length(left) => {
                    let available = rest.len() as u64;
                    let step = available.min(*left);
                    *left -= step;
                    passed += usize::try_from(step).unwrap_or(usize::MAX);
                    if *left == 0 {
                        self.end_message();
                        return passed;
                    }
                }
                Phase::Chunked(scanner) => match scanner.scan(rest) {
                    Ok(Extent::Open) => return fresh.len(),
                    Ok(Extent::Ends(length)) => {
                        self.end_message();
                        return passed + length;
                    }
                    Err(fault) => {
                        self.phase = Phase::Broken(fault);
                        return passed;
                    }
                },
                Phase::Upgrading | Phase::Broken(_) | Phase::Ended => return passed,
            }
        }
        passed
    }

    fn begin(&mut self, head: &Head) {
        self.scanner.reset();
        self.timer.disarm();
        self.wire.release();
        self.phase = match head.framing {
            Framing::Empty if head.upgrade => Phase::Upgrading,
            Framing::Empty => Phase::Head,
            Framing::Length(length) => Phase::Length(length),
            Framing::Chunked => Phase::Chunked(Box::new(ChunkScanner::new(self.chunk_limits))),
        };
    }

    fn end_message(&mut self) {
        self.phase = Phase::Head;
        self.timer.disarm();
    }

    /// Puts the stand-in where the refused head was.
    fn refuse(&mut self, fault: Fault, head: &[u8]) {
        let (is_head, facts) = self.scanner.understood();
        let mut stand_in = Vec::with_capacity(256);
        stand_in.extend_from_slice(if is_head { b"HEAD" } else { b"GET" });
        stand_in
            .extend_from_slice(b" / HTTP/1.1\r\nhost: refused.invalid\r\nconnection: close\r\n");
        let kept = [("accept", &facts.accept), ("accept-language", &facts.accept_language)];
        for (name, range) in kept {
            let Some(range) = range else { continue };
            let value = head.get(range.clone()).unwrap_or_default();
            stand_in.extend_from_slice(name.as_bytes());
            stand_in.extend_from_slice(b": ");
            stand_in.extend_from_slice(value);
            stand_in.extend_from_slice(b"\r\n");
        }
        stand_in.extend_from_slice(b"\r\n");
        self.wire.refuse(Problem::new(fault.cause).with_detail(fault.detail).closing());
        self.refused = true;
        self.phase = Phase::Ended;
        self.held = stand_in;
        self.approved = self.held.len();
    }

    /// A deadline has passed, or the client has ended its side.
    fn refuse_unfinished(&mut self, cause: Cause, detail: &'static str) {
        let held = std::mem::take(&mut self.held);
        self.refuse(Fault::new(cause, detail), &held);
    }
}

//! The connections of one endpoint that this worker keeps: HTTP/1 last in first out, HTTP/2 shared.
//!
//! No lock and no waiting in line: a request that finds nothing here opens a connection.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::ops::Deref;
use std::rc::Rc;

use tokio::time::Instant;

use super::connect::Http2;
use super::http1::Http1;
use crate::base::clock;
use crate::config::model;

/// The kept connections of one endpoint.
pub(super) struct Pool {
    limits: model::Pool,
    idle: RefCell<VecDeque<Idle>>,
    shared: RefCell<Vec<Rc<Http2>>>,
    /// Whether the last connection was HTTP/1, so that waiting for another would be for nothing.
    alone: Cell<bool>,
}

struct Idle {
    connection: Box<Http1>,
    since: Instant,
}

/// How much is asked before a kept connection is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// What the runtime knows will do: the request can be repeated.
    Known,
    /// The kernel is asked: losing the request would be an error for the client.
    Asked,
}

/// A stream's place on a shared connection.
pub(super) struct Share(Rc<Http2>);

impl Pool {
    pub(super) fn new(limits: model::Pool) -> Self {
        Self {
            limits,
            idle: RefCell::default(),
            shared: RefCell::default(),
            alone: Cell::new(false),
        }
    }

    /// The HTTP/1 connection that went idle last, if one is fit.
    pub(super) fn take_http1(&self, trust: Trust, now: Instant) -> Option<Box<Http1>> {
        let mut idle = self.idle.borrow_mut();
        while let Some(Idle { mut connection, since }) = idle.pop_back() {
            if now.saturating_duration_since(since) > self.limits.idle_time {
                // All the others have been idle for longer still.
                idle.clear();
                return None;
            }
            let fit = match trust {
                Trust::Known => connection.is_fit(),
                Trust::Asked => connection.is_surely_fit(),
            };
            if fit {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps an HTTP/1 connection whose answer has ended. The longest idle one makes room.
    pub(super) fn keep_http1(&self, connection: Box<Http1>, since: Instant) {
        if self.limits.idle == 0 {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= self.limits.idle {
            idle.pop_front();
        }
        idle.push_back(Idle { connection, since });
    }

    /// Drops the HTTP/1 connections that have been idle since before `then`: another of their age
    /// was found to go nowhere, and each could cost a request its whole time.
    pub(super) fn distrust(&self, then: Instant) {
        self.idle.borrow_mut().retain(|idle| idle.since >= then);
    }

    /// A place on a shared connection: one with room, or the emptiest once there are many.
    pub(super) fn take_http2(&self) -> Option<Share> {
        let shared = self.shared.borrow();
        let mut usable = shared.iter().filter(|connection| connection.is_usable());
        let found = usable.find(|connection| connection.has_room());
        if let Some(connection) = found {
            return Some(Share::take(connection));
        }
        if shared.len() < SHARED {
            return None;
        }
        // Beyond that h2 itself lets streams wait for their turn.
        let usable = shared.iter().filter(|connection| connection.is_usable());
        usable.min_by_key(|connection| connection.active.get()).map(Share::take)
    }

    /// Keeps a new shared connection.
    pub(super) fn keep_http2(&self, connection: &Rc<Http2>) {
        let mut shared = self.shared.borrow_mut();
        shared.retain(|connection| connection.is_usable());
        shared.push(Rc::clone(connection));
    }

    /// Remembers which kind of connection the endpoint gives.
    pub(super) fn learn(&self, is_http1: bool) {
        self.alone.set(is_http1);
    }

    /// Whether waiting for another's connection can help.
    pub(super) fn is_worth_waiting(&self) -> bool {
        !self.alone.get()
    }

    /// Drops what has been idle for too long, is closed, or goes to an address that the name has
    /// left.
    pub(super) fn sweep(&self, now: Instant, addresses: Option<&[IpAddr]>) {
        let expired = |since| now.saturating_duration_since(since) > self.limits.idle_time;
        self.idle.borrow_mut().retain_mut(|idle| !expired(idle.since) && idle.connection.is_fit());
        self.shared.borrow_mut().retain(|connection| {
            let moved = match (addresses, connection.address) {
                (Some(known), Some(address)) => !known.is_empty() && !known.contains(&address),
                (None, _) | (_, None) => false,
            };
            let idle = connection.active.get() == 0 && expired(connection.idle_since.get());
            connection.is_usable() && !moved && !idle
        });
    }

    /// Closes at most so many connections that carry nothing, the longest idle first; how many.
    pub(super) fn shed(&self, most: usize) -> usize {
        let mut idle = self.idle.borrow_mut();
        let alone = most.min(idle.len());
        idle.drain(..alone);
        let mut left = most - alone;
        self.shared.borrow_mut().retain(|connection| {
            let closes = left > 0 && connection.active.get() == 0;
            left -= usize::from(closes);
            !closes
        });
        most - left
    }

    /// How many shared connections are kept.
    pub(super) fn shared(&self) -> usize {
        self.shared.borrow().len()
    }

    /// How many connections carry nothing.
    pub(super) fn idle(&self) -> usize {
        let unused = |connection: &&Rc<Http2>| connection.active.get() == 0;
        self.idle.borrow().len() + self.shared.borrow().iter().filter(unused).count()
    }
}

impl Share {
    /// Takes a place; dropping it gives the place back.
    pub(super) fn take(connection: &Rc<Http2>) -> Self {
        connection.active.set(connection.active.get() + 1);
        Self(Rc::clone(connection))
    }
}

impl Deref for Share {
    type Target = Http2;

    fn deref(&self) -> &Http2 {
        &self.0
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get() - 1);
        if self.0.active.get() == 0 {
            self.0.idle_since.set(clock::now());
        }
    }
}

/// Shared connections of one worker to one endpoint, before streams wait for their turn.
const SHARED: usize = 8;

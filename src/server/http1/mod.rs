//! HTTP/1.1 towards clients: one connection, one request at a time.
//!
//! The guard reads each head; a refused one is answered by the spine like any other request, after
//! the replies before it, and ends the connection. Replies and bodies are framed anew. The exchange
//! runs in the connection's own task, so that one wake-up carries a request through the whole house.
//!
//! `reading` reads heads and bodies, `exchange` drives one request to the end of its reply, `reply`
//! writes the head of a reply and frames its body.
//!
//! Invariants: every wait has a deadline; what is read ahead is bounded by 16 KiB and one read;
//! bytes after a refused or broken request are never looked at.

mod exchange;
mod reading;
mod reply;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use self::exchange::After;
use super::closing::Farewell;
use super::drain::DrainWatch;
use super::guard::{HeadLimits, HeadScanner};
use super::presence::Presence;
use super::tenant::{Stay, Tenant};
use super::timer::{Timer, Wait};
use crate::base::outbox::SLICES;
use crate::base::pipe::Feed;
use crate::base::{Extent, Inbox, Outbox, chunked};
use crate::config::model::Limits;
use crate::proxy::{Watched, Wire};

/// One client connection.
pub(super) struct Http1<S> {
    socket: S,
    wire: Rc<Wire>,
    limits: Limits,
    /// What was read and not yet taken.
    inbox: Inbox,
    scanner: HeadScanner,
    /// What is left of the body of the request.
    extent: Extent,
    /// Who wants the body, while somebody does.
    feed: Option<Feed>,
    /// The client waits for a word before it sends its body.
    expects: bool,
    /// Nothing more is read: the request was refused, or broke, or was the last that is answered.
    deaf: bool,
    /// The client has ended its side: it waits for its answer, or has left.
    half_closed: bool,
    /// Its listener is no longer there: it ends once what is under way has.
    homeless: bool,
    /// It has just begun to be silent for long.
    settled: bool,
    outbox: Outbox,
    reading: Timer,
    writing: Timer,
    draining: DrainWatch,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// After a valid 101: what follows is not for here.
    Switched,
    /// It is to be closed. The client may still be sending, so that closing at once would reset the
    /// connection and the last reply could be lost.
    Unread,
    /// It is to be closed.
    Over,
}

impl<S: AsyncRead + AsyncWrite + Presence + Farewell + Unpin> Http1<S> {
    /// A connection that has carried nothing.
    pub(super) fn new(
        socket: S,
        wire: Rc<Wire>,
        over_tls: bool,
        limits: &Limits,
        draining: DrainWatch,
    ) -> Self {
        Self {
            socket,
            wire,
            limits: *limits,
            inbox: Inbox::new(STEP, STEP_MAX),
            scanner: HeadScanner::new(over_tls, heads(limits)),
            extent: Extent::Nothing,
            feed: None,
            expects: false,
            deaf: false,
            half_closed: false,
            homeless: false,
            settled: false,
            outbox: Outbox::default(),
            reading: Timer::default(),
            writing: Timer::default(),
            draining,
        }
    }

    /// Answers requests until the connection ends, each by the configuration of its time. What comes
    /// beside the end is to be dropped after the socket.
    pub(super) async fn serve(&mut self, tenant: &mut Tenant) -> (Ended, Option<Box<Watched>>) {
        let last = loop {
            let next = poll_fn(|cx| {
                // At every wake-up: a connection that waits must not hold on to what has gone.
                self.keep_up(tenant);
                let next = self.poll_head(cx);
                if self.settled {
                    self.settle(tenant);
                }
                next
            });
            // Taken apart here: what is named in a `match` would be kept a second time beside the
            // exchange.
            let Some((mut parts, head)) = next.await else { break None };
            match self.exchange(tenant, &mut parts, head).await {
                After::Next => {}
                After::Switch => return (Ended::Switched, None),
                After::Close => break None,
                After::CloseThen(last) => break Some(last),
            }
        };
        (if self.may_hold_unread() { Ended::Unread } else { Ended::Over }, last)
    }

    /// What is left of a connection that has ended: its socket, its wire, and what the client has
    /// sent that nobody has taken.
    pub(super) fn into_parts(self) -> (S, Rc<Wire>, Bytes) {
        (self.socket, self.wire, self.inbox.into_bytes().freeze())
    }

    /// Between two requests: has the newest configuration answer the next one.
    #[inline]
    fn keep_up(&mut self, tenant: &mut Tenant) {
        match tenant.keep_up() {
            Stay::Here => {}
            Stay::Moved => {
                self.limits = *tenant.limits();
                self.scanner.limits = heads(&self.limits);
            }
            Stay::Homeless => self.homeless = true,
        }
    }

    /// Gives back what was kept for the next request. The service goes first: what it has kept are
    /// slices of what the inbox has read.
    #[cold]
    fn settle(&mut self, tenant: &Tenant) {
        self.settled = false;
        tenant.service().connection().rest();
        self.inbox.rest();
        self.outbox.rest();
    }

    /// Whether the connection is to end after the exchange under way.
    fn leaves(&self) -> bool {
        self.homeless || self.draining.begun()
    }

    fn may_hold_unread(&self) -> bool {
        self.deaf || !self.inbox.is_empty() || !self.extent.is_over()
    }

    fn chunks(&self) -> chunked::ChunkLimits {
        chunked::ChunkLimits {
            body: self.limits.body,
            bytes: self.limits.header,
            fields: self.limits.headers,
            padding: chunked::Padding::Refused,
        }
    }

    /// Writes everything that waits. A client that does not read is cut after a while.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.outbox.is_empty() {
                return match Pin::new(&mut self.socket).poll_flush(cx) {
                    Poll::Ready(flushed) => {
                        self.writing.disarm();
                        Poll::Ready(flushed)
                    }
                    Poll::Pending => self.poll_stalled(cx),
                };
            }
            let mut slices = [IoSlice::new(&[]); SLICES];
            let used = self.outbox.slices(&mut slices);
            let socket = Pin::new(&mut self.socket);
            let written = match &slices[..used] {
                [only] => socket.poll_write(cx, only),
                several => socket.poll_write_vectored(cx, several),
            };
            match written {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.outbox.advance(count);
                    self.writing.disarm();
                    if self.half_closed {
                        // Something moves, and if nobody is there the next write will tell.
                        self.reading.disarm();
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.poll_stalled(cx),
            }
        }
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing.arm(Wait::Body, self.limits.body_idle);
        ready!(self.writing.poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

fn heads(limits: &Limits) -> HeadLimits {
    HeadLimits { uri: limits.uri, header: limits.header, headers: limits.headers }
}

/// Bytes that a connection reads at once, to begin with: most requests are smaller.
const STEP: usize = 4 * 1024;
/// Bytes that a connection reads at once, at most: a bound on what it holds of a body, too.
const STEP_MAX: usize = 128 * 1024;

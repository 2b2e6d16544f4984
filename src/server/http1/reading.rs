//! What comes from the client: heads, then bodies, each within its time.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Http1;
use crate::base::BodyFault;
use crate::problem::Cause;
use crate::server::closing::Farewell;
use crate::server::drain::Rest;
use crate::server::guard::{Fault, Framing, Head};
use crate::server::presence::Presence;
use crate::server::timer::{TICK, Wait};

/// What became of looking for more.
pub(super) enum Flow {
    /// Somebody can go on.
    Moved,
    /// The client has left.
    Gone,
}

/// The head that stands for a refused one: nothing follows it.
const REFUSED: Head =
    Head { end: 0, framing: Framing::Empty, expects: false, keeps_alive: false, trailers: false };

impl<S: AsyncRead + AsyncWrite + Presence + Farewell + Unpin> Http1<S> {
    /// Waits for the next request, or what stands for one that is refused; none where the connection
    /// ends. A connection that is to leave ends here, but what has arrived is
    /// answered, and whoever has asked within the last second is about to ask again: it is told so
    /// in the answer, since a request that crosses the end of its connection is lost.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Parts, Head)>> {
        loop {
            if !self.inbox.is_empty() {
                match self.scanner.scan(&self.inbox) {
                    Ok(Some(head)) => return Poll::Ready(Some(self.take_head(head))),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(Some(self.refused(fault))),
                }
            }
            let begun = self.scanner.has_begun(&self.inbox);
            // Asked even so: it remembers whom to wake.
            let drains = !begun && Pin::new(&mut self.draining).poll(cx).is_ready();
            let leaves = !begun && (self.homeless || drains);
            let fault = match self.inbox.poll_fill(cx, &mut self.socket) {
                Poll::Ready(Ok(0)) => {
                    Fault::new(Cause::BadRequestLine, "the client ended within a head")
                }
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Pending => {
                    if self.waits(begun) || leaves && self.reading.is_for(Wait::Idle) {
                        return Poll::Ready(None);
                    }
                    ready!(self.reading.poll(cx));
                    if leaves {
                        return Poll::Ready(None);
                    }
                    if self.settles() {
                        continue;
                    }
                    Fault::new(Cause::HeaderTimeout, "the head did not end in time")
                }
            };
            // Silence before a head, or its end, needs no answer.
            return Poll::Ready(begun.then(|| self.refused(fault)));
        }
    }

    /// Nothing is there to be read. True where the connection is to make room: nothing is lost,
    /// since its client has not begun to ask for anything.
    fn waits(&mut self, begun: bool) -> bool {
        if begun {
            if self.reading.arm(Wait::Head, self.limits.header_time).is_some() {
                self.draining.works();
            }
            return false;
        }
        if !self.reading.is_for(Wait::Idle)
            && let Some(since) = self.reading.arm(Wait::Fresh, FRESH.min(self.limits.idle))
        {
            self.draining.rests(Rest::Next, since);
        }
        self.draining.is_shed()
    }

    /// The time of a wait is up. True where it was only the first part of a longer one, in which the
    /// connection keeps its room for the next request; from here on it may be silent for long.
    fn settles(&mut self) -> bool {
        let left = self.limits.idle.saturating_sub(FRESH);
        if !self.reading.is_for(Wait::Fresh) || left.is_zero() {
            return false;
        }
        self.settled = true;
        self.reading.arm(Wait::Idle, left);
        true
    }

    fn take_head(&mut self, head: Head) -> (Parts, Head) {
        self.reading.disarm();
        self.draining.works();
        let bytes = self.inbox.split_to(head.end).freeze();
        let asked = match self.scanner.request(&bytes) {
            Ok(parts) => (parts, head),
            Err(fault) => (self.scanner.stand_in(&bytes), self.refuse(fault)),
        };
        self.scanner.reset();
        asked
    }

    fn refused(&mut self, fault: Fault) -> (Parts, Head) {
        self.draining.works();
        (self.scanner.stand_in(&self.inbox), self.refuse(fault))
    }

    /// Has the spine answer with the fault, and reads nothing more.
    #[cold]
    fn refuse(&mut self, fault: Fault) -> Head {
        self.deaf = true;
        self.wire.refuse(fault.into_problem());
        REFUSED
    }

    /// Reads on for whoever wants the body; where nobody does, notices that the client leaves.
    pub(super) fn poll_inflow(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        if self.extent.is_over() {
            return self.poll_presence(cx);
        }
        let Some(feed) = self.feed.take() else { return Poll::Pending };
        let flow = if !feed.is_wanted(cx) {
            Poll::Pending
        } else if self.expects {
            self.expects = false;
            self.outbox.frame(|out| out.extend_from_slice(CONTINUE));
            Poll::Ready(Flow::Moved)
        } else {
            self.poll_body(cx).map(|read| {
                match read {
                    Ok(frame) => {
                        if let Some(frame) = frame {
                            feed.push(frame);
                        }
                        if self.extent.is_over() {
                            feed.end();
                        }
                    }
                    Err(fault) => {
                        self.deaf = true;
                        feed.fail(fault);
                    }
                }
                Flow::Moved
            })
        };
        self.feed = Some(feed);
        flow
    }

    /// The next frame of the body; none at its end.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, BodyFault>> {
        if self.deaf {
            return Poll::Pending;
        }
        loop {
            let frame = self.extent.take_frame(&mut self.inbox)?;
            if frame.is_some() || self.extent.is_over() {
                return Poll::Ready(Ok(frame));
            }
            match self.inbox.poll_fill(cx, &mut self.socket) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(BodyFault::Left)),
                Poll::Ready(Ok(_)) => self.reading.disarm(),
                Poll::Pending => {
                    self.reading.arm(Wait::Body, self.limits.body_idle);
                    ready!(self.reading.poll(cx));
                    return Poll::Ready(Err(BodyFault::Timeout));
                }
            }
        }
    }

    /// Reads a body that nobody wants to its end, if that is near. True when it was reached.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Poll<bool> {
        while !self.extent.is_over() {
            match ready!(self.poll_body(cx)) {
                Ok(Some(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len);
                    let Some(less) = left.checked_sub(length) else { return Poll::Ready(false) };
                    *left = less;
                }
                Ok(None) => {}
                Err(_) => return Poll::Ready(false),
            }
        }
        Poll::Ready(true)
    }

    /// Nothing is due from the client. Reading on tells whether it is still there; what it sends
    /// already is kept for later, within a bound, beyond which it is asked for from time to time.
    ///
    /// An error is a client that has gone. The end of what it sends may be that too, or a client
    /// that has said its last and waits for the answer: TCP does not tell them apart. So the
    /// exchange goes on for as long as something moves, and for a moment of silence.
    fn poll_presence(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        if self.deaf {
            return Poll::Pending;
        }
        if !self.socket.is_heard() {
            // To be told of a new client costs two system calls; mostly its first answer is there
            // before anybody would have heard of its leaving.
            self.reading.arm(Wait::Soon, SOON);
            ready!(self.reading.poll(cx));
            self.reading.disarm();
        }
        while !self.half_closed && self.inbox.len() < AHEAD {
            match ready!(self.inbox.poll_fill(cx, &mut self.socket)) {
                Ok(0) => self.half_closed = true,
                Ok(_) => {}
                Err(_) => return Poll::Ready(Flow::Gone),
            }
        }
        loop {
            self.reading.arm(Wait::Reply, HALF_CLOSED);
            ready!(self.reading.poll(cx));
            if self.half_closed {
                return Poll::Ready(Flow::Gone);
            }
            self.half_closed = self.socket.has_left();
            self.reading.disarm();
        }
    }
}

/// How long a connection keeps its room after an exchange: the next request may be on its way.
const FRESH: Duration = Duration::from_secs(1);
/// How long a client of which nobody tells is taken to be there: a quarter of a second. Longer than
/// the worker's own tick, since a timer that is not the next to ring costs no system call.
const SOON: Duration = TICK.saturating_add(Duration::from_millis(50));
/// Bytes that are read ahead while an exchange is under way: a page of requests or two.
const AHEAD: usize = 16 * 1024;
/// How long an exchange may be silent once its client has ended its side.
const HALF_CLOSED: Duration = Duration::from_secs(1);

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

//! What comes from the client: heads, then bodies, each within its time.

use std::future::Future as _;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http_body::Frame;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::{Http1, STEP};
use crate::base::BodyFault;
use crate::base::chunked::{ChunkScanner, Piece};
use crate::problem::Cause;
use crate::server::guard::{Fault, Framing, Head};
use crate::server::timer::Wait;

/// What a connection brings next.
pub(super) enum Next {
    /// A request.
    Request(Parts, Head),
    /// A request that is refused, and what stands for it.
    Refused(Parts, Fault),
    /// Nothing.
    End,
}

/// What is left of a request's body.
pub(super) enum Extent {
    /// Nothing.
    Nothing,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks.
    Chunked(Box<ChunkScanner>),
}

/// What became of looking for more.
pub(super) enum Flow {
    /// Somebody can go on.
    Moved,
    /// The client has left.
    Gone,
}

/// The head that stands for a refused one: nothing follows it.
pub(super) const REFUSED: Head = Head {
    end: 0,
    framing: Framing::Empty,
    upgrade: false,
    expects: false,
    keeps_alive: false,
    trailers: false,
};

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    /// Waits for the next head.
    pub(super) fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        loop {
            if !self.inbox.is_empty() {
                match self.scanner.scan(&self.inbox) {
                    Ok(Some(head)) => return Poll::Ready(self.take_head(head)),
                    Ok(None) => {}
                    Err(fault) => return Poll::Ready(self.refused(fault)),
                }
            }
            let begun = self.scanner.has_begun(&self.inbox);
            if !begun && Pin::new(&mut self.draining).poll(cx).is_ready() {
                return Poll::Ready(Next::End);
            }
            let fault = match self.poll_fill(cx) {
                Poll::Ready(Ok(0)) => {
                    Fault::new(Cause::BadRequestLine, "the client ended within a head")
                }
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(_)) => return Poll::Ready(Next::End),
                Poll::Pending => {
                    let (wait, time) = if begun {
                        (Wait::Head, self.limits.header_time)
                    } else {
                        (Wait::Idle, self.limits.idle)
                    };
                    self.reading.arm(wait, time);
                    ready!(self.reading.poll(cx));
                    Fault::new(Cause::HeaderTimeout, "the head did not end in time")
                }
            };
            // Silence before a head, or its end, needs no answer.
            return Poll::Ready(if begun { self.refused(fault) } else { Next::End });
        }
    }

    fn take_head(&mut self, head: Head) -> Next {
        self.reading.disarm();
        let bytes = self.inbox.split_to(head.end).freeze();
        let next = match self.scanner.request(&bytes) {
            Ok(parts) => Next::Request(parts, head),
            Err(fault) => Next::Refused(self.scanner.stand_in(&bytes), fault),
        };
        self.scanner.reset();
        next
    }

    fn refused(&mut self, fault: Fault) -> Next {
        Next::Refused(self.scanner.stand_in(&self.inbox), fault)
    }

    /// Reads on for whoever wants the body; where nobody does, notices that the client leaves.
    pub(super) fn poll_inflow(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        if matches!(self.extent, Extent::Nothing) {
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
                        if matches!(self.extent, Extent::Nothing) {
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
            let frame = self.take_frame()?;
            if frame.is_some() || matches!(self.extent, Extent::Nothing) {
                return Poll::Ready(Ok(frame));
            }
            match self.poll_fill(cx) {
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

    /// A frame out of what was read, if there is one.
    fn take_frame(&mut self) -> Result<Option<Frame<Bytes>>, BodyFault> {
        while !self.inbox.is_empty() {
            let count = match &mut self.extent {
                Extent::Nothing => return Ok(None),
                Extent::Length(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX);
                    let count = count.min(self.inbox.len());
                    *left -= count as u64;
                    if *left == 0 {
                        self.extent = Extent::Nothing;
                    }
                    count
                }
                Extent::Chunked(scanner) => match scanner.next(&self.inbox)? {
                    Piece::Framing(count) => {
                        self.inbox.advance(count);
                        continue;
                    }
                    Piece::Data(count) => count,
                    Piece::End(count) => {
                        self.inbox.advance(count);
                        let trailers = scanner.take_trailers();
                        self.extent = Extent::Nothing;
                        return Ok(trailers.map(Frame::trailers));
                    }
                },
            };
            return Ok(Some(Frame::data(self.inbox.split_to(count).freeze())));
        }
        Ok(None)
    }

    /// Reads a body that nobody wants to its end, if that is near. True when it was reached.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>, left: &mut usize) -> Poll<bool> {
        while !matches!(self.extent, Extent::Nothing) {
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

    /// Nothing is due from the client. One more read tells whether it is still there; what it sends
    /// already is kept for later.
    fn poll_presence(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        if self.deaf || !self.inbox.is_empty() {
            return Poll::Pending;
        }
        match ready!(self.poll_fill(cx)) {
            Ok(0) | Err(_) => Poll::Ready(Flow::Gone),
            Ok(_) => Poll::Pending,
        }
    }

    /// Reads once, into whatever room there is.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.inbox.capacity() - self.inbox.len() < self.step / 2 {
            self.inbox.reserve(self.step);
        }
        let room = self.inbox.capacity() - self.inbox.len();
        let read = ready!(pin!(Pin::new(&mut self.socket).read_buf(&mut self.inbox)).poll(cx))?;
        if read == room {
            self.step = (self.step * 2).min(STEP_MAX);
        } else if read < self.step / 4 {
            self.step = (self.step / 2).max(STEP);
        }
        Poll::Ready(Ok(read))
    }
}

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// Bytes that a connection reads at once, at most: a bound on what it holds of a body, too.
const STEP_MAX: usize = 128 * 1024;

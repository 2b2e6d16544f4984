//! A request on its way out: its head, then its body frame by frame, with backpressure.
//!
//! The head leaves together with the first frame where that is there already. A frame is handed to
//! the socket where it lies; around it go the few bytes of framing.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;
use http_body::Body as _;

use super::encode::{self, Framing};
use crate::base::outbox::SLICES;
use crate::base::{BodyFault, Outbox, chunks};
use crate::upstream::Stamp;
use crate::upstream::upload::Outgoing;
use crate::upstream::wire::Wire;

/// One request after the other, in buffers that stay.
#[derive(Default)]
pub(super) struct Sending {
    body: Outgoing,
    framing: Framing,
    outbox: Outbox,
    left: Left,
    written: bool,
}

/// What is left of the request beside what waits to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Left {
    /// Nothing.
    #[default]
    Nothing,
    /// To see that TLS has passed everything on.
    Flush,
    /// Frames of the body.
    Body,
}

impl Sending {
    /// Takes the next request.
    pub(super) fn begin(
        &mut self,
        head: &Parts,
        host: &HeaderValue,
        stamp: Option<&Stamp<'_>>,
        body: Outgoing,
    ) {
        self.outbox.clear();
        self.written = false;
        let known = match (body.is_end_stream(), body.size_hint().exact()) {
            (true, _) => encode::Body::None,
            (false, Some(length)) => encode::Body::Exact(length),
            (false, None) => encode::Body::Unknown,
        };
        self.framing = self.outbox.frame(|out| encode::head(head, host, stamp, known, out));
        self.left = if self.framing == Framing::None { Left::Flush } else { Left::Body };
        self.body = body;
    }

    /// Whether no byte has left.
    pub(super) fn is_untouched(&self) -> bool {
        !self.written
    }

    /// Whether everything has left.
    pub(super) fn is_over(&self) -> bool {
        self.left == Left::Nothing
    }

    /// Writes as much as the socket takes. Ready when everything has left; pending while the socket
    /// is full or the body has nothing to give.
    ///
    /// # Errors
    /// The client's body broke.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wire: &mut Wire,
    ) -> Poll<Result<(), BodyFault>> {
        while self.left != Left::Nothing {
            // The next frame is asked for when the last one has left; the first one may go with
            // the head.
            let asks = self.left == Left::Body && (self.outbox.is_empty() || !self.written);
            let next = if asks { self.poll_frame(cx)? } else { Poll::Ready(()) };
            while !self.outbox.is_empty() {
                ready!(self.poll_write(cx, wire));
            }
            ready!(wire.poll_settle(cx));
            if self.left == Left::Flush {
                self.left = Left::Nothing;
            }
            ready!(next);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, BodyFault> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return Ok(Poll::Pending);
        };
        let trailers = match frame.transpose()?.map(http_body::Frame::into_data) {
            Some(Ok(data)) => {
                self.frame(data)?;
                return Ok(Poll::Ready(()));
            }
            Some(Err(frame)) => frame.into_trailers().ok(),
            None => None,
        };
        match self.framing {
            Framing::Chunked => self.outbox.frame(|out| chunks::last(trailers.as_ref(), out)),
            // Fewer bytes than were promised: the upstream must not take it for the whole.
            Framing::Length(1..) => return Err(BodyFault::Left),
            Framing::Length(0) | Framing::None => {}
        }
        self.left = Left::Flush;
        Ok(Poll::Ready(()))
    }

    fn frame(&mut self, data: Bytes) -> Result<(), BodyFault> {
        match &mut self.framing {
            Framing::Chunked if data.is_empty() => return Ok(()),
            Framing::Chunked => {
                self.outbox.frame(|out| chunks::begin(data.len(), out));
                self.outbox.data(data);
                self.outbox.frame(|out| out.extend_from_slice(chunks::END));
            }
            Framing::Length(left) => {
                // More bytes than were promised would begin a request of their own.
                *left = left.checked_sub(data.len() as u64).ok_or(BodyFault::Syntax)?;
                if *left == 0 {
                    self.left = Left::Flush;
                    self.body.finish();
                }
                self.outbox.data(data);
            }
            Framing::None => return Err(BodyFault::Syntax),
        }
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, wire: &mut Wire) -> Poll<()> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let used = self.outbox.slices(&mut slices);
        let count = match &slices[..used] {
            [only] => ready!(wire.poll_put(cx, only)),
            several => ready!(wire.poll_put_slices(cx, several)),
        };
        self.written = true;
        self.outbox.advance(count);
        if self.left == Left::Body {
            self.body.touch();
        }
        Poll::Ready(())
    }
}

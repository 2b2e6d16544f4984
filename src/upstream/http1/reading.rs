//! Reads the body of an answer, by the framing that its head has told (RFC 9112, section 6.3).
//!
//! Data is handed on where it was read. An end that the framing does not allow is an error: a cut
//! answer is never taken for a whole one.

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::{Frame, SizeHint};

use super::{Failure, Http1};
use crate::base::chunked::{ChunkLimits, ChunkScanner, Padding, Piece};
use crate::upstream::check::{FIELDS, HEAD};

/// What is left of a body.
pub(super) enum Extent {
    /// Nothing.
    Nothing,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks.
    Chunked(Box<ChunkScanner>),
    /// Whatever comes until the connection closes.
    UntilClose,
}

impl Extent {
    pub(super) fn length(length: u64) -> Self {
        if length == 0 { Self::Nothing } else { Self::Length(length) }
    }

    pub(super) fn chunked() -> Self {
        let limits =
            ChunkLimits { body: u64::MAX, bytes: HEAD, fields: FIELDS, padding: Padding::Skipped };
        Self::Chunked(Box::new(ChunkScanner::new(limits)))
    }
}

impl fmt::Debug for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Length(left) => write!(f, "Length({left})"),
            Self::Chunked(_) => f.write_str("Chunked"),
            Self::UntilClose => f.write_str("UntilClose"),
        }
    }
}

impl Http1 {
    /// What is known of the length of what is left.
    pub(in crate::upstream) fn size_hint(&self) -> SizeHint {
        match &self.extent {
            Extent::Nothing => SizeHint::with_exact(0),
            Extent::Length(left) => SizeHint::with_exact(*left),
            Extent::Chunked(_) | Extent::UntilClose => SizeHint::default(),
        }
    }

    /// The next frame of the body; none at its clean end. What is left of the request is sent on
    /// meanwhile.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        loop {
            if self.has_ended() {
                return Poll::Ready(None);
            }
            self.poll_send(cx)?;
            if let Some(frame) = self.take_frame()? {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.has_ended() {
                return Poll::Ready(None);
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) if matches!(self.extent, Extent::UntilClose) => self.extent = Extent::Nothing,
                Ok(0) => return Poll::Ready(Some(Err(Failure::Ended))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(Failure::Io(error)))),
            }
        }
    }

    /// A frame out of what was read, if there is one.
    fn take_frame(&mut self) -> Result<Option<Frame<Bytes>>, Failure> {
        while !self.inbox.is_empty() {
            let count = match &mut self.extent {
                Extent::Nothing => return Ok(None),
                Extent::UntilClose => self.inbox.len(),
                Extent::Length(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX);
                    let count = count.min(self.inbox.len());
                    *left -= count as u64;
                    if *left == 0 {
                        self.extent = Extent::Nothing;
                    }
                    count
                }
                Extent::Chunked(scanner) => {
                    let piece = scanner.next(&self.inbox);
                    match piece.map_err(|_| Failure::Garbage("a chunk is not well formed"))? {
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
                    }
                }
            };
            return Ok(Some(Frame::data(self.inbox.split_to(count).freeze())));
        }
        Ok(None)
    }
}

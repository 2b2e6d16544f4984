//! Reads the body of an answer.
//!
//! An end that the framing does not allow is an error: a cut
//! answer is never taken for a whole one.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{Failure, Http1};
use crate::base::Extent;

impl Http1 {
    /// What is known of the length of what is left.
    pub(in crate::upstream) fn size_hint(&self) -> SizeHint {
        self.extent.size_hint()
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
            if let Some(frame) = self
                .extent
                .take_frame(&mut self.inbox)
                .map_err(|_| Failure::Garbage("a chunk is not well formed"))?
            {
                return Poll::Ready(Some(Ok(frame)));
            }
            if self.has_ended() {
                return Poll::Ready(None);
            }
            match ready!(self.inbox.poll_fill(cx, &mut self.wire)) {
                Ok(0) if matches!(self.extent, Extent::UntilClose) => self.extent = Extent::Nothing,
                Ok(0) => return Poll::Ready(Some(Err(Failure::Ended))),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Some(Err(Failure::Io(error)))),
            }
        }
    }
}

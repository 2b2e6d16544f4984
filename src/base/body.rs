//! Request bodies on their way upstream: one concrete type, so that nothing is boxed.
//!
//! A body that fails has to be blamed on the right side. The upstream connection sees only
//! "the body broke"; the fault itself is left in a cell that the exchange reads afterwards.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::messages::Messages;
use super::pipe::Pipe;
use super::replay::Reading;
#[cfg(test)]
use super::trail::{self, Place};
use super::uploads::Upload;

/// A request body.
#[derive(Debug, Default)]
pub enum Body {
    /// No body at all.
    #[default]
    Empty,
    /// A body that guichet holds in memory.
    Full(Option<Bytes>),
    /// A client's body, streamed, counted and bounded.
    Capped(Capped),
    /// A body that may be sent again.
    Replayed(Reading),
}

/// Why a client's body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// It is longer than the limit.
    TooLarge,
    /// Its framing is wrong: a bad chunk, a trailer that is no field line.
    Syntax,
    /// Nothing arrived for too long.
    Timeout,
    /// Its trailers are more, or larger, than the limit.
    TrailerLimit,
    /// The client went away before the end.
    Left,
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the request body is larger than the limit",
            Self::Syntax => "the request body is not framed correctly",
            Self::Timeout => "the request body stopped arriving",
            Self::TrailerLimit => "the request has too many or too large trailers",
            Self::Left => "the client left before the end of its body",
        })
    }
}

impl std::error::Error for BodyFault {}

/// What has passed of a streamed body so far; shared between the body and its exchange.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bytes of data that went by.
    pub bytes: Cell<u64>,
    /// The fault that ended the body, if one did.
    pub fault: Cell<Option<BodyFault>>,
    /// Whether the body was read to its end.
    pub complete: Cell<bool>,
    /// The messages of a gRPC call, where each of them is bounded in place of the whole.
    pub messages: Cell<Option<Messages>>,
    /// Its place among those that are sent on before they are whole, until it is.
    pub upload: RefCell<Option<Upload>>,
}

impl Meter {
    /// A meter for a stream of messages, each of which has at most so many bytes.
    pub fn of_messages(most: u64) -> Self {
        Self { messages: Cell::new(Some(Messages::new(most))), ..Self::default() }
    }

    /// Nothing more goes by.
    fn ends(&self, how: Result<(), BodyFault>) {
        match how {
            Ok(()) => self.complete.set(true),
            Err(fault) => self.fault.set(Some(fault)),
        }
        self.upload.take();
    }

    /// Notes what goes by; whether it keeps within its bound, which is `limit` for the whole.
    fn takes(&self, data: Option<&Bytes>, limit: u64) -> bool {
        let Some(data) = data else { return true };
        let seen = self.bytes.get() + data.len() as u64;
        self.bytes.set(seen);
        let Some(mut messages) = self.messages.get() else { return seen <= limit };
        let fits = messages.follow(data);
        self.messages.set(Some(messages));
        fits
    }
}

/// A client's body as it comes in, whatever the client speaks.
#[derive(Debug)]
pub enum Inflow {
    /// There is none.
    Empty,
    /// From an HTTP/1 connection.
    Http1(Pipe),
    /// A stream of an HTTP/2 connection.
    Http2(Incoming),
    /// Read to its end already.
    Read(Bytes),
    /// The beginning of it was read already.
    Begun(Box<Begun>),
}

/// A body of which the first bytes were read.
#[derive(Debug)]
pub struct Begun {
    /// Those bytes.
    pub first: Bytes,
    /// What comes after them.
    pub rest: Inflow,
}

/// A client's body with a bound on its length.
#[derive(Debug)]
pub struct Capped {
    incoming: Inflow,
    limit: u64,
    meter: Rc<Meter>,
}

impl Capped {
    /// Streams `incoming` and stops with [`BodyFault::TooLarge`] after `limit` bytes, or where its
    /// meter says so of a message.
    pub fn new(incoming: Inflow, limit: u64, meter: Rc<Meter>) -> Self {
        Self { incoming, limit, meter }
    }

    /// What has not been read of it.
    pub fn into_rest(self) -> Inflow {
        self.incoming
    }

    /// Whether there is nothing more to read.
    pub fn is_end(&self) -> bool {
        self.incoming.is_end()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Capped(capped) => capped.poll_frame(cx),
            Self::Replayed(reading) => reading.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_none(),
            Self::Capped(capped) => capped.is_end(),
            Self::Replayed(reading) => reading.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Capped(capped) => capped.incoming.size_hint(),
            Self::Replayed(reading) => reading.size_hint(),
        }
    }
}

impl Inflow {
    /// Whether there is nothing to read, now or ever.
    pub fn is_end(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Http1(pipe) => pipe.is_end(),
            Self::Http2(incoming) => incoming.is_end_stream(),
            Self::Read(bytes) => bytes.is_empty(),
            Self::Begun(begun) => begun.first.is_empty() && begun.rest.is_end(),
        }
    }

    /// What is known of its length.
    pub fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Http1(pipe) => pipe.size_hint(),
            Self::Http2(incoming) => incoming.size_hint(),
            Self::Read(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Begun(begun) => longer(&begun.rest.size_hint(), begun.first.len() as u64),
        }
    }

    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Http1(pipe) => pipe.poll_frame(cx),
            Self::Read(bytes) => {
                let data = std::mem::take(bytes);
                Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
            }
            Self::Begun(begun) if !begun.first.is_empty() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut begun.first)))))
            }
            Self::Begun(begun) => begun.rest.poll_frame(cx),
            // Whatever breaks a stream of HTTP/2 is the client's doing.
            Self::Http2(incoming) => {
                let polled = Pin::new(incoming).poll_frame(cx).map_err(|_| BodyFault::Left);
                #[cfg(test)]
                trail::saw_frame(Place::ClientFrame, &polled);
                polled
            }
        }
    }
}

/// What is known of a length, with so many bytes before it.
pub(super) fn longer(hint: &SizeHint, by: u64) -> SizeHint {
    let mut longer = SizeHint::new();
    longer.set_lower(hint.lower() + by);
    if let Some(upper) = hint.upper() {
        longer.set_upper(upper + by);
    }
    longer
}

impl Capped {
    /// The next frame.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let fault = match ready!(self.incoming.poll_frame(cx)) {
            Some(Ok(frame)) => {
                if self.meter.takes(frame.data_ref(), self.limit) {
                    // Whoever knows the length does not ask again after the last byte.
                    if self.incoming.is_end() {
                        self.meter.ends(Ok(()));
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
                BodyFault::TooLarge
            }
            Some(Err(fault)) => fault,
            None => {
                self.meter.ends(Ok(()));
                return Poll::Ready(None);
            }
        };
        self.meter.ends(Err(fault));
        Poll::Ready(Some(Err(fault)))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::base::pipe::pipe;

    #[test]
    fn a_body_that_was_begun_goes_on_where_it_was_left_and_is_as_long_as_ever() {
        let mut cx = Context::from_waker(Waker::noop());
        let (feed, pipe) = pipe(Some(2));
        let rest = Inflow::Http1(pipe);
        let mut body = Inflow::Begun(Box::new(Begun { first: Bytes::from_static(b"abc"), rest }));
        assert_eq!((body.size_hint().exact(), body.is_end()), (Some(5), false));

        let mut read = Vec::new();
        while let Poll::Ready(Some(frame)) = body.poll_frame(&mut cx) {
            read.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        assert_eq!((&read[..], body.size_hint().exact()), (&b"abc"[..], Some(2)));

        feed.push(Frame::data(Bytes::from_static(b"de")));
        assert!(matches!(body.poll_frame(&mut cx), Poll::Ready(Some(Ok(_)))));
        assert!(body.is_end());
    }
}

//! The body of an answer, and the connection that it comes on.
//!
//! A clean end gives the connection back to the pool, and nothing else does: a body that is dropped
//! before its end closes its connection (HTTP/1) or resets its stream (HTTP/2) at once.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::blame;
use super::endpoint::Seat;
use super::error::{Kind, Sent, Stage, UpstreamError, retryable};
use super::http1::Http1;
use super::pool::Share;
use super::roster::Conduct;
use super::tunnel::Tunnel;
use super::upload::{State, Upload};
use crate::base::grpc::GrpcStatus;
#[cfg(test)]
use crate::base::trail::{self, Place};
use crate::base::{Alarm, clock};

/// The body of an upstream's answer.
pub struct Stream {
    source: Source,
    facts: Facts,
    /// When the head was there.
    arrived: Instant,
    still_since: Option<Instant>,
    /// Whether the body has ever let somebody wait.
    waited: bool,
    upload: Option<Rc<Upload>>,
    /// Whether its endpoint was blamed for this answer already.
    blamed: bool,
    /// Whether it has said at its end that it failed (gRPC).
    failed: bool,
}

/// What an answer holds while it lasts.
pub(super) enum Source {
    /// A whole connection.
    Http1(Seat, Box<Http1>),
    /// A stream of one.
    Http2 { seat: Seat, body: Incoming, alarm: Alarm, share: Share },
    /// No body, but what the connection has become.
    Tunnel(Box<Tunnel>),
    /// Nothing any more.
    Over,
}

/// What a body needs to know of its call.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// The longest silence between two frames.
    pub(super) idle: Duration,
    /// When a gRPC client stops waiting, for the end of the answer too.
    pub(super) client_deadline: Option<Instant>,
    /// Whether trailers say how the call went.
    pub(super) is_grpc: bool,
    /// Whether the connection had been used before.
    pub(super) reused: bool,
    /// Whether the method may be repeated after a failure.
    pub(super) harmless: bool,
}

/// Why a body broke off, before it is put in the words of the call, and what gRPC makes of it.
struct Break(Kind, String, Option<GrpcStatus>);

impl Break {
    fn of(kind: Kind, detail: impl Into<String>) -> Self {
        Self(kind, detail.into(), None)
    }
}

impl Stream {
    /// The body of an answer. One that is empty has ended already.
    pub(super) fn new(source: Source, facts: Facts, upload: Option<Rc<Upload>>) -> Self {
        let arrived = clock::now();
        let mut stream = Self {
            source,
            facts,
            arrived,
            still_since: None,
            waited: false,
            upload,
            blamed: false,
            failed: false,
        };
        if stream.source_has_ended() {
            stream.finish();
        }
        stream
    }

    /// When the head of the answer was there.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Says that its endpoint has been blamed for this answer: how it ends makes it no worse.
    pub(super) fn blame(&mut self) {
        self.blamed = true;
    }

    /// The raw connection, if the answer was a valid 101.
    pub fn into_tunnel(mut self) -> Option<Tunnel> {
        match std::mem::replace(&mut self.source, Source::Over) {
            Source::Tunnel(tunnel) => Some(*tunnel),
            Source::Http1(..) | Source::Http2 { .. } | Source::Over => None,
        }
    }

    /// Lets go of an answer that nobody wants. What is there already is read, so that its
    /// connection may be kept; nothing is waited for.
    pub(super) fn discard(mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..DISCARDED {
            let Poll::Ready(Some(Ok(_))) = Pin::new(&mut self).poll_frame(&mut cx) else { return };
        }
    }

    fn source_has_ended(&self) -> bool {
        match &self.source {
            Source::Http1(_, connection) => connection.has_ended(),
            Source::Http2 { body, .. } => body.is_end_stream(),
            Source::Tunnel(_) => false,
            Source::Over => true,
        }
    }

    /// Whether what looks like the end is a reset with NO_ERROR. That is allowed after a whole answer, to
    /// be spared the rest of a request (RFC 9113, section 8.1), and hyper reads it so before its end too.
    fn was_reset(&self) -> bool {
        matches!(&self.source, Source::Http2 { body, .. } if !body.is_end_stream())
    }

    /// Gives the connection back, if it is fit for another request.
    fn finish(&mut self) {
        // An answer that ends before the request does is the end of both.
        if let Some(upload) = &self.upload {
            upload.stop();
        }
        match std::mem::replace(&mut self.source, Source::Over) {
            Source::Http1(seat, connection) if connection.may_be_kept() => {
                self.came_whole(&seat);
                // Nearly all small answers are there with their head: no need for another look at the clock.
                let now = if self.waited { clock::now() } else { self.arrived };
                seat.endpoint().pool.keep_http1(connection, now);
            }
            Source::Http1(seat, _) | Source::Http2 { seat, .. } => self.came_whole(&seat),
            Source::Tunnel(_) | Source::Over => {}
        }
    }

    fn came_whole(&self, seat: &Seat) {
        if !self.failed {
            seat.endpoint().came_whole();
        }
    }

    /// Reads what the trailers of a gRPC answer say of its endpoint, after a head that said nothing.
    #[cold]
    fn heed(&mut self, trailers: &HeaderMap) {
        let hurried = self.facts.client_deadline.is_some();
        let told = GrpcStatus::failure(trailers).map(|status| Conduct::of_call(status, hurried));
        if told != Some(Conduct::Badly) {
            return;
        }
        self.failed = true;
        if let Source::Http1(seat, _) | Source::Http2 { seat, .. } = &self.source {
            seat.endpoint().broke_off(Conduct::Badly);
        }
    }

    fn fail(&mut self, Break(kind, detail, grpc): Break) -> UpstreamError {
        if let Some(upload) = &self.upload {
            upload.stop();
        }
        let endpoint = match std::mem::replace(&mut self.source, Source::Over) {
            Source::Http1(seat, _) | Source::Http2 { seat, .. } => {
                if !self.blamed {
                    seat.endpoint().broke_off(Conduct::of_failure(kind));
                }
                Some(seat.endpoint().id)
            }
            Source::Tunnel(_) | Source::Over => None,
        };
        UpstreamError {
            stage: Stage::Body,
            kind,
            sent: Sent::All,
            reused: self.facts.reused,
            endpoint,
            retryable: retryable(kind, Sent::All, self.facts.harmless),
            wait: None,
            grpc,
            detail: Some(detail.into_boxed_str()),
        }
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Break>>> {
        match &mut self.source {
            Source::Http1(_, connection) => connection
                .poll_frame(cx)
                .map_err(|failure| Break::of(blame::http1_body(&failure), failure.describe())),
            Source::Http2 { body, share, .. } => {
                let polled = Pin::new(body).poll_frame(cx);
                #[cfg(test)]
                trail::saw_frame(Place::UpstreamFrame, &polled);
                polled.map_err(|error| {
                    let fault = self.upload.as_ref().and_then(|upload| upload.fault());
                    let kind = blame::body(&error, fault);
                    if kind == Kind::Truncated && share.line.is_given_up() {
                        return Break::of(Kind::IdleTimeout, "the upstream answered no PING");
                    }
                    Break(kind, blame::describe(&error), blame::reset(&error))
                })
            }
            Source::Tunnel(_) | Source::Over => Poll::Ready(None),
        }
    }

    /// Waits for the idle timeout, or for the end of the client's patience. The alarm is set once and
    /// only looked at again when it rings: a body that flows touches no timer at all. An upstream that
    /// takes what the client still sends is not idle, and not to blame where it waits for that.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<Break> {
        self.waited = true;
        let mut since = *self.still_since.get_or_insert_with(clock::now);
        if let Some(upload) = self.upload.as_ref().filter(|upload| upload.state() != State::Done) {
            since = since.max(upload.last());
        }
        let idle = since + self.facts.idle;
        let end = self.facts.client_deadline.map_or(idle, |end| end.min(idle));
        let alarm = match &mut self.source {
            Source::Http1(_, connection) => &mut connection.alarm,
            Source::Http2 { alarm, .. } => alarm,
            Source::Tunnel(_) | Source::Over => return Poll::Pending,
        };
        ready!(alarm.poll_until(end, cx));
        if end < idle {
            let words = "the time is over that the client gave the whole call";
            return Poll::Ready(Break::of(Kind::TotalTimeout, words));
        }
        self.blamed |= self.upload.as_ref().is_some_and(|upload| upload.state() == State::Client);
        Poll::Ready(Break::of(Kind::IdleTimeout, "nothing more of the answer came"))
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("ended", &self.source_has_ended()).finish_non_exhaustive()
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let stream = self.get_mut();
        match stream.poll_source(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                stream.still_since = None;
                // Whoever reads may not ask again after the last frame.
                if frame.is_trailers() || stream.source_has_ended() {
                    if stream.facts.is_grpc
                        && let Some(trailers) = frame.trailers_ref()
                    {
                        stream.heed(trailers);
                    }
                    stream.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) if stream.was_reset() => {
                let broke = Break(Kind::Truncated, RESET.to_owned(), Some(GrpcStatus::Internal));
                Poll::Ready(Some(Err(stream.fail(broke))))
            }
            Poll::Ready(None) => {
                stream.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(broke))) => Poll::Ready(Some(Err(stream.fail(broke)))),
            Poll::Pending => {
                let broke = ready!(stream.poll_limits(cx));
                Poll::Ready(Some(Err(stream.fail(broke))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Tunnel(_)) || self.source_has_ended()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Http1(_, connection) => connection.size_hint(),
            Source::Http2 { body, .. } => body.size_hint(),
            Source::Tunnel(_) | Source::Over => SizeHint::with_exact(0),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // The connection goes with what is held; the client's body may still be on its way.
        if let Some(upload) = &self.upload {
            upload.stop();
        }
    }
}

const RESET: &str = "the stream was reset with NO_ERROR in the middle of the answer";

/// Frames of an unwanted answer that are read at most.
const DISCARDED: usize = 16;

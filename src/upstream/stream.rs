//! The body of an answer, and the connection that it comes on.
//!
//! A clean end gives the connection back to the pool, and nothing else does: a body that is dropped
//! before its end closes its connection (HTTP/1) or resets its stream (HTTP/2) at once.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::blame;
use super::check::Reuse;
use super::connect::Http1;
use super::endpoint::Seat;
use super::error::{Kind, Sent, Stage, UpstreamError, retryable};
use super::pool::Share;
use super::tunnel::Tunnel;
use super::upload::Upload;
use crate::base::clock;

/// The body of an upstream's answer.
pub struct Stream {
    body: Incoming,
    held: Option<Held>,
    facts: Facts,
    timer: Option<Pin<Box<Sleep>>>,
    still_since: Option<Instant>,
    upload: Option<Rc<Upload>>,
    tunnel: Option<Box<Tunnel>>,
}

/// What an answer holds while it lasts.
pub(super) struct Held {
    pub(super) seat: Seat,
    pub(super) hold: Hold,
}

/// A connection in use.
pub(super) enum Hold {
    /// The whole of it.
    Http1(Http1),
    /// A stream of it.
    Http2(Share),
}

/// What a body needs to know of its call.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    /// The longest silence between two frames.
    pub(super) idle: Duration,
    /// Whether the connection may be used again after a clean end.
    pub(super) reuse: Reuse,
    /// Whether it had been used before.
    pub(super) reused: bool,
    /// Whether the method may be repeated after a failure.
    pub(super) harmless: bool,
}

impl Stream {
    /// Wraps the body of an answer. One that is empty has ended already.
    pub(super) fn new(
        body: Incoming,
        held: Held,
        facts: Facts,
        upload: Option<Rc<Upload>>,
    ) -> Self {
        let mut stream = Self {
            body,
            held: Some(held),
            facts,
            timer: None,
            still_since: None,
            upload,
            tunnel: None,
        };
        if stream.body.is_end_stream() {
            stream.finish();
        }
        stream
    }

    /// The answer to an upgrade: no body, but a tunnel.
    pub(super) fn switched(body: Incoming, tunnel: Tunnel, facts: Facts) -> Self {
        Self {
            body,
            held: None,
            facts,
            timer: None,
            still_since: None,
            upload: None,
            tunnel: Some(Box::new(tunnel)),
        }
    }

    /// The raw connection, if the answer was a valid 101.
    pub fn into_tunnel(mut self) -> Option<Tunnel> {
        self.tunnel.take().map(|tunnel| *tunnel)
    }

    /// Gives the connection back, if it is fit for another request.
    fn finish(&mut self) {
        let Some(Held { seat, hold }) = self.held.take() else { return };
        // An answer that ends before the request does is the end of both.
        if let Some(upload) = &self.upload {
            upload.stop();
        }
        match hold {
            Hold::Http1(connection) if self.facts.reuse == Reuse::Fine => {
                seat.endpoint().pool.keep_http1(connection);
            }
            Hold::Http1(_) | Hold::Http2(_) => {}
        }
    }

    fn fail(&mut self, kind: Kind, detail: String) -> UpstreamError {
        let held = self.held.take();
        if let Some(upload) = &self.upload {
            upload.stop();
        }
        UpstreamError {
            stage: Stage::Body,
            kind,
            sent: Sent::All,
            reused: self.facts.reused,
            endpoint: held.map(|held| held.seat.endpoint().id),
            retryable: retryable(kind, Sent::All, self.facts.harmless),
            detail: Some(detail.into_boxed_str()),
        }
    }

    /// Waits for the idle timeout. The timer is set once and only looked at again when it rings:
    /// a body that flows touches no timer at all.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.facts.idle;
        let since = *self.still_since.get_or_insert_with(clock::now);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(since + idle)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if clock::now() >= since + idle {
                return Poll::Ready(());
            }
            timer.as_mut().reset(since + idle);
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("body", &self.body).finish_non_exhaustive()
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
        if stream.held.is_none() {
            return Poll::Ready(None);
        }
        match Pin::new(&mut stream.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                stream.still_since = None;
                // Whoever reads may not ask again after the last frame.
                if frame.is_trailers() || stream.body.is_end_stream() {
                    stream.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                stream.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                let fault = stream.upload.as_ref().and_then(|upload| upload.fault());
                let kind = blame::body(&error, fault);
                Poll::Ready(Some(Err(stream.fail(kind, blame::describe(&error)))))
            }
            Poll::Pending => {
                ready!(stream.poll_idle(cx));
                let detail = "nothing more of the answer came".into();
                Poll::Ready(Some(Err(stream.fail(Kind::IdleTimeout, detail))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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

//! HTTP/1.1 towards upstreams: one connection, one exchange at a time, driven by whoever holds it.
//!
//! There is no task behind a connection and no channel before it. The exchange that owns it writes,
//! reads and waits in its own task, so that an answer wakes the one task that wants it; while the
//! connection is idle nobody looks at it, and [`Http1::is_fit`] looks before it is used again.
//!
//! Framing is read once, strictly, and written anew. Whatever is ambiguous is an error or costs the
//! connection; a byte of a body is never copied.
//!
//! `encode` writes a request's head, `sending` its body, `head` reads the head of an answer,
//! `reading` its body.

mod encode;
mod head;
mod reading;
mod sending;

use std::io;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use self::head::{Answer, Heard};
use self::sending::Sending;
use super::check::Reuse;
use super::connect::Open;
use super::upload::Outgoing;
use super::wire::Wire;
use super::{Interim, Stamp, blame};
use crate::base::{Alarm, BodyFault, Extent, Inbox};

/// An HTTP/1 connection, owned by whoever uses it or by the pool.
pub(super) struct Http1 {
    wire: Wire,
    /// What was read and not yet taken.
    inbox: Inbox,
    /// How much of the inbox is known to hold no end of a head.
    searched: usize,
    sending: Sending,
    extent: Extent,
    reuse: Reuse,
    /// Whether a byte of the answer has come.
    heard: bool,
    interims: u8,
    is_head: bool,
    /// For whoever waits on this connection.
    pub(super) alarm: Alarm,
    open: Open,
}

/// Why an exchange failed on its connection.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client's body broke, so that the request cannot be ended.
    Upload(BodyFault),
    /// What came is not an answer; in words.
    Garbage(&'static str),
    /// The head of the answer is larger than we read.
    TooLarge,
    /// The upstream closed the connection.
    Ended,
    /// The socket or TLS failed.
    Io(io::Error),
}

impl Http1 {
    /// A connection that has carried nothing.
    pub(super) fn new(wire: Wire, open: Open) -> Box<Self> {
        Box::new(Self {
            wire,
            inbox: Inbox::new(STEP, STEP_MAX),
            searched: 0,
            sending: Sending::default(),
            extent: Extent::Nothing,
            reuse: Reuse::Fine,
            heard: false,
            interims: 0,
            is_head: false,
            alarm: Alarm::default(),
            open,
        })
    }

    /// Whether an idle connection can carry a request: it is open, and the upstream has not said a
    /// word that nobody asked for. Costs no system call unless the socket has something to tell.
    pub(super) fn is_fit(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.inbox.is_empty()
            && !self.wire.is_broken()
            && self.inbox.poll_fill(&mut cx, &mut self.wire).is_pending()
    }

    /// As [`Self::is_fit`], but asks the kernel, which may know of an end that the runtime has not
    /// been told of yet. Worth it for a request that could not be repeated.
    pub(super) fn is_surely_fit(&mut self) -> bool {
        !self.wire.has_arrivals() && self.is_fit()
    }

    /// Begins an exchange; nothing is written before [`Self::poll_answer`].
    pub(super) fn begin(
        &mut self,
        head: &Parts,
        host: &HeaderValue,
        stamp: Option<&Stamp<'_>>,
        body: Outgoing,
    ) {
        self.heard = false;
        self.interims = 0;
        self.is_head = head.method == Method::HEAD;
        self.searched = 0;
        self.extent = Extent::Nothing;
        self.reuse = Reuse::Fine;
        self.sending.begin(head, host, stamp, body);
    }

    /// Sends, and waits for the head of the final answer. `tell` hears of interim ones.
    pub(super) fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        tell: Option<&Interim>,
    ) -> Poll<Result<Response<()>, Failure>> {
        loop {
            self.poll_send(cx)?;
            while let Some(heard) = self.read_head()? {
                match heard {
                    Heard::Interim(status, headers) => self.interim(status, &headers, tell)?,
                    Heard::Final(answer) => return Poll::Ready(Ok(self.accept(answer))),
                }
            }
            match ready!(self.inbox.poll_fill(cx, &mut self.wire)) {
                Ok(0) => return Poll::Ready(Err(Failure::Ended)),
                Ok(_) => self.heard = true,
                Err(error) => return Poll::Ready(Err(Failure::Io(error))),
            }
        }
    }

    /// Sends on, if there is anything left of the request.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        match self.sending.poll(cx, &mut self.wire) {
            Poll::Ready(Err(fault)) => Err(Failure::Upload(fault)),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    fn read_head(&mut self) -> Result<Option<Heard>, Failure> {
        let read = head::read(&mut self.inbox, &mut self.searched, self.is_head);
        if matches!(read, Ok(Some(_))) {
            self.searched = 0;
        }
        read
    }

    fn interim(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        tell: Option<&Interim>,
    ) -> Result<(), Failure> {
        self.interims += 1;
        if self.interims > INTERIMS {
            return Err(Failure::Garbage("too many interim answers"));
        }
        // 100 is between us and the upstream; the client gets its own.
        if status != StatusCode::CONTINUE
            && let Some(tell) = tell
        {
            tell(status, headers);
        }
        Ok(())
    }

    fn accept(&mut self, answer: Answer) -> Response<()> {
        self.extent = answer.extent;
        self.reuse = answer.reuse;
        answer.head
    }

    /// Whether nothing of the answer is left to read.
    pub(super) fn has_ended(&self) -> bool {
        self.extent.is_over()
    }

    /// Whether the connection may carry another exchange after this one.
    pub(super) fn may_be_kept(&self) -> bool {
        self.reuse == Reuse::Fine
            && self.has_ended()
            && self.sending.is_over()
            && self.inbox.is_empty()
            && !self.wire.is_broken()
    }

    /// Whether the upstream has said nothing in this exchange.
    pub(super) fn is_silent(&self) -> bool {
        !self.heard
    }

    /// Whether no byte of the request went out.
    pub(super) fn is_unwritten(&self) -> bool {
        self.sending.is_untouched()
    }

    /// Whether the whole request went out.
    pub(super) fn is_sent(&self) -> bool {
        self.sending.is_over() && !self.wire.is_broken()
    }

    /// After a 101: the wire, what came after the head, and the place in the count.
    pub(super) fn into_parts(self) -> (Wire, Bytes, Open) {
        (self.wire, self.inbox.into_bytes().freeze(), self.open)
    }
}

impl Failure {
    /// The private cause in words, for the log.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Upload(fault) => fault.to_string(),
            Self::Garbage(words) => (*words).to_owned(),
            Self::TooLarge => "the head of the answer is too large".to_owned(),
            Self::Ended => "the upstream closed the connection".to_owned(),
            Self::Io(error) => blame::describe(error),
        }
    }
}

/// Bytes that a connection reads at once, to begin with.
const STEP: usize = 8 * 1024;
/// Bytes that a connection reads at once, at most: a bound on what it holds of an answer, too.
const STEP_MAX: usize = 256 * 1024;
/// Interim answers to one request, at most.
const INTERIMS: u8 = 16;

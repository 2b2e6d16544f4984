//! The upstream's side of a WebSocket of a GraphQL route: bytes pass as they come, and are listened to,
//! so that a client whose socket breaks is told so in the terms of its protocol before it ends.
//!
//! Invariants: nothing is held back, and nothing stands between the bytes of a frame; after the
//! upstream's own close frame nothing is said. The record of the exchange speaks when the socket is
//! over. Reads and writes never fail: an upstream that breaks is an end, after some last words.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::in_band::InBand;
use crate::base::websocket::{Frames, Heard};
use crate::observe::{Outcome, Record};
use crate::outcome::graphql::Subscriptions;
use crate::problem::{BuiltIn, Cause, Problem};
use crate::upstream::Tunnel;

/// Where the record waits for the socket to be over, once the 101 has left.
pub(super) type Slot = Rc<RefCell<Option<Record>>>;

/// What a socket goes to.
pub trait Far: AsyncRead + AsyncWrite + Unpin {
    /// It has broken: whoever keeps count of that is told.
    fn broke_off(&self);
}

impl Far for Tunnel {
    fn broke_off(&self) {
        Self::broke_off(self);
    }
}

/// A socket that is listened to.
#[derive(Debug)]
pub struct Socket<T: Far = Tunnel> {
    upstream: T,
    words: InBand,
    subscriptions: Subscriptions,
    up: Frames,
    down: Frames,
    /// The code in the upstream's close frame, as far as it has been heard: nothing else of it is kept.
    closing: Vec<u8>,
    /// The client has said first that it closes.
    client_closes: bool,
    /// The client has ended its side.
    client_ended: bool,
    /// The upstream takes nothing any more.
    is_deaf: bool,
    /// What the client is still to be told.
    last: Bytes,
    broken: Option<Problem>,
    parting: Rc<Parting>,
    record: Slot,
    bytes_in: u64,
    bytes_out: u64,
}

/// Whoever holds this can have a socket end.
#[derive(Debug, Default)]
pub struct Parting(Cell<Stage>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    Asked(Cause),
    Over,
}

impl Parting {
    /// Has the socket say why it ends, the next time that it is asked for something; false if it ends
    /// already.
    pub fn ask(&self, why: Cause) -> bool {
        let is_open = self.0.get() == Stage::Open;
        if is_open {
            self.0.set(Stage::Asked(why));
        }
        is_open
    }
}

impl<T: Far> Socket<T> {
    /// A socket whose two ends have agreed on a protocol.
    pub(super) fn new(upstream: T, protocol: Option<&[u8]>, words: InBand, record: Slot) -> Self {
        Self {
            upstream,
            words,
            subscriptions: Subscriptions::new(protocol),
            up: Frames::default(),
            down: Frames::default(),
            closing: Vec::new(),
            client_closes: false,
            client_ended: false,
            is_deaf: false,
            last: Bytes::new(),
            broken: None,
            parting: Rc::default(),
            record,
            bytes_in: 0,
            bytes_out: 0,
        }
    }

    /// The means to end it.
    pub fn parting(&self) -> Rc<Parting> {
        Rc::clone(&self.parting)
    }

    fn hear_upstream(&mut self, bytes: &[u8]) {
        self.bytes_out += bytes.len() as u64;
        let Self { down, subscriptions, closing, .. } = self;
        down.read(bytes, |heard| {
            if let Heard::Close(more) = heard {
                closing.extend(more.iter().take(CODE.saturating_sub(closing.len())));
            }
            subscriptions.hear_server(heard)
        });
        self.count_ended();
    }

    fn hear_client(&mut self, bytes: &[u8]) {
        self.bytes_in += bytes.len() as u64;
        let Self { up, subscriptions, .. } = self;
        up.read(bytes, |heard| subscriptions.hear_client(heard));
        self.client_closes |= self.up.is_closed() && !self.down.is_closed();
        self.count_ended();
    }

    fn count_ended(&mut self) {
        let ended = self.subscriptions.take_ended();
        if let Some(record) = &*self.record.borrow() {
            record.count_operations(Outcome::Success, ended.complete);
            record.count_operations(Outcome::Refused, ended.refused);
        }
    }

    /// The upstream has ended. Whoever ends in order has said so before, or has seen the client go.
    fn end(&mut self, why: impl std::fmt::Display) {
        if self.client_ended || self.up.is_closed() || self.down.is_closed() {
            self.parting.0.set(Stage::Over);
            return;
        }
        self.upstream.broke_off();
        self.break_off(Problem::new(Cause::Truncated).with_detail(why));
    }

    fn break_off(&mut self, problem: Problem) {
        self.parting.0.set(Stage::Over);
        if self.down.is_between_frames() && !self.down.is_closed() {
            let open = self.down.is_between_messages().then_some(&self.subscriptions);
            self.last = self.words.frames(&problem, open);
        }
        if !self.client_closes {
            self.broken = Some(problem);
        }
    }

    fn note(&self, record: &mut Record) {
        (record.bytes_in, record.bytes_out) = (self.bytes_in, self.bytes_out);
        let asked = match self.parting.0.get() {
            Stage::Asked(why) => Some(Problem::new(why)),
            Stage::Open | Stage::Over => None,
        };
        let is_closed = self.client_closes || self.down.is_closed();
        let said = closed_with(&self.closing).filter(|_| !self.client_closes);
        if let Some(problem) = self.broken.as_ref().or(asked.as_ref()).or(said.as_ref()) {
            let status = record.status;
            record.blame(problem, status);
            let failed = self.words.catalogue.status(problem) >= 500;
            record.outcome = if failed { Outcome::Failed } else { Outcome::Refused };
            record.complete = said.is_some();
        } else if is_closed {
            record.outcome = Outcome::Success;
            record.complete = true;
        }
        let open = u32::try_from(self.subscriptions.open()).unwrap_or(u32::MAX);
        record.count_operations(record.outcome, open);
    }
}

/// Bytes of a code in a close frame.
const CODE: usize = 2;

/// The problem that a close frame of an upstream tells of: those of RFC 6455, section 7.4.1, the
/// registry's, and those of GraphQL, which are the statuses of HTTP and 4000.
fn closed_with(frame: &[u8]) -> Option<Problem> {
    let code = u16::from_be_bytes(frame.first_chunk().copied()?);
    let status = match code {
        1002 | 1003 | 1007..=1010 => 400,
        1011 => 500,
        1012 | 1013 => 503,
        1014 => 502,
        4400..=4599 => code - 4000,
        _ => return None,
    };
    let (named, _) = BuiltIn::for_status(status)?;
    let detail = format!("the upstream closed the socket with {code}");
    Some(Problem::new(Cause::UpstreamStatus).with_code(named).with_detail(detail))
}

impl<T: Far> AsyncRead for Socket<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        loop {
            if !socket.last.is_empty() {
                let count = socket.last.len().min(buf.remaining());
                buf.put_slice(&socket.last[..count]);
                socket.last.advance(count);
                return Poll::Ready(Ok(()));
            }
            let stage = socket.parting.0.get();
            match stage {
                Stage::Over => return Poll::Ready(Ok(())),
                Stage::Asked(why) if socket.down.is_between_frames() => {
                    socket.break_off(Problem::new(why));
                    continue;
                }
                Stage::Asked(_) | Stage::Open => {}
            }
            let before = buf.filled().len();
            match (Pin::new(&mut socket.upstream).poll_read(cx, buf), stage) {
                (Poll::Ready(Ok(())), _) if buf.filled().len() > before => {
                    socket.hear_upstream(&buf.filled()[before..]);
                    return Poll::Ready(Ok(()));
                }
                (Poll::Ready(Ok(())), _) => socket.end("the upstream ended without a close frame"),
                (Poll::Ready(Err(error)), _) => socket.end(error),
                (Poll::Pending, Stage::Asked(why)) => socket.break_off(Problem::new(why)),
                (Poll::Pending, _) if socket.is_deaf => socket.end("the upstream takes nothing"),
                (Poll::Pending, _) => return Poll::Pending,
            }
        }
    }
}

impl<T: Far> AsyncWrite for Socket<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = self.get_mut();
        if socket.is_deaf || socket.parting.0.get() == Stage::Over {
            return Poll::Ready(Ok(bytes.len()));
        }
        match ready!(Pin::new(&mut socket.upstream).poll_write(cx, bytes)) {
            Ok(count) => {
                socket.hear_client(&bytes[..count]);
                Poll::Ready(Ok(count))
            }
            Err(_) => {
                // What it has said before may still wait to be read.
                socket.is_deaf = true;
                cx.waker().wake_by_ref();
                Poll::Ready(Ok(bytes.len()))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = ready!(Pin::new(&mut self.get_mut().upstream).poll_flush(cx));
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = self.get_mut();
        socket.client_ended = true;
        let _ = ready!(Pin::new(&mut socket.upstream).poll_shutdown(cx));
        Poll::Ready(Ok(()))
    }
}

impl<T: Far> Drop for Socket<T> {
    fn drop(&mut self) {
        if let Some(mut record) = self.record.take() {
            self.note(&mut record);
        }
    }
}

#[cfg(test)]
impl Far for tokio::io::DuplexStream {
    fn broke_off(&self) {}
}

#[cfg(test)]
impl<T: Far> Socket<T> {
    /// A socket of no exchange.
    pub(crate) fn alone(upstream: T) -> Self {
        Self::new(upstream, None, InBand::alone(), Slot::default())
    }
}

#[cfg(test)]
mod tests;

//! The reply's body on its way to the client. It counts, notices how it ends, and carries the
//! record, which speaks when the body is dropped.
//!
//! A body that breaks after its head was sent is cut so that the client can tell: the error makes
//! the connection close without a last chunk (HTTP/1) or reset the stream (HTTP/2).

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::content::{Content, Rest};
use super::followed::Followed;
use super::late::Late;
use super::overheard::Overheard;
use super::pack::Packer;
use super::packed::Packed;
use super::socket::Slot;
use super::wire::Open;
use crate::base::Source;
use crate::base::body::Meter;
use crate::gate::Admitted;
use crate::observe::{Outcome, Record};
use crate::problem::{Cause, Problem, Wording};
use crate::upstream::Stream;

/// A reply's body.
#[derive(Debug)]
pub struct Watched {
    content: Content,
    // Fields drop in this order: the record speaks before the connection may take its next request.
    record: Option<Record>,
    open: Option<Open>,
    meter: Option<Rc<Meter>>,
    /// Boxed, so that all that is no gRPC does not carry the room for it.
    late: Option<Box<Late>>,
    /// Given back when the reply is over.
    admitted: Option<Box<Admitted>>,
}

/// The reply was cut: what remains cannot be had.
#[derive(Debug)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream's answer broke off")
    }
}

impl std::error::Error for Cut {}

impl Watched {
    pub(super) fn empty() -> Self {
        Self::of(Content::Empty)
    }

    pub(super) fn full(bytes: Bytes) -> Self {
        Self::of(Content::Full((!bytes.is_empty()).then_some(bytes)))
    }

    pub(super) fn said(wording: Wording) -> Self {
        Self::of(Content::Said(Some(wording)))
    }

    /// What an error says, with the fields that the head lacks.
    #[inline]
    pub fn wording(&self) -> Option<&Wording> {
        if let Content::Said(wording) = &self.content { wording.as_ref() } else { None }
    }

    pub(super) fn wording_mut(&mut self) -> Option<&mut Wording> {
        if let Content::Said(wording) = &mut self.content { wording.as_mut() } else { None }
    }

    /// Writes the body of an error, which is over then.
    pub fn say(&mut self, out: &mut Vec<u8>) {
        let Content::Said(wording) = &mut self.content else { return };
        let Some(wording) = wording.take() else { return };
        wording.write_body(out);
        if let Some(record) = &mut self.record {
            record.bytes_out += wording.length() as u64;
        }
        self.complete();
    }

    pub(super) fn upstream(stream: Stream) -> Self {
        Self::of(Content::Upstream(stream))
    }

    pub(super) fn replayed(ahead: VecDeque<Bytes>, rest: Rest) -> Self {
        Self::of(Content::Replayed(ahead, rest))
    }

    /// The same, coded.
    pub(super) fn packed(mut self, packer: Packer) -> Self {
        // A body of nothing is coded, too: its head has said so.
        let inner = std::mem::replace(&mut self.content, Content::Empty);
        self.content = Content::Packed(Box::new(Packed::new(inner, packer)));
        self
    }

    /// The same, and somebody compares it with a document.
    pub(super) fn overheard(mut self, overheard: Overheard) -> Self {
        let inner = std::mem::replace(&mut self.content, Content::Empty);
        self.content = Content::Followed(Box::new(Followed::compared(inner, overheard)));
        self
    }

    pub(super) fn followed(followed: Followed) -> Self {
        Self::of(Content::Followed(Box::new(followed)))
    }

    pub(super) fn switched(slot: Slot) -> Self {
        Self::of(Content::Switched(slot))
    }

    fn of(content: Content) -> Self {
        Self { content, record: None, open: None, meter: None, late: None, admitted: None }
    }

    /// Takes over what the exchange knew, so that it is told when the body is over.
    pub(super) fn attend(
        &mut self,
        record: Record,
        open: Open,
        meter: Option<Rc<Meter>>,
        bodiless: bool,
    ) {
        self.record = Some(record);
        self.open = Some(open);
        self.meter = meter;
        if bodiless || self.is_end_stream() {
            self.complete();
        }
    }

    /// Keeps the room that the exchange was given until the reply is over.
    pub(super) fn hold(&mut self, admitted: Option<Box<Admitted>>) {
        self.admitted = admitted;
    }

    fn complete(&mut self) {
        if let Some(late) = self.late.take() {
            late.came_whole();
        }
        let Some(record) = &mut self.record else { return };
        record.complete = true;
        if record.operations.is_some() && record.judged.is_none() {
            self.content.listener().into_iter().for_each(|listener| listener.judge(record));
        }
        if record.outcome == Outcome::Aborted && record.cause.is_none() {
            record.outcome = match (record.judged, record.status) {
                (Some(judged), _) => judged,
                (None, ..400) => Outcome::Success,
                (None, 400..500) => Outcome::Refused,
                (None, 500..) => Outcome::Failed,
            };
            record.judge_rpc();
        }
    }

    /// The reply has left, or never will: nothing that is done now keeps anybody waiting.
    #[cold]
    #[inline(never)]
    fn part(&mut self) {
        if let Content::Switched(slot) = &self.content {
            if let Some(mut record) = self.record.take() {
                // What has ended is the handshake.
                (record.complete, record.outcome) = (false, Outcome::Aborted);
                slot.replace(Some(record));
            }
        } else if let (Some(listener), Some(record)) = (self.content.listener(), &mut self.record) {
            listener.settle(record);
        }
    }

    /// A failure after the head is told (gRPC).
    pub(super) fn rescue_late(&mut self, late: Late) {
        self.late = Some(Box::new(late));
    }

    /// The frame that tells of it, where one can.
    fn broke(&mut self, problem: &Problem) -> Option<Frame<Bytes>> {
        self.content = Content::Broken;
        let told = self.late.take().and_then(|late| late.tell(problem));
        if let Some(record) = &mut self.record {
            let status = record.status;
            record.blame(problem, status);
            if record.source != Some(Source::Client) {
                record.outcome = Outcome::Failed;
            }
        }
        let (frame, rpc) = told?;
        if let Some(record) = &mut self.record {
            record.rpc = rpc;
        }
        Some(frame)
    }

    /// Reads the status of a gRPC call, which is the end of what could fail.
    #[cold]
    fn hear(&mut self, frame: &Frame<Bytes>) {
        let told = self.late.as_mut().and_then(|late| late.hear(frame));
        if let (Some(rpc), Some(record)) = (told, &mut self.record) {
            record.rpc = rpc;
        }
    }

    /// Whether the end would be one without a status.
    fn owes_status(&self) -> bool {
        self.late.as_ref().is_some_and(|late| late.is_owed())
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let watched = self.get_mut();
        match watched.content.poll_frame(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(data), Some(record)) = (frame.data_ref(), &mut watched.record) {
                    record.bytes_out += data.len() as u64;
                }
                if watched.late.is_some() {
                    watched.hear(&frame);
                }
                if watched.is_end_stream() {
                    watched.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            // Told a turn later: what came before it, the head above all, has to leave first, and
            // HTTP/2 would take it back together with the stream.
            Poll::Ready(Some(Err(error))) if !matches!(watched.content, Content::Breaking(_)) => {
                watched.content = Content::Breaking(Some(Box::new(error)));
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Some(Err(error))) => {
                let told = watched.broke(&Problem::from(error));
                Poll::Ready(Some(told.ok_or(Cut)))
            }
            Poll::Ready(None) if watched.owes_status() => {
                let ended = Problem::new(Cause::BadResponse).with_detail(UNSAID);
                let told = watched.broke(&ended);
                Poll::Ready(Some(told.ok_or(Cut)))
            }
            Poll::Ready(None) => {
                if !matches!(watched.content, Content::Broken) {
                    watched.complete();
                }
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream() && !self.owes_status()
    }

    fn size_hint(&self) -> SizeHint {
        // Of a body that is over but for its trailers it would say that there is nothing.
        if self.late.is_some() { SizeHint::default() } else { self.content.size_hint() }
    }
}

const UNSAID: &str = "the answer ended without a grpc-status";

impl Drop for Watched {
    fn drop(&mut self) {
        if let (Some(meter), Some(record)) = (&self.meter, &mut self.record) {
            record.bytes_in = meter.bytes.get();
        }
        let is_special = matches!(
            self.content,
            Content::Switched(_) | Content::Followed(_) | Content::Packed(_)
        );
        if is_special {
            self.part();
        }
    }
}

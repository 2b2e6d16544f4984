//! A body on its way through an encoder. What the upstream has sent reaches the client as soon as the
//! upstream pauses; what it breaks off stays broken off, without the encoder's last bytes.

use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;

use super::content::{Content, Polled};
use super::followed::Followed;
use super::pack::Packer;
use crate::upstream::{Kind, Sent, Stage, UpstreamError};

/// A body and its encoder.
#[derive(Debug)]
pub(super) struct Packed {
    inner: Content,
    /// None once it has finished.
    packer: Option<Packer>,
    /// Whether the encoder holds something that was not flushed.
    holds: bool,
    /// What follows the bytes that were just handed on.
    next: Option<Polled>,
}

impl Packed {
    pub(super) fn new(inner: Content, packer: Packer) -> Self {
        Self { inner, packer: Some(packer), holds: false, next: None }
    }

    /// Who listens to what the upstream sends, if somebody does.
    pub(super) fn listener(&mut self) -> Option<&mut Followed> {
        self.inner.listener()
    }

    /// Whether everything was handed on.
    pub(super) fn is_over(&self) -> bool {
        self.packer.is_none() && self.next.is_none()
    }

    /// One step: [`MOST`] bytes and what was read with the last of them are coded at most, before the
    /// worker turns to others.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Polled>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(next));
        }
        let Some(packer) = &mut self.packer else { return Poll::Ready(None) };
        let mut taken = 0;
        loop {
            match self.inner.poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        taken += data.len();
                        self.holds = true;
                        if let Err(error) = packer.write(&data) {
                            return self.cut(broken(&error));
                        }
                        if packer.ready() >= CHUNK {
                            return hand_on(packer.take());
                        }
                        if taken >= MOST {
                            return self.flush();
                        }
                    }
                    // Trailers come after all data.
                    Err(trailers) => {
                        self.next = Some(Ok(trailers));
                        return self.finish();
                    }
                },
                Poll::Ready(Some(Err(error))) => return self.cut(error),
                Poll::Ready(None) => return self.finish(),
                Poll::Pending if self.holds => return self.flush(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn flush(&mut self) -> Poll<Option<Polled>> {
        self.holds = false;
        match self.packer.as_mut().map(Packer::flush) {
            Some(Ok(bytes)) => hand_on(bytes),
            Some(Err(error)) => self.cut(broken(&error)),
            None => Poll::Ready(None),
        }
    }

    fn finish(&mut self) -> Poll<Option<Polled>> {
        match self.packer.take().map(Packer::finish) {
            Some(Ok(bytes)) => hand_on(bytes),
            Some(Err(error)) => self.cut(broken(&error)),
            None => Poll::Ready(self.next.take()),
        }
    }

    /// What came before is handed on, then the failure: the client sees that there was more.
    fn cut(&mut self, error: UpstreamError) -> Poll<Option<Polled>> {
        let held = std::mem::take(&mut self.holds);
        let rest = self.packer.take().filter(|_| held).map(|mut packer| packer.flush());
        match rest {
            Some(Ok(bytes)) if !bytes.is_empty() => {
                self.next = Some(Err(error));
                hand_on(bytes)
            }
            Some(_) | None => Poll::Ready(Some(Err(error))),
        }
    }
}

fn hand_on(bytes: Bytes) -> Poll<Option<Polled>> {
    Poll::Ready(Some(Ok(Frame::data(bytes))))
}

/// An encoder that writes to memory does not fail; should it ever, the body is cut, and the log says why.
#[cold]
fn broken(error: &io::Error) -> UpstreamError {
    UpstreamError {
        stage: Stage::Body,
        kind: Kind::Truncated,
        sent: Sent::All,
        reused: false,
        endpoint: None,
        retryable: None,
        wait: None,
        grpc: None,
        detail: Some(format!("the encoder failed: {error}").into()),
    }
}

/// Bytes that are worth a write.
const CHUNK: usize = 8 << 10;
/// Bytes that are coded in one turn.
const MOST: usize = 64 << 10;

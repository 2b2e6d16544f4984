//! The guard as a stream: what hyper reads and writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::timer::Wait;
use super::{Guard, Phase};
use crate::base::{BodyFault, clock};
use crate::problem::Cause;

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        guard.wire.register(cx.waker());
        if guard.wire.has_interim() || !guard.outgoing.is_empty() {
            guard.write_interim(cx)?;
        }
        loop {
            if guard.approved > 0 {
                guard.hand_over(buf);
                return Poll::Ready(Ok(()));
            }
            match guard.phase {
                Phase::Broken(fault) => {
                    guard.phase = Phase::Ended;
                    guard.refused = true;
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, fault)));
                }
                // To hyper an end means that the client left, and it would drop the very exchange
                // that answers the refusal.
                Phase::Ended if guard.refused && guard.wire.is_busy() => return Poll::Pending,
                Phase::Ended => return Poll::Ready(Ok(())),
                Phase::Upgrading if !guard.wire.is_busy() => guard.phase = Phase::Head,
                Phase::Head | Phase::Length(_) | Phase::Chunked(_) | Phase::Upgrading => {}
            }
            if guard.look_at_held() {
                continue;
            }
            match guard.read_socket(cx, buf) {
                Poll::Ready(result) => {
                    if result? == Progress::Delivered {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Pending => {
                    ready!(guard.poll_deadline(cx))?;
                }
            }
        }
    }
}

/// What a read of the socket brought.
#[derive(PartialEq)]
enum Progress {
    /// `buf` holds bytes for hyper, or the stream has ended.
    Delivered,
    /// Bytes were held back, or the phase has changed: look again.
    Again,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Guard<S> {
    /// Moves approved bytes to hyper.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.approved.min(buf.remaining());
        buf.put_slice(&self.held[..count]);
        self.held.drain(..count);
        self.approved -= count;
    }

    /// Judges bytes that were held back. True if that changed something.
    fn look_at_held(&mut self) -> bool {
        let worth = match self.phase {
            // A head that was begun is looked at again when more of it has come.
            Phase::Head => !self.held.is_empty() && self.held_is_unseen(),
            Phase::Length(_) | Phase::Chunked(_) => !self.held.is_empty(),
            Phase::Upgrading | Phase::Broken(_) | Phase::Ended => false,
        };
        if !worth {
            return false;
        }
        let mut held = std::mem::take(&mut self.held);
        let approved = self.approve(&mut held);
        if !self.refused {
            self.held = held;
            self.approved = approved;
        }
        self.approved > 0 || !matches!(self.phase, Phase::Head)
    }

    fn held_is_unseen(&self) -> bool {
        self.scanner.seen() < self.held.len()
    }

    /// Reads into hyper's own buffer, judges the bytes there, and takes back what must wait.
    fn read_socket(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Progress>> {
        if self.held.len() > MAX_HELD && matches!(self.phase, Phase::Upgrading) {
            return Poll::Pending;
        }
        let start = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        if buf.filled().len() == start {
            return Poll::Ready(Ok(self.client_ended()));
        }
        if !matches!(self.phase, Phase::Head) {
            self.timer.disarm();
        }
        if !self.held.is_empty() || matches!(self.phase, Phase::Upgrading) {
            // The rest of a head that came in pieces, or early bytes of a tunnel.
            self.held.extend_from_slice(&buf.filled()[start..]);
            buf.set_filled(start);
            return Poll::Ready(Ok(Progress::Again));
        }
        let fresh = &mut buf.filled_mut()[start..];
        let length = fresh.len();
        let approved = self.approve(fresh);
        if !self.refused && approved < length {
            self.held.extend_from_slice(&buf.filled()[start + approved..]);
        }
        buf.set_filled(start + approved);
        let progress = if approved > 0 { Progress::Delivered } else { Progress::Again };
        Poll::Ready(Ok(progress))
    }

    fn client_ended(&mut self) -> Progress {
        match self.phase {
            Phase::Head if !self.held.is_empty() => {
                self.refuse_unfinished(Cause::BadRequestLine, "the client ended within a head");
                Progress::Again
            }
            Phase::Length(_) | Phase::Chunked(_) => {
                self.phase = Phase::Broken(BodyFault::Left);
                Progress::Again
            }
            Phase::Head | Phase::Upgrading | Phase::Broken(_) | Phase::Ended => {
                self.phase = Phase::Ended;
                Progress::Delivered
            }
        }
    }

    /// Nothing can be read now: how long may that last? Ready means "look again".
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.phase {
            Phase::Head if !self.held.is_empty() => {
                self.timer.arm(Wait::Head, self.limits.header_time);
                ready!(self.timer.poll(cx));
                self.refuse_unfinished(Cause::HeaderTimeout, "the head did not end in time");
            }
            Phase::Head => {
                // Armed during an exchange too, because nobody looks here when it ends.
                self.timer.arm(Wait::Idle, self.limits.idle);
                ready!(self.timer.poll(cx));
                self.timer.disarm();
                let quiet = self.wire.ended().map(|ended| clock::now() - ended);
                match quiet {
                    _ if self.wire.is_busy() => {}
                    Some(quiet) if quiet < self.limits.idle => {
                        self.timer.arm(Wait::Idle, self.limits.idle - quiet);
                    }
                    Some(_) | None => self.phase = Phase::Ended,
                }
            }
            Phase::Length(_) | Phase::Chunked(_) => {
                self.timer.arm(Wait::Body, self.limits.body_idle);
                ready!(self.timer.poll(cx));
                self.phase = Phase::Broken(BodyFault::Timeout);
            }
            Phase::Upgrading | Phase::Broken(_) | Phase::Ended => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }

    /// Writes interim replies, but never into the middle of a reply that hyper still holds.
    fn write_interim(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.unflushed {
            return Ok(());
        }
        if self.wire.has_interim() {
            self.outgoing.extend_from_slice(&self.wire.take_interim());
        }
        while !self.outgoing.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, &self.outgoing) {
                Poll::Ready(written) => {
                    let written = written?;
                    self.outgoing.drain(..written);
                }
                Poll::Pending => return Ok(()),
            }
        }
        // On TLS the bytes may still sit in the session.
        match Pin::new(&mut self.socket).poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// Before hyper writes: interim replies go first. Pending while they do not fit.
    fn poll_interim_first(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.wire.has_interim() && self.outgoing.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.write_interim(cx)?;
        if self.outgoing.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// A client that does not read its reply is cut after a while. Never ready with a count.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.write_timer.arm(Wait::Body, self.limits.body_idle);
        ready!(self.write_timer.poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        ready!(guard.poll_interim_first(cx))?;
        guard.unflushed = true;
        match Pin::new(&mut guard.socket).poll_write(cx, bytes) {
            Poll::Ready(written) => {
                guard.write_timer.disarm();
                Poll::Ready(written)
            }
            Poll::Pending => guard.poll_stalled(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        ready!(guard.poll_interim_first(cx))?;
        guard.unflushed = true;
        match Pin::new(&mut guard.socket).poll_write_vectored(cx, slices) {
            Poll::Ready(written) => {
                guard.write_timer.disarm();
                Poll::Ready(written)
            }
            Poll::Pending => guard.poll_stalled(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if Pin::new(&mut guard.socket).poll_flush(cx)?.is_pending() {
            return guard.poll_stalled(cx).map_ok(drop);
        }
        guard.unflushed = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        if Pin::new(&mut guard.socket).poll_shutdown(cx)?.is_pending() {
            return guard.poll_stalled(cx).map_ok(drop);
        }
        Poll::Ready(Ok(()))
    }
}

/// Early bytes of a tunnel that are kept while the upstream has not agreed to it.
const MAX_HELD: usize = 16 * 1024;

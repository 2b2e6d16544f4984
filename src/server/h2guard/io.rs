//! The guard as a stream: what hyper reads and writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{Frame, code, kind};
use super::windows::LOOKS;
use super::{Ending, FrameGuard};
use crate::server::timer::Wait;

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for FrameGuard<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        loop {
            if let Some(ending) = guard.watch.verdict {
                return guard.end(cx, ending);
            }
            if guard.hand_over_reset(buf) {
                return Poll::Ready(Ok(()));
            }
            let start = buf.filled().len();
            let Poll::Ready(read) = Pin::new(&mut guard.socket).poll_read(cx, buf) else {
                ready!(guard.poll_deadlines(cx));
                continue;
            };
            read?;
            let units = guard.watch.units();
            match guard.watch.incoming(&buf.filled()[start..]) {
                Ok(()) => {
                    // Data is slow when it stops; anything else when it takes too long in all.
                    if guard.watch.units() != units || guard.watch.owes() != Some(Wait::Head) {
                        guard.timer.disarm();
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(ending) => {
                    buf.set_filled(start);
                    return guard.end(cx, ending);
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> FrameGuard<S> {
    /// Resets a stream that was given up, by the one frame that makes h2 reset just that: a stream
    /// that claims to depend on itself (RFC 7540, section 5.3.1). hyper has no other way to it.
    fn hand_over_reset(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        if self.reset.is_empty()
            && self.watch.between_frames()
            && let Some(stream) = self.given_up.pop()
        {
            let frame = Frame { length: 5, kind: kind::PRIORITY, flags: 0, stream };
            self.reset.extend_from_slice(&frame.bytes());
            self.reset.extend_from_slice(&stream.to_be_bytes());
            self.reset.push(0);
        }
        let count = self.reset.len().min(buf.remaining());
        buf.put_slice(&self.reset[..count]);
        self.reset.drain(..count);
        count > 0
    }

    /// Nothing can be read now: how long may that last? Ready means "look again".
    fn poll_deadlines(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.watch.owes() {
            Some(wait) => {
                let patience = match wait {
                    Wait::Body => self.body_idle,
                    Wait::Head | Wait::Fresh | Wait::Idle | Wait::Reply | Wait::Soon => {
                        self.header_time
                    }
                };
                self.timer.arm(wait, patience);
                if self.timer.poll(cx).is_ready() {
                    self.watch.verdict = Some(Ending::Slow);
                    return Poll::Ready(());
                }
            }
            None => self.timer.disarm(),
        }
        if !self.watch.windows.any() {
            self.look.disarm();
            return Poll::Pending;
        }
        self.look.arm(Wait::Body, self.body_idle / u32::from(LOOKS));
        ready!(self.look.poll(cx));
        self.look.disarm();
        self.watch.windows.look(&mut self.given_up);
        Poll::Ready(())
    }

    /// Says GOAWAY if a frame can be said now, and ends the connection. What the client has sent
    /// meanwhile is dropped: unread, it would make the kernel reset the connection, and the reset
    /// could overtake the GOAWAY.
    fn end(&mut self, cx: &mut Context<'_>, ending: Ending) -> Poll<io::Result<()>> {
        self.ended.set(Some(ending));
        let error = match ending {
            Ending::Malformed(error) => error,
            Ending::Flood | Ending::Slow => code::ENHANCE_YOUR_CALM,
        };
        let mut socket = Pin::new(&mut self.socket);
        if self.watch.between_own_frames() {
            let frame = Frame { length: 8, kind: kind::GOAWAY, flags: 0, stream: 0 };
            let mut goaway = [0; 17];
            goaway[..9].copy_from_slice(&frame.bytes());
            goaway[9..13].copy_from_slice(&self.watch.highest().to_be_bytes());
            goaway[13..].copy_from_slice(&error.to_be_bytes());
            // A client that does not read has no right to an answer: none of these is awaited.
            let _ = socket.as_mut().poll_write(cx, &goaway);
        }
        let _ = socket.as_mut().poll_flush(cx);
        let _ = socket.as_mut().poll_shutdown(cx);
        let mut scrap = [0; 4096];
        for _ in 0..MOST_UNREAD / scrap.len() {
            let mut buf = ReadBuf::new(&mut scrap);
            match socket.as_mut().poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) | Poll::Pending => break,
            }
        }
        Poll::Ready(Err(io::Error::other("the guard ended the connection")))
    }

    /// Follows what a write has taken, and how long writing may stand still.
    fn wrote(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Poll::Ready(written) = written else { return self.poll_stalled(cx) };
        self.write_timer.disarm();
        let mut left = written?;
        let total = left;
        for slice in slices {
            let count = left.min(slice.len());
            self.watch.outgoing(&slice[..count]);
            left -= count;
            if left == 0 {
                break;
            }
        }
        Poll::Ready(Ok(total))
    }

    /// A client that does not read is cut after a while. Never ready with a count.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.write_timer.arm(Wait::Body, self.body_idle);
        ready!(self.write_timer.poll(cx));
        self.ended.set(Some(Ending::Slow));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }

    fn check_open(&self) -> io::Result<()> {
        match self.ended.get() {
            Some(_) => Err(io::ErrorKind::BrokenPipe.into()),
            None => Ok(()),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for FrameGuard<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        guard.check_open()?;
        let written = Pin::new(&mut guard.socket).poll_write(cx, bytes);
        guard.wrote(cx, written, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let guard = self.get_mut();
        guard.check_open()?;
        let written = Pin::new(&mut guard.socket).poll_write_vectored(cx, slices);
        guard.wrote(cx, written, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let guard = self.get_mut();
        guard.check_open()?;
        if Pin::new(&mut guard.socket).poll_flush(cx)?.is_pending() {
            return guard.poll_stalled(cx).map_ok(drop);
        }
        guard.write_timer.disarm();
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

/// What is dropped at the end, at most.
const MOST_UNREAD: usize = 256 * 1024;

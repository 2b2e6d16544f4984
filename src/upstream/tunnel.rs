//! The raw connection after a valid 101: bytes that came with the head first, then the wire.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect::Open;
use super::endpoint::Seat;
use super::roster::Conduct;
use super::wire::Wire;

/// An upstream connection that no longer speaks HTTP. Dropping it closes the connection.
pub struct Tunnel {
    early: Bytes,
    wire: Wire,
    seat: Seat,
    _open: Open,
}

impl Tunnel {
    pub(super) fn new(early: Bytes, wire: Wire, seat: Seat, open: Open) -> Self {
        Self { early, wire, seat, _open: open }
    }

    /// Notes that it broke off in the middle, as an answer does.
    pub fn broke_off(&self) {
        self.seat.endpoint().broke_off(Conduct::Badly);
    }
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tunnel").field("early", &self.early.len()).finish_non_exhaustive()
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tunnel = self.get_mut();
        if tunnel.early.is_empty() {
            return Pin::new(&mut tunnel.wire).poll_read(cx, buf);
        }
        let count = tunnel.early.len().min(buf.remaining());
        buf.put_slice(&tunnel.early[..count]);
        tunnel.early.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tunnel = self.get_mut();
        let polled = Pin::new(&mut tunnel.wire).poll_write(cx, buf);
        tunnel.wire.confess(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let tunnel = self.get_mut();
        let polled = Pin::new(&mut tunnel.wire).poll_write_vectored(cx, bufs);
        tunnel.wire.confess(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let tunnel = self.get_mut();
        let polled = Pin::new(&mut tunnel.wire).poll_flush(cx);
        tunnel.wire.confess(polled)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

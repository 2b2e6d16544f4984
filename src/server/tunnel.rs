//! After a valid 101: bytes go both ways until one side ends, or both are silent for too long.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{
    AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf, copy_bidirectional_with_sizes,
};

use crate::base::clock::{self, Instant};
use crate::upstream::Tunnel;

/// Joins the two sides. `early` are bytes of the client that were read before the answer.
pub(super) async fn join<S>(client: S, early: Bytes, mut upstream: Tunnel)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if upstream.write_all(&early).await.is_err() {
        return;
    }
    let last = Rc::new(Cell::new(clock::now()));
    let mut client = Heard { stream: client, last: Rc::clone(&last) };
    let mut upstream = Heard { stream: upstream, last: Rc::clone(&last) };
    let silence = async {
        loop {
            let end = last.get() + SILENCE;
            tokio::time::sleep_until(end).await;
            if last.get() + SILENCE <= clock::now() {
                return;
            }
        }
    };
    tokio::select! {
        // How a tunnel ends is between its two ends.
        _ = copy_bidirectional_with_sizes(&mut client, &mut upstream, BUFFER, BUFFER) => {}
        () = silence => {}
    }
}

/// A stream that notes when it was last heard of.
struct Heard<S> {
    stream: S,
    last: Rc<Cell<Instant>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.last.set(clock::now());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A WebSocket whose two ends say nothing, not even a ping, is taken for dead.
const SILENCE: Duration = Duration::from_secs(600);
const BUFFER: usize = 8 * 1024;

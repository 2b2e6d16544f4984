//! What stands around a gateway in a proof: its configuration as text, patience, and a client's
//! socket that tells where what it carries lies.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::base::trail::{self, Place};
use crate::config;
use crate::server::stage::{Stage, runtime};

/// The gateway of a configuration; on a runtime.
pub(super) fn stage(text: &str) -> Stage {
    match config::load_text("proof.toml", text, &|_| None) {
        Ok(loaded) => Stage::new(&Arc::new(loaded.config)).unwrap(),
        Err(refused) => panic!("{}", refused.human(config::Colour::Never)),
    }
}

/// Runs one test, with an end to all patience.
pub(super) fn run<F: Future>(test: F) -> F::Output {
    let limited = async { tokio::time::timeout(Duration::from_secs(20), test).await };
    runtime().unwrap().block_on(limited).expect("the test hangs")
}

/// A client's socket that tells where what it carries lies.
pub(super) struct Traced<S>(pub(super) S);

impl<S: AsyncRead + Unpin> AsyncRead for Traced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, buf));
        trail::saw(Place::ClientRead, &buf.filled()[before..]);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Traced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.0).poll_write_vectored(cx, slices))?;
        trail::wrote(Place::ClientWrite, slices, count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

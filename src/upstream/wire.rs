//! The byte stream under one upstream connection: a socket, in TLS or not, that is watched.
//!
//! A failed write is swallowed. An upstream that answers early and closes (413 in the middle of an
//! upload) makes our writes fail while its answer still waits to be read; reading then brings the
//! answer, or the end that is the true failure.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::line::Line;

/// One upstream connection's bytes, in the clear.
pub(super) struct Wire {
    io: Io,
    line: Rc<Line>,
}

enum Io {
    Plain(Plain),
    Tls(Box<TlsStream<Plain>>),
}

/// A socket without TLS.
pub(super) enum Plain {
    /// TCP, with Nagle's delay off.
    Tcp(TcpStream),
    /// A unix socket.
    Unix(UnixStream),
}

impl Wire {
    pub(super) fn plain(socket: Plain, line: Rc<Line>) -> Self {
        Self { io: Io::Plain(socket), line }
    }

    pub(super) fn tls(stream: TlsStream<Plain>, line: Rc<Line>) -> Self {
        Self { io: Io::Tls(Box::new(stream)), line }
    }

    /// Counts what went out; after a failure, pretends that all `count` bytes did.
    fn swallow(&self, result: &io::Result<usize>, count: usize) -> usize {
        match result {
            Ok(written) => {
                self.line.wrote(*written);
                *written
            }
            Err(_) => {
                self.line.fail();
                count
            }
        }
    }
}

impl Wire {
    /// Turns a swallowed write back into the failure that it was: a tunnel has nobody to read an
    /// early answer.
    pub(super) fn confess<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if self.line.is_broken() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        polled
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buf.filled().len();
        match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_read(cx, buf))?,
            Io::Tls(stream) => ready!(Pin::new(stream).poll_read(cx, buf))?,
        }
        let fresh = &buf.filled()[before..];
        wire.line.saw(fresh);
        let flood = |flood| io::Error::new(io::ErrorKind::InvalidData, flood);
        Poll::Ready(wire.line.interims().saw(fresh).map_err(flood))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.line.is_broken() {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_write(cx, buf)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_write(cx, buf)),
        };
        let count = wire.swallow(&result, buf.len());
        if wire.line.is_taping() {
            wire.line.keep(&buf[..count]);
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let total = bufs.iter().map(|buf| buf.len()).sum();
        if wire.line.is_broken() {
            return Poll::Ready(Ok(total));
        }
        let result = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_write_vectored(cx, bufs)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_write_vectored(cx, bufs)),
        };
        let count = wire.swallow(&result, total);
        if wire.line.is_taping() {
            let mut left = count;
            for buf in bufs {
                let taken = left.min(buf.len());
                wire.line.keep(&buf[..taken]);
                left -= taken;
            }
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(socket) => socket.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.line.is_broken() {
            return Poll::Ready(Ok(()));
        }
        let result = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_flush(cx)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_flush(cx)),
        };
        if result.is_err() {
            wire.line.fail();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().io {
            Io::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Io::Tls(stream) = &mut self.io
            && !self.line.is_broken()
        {
            say_goodbye(stream);
        }
        self.line.close();
    }
}

/// Sends the `close_notify` that TLS wants at an end. A drop cannot wait, so what the socket does
/// not take at once is lost, and with it nothing but politeness.
fn say_goodbye(stream: &mut TlsStream<Plain>) {
    let (socket, session) = stream.get_mut();
    session.send_close_notify();
    let mut farewell = Vec::new();
    while session.wants_write() && session.write_tls(&mut farewell).is_ok_and(|count| count > 0) {}
    let _ = match socket {
        Plain::Tcp(tcp) => tcp.try_write(&farewell),
        Plain::Unix(unix) => unix.try_write(&farewell),
    };
}

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Unix(unix) => Pin::new(unix).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, bufs),
            Self::Unix(unix) => Pin::new(unix).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets have no buffer of their own.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(cx),
        }
    }
}

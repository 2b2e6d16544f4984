//! The byte stream under one upstream connection: a socket, in TLS or not, that is watched.
//!
//! A failed write is swallowed. An upstream that answers early and closes (413 in the middle of an
//! upload) makes our writes fail while its answer still waits to be read; reading then brings the
//! answer, or the end that is the true failure.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::line::Line;
#[cfg(test)]
use crate::base::trail::{self, Place};

/// One upstream connection's bytes, in the clear.
pub(super) struct Wire {
    io: Io,
    broken: bool,
    /// Where it is watched, because somebody else holds it: HTTP/2 alone.
    line: Option<Rc<Line>>,
}

/// A socket, with or without TLS.
pub(super) enum Io {
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
    /// A wire that whoever owns it asks directly.
    pub(super) fn new(io: Io) -> Self {
        Self { io, broken: false, line: None }
    }

    /// A wire that is given away, and watched through `line`.
    pub(super) fn watched(io: Io, line: Rc<Line>) -> Self {
        Self { io, broken: false, line: Some(line) }
    }

    /// Whether a write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the kernel holds bytes for us, or the end of the connection.
    pub(super) fn has_arrivals(&self) -> bool {
        let plain = match &self.io {
            Io::Plain(plain) => plain,
            Io::Tls(stream) => stream.get_ref().0,
        };
        let mut byte = [MaybeUninit::uninit()];
        let peeked = match plain {
            Plain::Tcp(tcp) => SockRef::from(tcp).peek(&mut byte),
            Plain::Unix(unix) => SockRef::from(unix).peek(&mut byte),
        };
        !peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Writes some of `bytes`.
    pub(super) fn poll_put(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<usize> {
        if self.broken {
            return Poll::Ready(bytes.len());
        }
        let result = match &mut self.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_write(cx, bytes)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_write(cx, bytes)),
        };
        #[cfg(test)]
        trail::wrote(Place::UpstreamWrite, &[IoSlice::new(bytes)], *result.as_ref().unwrap_or(&0));
        Poll::Ready(result.unwrap_or_else(|_| self.fail(bytes.len())))
    }

    /// Writes some of several pieces.
    pub(super) fn poll_put_slices(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<usize> {
        let total = slices.iter().map(|slice| slice.len()).sum();
        if self.broken {
            return Poll::Ready(total);
        }
        let result = match &mut self.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_write_vectored(cx, slices)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_write_vectored(cx, slices)),
        };
        #[cfg(test)]
        trail::wrote(Place::UpstreamWrite, slices, *result.as_ref().unwrap_or(&0));
        Poll::Ready(result.unwrap_or_else(|_| self.fail(total)))
    }

    /// Waits until TLS has handed everything to the socket, which itself has no buffer of ours.
    pub(super) fn poll_settle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Io::Tls(stream) = &mut self.io
            && !self.broken
            && ready!(Pin::new(stream).poll_flush(cx)).is_err()
        {
            self.fail(0);
        }
        Poll::Ready(())
    }

    /// Remembers that a write failed, and pretends that all `count` bytes went out.
    fn fail(&mut self, count: usize) -> usize {
        self.broken = true;
        if let Some(line) = &self.line {
            line.fail();
        }
        count
    }

    /// Turns a swallowed write back into the failure that it was: a tunnel has nobody to read an
    /// early answer.
    pub(super) fn confess<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if self.broken {
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
        let read = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_read(cx, buf)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_read(cx, buf)),
        };
        #[cfg(test)]
        trail::saw(Place::UpstreamRead, &buf.filled()[before..]);
        if let Some(line) = &wire.line {
            let bytes = &buf.filled()[before..];
            if bytes.is_empty() || read.is_err() {
                line.end();
            }
            line.saw(bytes);
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_put(cx, buf).map(Ok)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_put_slices(cx, bufs).map(Ok)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(socket) => socket.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_settle(cx).map(Ok)
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
            && !self.broken
        {
            say_goodbye(stream);
        }
        if let Some(line) = &self.line {
            line.close();
        }
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

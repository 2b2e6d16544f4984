//! The byte stream under one upstream connection, and what can be told by watching it.
//!
//! hyper says that a connection failed, but not whether the upstream had said anything, nor what
//! had been written by then. Both decide whether a request may be repeated, so the stream counts,
//! and on request keeps a copy of a request's head as it goes by: a memory copy into a buffer that
//! lives as long as the connection, paid only where a repeat is allowed at all.
//!
//! A failed write is swallowed. An upstream that answers early and closes (413 in the middle of an
//! upload) makes our writes fail while its answer still waits to be read; reading then brings the
//! answer, or the end that is the true failure.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::interim::Interims;

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

/// What was seen of a connection; shared between the wire and whoever holds the connection.
#[derive(Default)]
pub(super) struct Line {
    read: Cell<u64>,
    written: Cell<u64>,
    broken: Cell<bool>,
    closed: Cell<bool>,
    switches: Cell<bool>,
    taping: Cell<bool>,
    tape: RefCell<Vec<u8>>,
    opening: Cell<([u8; 4], u8)>,
    waker: RefCell<Option<Waker>>,
    interims: Interims,
}

/// A point in a connection's life, to compare with.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    read: u64,
    written: u64,
}

/// How a connection began that should speak HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// With a SETTINGS frame, as RFC 9113, section 3.4 demands.
    Settings,
    /// With anything else, or with its end.
    Foreign,
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
                self.line.written.set(self.line.written.get() + *written as u64);
                *written
            }
            Err(_) => {
                self.line.broken.set(true);
                count
            }
        }
    }
}

impl Wire {
    /// Turns a swallowed write back into the failure that it was: a tunnel has nobody to read an
    /// early answer.
    pub(super) fn confess<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if self.line.broken.get() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        polled
    }
}

impl Line {
    /// What is known of interim answers.
    pub(super) fn interims(&self) -> &Interims {
        &self.interims
    }

    /// Now, for a later [`Self::is_silent_since`].
    pub(super) fn mark(&self) -> Mark {
        Mark { read: self.read.get(), written: self.written.get() }
    }

    /// Whether the upstream has said nothing since.
    pub(super) fn is_silent_since(&self, mark: Mark) -> bool {
        self.read.get() == mark.read
    }

    /// Whether no byte went out since.
    pub(super) fn is_unwritten_since(&self, mark: Mark) -> bool {
        self.written.get() == mark.written
    }

    /// Whether a write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Whether a 101 is expected, so that the wire must outlive its HTTP.
    pub(super) fn switches(&self) -> bool {
        self.switches.get()
    }

    /// Says that a 101 is expected.
    pub(super) fn expect_switch(&self) {
        self.switches.set(true);
    }

    /// Begins to keep a copy of what is written.
    pub(super) fn tape(&self) {
        self.tape.borrow_mut().clear();
        self.taping.set(true);
    }

    /// Ends the copy and hands it over for reading, if it is whole.
    pub(super) fn taped<T>(&self, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        self.taping.replace(false).then(|| read(&self.tape.borrow())).flatten()
    }

    /// Ends the copy unread.
    pub(super) fn erase(&self) {
        self.taping.set(false);
    }

    /// Waits for the first four bytes, which tell a SETTINGS frame from any other beginning.
    pub(super) fn poll_opening(&self, cx: &Context<'_>) -> Poll<Opening> {
        const SETTINGS: u8 = 4;
        let (bytes, count) = self.opening.get();
        if count == 4 {
            let settings = bytes[3] == SETTINGS;
            return Poll::Ready(if settings { Opening::Settings } else { Opening::Foreign });
        }
        if self.closed.get() {
            return Poll::Ready(Opening::Foreign);
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    fn saw(&self, bytes: &[u8]) {
        let before = self.read.get();
        self.read.set(before + bytes.len() as u64);
        if before >= 4 {
            return;
        }
        let (mut opening, mut count) = self.opening.get();
        for byte in bytes.iter().take(4 - usize::from(count)) {
            opening[usize::from(count)] = *byte;
            count += 1;
        }
        self.opening.set((opening, count));
        self.wake();
    }

    fn keep(&self, bytes: &[u8]) {
        let mut tape = self.tape.borrow_mut();
        if tape.len() + bytes.len() > TAPE {
            self.taping.set(false);
            return;
        }
        tape.extend_from_slice(bytes);
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
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
        Poll::Ready(wire.line.interims.saw(fresh).map_err(flood))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.line.broken.get() {
            return Poll::Ready(Ok(buf.len()));
        }
        let result = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_write(cx, buf)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_write(cx, buf)),
        };
        let count = wire.swallow(&result, buf.len());
        if wire.line.taping.get() {
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
        if wire.line.broken.get() {
            return Poll::Ready(Ok(total));
        }
        let result = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_write_vectored(cx, bufs)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_write_vectored(cx, bufs)),
        };
        let count = wire.swallow(&result, total);
        if wire.line.taping.get() {
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
        if wire.line.broken.get() {
            return Poll::Ready(Ok(()));
        }
        let result = match &mut wire.io {
            Io::Plain(socket) => ready!(Pin::new(socket).poll_flush(cx)),
            Io::Tls(stream) => ready!(Pin::new(stream).poll_flush(cx)),
        };
        if result.is_err() {
            wire.line.broken.set(true);
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
            && !self.line.broken.get()
        {
            say_goodbye(stream);
        }
        self.line.closed.set(true);
        self.line.wake();
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

/// Longest head that is kept for a repeat, in bytes. A longer one is not repeated.
const TAPE: usize = 64 * 1024;

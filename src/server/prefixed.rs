//! A client's socket whose first bytes can be looked at before anybody is given them.
//!
//! A PROXY header, TLS or plain HTTP, HTTP/2 by prior knowledge: all are told by the first bytes.
//! They are read into a small bounded buffer, looked at, and replayed to whoever reads next. Once
//! the buffer is empty it is given back, and reading costs one comparison more than the socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::client_socket::ClientSocket;

/// A socket with bytes already read from it standing in front.
#[derive(Debug)]
pub(super) struct Prefixed {
    socket: ClientSocket,
    prefix: BytesMut,
    /// What is written waits in the kernel for the end of the connection, to leave with it.
    holds_back: bool,
}

/// What the first bytes of a connection say it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// A TLS handshake record.
    Tls,
    /// The whole preface of HTTP/2 (RFC 9113, section 3.4).
    Http2,
    /// Something that can begin a request line, well formed or not.
    Http1,
    /// Neither: binary noise.
    Unknown,
}

impl Prefixed {
    /// A socket of which nothing has been read.
    pub(super) fn new(socket: ClientSocket) -> Self {
        Self { socket, prefix: BytesMut::new(), holds_back: false }
    }

    /// The socket itself, to ask what the runtime knows of it.
    pub(super) fn socket(&self) -> &ClientSocket {
        &self.socket
    }

    /// Has the last of what is written leave together with the end, which is to follow at once: the
    /// kernel waits a fifth of a second for it and no longer.
    pub(super) fn hold_back(&mut self) {
        self.holds_back = true;
    }

    /// The bytes that were read and not yet taken.
    pub(super) fn peeked(&self) -> &[u8] {
        &self.prefix
    }

    /// Reads once from the socket; [`Self::peeked`] then shows more than before.
    ///
    /// # Errors
    /// `UnexpectedEof` at the end of the stream, `InvalidData` when [`PEEK_LIMIT`] bytes were read
    /// and nobody has taken any, and what the socket says.
    pub(super) async fn peek_more(&mut self) -> io::Result<()> {
        let room = PEEK_LIMIT.saturating_sub(self.prefix.len());
        if room == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let step = room.min(PEEK_STEP);
        self.prefix.reserve(step);
        let read = self.socket.read_buf(&mut (&mut self.prefix).limit(step)).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Takes the first `length` of the bytes that were read, so that nobody sees them again.
    pub(super) fn consume(&mut self, length: usize) {
        self.prefix.advance(length.min(self.prefix.len()));
        if self.prefix.is_empty() {
            self.prefix = BytesMut::new();
        }
    }

    /// Reads until the first bytes tell what the connection speaks; they are replayed later.
    ///
    /// # Errors
    /// `UnexpectedEof` when the client said nothing, and what the socket says.
    pub(super) async fn opening(&mut self) -> io::Result<Opening> {
        loop {
            if let Some(opening) = judge(&self.prefix) {
                return Ok(opening);
            }
            let Err(error) = self.peek_more().await else { continue };
            if error.kind() == io::ErrorKind::UnexpectedEof && !self.prefix.is_empty() {
                // The beginning of a preface and no more: HTTP/1 says what is wrong with it.
                return Ok(Opening::Http1);
            }
            return Err(error);
        }
    }
}

/// None while the bytes could still become the HTTP/2 preface.
fn judge(bytes: &[u8]) -> Option<Opening> {
    let first = bytes.first()?;
    if *first == TLS_HANDSHAKE {
        return Some(Opening::Tls);
    }
    if bytes.starts_with(HTTP2_PREFACE) {
        return Some(Opening::Http2);
    }
    if HTTP2_PREFACE.starts_with(bytes) {
        return None;
    }
    // A line end may stand before a request line (RFC 9112, section 2.2).
    let text = first.is_ascii_graphic() || matches!(first, b'\r' | b'\n' | b' ' | b'\t');
    Some(if text { Opening::Http1 } else { Opening::Unknown })
}

impl AsyncRead for Prefixed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.socket).poll_read(cx, buf);
        }
        let length = self.prefix.len().min(buf.remaining());
        buf.put_slice(&self.prefix[..length]);
        self.consume(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prefixed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.holds_back {
            return self.socket.poll_write_more(cx, &[IoSlice::new(buf)]);
        }
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.holds_back {
            return self.socket.poll_write_more(cx, bufs);
        }
        Pin::new(&mut self.socket).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }
}

/// Bytes that may be looked at before anybody takes them: the longest PROXY header, with room.
pub(super) const PEEK_LIMIT: usize = 4096;
const PEEK_STEP: usize = 2048;
const TLS_HANDSHAKE: u8 = 22;
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn pair() -> (TcpStream, Prefixed) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (socket, _) = listener.accept().await.unwrap();
        (client, Prefixed::new(socket.into()))
    }

    #[test]
    fn first_bytes_tell_what_is_spoken() {
        for (bytes, expected) in [
            (&b""[..], None),
            (b"\x16\x03\x01", Some(Opening::Tls)),
            (b"GET / HTTP/1.1\r\n", Some(Opening::Http1)),
            (b"PRI * HTTP", None),
            (b"PRI * HTTP/1.1\r\n", Some(Opening::Http1)),
            (b"PUT", Some(Opening::Http1)),
            (HTTP2_PREFACE, Some(Opening::Http2)),
            (b"\r\nGET", Some(Opening::Http1)),
            (b"\x80\x2e\x01", Some(Opening::Unknown)),
            (b"\x00", Some(Opening::Unknown)),
        ] {
            assert_eq!(judge(bytes), expected, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn what_was_peeked_is_replayed_before_the_rest() {
        let (mut client, mut socket) = pair().await;
        client.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        socket.peek_more().await.unwrap();
        assert_eq!(socket.peeked(), b"PRI * HTTP/2.0\r\n");
        client.write_all(b"\r\nSM\r\n\r\nrest").await.unwrap();
        assert_eq!(socket.opening().await.unwrap(), Opening::Http2);
        client.shutdown().await.unwrap();
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nrest");
    }

    #[tokio::test]
    async fn the_buffer_is_bounded_and_ends_are_told() {
        let (mut client, mut socket) = pair().await;
        client.write_all(&[b'x'; PEEK_LIMIT + 1]).await.unwrap();
        while socket.peeked().len() < PEEK_LIMIT {
            socket.peek_more().await.unwrap();
        }
        let full = socket.peek_more().await.unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::InvalidData);
        socket.consume(PEEK_LIMIT);
        socket.peek_more().await.unwrap();
        assert_eq!(socket.peeked(), b"x");
        drop(client);
        let end = socket.peek_more().await.unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn the_last_words_leave_with_the_end() {
        // Several tries: a machine that stops for longer than the kernel waits sees them earlier.
        for _ in 0..20 {
            let (client, mut socket) = pair().await;
            let mut client = client.into_std().unwrap();
            socket.hold_back();
            socket.write_all(b"bye").await.unwrap();
            let early = client.peek(&mut [0; 8]).is_ok();
            drop(socket);
            client.set_nonblocking(false).unwrap();
            let mut all = Vec::new();
            client.read_to_end(&mut all).unwrap();
            assert_eq!(all, b"bye");
            if !early {
                return;
            }
        }
        panic!("what was held back did not wait");
    }

    #[tokio::test]
    async fn half_a_preface_is_left_to_http1_and_silence_is_an_end() {
        let (mut client, mut socket) = pair().await;
        client.write_all(b"PRI").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(socket.opening().await.unwrap(), Opening::Http1);

        let (client, mut socket) = pair().await;
        drop(client);
        assert!(socket.opening().await.is_err());
    }
}

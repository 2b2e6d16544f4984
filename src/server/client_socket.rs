//! A client's socket, which the runtime comes to know once it has to wait.
//!
//! To be told when a socket can be read costs two system calls and an allocation for each
//! connection: one to join the poller and one to leave it. Most clients have sent their first bytes
//! by the time they are accepted. So the first read is tried at once, and whoever is answered at
//! once as well, and goes, has never joined.
//!
//! Who has not sent them yet is waited for by what can be read alone: that a new socket can be
//! written is no news, and would wake the worker for nothing. It joins with both once something else
//! has to wait, which on a connection of one small request nothing does.
//!
//! Invariant: a socket that was told to wait is known, so that its waker is, or waits for its first
//! bytes and nothing else; only a known one can say what the runtime has heard of it.

use std::future::Future as _;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem;
use std::net::{self, Shutdown};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::base::readable;

/// One end of a client's connection.
#[derive(Debug)]
pub(super) struct ClientSocket(State);

#[derive(Debug)]
enum State {
    /// Nothing on it has had to wait.
    Fresh(net::TcpStream),
    /// Nothing but its first bytes; the runtime tells when it can be read.
    Awaited(AsyncFd<net::TcpStream>),
    /// The runtime tells when it can be read and written.
    Known(TcpStream),
    /// The runtime has refused it.
    Lost,
}

impl ClientSocket {
    /// Its descriptor; none of a socket that the runtime has refused.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            State::Fresh(socket) => Some(socket.as_fd()),
            State::Awaited(socket) => Some(socket.as_fd()),
            State::Known(socket) => Some(socket.as_fd()),
            State::Lost => None,
        }
    }

    /// The socket itself, as long as nothing but its first bytes has had to wait.
    fn unknown(&self) -> Option<&net::TcpStream> {
        match &self.0 {
            State::Fresh(socket) => Some(socket),
            State::Awaited(socket) => Some(socket.get_ref()),
            State::Known(_) | State::Lost => None,
        }
    }

    /// Reads what has come already, as long as nothing has had to wait.
    ///
    /// # Errors
    /// What the socket says. Where it would have to wait, none: the next read does.
    pub(super) fn read_arrived(
        &mut self,
        into: &mut BytesMut,
        most: usize,
    ) -> io::Result<Option<usize>> {
        let State::Fresh(socket) = &self.0 else { return Ok(None) };
        let read = receive(socket, into, most);
        if would_block(&read) { Ok(None) } else { read.map(Some) }
    }

    /// Reads once, for who wants the first bytes: at most so many.
    ///
    /// # Errors
    /// What the socket or the runtime says.
    pub(super) fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut BytesMut,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        self.0 = match mem::replace(&mut self.0, State::Lost) {
            State::Fresh(socket) => State::Awaited(readable(socket)?),
            before @ (State::Awaited(_) | State::Known(_) | State::Lost) => before,
        };
        let State::Awaited(socket) = &self.0 else {
            into.reserve(most);
            let socket = self.join()?;
            return pin!(socket.take(most as u64).read_buf(into)).poll(cx);
        };
        loop {
            let mut ready = ready!(socket.poll_read_ready(cx))?;
            if let Ok(read) = ready.try_io(|socket| receive(socket.get_ref(), into, most)) {
                return Poll::Ready(read);
            }
        }
    }

    /// Waits until something has come.
    ///
    /// # Errors
    /// What the socket or the runtime says.
    pub(super) async fn readable(&mut self) -> io::Result<()> {
        self.join()?.readable().await
    }

    /// The socket as the runtime knows it; none while nothing has had to wait.
    pub(super) fn known(&self) -> Option<&TcpStream> {
        match &self.0 {
            State::Known(socket) => Some(socket),
            State::Fresh(_) | State::Awaited(_) | State::Lost => None,
        }
    }

    /// Writes some of `bufs`, which the kernel keeps for what follows at once.
    pub(super) fn poll_write_more(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let flags = MSG_MORE | MSG_NOSIGNAL;
        if let Some(socket) = self.unknown() {
            let sent = SockRef::from(socket).send_vectored_with_flags(bufs, flags);
            if !would_block(&sent) {
                return Poll::Ready(sent);
            }
        }
        let socket = self.join()?;
        loop {
            ready!(socket.poll_write_ready(cx))?;
            let sent = socket.try_io(Interest::WRITABLE, || {
                SockRef::from(&*socket).send_vectored_with_flags(bufs, flags)
            });
            if !would_block(&sent) {
                return Poll::Ready(sent);
            }
        }
    }

    /// Makes it known to the runtime, if it is not.
    fn join(&mut self) -> io::Result<&mut TcpStream> {
        if self.unknown().is_some() {
            self.0 = match mem::replace(&mut self.0, State::Lost) {
                State::Fresh(socket) => State::Known(TcpStream::from_std(socket)?),
                State::Awaited(socket) => State::Known(TcpStream::from_std(socket.into_inner())?),
                known @ (State::Known(_) | State::Lost) => known,
            };
        }
        match &mut self.0 {
            State::Known(socket) => Ok(socket),
            State::Fresh(_) | State::Awaited(_) | State::Lost => {
                Err(io::ErrorKind::NotConnected.into())
            }
        }
    }
}

/// Reads once into a buffer that grows for it.
fn receive(mut socket: &net::TcpStream, into: &mut BytesMut, most: usize) -> io::Result<usize> {
    let length = into.len();
    into.resize(length + most, 0);
    let read = socket.read(&mut into[length..]);
    into.truncate(length + *read.as_ref().unwrap_or(&0));
    read
}

fn would_block<T>(tried: &io::Result<T>) -> bool {
    tried.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.join()?).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(mut socket) = self.unknown() {
            let written = socket.write(buf);
            if !would_block(&written) {
                return Poll::Ready(written);
            }
        }
        Pin::new(self.join()?).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(mut socket) = self.unknown() {
            let written = socket.write_vectored(bufs);
            if !would_block(&written) {
                return Poll::Ready(written);
            }
        }
        Pin::new(self.join()?).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of its own.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(socket) = self.unknown() {
            return Poll::Ready(socket.shutdown(Shutdown::Write));
        }
        Pin::new(self.join()?).poll_shutdown(cx)
    }
}

impl From<net::TcpStream> for ClientSocket {
    /// Of a socket that does not block.
    fn from(socket: net::TcpStream) -> Self {
        Self(State::Fresh(socket))
    }
}

impl From<TcpStream> for ClientSocket {
    fn from(socket: TcpStream) -> Self {
        Self(State::Known(socket))
    }
}

/// Of send(2), as Linux numbers them.
const MSG_MORE: i32 = 0x8000;
const MSG_NOSIGNAL: i32 = 0x4000;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};

    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::server::backlog::accept_waiting;

    fn pair() -> (net::TcpStream, ClientSocket) {
        let listening = net::TcpListener::bind("127.0.0.1:0").unwrap();
        let client = net::TcpStream::connect(listening.local_addr().unwrap()).unwrap();
        let (socket, remote) = accept_waiting(&listening).unwrap();
        assert_eq!(remote, client.local_addr().unwrap());
        (client, socket)
    }

    #[tokio::test]
    async fn who_is_answered_at_once_never_joins_the_poller() {
        let (mut client, mut socket) = pair();
        client.write_all(b"ask").unwrap();
        let mut arrived = BytesMut::from("first ");
        assert_eq!(socket.read_arrived(&mut arrived, 64).unwrap(), Some(3));
        assert_eq!(arrived, "first ask");
        socket.write_all(b"one ").await.unwrap();
        let pieces = [IoSlice::new(b"two "), IoSlice::new(b"three ")];
        assert_eq!(
            poll_fn(|cx| Pin::new(&mut socket).poll_write_vectored(cx, &pieces)).await.unwrap(),
            10
        );
        assert_eq!(
            poll_fn(|cx| socket.poll_write_more(cx, &[IoSlice::new(b"four")])).await.unwrap(),
            4
        );
        socket.shutdown().await.unwrap();
        assert!(socket.known().is_none());
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "one two three four");
    }

    #[tokio::test]
    async fn who_has_to_wait_joins() {
        let (mut client, mut socket) = pair();
        let mut arrived = BytesMut::new();
        assert_eq!(socket.read_arrived(&mut arrived, 64).unwrap(), None);
        assert!(arrived.is_empty() && socket.known().is_none());
        client.write_all(b"late").unwrap();
        socket.readable().await.unwrap();
        assert!(socket.known().is_some());
        assert_eq!(socket.read_arrived(&mut arrived, 64).unwrap(), None, "it is not the first");
        let mut late = [0; 4];
        socket.read_exact(&mut late).await.unwrap();
        assert_eq!(&late, b"late");
    }

    #[tokio::test]
    async fn who_waits_for_the_first_bytes_alone_is_not_told_of_room_to_write() {
        let (mut client, mut socket) = pair();
        let mut first = BytesMut::from("the ");
        let early = poll_fn(|cx| Poll::Ready(socket.poll_first(cx, &mut first, 64))).await;
        assert!(early.is_pending() && matches!(socket.0, State::Awaited(_)));
        client.write_all(b"first").unwrap();
        assert_eq!(poll_fn(|cx| socket.poll_first(cx, &mut first, 64)).await.unwrap(), 5);
        assert_eq!(first, "the first");
        socket.write_all(b"answer").await.unwrap();
        assert!(matches!(socket.0, State::Awaited(_)), "nothing else has had to wait");
        // Whatever is read next waits like everybody's.
        client.write_all(b"next").unwrap();
        let mut next = [0; 4];
        socket.read_exact(&mut next).await.unwrap();
        assert!(&next == b"next" && socket.known().is_some());
        client.write_all(b"late").unwrap();
        assert_eq!(poll_fn(|cx| socket.poll_first(cx, &mut first, 3)).await.unwrap(), 3);
        assert_eq!(first, "the firstlat");
    }

    #[tokio::test]
    async fn more_than_the_kernel_takes_at_once_arrives_whole() {
        const LENGTH: usize = 8 << 20;
        for more in [false, true] {
            let (mut client, mut socket) = pair();
            let reader = std::thread::spawn(move || {
                let mut bytes = Vec::new();
                client.read_to_end(&mut bytes).unwrap();
                bytes
            });
            let bytes: Vec<u8> = (0..=250).cycle().take(LENGTH).collect();
            let mut sent = 0;
            while sent < LENGTH {
                let rest = [IoSlice::new(&bytes[sent..])];
                sent += poll_fn(|cx| {
                    if more {
                        return socket.poll_write_more(cx, &rest);
                    }
                    Pin::new(&mut socket).poll_write_vectored(cx, &rest)
                })
                .await
                .unwrap();
            }
            drop(socket);
            assert!(reader.join().unwrap() == bytes);
        }
    }

    #[tokio::test]
    async fn the_end_is_not_nothing() {
        let (client, mut socket) = pair();
        drop(client);
        let mut arrived = BytesMut::new();
        assert_eq!(socket.read_arrived(&mut arrived, 64).unwrap(), Some(0));
    }
}

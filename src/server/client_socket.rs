//! A client's socket, which the runtime comes to know once it has to wait.
//!
//! To be told when a socket can be read costs two system calls and an allocation for each
//! connection: one to join the poller and one to leave it. Most clients have sent their first bytes
//! by the time they are accepted. So the first read is tried at once, and whoever is answered at
//! once as well, and goes, has never joined.
//!
//! Invariant: a socket that was told to wait is known, so that its waker is; only then can
//! [`ClientSocket::known`] say what the runtime has heard of it.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::mem;
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::SockRef;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// One end of a client's connection.
#[derive(Debug)]
pub(super) struct ClientSocket(State);

#[derive(Debug)]
enum State {
    /// Nothing on it has had to wait.
    Fresh(net::TcpStream),
    /// The runtime tells when it can be read and written.
    Known(TcpStream),
    /// The runtime has refused it.
    Lost,
}

/// A socket that listens, known to the runtime.
pub(super) type ListeningSocket = AsyncFd<net::TcpListener>;

/// The next client in the queue of a listening socket.
///
/// # Errors
/// As accept(2) says them: of that connection, or of the whole process.
pub(super) fn poll_accept(
    listening: &ListeningSocket,
    cx: &mut Context<'_>,
) -> Poll<io::Result<(ClientSocket, SocketAddr)>> {
    loop {
        let mut ready = ready!(listening.poll_read_ready(cx))?;
        if let Ok(accepted) = ready.try_io(|listening| accept_waiting(listening.get_ref())) {
            if !another_waits(listening.get_ref()) {
                ready.clear_ready();
            }
            return Poll::Ready(accepted);
        }
    }
}

/// Whether one more client is in the queue. It costs a tenth of an accept that finds none: accept4
/// makes a socket and a file before it looks, and unmakes both.
fn another_waits(listening: &net::TcpListener) -> bool {
    let mut asked = [PollFd::new(listening, PollFlags::IN)];
    // Where it cannot be said, the accept says it.
    poll(&mut asked, Some(&Timespec::default())).map_or(true, |ready| ready > 0)
}

/// The next client, if one waits.
///
/// # Errors
/// `WouldBlock` where none does, and what accept(2) says.
pub(super) fn accept_waiting(
    listening: &net::TcpListener,
) -> io::Result<(ClientSocket, SocketAddr)> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let (socket, remote) = acceptfrom_with(listening, flags)?;
    // No address: the client has left already, and the system has forgotten it.
    let remote = remote.ok_or(io::ErrorKind::ConnectionAborted)?.try_into()?;
    Ok((ClientSocket(State::Fresh(socket.into())), remote))
}

impl ClientSocket {
    /// Its descriptor; none of a socket that the runtime has refused.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            State::Fresh(socket) => Some(socket.as_fd()),
            State::Known(socket) => Some(socket.as_fd()),
            State::Lost => None,
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
        let length = into.len();
        into.resize(length + most, 0);
        let read = (&*socket).read(&mut into[length..]);
        into.truncate(length + *read.as_ref().unwrap_or(&0));
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            read => read.map(Some),
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
            State::Fresh(_) | State::Lost => None,
        }
    }

    /// Writes some of `bufs`, which the kernel keeps for what follows at once.
    pub(super) fn poll_write_more(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let flags = MSG_MORE | MSG_NOSIGNAL;
        if let State::Fresh(socket) = &self.0 {
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
        if let State::Fresh(_) = &self.0
            && let State::Fresh(socket) = mem::replace(&mut self.0, State::Lost)
        {
            self.0 = State::Known(TcpStream::from_std(socket)?);
        }
        match &mut self.0 {
            State::Known(socket) => Ok(socket),
            State::Fresh(_) | State::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }
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
        if let State::Fresh(socket) = &self.0 {
            let written = (&*socket).write(buf);
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
        if let State::Fresh(socket) = &self.0 {
            let written = (&*socket).write_vectored(bufs);
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
        if let State::Fresh(socket) = &self.0 {
            return Poll::Ready(socket.shutdown(Shutdown::Write));
        }
        Pin::new(self.join()?).poll_shutdown(cx)
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
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;
    use crate::base::readable;

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

    #[tokio::test]
    async fn nobody_who_waits_behind_another_is_forgotten() {
        let listening = net::TcpListener::bind("127.0.0.1:0").unwrap();
        listening.set_nonblocking(true).unwrap();
        let address = listening.local_addr().unwrap();
        let listening = readable(listening).unwrap();
        // Several in the queue at one wake, and one that comes after the queue was found empty.
        for together in [3, 1, 2] {
            let clients: Vec<_> =
                (0..together).map(|_| net::TcpStream::connect(address).unwrap()).collect();
            for client in &clients {
                assert!(another_waits(listening.get_ref()));
                let accepted = poll_fn(|cx| poll_accept(&listening, cx));
                let accepted = timeout(Duration::from_secs(10), accepted).await;
                assert_eq!(accepted.unwrap().unwrap().1, client.local_addr().unwrap());
            }
            assert!(!another_waits(listening.get_ref()));
        }
        let nobody = poll_fn(|cx| Poll::Ready(poll_accept(&listening, cx).is_pending()));
        assert!(nobody.await);
    }

    #[tokio::test]
    async fn clients_are_accepted_as_they_come() {
        let listening = net::TcpListener::bind("127.0.0.1:0").unwrap();
        listening.set_nonblocking(true).unwrap();
        let address = listening.local_addr().unwrap();
        let none = accept_waiting(&listening).map(|_| ());
        assert!(would_block(&none));
        let listening = readable(listening).unwrap();
        for _ in 0..3 {
            let client = TcpStream::connect(address);
            let accepted = poll_fn(|cx| poll_accept(&listening, cx));
            let (client, accepted) = tokio::join!(client, accepted);
            assert_eq!(accepted.unwrap().1, client.unwrap().local_addr().unwrap());
        }
    }
}

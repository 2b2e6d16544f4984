//! A client's socket, which the runtime comes to know once it has to wait, and no better than it must.
//!
//! To be told when a socket can be read costs two system calls and an allocation for each
//! connection: one to join the poller and one to leave it. Most clients have sent their first bytes
//! by the time they are accepted. So the first read is tried at once, and whoever is answered at
//! once as well, and goes, has never joined.
//!
//! Who has to wait for bytes is waited for by what can be read alone: that a new socket can be
//! written is no news, and would wake the worker for nothing. It joins with both once a write has to
//! wait, which on a connection of small replies none does. A slow client costs a wake less that way.
//!
//! Invariants: a socket that was told to wait is heard or known, so that its waker is; whoever waits for bytes
//! while a write comes to wait is woken once, to wait anew; both are one task. Only a socket that is
//! heard or known can say what the runtime has heard of it.

use std::future::Future as _;
use std::io::{self, IoSlice, Read as _};
use std::mem;
use std::net::{self, Shutdown};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
// The one type of the runtime that joins for reading alone and reads into room that nobody has
// cleared. What it reads need not be a pipe.
use tokio::net::unix::pipe::Receiver as Incoming;

/// One end of a client's connection.
#[derive(Debug)]
pub(super) struct ClientSocket(State);

#[derive(Debug)]
enum State {
    /// Nothing on it has had to wait.
    Fresh {
        socket: net::TcpStream,
        /// What had come with it was read: the next read waits, as long as need be.
        read: bool,
    },
    /// The runtime tells when it can be read.
    Heard(Incoming),
    /// The runtime tells when it can be read and written.
    Known(TcpStream),
    /// The runtime has refused it.
    Lost,
}

impl ClientSocket {
    /// Its descriptor; none of a socket that the runtime has refused.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            State::Fresh { socket, .. } => Some(socket.as_fd()),
            State::Heard(socket) => Some(socket.as_fd()),
            State::Known(socket) => Some(socket.as_fd()),
            State::Lost => None,
        }
    }

    /// Waits until something has come.
    ///
    /// # Errors
    /// What the socket or the runtime says.
    pub(super) async fn readable(&mut self) -> io::Result<()> {
        self.listen()?;
        match &self.0 {
            State::Heard(socket) => socket.readable().await,
            State::Known(socket) => socket.readable().await,
            State::Fresh { .. } | State::Lost => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Whether the runtime is asked to tell what comes.
    pub(super) fn is_heard(&self) -> bool {
        !matches!(self.0, State::Fresh { .. })
    }

    /// Whether the runtime has heard that the client has ended its side, or reset the connection.
    /// Costs no system call; of a socket that is not heard of, nobody knows.
    pub(super) fn has_left(&self) -> bool {
        // The only interest that bytes which nobody has read do not satisfy. The kernel is not asked
        // for urgent data, so that what answers to it is the end alone.
        let mut cx = Context::from_waker(Waker::noop());
        match &self.0 {
            State::Heard(socket) => pin!(socket.ready(Interest::PRIORITY)).poll(&mut cx).is_ready(),
            State::Known(socket) => pin!(socket.ready(Interest::PRIORITY)).poll(&mut cx).is_ready(),
            State::Fresh { .. } | State::Lost => false,
        }
    }

    /// Writes some of `bufs`, which the kernel keeps for what follows at once.
    pub(super) fn poll_write_more(
        &mut self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(sent) = self.send_at_once(bufs, MSG_MORE) {
            return Poll::Ready(sent);
        }
        let socket = self.know(cx)?;
        loop {
            ready!(socket.poll_write_ready(cx))?;
            let sent = socket
                .try_io(Interest::WRITABLE, || send(&SockRef::from(&*socket), bufs, MSG_MORE));
            if !would_block(&sent) {
                return Poll::Ready(sent);
            }
        }
    }

    /// Writes some of `bufs`, as long as no write has had to wait; none where this one would.
    fn send_at_once(&self, bufs: &[IoSlice<'_>], flags: i32) -> Option<io::Result<usize>> {
        let sent = send(&self.unwritten()?, bufs, flags);
        (!would_block(&sent)).then_some(sent)
    }

    /// The socket itself, as long as no write has had to wait.
    fn unwritten(&self) -> Option<SockRef<'_>> {
        match &self.0 {
            State::Fresh { socket, .. } => Some(SockRef::from(socket)),
            State::Heard(socket) => Some(SockRef::from(socket)),
            State::Known(_) | State::Lost => None,
        }
    }

    /// Has the runtime tell when it can be read.
    fn listen(&mut self) -> io::Result<()> {
        if let State::Fresh { .. } = self.0
            && let State::Fresh { socket, .. } = mem::replace(&mut self.0, State::Lost)
        {
            self.0 = State::Heard(Incoming::from_owned_fd_unchecked(socket.into())?);
        }
        Ok(())
    }

    /// Has the runtime tell when it can be written, too.
    fn know(&mut self, cx: &Context<'_>) -> io::Result<&mut TcpStream> {
        if self.unwritten().is_some() {
            self.0 = match mem::replace(&mut self.0, State::Lost) {
                State::Fresh { socket, .. } => State::Known(TcpStream::from_std(socket)?),
                State::Heard(socket) => {
                    // It may have been told to wait for bytes, and that is forgotten here.
                    cx.waker().wake_by_ref();
                    State::Known(TcpStream::from_std(socket.into_nonblocking_fd()?.into())?)
                }
                known @ (State::Known(_) | State::Lost) => known,
            };
        }
        match &mut self.0 {
            State::Known(socket) => Ok(socket),
            State::Fresh { .. } | State::Heard(_) | State::Lost => {
                Err(io::ErrorKind::NotConnected.into())
            }
        }
    }
}

fn send(socket: &SockRef<'_>, bufs: &[IoSlice<'_>], flags: i32) -> io::Result<usize> {
    match bufs {
        [only] => socket.send_with_flags(only, flags | MSG_NOSIGNAL),
        several => socket.send_vectored_with_flags(several, flags | MSG_NOSIGNAL),
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
        if let State::Fresh { socket, read: read @ false } = &mut self.0 {
            // Room that nobody has cleared is for the runtime alone; this is once and little.
            let room = buf.initialize_unfilled_to(buf.remaining().min(ARRIVED));
            let arrived = socket.read(room);
            if !would_block(&arrived) {
                *read = true;
                buf.advance(arrived?);
                return Poll::Ready(Ok(()));
            }
        }
        self.listen()?;
        match &mut self.0 {
            State::Heard(socket) => Pin::new(socket).poll_read(cx, buf),
            State::Known(socket) => Pin::new(socket).poll_read(cx, buf),
            State::Fresh { .. } | State::Lost => {
                Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
            }
        }
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(sent) = self.send_at_once(&[IoSlice::new(buf)], 0) {
            return Poll::Ready(sent);
        }
        Pin::new(self.know(cx)?).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(sent) = self.send_at_once(bufs, 0) {
            return Poll::Ready(sent);
        }
        Pin::new(self.know(cx)?).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has no buffer of its own.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(socket) = self.descriptor() else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        Poll::Ready(match SockRef::from(&socket).shutdown(Shutdown::Write) {
            // Reset meanwhile: it is as shut as can be.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            shut => shut,
        })
    }
}

impl From<net::TcpStream> for ClientSocket {
    /// Of a socket that does not block.
    fn from(socket: net::TcpStream) -> Self {
        Self(State::Fresh { socket, read: false })
    }
}

#[cfg(test)]
impl From<TcpStream> for ClientSocket {
    /// Of a socket on which a write has had to wait.
    fn from(socket: TcpStream) -> Self {
        Self(State::Known(socket))
    }
}

/// Bytes that are read at most of a socket that has not had to wait.
const ARRIVED: usize = 4096;
/// Of send(2), as Linux numbers them.
const MSG_MORE: i32 = 0x8000;
const MSG_NOSIGNAL: i32 = 0x4000;

#[cfg(test)]
mod tests;

//! Who waits to be accepted: the queue of a listening socket, and taking the next client out of it.

use std::io;
use std::net::{self, SocketAddr};
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SocketFlags, acceptfrom_with};
use tokio::io::unix::AsyncFd;

use super::client_socket::ClientSocket;

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
    Ok((net::TcpStream::from(socket).into(), remote))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;
    use crate::base::readable;

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
        assert_eq!(none.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let listening = readable(listening).unwrap();
        for _ in 0..3 {
            let client = TcpStream::connect(address);
            let accepted = poll_fn(|cx| poll_accept(&listening, cx));
            let (client, accepted) = tokio::join!(client, accepted);
            assert_eq!(accepted.unwrap().1, client.unwrap().local_addr().unwrap());
        }
    }
}

//! Whether a client is still there, where its bytes cannot tell.
//!
//! A client that sends far ahead of its answers fills what a connection may hold of it; nothing is
//! read then, and an end that stands behind those bytes is not seen. The runtime has heard of it
//! all the same.

use tokio_rustls::server::TlsStream;

use super::prefixed::Prefixed;

/// A socket that can be asked for its client.
pub(super) trait Presence {
    /// Whether the client has ended its side, or reset the connection. Costs no system call.
    fn has_left(&self) -> bool;

    /// Whether the runtime is asked to tell when the client leaves. Nobody has asked where the client
    /// has not had to be waited for.
    fn is_heard(&self) -> bool {
        true
    }
}

impl Presence for Prefixed {
    fn has_left(&self) -> bool {
        self.socket().has_left()
    }

    fn is_heard(&self) -> bool {
        self.socket().is_heard()
    }
}

impl Presence for TlsStream<Prefixed> {
    fn has_left(&self) -> bool {
        self.get_ref().0.has_left()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::server::client_socket::ClientSocket;

    #[tokio::test]
    async fn an_end_behind_unread_bytes_is_seen() {
        for (resets, known) in [(false, false), (true, false), (false, true), (true, true)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (socket, _) = listener.accept().await.unwrap();
            let mut socket: ClientSocket =
                if known { socket.into() } else { socket.into_std().unwrap().into() };
            client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            socket.readable().await.unwrap();
            let socket = Prefixed::new(socket);
            assert!(!socket.has_left());
            if resets {
                socket2::SockRef::from(&client)
                    .set_linger(Some(std::time::Duration::ZERO))
                    .unwrap();
            }
            drop(client);
            while !socket.has_left() {
                tokio::task::yield_now().await;
            }
            assert!(socket.peeked().is_empty(), "nothing was read for it");
        }
    }
}

//! Whether a client is still there, where its bytes cannot tell.
//!
//! A client that sends far ahead of its answers fills what a connection may hold of it; nothing is
//! read then, and an end that stands behind those bytes is not seen. The runtime has heard of it
//! all the same.

use std::pin::pin;
use std::task::{Context, Waker};

use tokio::io::Interest;
use tokio_rustls::server::TlsStream;

use super::prefixed::Prefixed;

/// A socket that can be asked for its client.
pub(super) trait Presence {
    /// Whether the client has ended its side, or reset the connection. Costs no system call.
    fn has_left(&self) -> bool;

    /// Whether the runtime is asked to tell when the client leaves. Nobody has to be where all that
    /// the client was waited for were its first bytes.
    fn is_heard(&self) -> bool {
        true
    }
}

impl Presence for Prefixed {
    fn has_left(&self) -> bool {
        // Who has not had to wait has not been asked for more than it had sent.
        let Some(socket) = self.socket().known() else { return false };
        // The only interest that bytes which nobody has read do not satisfy. The kernel is not asked
        // for urgent data, so that what answers to it is the end alone.
        let ready = pin!(socket.ready(Interest::PRIORITY));
        ready.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn is_heard(&self) -> bool {
        self.socket().known().is_some()
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

    #[tokio::test]
    async fn an_end_behind_unread_bytes_is_seen() {
        for resets in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (socket, _) = listener.accept().await.unwrap();
            let socket = Prefixed::new(socket.into());
            client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
            socket.socket().known().unwrap().readable().await.unwrap();
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

//! Closes a connection so that the last reply arrives.
//!
//! Closing a socket with unread bytes makes the kernel send a reset, and a reset can overtake the
//! reply (RFC 9112, section 9.6). So where the client may still be sending, the sending side is
//! closed first, and what comes is read and dropped, within bounds. Where it has nothing left to
//! say, the close itself ends both sides in order, and a shutdown before it would be a system call
//! and a packet's work for nothing. For the same reason the last bytes of a reply wait for the end
//! that follows them: both leave in one packet, and the client is woken once.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::prefixed::Prefixed;

/// A socket whose protocol may have a last word of its own.
pub(super) trait Farewell {
    /// What is written from here on is the last, and the end follows at once.
    fn speaks_last(&mut self) {}

    /// Says it; the socket is dropped next.
    fn say_farewell(&mut self) -> impl Future<Output = ()> {
        async {}
    }
}

impl Farewell for Prefixed {
    fn speaks_last(&mut self) {
        self.hold_back();
    }
}

impl Farewell for TlsStream<Prefixed> {
    fn speaks_last(&mut self) {
        self.get_mut().0.hold_back();
    }

    /// An alert, without which the end could be a stranger's cut (RFC 8446, section 6.1).
    async fn say_farewell(&mut self) {
        self.get_mut().1.send_close_notify();
        // Where it does not go in time, or at all, the socket is dropped all the same.
        let _ = timeout(PATIENCE, self.flush()).await;
    }
}

/// Ends a connection whose client may still be sending, or speaks what nobody here does: it sees
/// an orderly end.
pub(super) async fn close_unread<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S) {
    if matches!(timeout(PATIENCE, socket.shutdown()).await, Ok(Ok(()))) {
        read_out(socket).await;
    }
}

async fn read_out(mut socket: impl AsyncRead + Unpin) {
    let drained = async {
        let mut scrap = vec![0; 16 * 1024];
        let mut total = 0;
        while total < MOST_UNREAD {
            match socket.read(&mut scrap).await {
                Ok(0) | Err(_) => return,
                Ok(read) => total += read,
            }
        }
    };
    // Whether the client was done or the time was up, nothing more can be done for it.
    let _ = timeout(PATIENCE, drained).await;
}

const PATIENCE: Duration = Duration::from_secs(5);
const MOST_UNREAD: usize = 64 << 20;

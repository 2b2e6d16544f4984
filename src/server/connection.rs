//! STUB, to be replaced whole: holds a connection open until the client leaves or the worker
//! drains, and says nothing.

use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use super::prefixed::Prefixed;
use super::shared::Admission;
use super::worker::Worker;
use crate::base::ListenerId;

/// Serves one connection until it ends.
pub(super) async fn serve(
    worker: Rc<Worker>,
    listener: ListenerId,
    socket: TcpStream,
    remote: SocketAddr,
    admission: Admission,
) {
    let _ = (worker.listener(listener), remote);
    if admission == Admission::Full {
        return;
    }
    let mut socket = Prefixed::new(socket);
    let mut all = Vec::new();
    tokio::select! {
        _ = socket.read_to_end(&mut all) => {}
        () = worker.draining() => {}
    }
}

//! STUB, to be replaced whole: serves one client connection.

use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::TcpStream;

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
    let _ = (worker, listener, socket, remote, admission);
}

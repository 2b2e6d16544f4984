//! Sockets that listen: binding one per worker to the same address, taking in who comes, and telling
//! who cannot be served.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::accept::{self, Door, concerns_one_connection};
use super::backlog::{ListeningSocket, accept_waiting, poll_accept};
use super::client_socket::ClientSocket;
use super::connection::{self, Entrance};
use super::drain::DrainWatch;
use super::reserve::Spent;
use super::shared::Admission;
use super::worker::Worker;
use crate::base::ListenerId;
use crate::observe::Shed;

/// Who may listen on the same port already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Neighbours {
    /// Nobody of this instance, and nobody else may.
    Strangers,
    /// This instance does, on another address.
    Own,
}

/// Binds and listens on `address`, once for each of `workers`, with `SO_REUSEPORT`: the kernel
/// spreads connections over the sockets. With port 0 the first socket decides for the others.
///
/// # Errors
/// What the operating system says; `AddrInUse` as well when the address is taken by a process that
/// also shares its port, such as another guichet.
pub(super) fn bind(
    address: SocketAddr,
    workers: usize,
    neighbours: Neighbours,
) -> io::Result<Vec<TcpListener>> {
    if address.port() != 0 && neighbours == Neighbours::Strangers {
        // A shared port lets two processes of one user take it unawares, each with half of the
        // connections. A bind that does not share tells; it is given back at once.
        drop(open(address, Sharing::Alone)?);
    }
    let first = open(address, Sharing::Shared)?;
    let settled = first.local_addr()?;
    let mut sockets = vec![first];
    for _ in 1..workers {
        sockets.push(open(settled, Sharing::Shared)?);
    }
    Ok(sockets)
}

/// Binds and listens on `address` with one socket that shares its port with nobody.
///
/// # Errors
/// What the operating system says.
pub(super) fn bind_alone(address: SocketAddr) -> io::Result<TcpListener> {
    open(address, Sharing::Alone)
}

/// Accepts connections until it is to end, then takes in what already waits, and ends. `listener`
/// is what the newest configuration calls it.
pub(super) async fn accept(
    worker: Rc<Worker>,
    listener: Rc<Cell<ListenerId>>,
    socket: Rc<ListeningSocket>,
    draining: DrainWatch,
) {
    let listening = Listening { worker, listener, socket };
    accept::accept(&listening, draining).await;
    listening.take_in_the_rest();
}

/// A socket of a worker that listens.
struct Listening {
    worker: Rc<Worker>,
    listener: Rc<Cell<ListenerId>>,
    socket: Rc<ListeningSocket>,
}

impl Door for Listening {
    async fn take_in(&self) -> io::Result<()> {
        // Once there is room for what it will ask of this thread.
        self.worker.room_to_tell().await;
        if self.worker.is_tls(self.listener.get()) {
            self.worker.handshakes().room().await;
        }
        let (stream, remote) = poll_fn(|cx| poll_accept(&self.socket, cx)).await?;
        if let Some(taken) = stream.descriptor() {
            self.worker.reserve().keep_some(taken, || self.worker.make_room());
        }
        open_connection(&self.worker, self.listener.get(), stream, remote);
        Ok(())
    }

    fn failed(&self, error: &io::Error) {
        self.worker.shared().accept_failed();
        self.worker.generation().witness().accept_failed(self.listener.get(), error);
    }

    fn make_room(&self) -> bool {
        self.worker.make_room()
    }

    fn is_making_room(&self) -> bool {
        self.worker.is_making_room()
    }

    async fn tell_one(&self) -> bool {
        tell_one(&self.worker, self.listener.get(), &self.socket).await
    }
}

impl Listening {
    /// The kernel has shaken hands on these; closing the socket would reset them.
    fn take_in_the_rest(&self) {
        // No more than fit into the queue, or a flood would keep this thread for itself.
        for _ in 0..BACKLOG {
            let Ok((stream, remote)) = accept_waiting(self.socket.get_ref()) else { break };
            open_connection(&self.worker, self.listener.get(), stream, remote);
        }
    }
}

/// With the descriptor that is kept back: accepts one client that waits, tells it why it is not
/// served, and closes. False where that cannot be.
async fn tell_one(worker: &Rc<Worker>, id: ListenerId, socket: &ListeningSocket) -> bool {
    worker.reserve().refill();
    let Some(spent) = worker.reserve().spend() else { return false };
    let accepted = poll_fn(|cx| Poll::Ready(poll_accept(socket, cx))).await;
    match accepted {
        Poll::Ready(Ok((stream, remote))) => {
            let told = spawn_local(refuse(spent, Rc::clone(worker), id, stream, remote));
            // A panic in it is over and told; the loop goes on.
            let _ = told.await;
            true
        }
        Poll::Ready(Err(error)) => concerns_one_connection(&error),
        // Nobody waits: the system says that descriptors are gone before it looks whether any is
        // needed. The next client wakes this task.
        Poll::Pending => true,
    }
}

/// Serves a connection as one beyond `limits.connections` is served, in haste: others wait for the
/// descriptor. It stands first, so that it is dropped last.
async fn refuse(
    _spent: Spent,
    worker: Rc<Worker>,
    id: ListenerId,
    mut stream: ClientSocket,
    remote: SocketAddr,
) {
    let Some((_place, _)) = worker.admit() else { return };
    let entrance = Entrance { generation: worker.generation(), listener: id };
    entrance.generation.witness().shed(Shed::NoDescriptor, 1);
    if !matches!(timeout(FIRST_WORD, stream.readable()).await, Ok(Ok(()))) {
        return;
    }
    let served = connection::serve(Rc::clone(&worker), entrance, stream, remote, Admission::Full);
    // Whoever was not told by now is too slow to be.
    let _ = timeout(REFUSAL, served).await;
}

fn open_connection(worker: &Rc<Worker>, id: ListenerId, stream: ClientSocket, remote: SocketAddr) {
    let Some((place, admission)) = worker.admit() else { return };
    let entrance = Entrance { generation: worker.generation(), listener: id };
    let served = connection::serve(Rc::clone(worker), entrance, stream, remote, admission);
    spawn_local(async move {
        let _place = place;
        match admission {
            Admission::Open | Admission::Full => served.await,
            // Others wait to be told as well.
            Admission::Short => drop(Box::pin(timeout(REFUSAL, served)).await),
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    Shared,
}

fn open(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` is IPv6 alone on every system; IPv4 is bound by its own name.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    if sharing == Sharing::Shared {
        socket.set_reuse_port(true)?;
    }
    // Without it small replies wait for the client's acknowledgement. What is accepted inherits it:
    // one system call less for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

const BACKLOG: i32 = 1024;
/// What a client that is refused with the last descriptor has for its first byte: most have sent it
/// before they were accepted.
const FIRST_WORD: Duration = Duration::from_millis(250);
/// And for all the rest.
const REFUSAL: Duration = Duration::from_secs(1);

//! The sockets that one worker listens on, and the loops that accept from them.
//!
//! A socket stays for as long as the configuration names its address, whatever else is reloaded:
//! closing one resets the clients that wait in its queue. The control thread decides which socket
//! belongs to which listener ([`SocketId`]); here that is carried out, between two accepts.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;

use tokio::task::{JoinHandle, spawn_local};

use super::backlog::ListeningSocket;
use super::drain::Drain;
use super::listener;
use super::worker::Worker;
use crate::base::{ListenerId, readable};

/// An address that is listened on: each worker has one socket of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SocketId(pub(super) u64);

/// A socket for one worker: bound, listening, non-blocking.
#[derive(Debug)]
pub(super) struct ListenSocket {
    pub(super) id: SocketId,
    pub(super) listener: ListenerId,
    pub(super) socket: TcpListener,
}

/// The same, known to the worker's runtime.
#[derive(Debug)]
pub(super) struct Ready {
    id: SocketId,
    listener: ListenerId,
    socket: ListeningSocket,
}

/// All sockets of one worker that accept.
#[derive(Debug, Default)]
pub(super) struct Sockets(RefCell<Vec<Accepting>>);

#[derive(Debug)]
struct Accepting {
    id: SocketId,
    /// As the newest configuration calls it.
    listener: Rc<Cell<ListenerId>>,
    socket: Rc<ListeningSocket>,
    end: Rc<Drain>,
    task: JoinHandle<()>,
}

/// Makes sockets known to the runtime of this thread.
///
/// # Errors
/// What the operating system says.
pub(super) fn ready(sockets: Vec<ListenSocket>) -> io::Result<Vec<Ready>> {
    let ready = |ListenSocket { id, listener, socket }| {
        let socket = readable(socket)?;
        Ok(Ready { id, listener, socket })
    };
    sockets.into_iter().map(ready).collect()
}

impl Sockets {
    /// Accepts from these, too.
    pub(super) fn open(&self, worker: &Rc<Worker>, sockets: Vec<Ready>) {
        for Ready { id, listener, socket } in sockets {
            let (socket, end) = (Rc::new(socket), Rc::new(Drain::default()));
            let listener = Rc::new(Cell::new(listener));
            let loop_ = listener::accept(
                Rc::clone(worker),
                Rc::clone(&listener),
                Rc::clone(&socket),
                end.watch(),
            );
            let task = spawn_local(loop_);
            self.0.borrow_mut().push(Accepting { id, listener, socket, end, task });
        }
    }

    /// Keeps those that are named, under the ids that their listeners have now. The others take in
    /// what has arrived, and close.
    pub(super) fn keep(&self, named: &[(SocketId, ListenerId)]) {
        self.0.borrow_mut().retain(|accepting| {
            match named.iter().find(|(id, _)| *id == accepting.id) {
                Some((_, listener)) => accepting.listener.set(*listener),
                None => accepting.end.begin(),
            }
            !accepting.end.begun()
        });
    }

    /// Closes all of them, once what has arrived is taken in.
    pub(super) async fn close(&self) {
        let all = self.0.take();
        all.iter().for_each(|accepting| accepting.end.begin());
        for Accepting { task, socket, .. } in all {
            // The loop has the last hold on its socket, and closes it.
            drop(socket);
            // One that panicked has nothing to take in.
            let _ = task.await;
        }
    }

    /// The same sockets once more, for another process.
    ///
    /// # Errors
    /// What the operating system says: no descriptor is left.
    pub(super) fn copies(&self) -> io::Result<Vec<(SocketId, OwnedFd)>> {
        let copy = |accepting: &Accepting| {
            Ok((accepting.id, accepting.socket.as_fd().try_clone_to_owned()?))
        };
        self.0.borrow().iter().map(copy).collect()
    }
}

//! What the control thread tells a worker while it serves.
//!
//! A change of generations is made in two steps, so that it happens everywhere or nowhere: every
//! worker builds the next one and says that it could; then all are told to go over to it, or that
//! nothing comes of it.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use tokio::sync::{mpsc, oneshot};

use super::generation::{Generation, Plan};
use super::sockets::{self, ListenSocket, Ready, SocketId};
use super::worker::Worker;
use crate::base::ListenerId;

/// What a worker is told.
pub(super) enum Order {
    /// Build the next generation, and say whether you could.
    Prepare(Box<Change>, oneshot::Sender<io::Result<()>>),
    /// Serve by it, and say so.
    Commit(oneshot::Sender<()>),
    /// Forget it.
    Abort,
    /// Give your sockets to another process, too.
    Lend(oneshot::Sender<io::Result<Vec<(SocketId, OwnedFd)>>>),
}

/// What is different in the next generation.
pub(super) struct Change {
    pub(super) plan: Plan,
    /// Sockets that stay, and what their listeners are called.
    pub(super) stay: Vec<(SocketId, ListenerId)>,
    /// Sockets that are new.
    pub(super) sockets: Vec<ListenSocket>,
}

struct Prepared {
    generation: Rc<Generation>,
    stay: Vec<(SocketId, ListenerId)>,
    sockets: Vec<Ready>,
}

/// Does what it is told until nobody is left to tell it anything.
pub(super) async fn obey(worker: Rc<Worker>, mut orders: mpsc::Receiver<Order>) {
    let mut prepared = None;
    while let Some(order) = orders.recv().await {
        match order {
            Order::Prepare(change, told) => {
                let made = prepare(&worker, *change).map(|made| prepared = Some(made));
                // Who has stopped waiting aborts.
                let _ = told.send(made);
            }
            Order::Commit(told) => {
                let Some(Prepared { generation, stay, sockets }) = prepared.take() else {
                    continue;
                };
                worker.turn(&generation);
                worker.sockets().keep(&stay);
                worker.sockets().open(&worker, sockets);
                let _ = told.send(());
            }
            Order::Abort => prepared = None,
            Order::Lend(told) => {
                let _ = told.send(worker.sockets().copies());
            }
        }
    }
}

fn prepare(worker: &Worker, change: Change) -> io::Result<Prepared> {
    let Change { plan, stay, sockets } = change;
    let generation = Generation::build(plan, Some(&worker.generation()))?;
    Ok(Prepared { generation, stay, sockets: sockets::ready(sockets)? })
}

/// Orders that wait for a worker. Each waits for the answer to the one before.
pub(super) const WAITING: usize = 4;

//! One worker: a thread with its own runtime, sockets, gateway and connections.
//!
//! Nothing of a worker is ever touched by another thread, so its state is `Rc` and `Cell`. It
//! learns of the outside through one channel, the phase of [`Shared`], watched by one task.

use std::cell::Cell;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::MissedTickBehavior;

use super::drain::{Drain, DrainWatch};
use super::listener;
use super::parts::GatewayParts;
use super::reserve::Reserve;
use super::shared::{Admission, Phase, Shared};
use super::tls::{Handshakes, TlsListener};
use crate::base::{ListenerId, clock};
use crate::config::model::{self, Config};
use crate::observe::Shed;
use crate::proxy::Gateway;

/// The state of one worker, reached by each of its connections.
pub(super) struct Worker {
    shared: Arc<Shared>,
    gateway: Rc<Gateway>,
    tls: Vec<Option<TlsListener>>,
    handshakes: Handshakes,
    open: Cell<usize>,
    drain: Rc<Drain>,
    reserve: Rc<Reserve>,
    left: Notify,
}

/// A connection's place in the counts, for as long as it is open.
pub(super) struct Place {
    worker: Rc<Worker>,
}

/// What a worker's thread is given.
pub(super) struct Seat {
    /// Shared by all workers.
    pub(super) shared: Arc<Shared>,
    /// By `ListenerId`; none on plain listeners.
    pub(super) tls: Vec<Option<TlsListener>>,
    /// This worker's own sockets: bound, listening, non-blocking.
    pub(super) sockets: Vec<(ListenerId, TcpListener)>,
    /// What its gateway is made of.
    pub(super) parts: GatewayParts,
}

impl Worker {
    /// The process-wide part.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The configuration.
    pub(super) fn config(&self) -> &Config {
        self.shared.config()
    }

    /// The configuration of a listener.
    pub(super) fn listener(&self, id: ListenerId) -> &model::Listener {
        &self.config().listeners[usize::from(id.0)]
    }

    /// TLS of a listener; none where it is plain.
    pub(super) fn tls(&self, id: ListenerId) -> Option<&TlsListener> {
        self.tls[usize::from(id.0)].as_ref()
    }

    /// This worker's TLS handshakes.
    pub(super) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
    }

    /// This worker's gateway.
    pub(super) fn gateway(&self) -> &Rc<Gateway> {
        &self.gateway
    }

    /// Open connections of this worker.
    #[cfg(test)]
    pub(super) fn open(&self) -> usize {
        self.open.get()
    }

    /// Whether connections are to end after the exchange under way.
    #[cfg(test)]
    pub(super) fn is_draining(&self) -> bool {
        self.drain.begun()
    }

    /// A future that is ready once draining has begun; cheap to poll, and may be polled again.
    pub(super) fn draining(&self) -> DrainWatch {
        self.drain.watch()
    }

    /// The descriptor that is kept back.
    pub(super) fn reserve(&self) -> &Rc<Reserve> {
        &self.reserve
    }

    /// Asks clients that this worker waits for to leave, a few at a time, and closes upstream
    /// connections that carry nothing where those are too few. Whether that gives descriptors back.
    pub(super) fn make_room(&self) -> bool {
        let witness = self.gateway.witness();
        let clients = self.drain.shed(ROOM, clock::now());
        witness.shed(Shed::IdleClient, clients);
        let upstreams = self.gateway.make_room(ROOM.saturating_sub(self.drain.leaving()));
        witness.shed(Shed::IdleUpstream, upstreams);
        clients + upstreams > 0
    }

    /// Whether anybody who was asked to make room is still about to.
    pub(super) fn is_making_room(&self) -> bool {
        self.drain.leaving() > 0
    }

    /// Takes a place for a new connection; none when it must be closed at once.
    pub(super) fn admit(self: &Rc<Self>) -> Option<(Place, Admission)> {
        let admission = self.shared.admit()?;
        self.open.set(self.open.get() + 1);
        Some((Place { worker: Rc::clone(self) }, admission))
    }

    pub(super) fn new(
        shared: Arc<Shared>,
        tls: Vec<Option<TlsListener>>,
        gateway: Gateway,
    ) -> Rc<Self> {
        let handshakes = Handshakes::new(shared.config().server.handshakes);
        Rc::new(Self {
            shared,
            gateway: Rc::new(gateway),
            tls,
            handshakes,
            open: Cell::new(0),
            drain: Rc::default(),
            reserve: Reserve::new(),
            left: Notify::new(),
        })
    }

    /// Serves until the instance drains and the last connection has left, or until it is cut.
    pub(super) async fn serve(self: Rc<Self>, sockets: Vec<(ListenerId, tokio::net::TcpListener)>) {
        let accept = |(id, socket)| spawn_local(listener::accept(Rc::clone(&self), id, socket));
        let accepting: Vec<_> = sockets.into_iter().map(accept).collect();
        spawn_local(Rc::clone(&self).tick());
        self.shared.reached(Phase::Draining).await;
        self.drain.begin();
        // They end at once, but only after taking in what the kernel has shaken hands on. One that
        // panicked has nothing to take in.
        for accepting in accepting {
            let _ = accepting.await;
        }
        tokio::select! {
            () = self.emptied() => {}
            () = self.shared.reached(Phase::Cut) => {}
        }
        if self.open.get() > 0 {
            self.shared.cut_connections();
        }
    }

    /// Waits until no connection is open.
    async fn emptied(&self) {
        while self.open.get() > 0 {
            self.left.notified().await;
        }
    }

    /// Small regular chores, so that no request ever does them.
    async fn tick(self: Rc<Self>) {
        let mut flush = tokio::time::interval(FLUSH_EVERY);
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until_sweep = FLUSHES_PER_SWEEP;
        loop {
            flush.tick().await;
            self.gateway.flush();
            until_sweep -= 1;
            if until_sweep == 0 {
                until_sweep = FLUSHES_PER_SWEEP;
                self.gateway.sweep();
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.worker.shared.release();
        self.worker.open.set(self.worker.open.get() - 1);
        if self.worker.open.get() == 0 {
            self.worker.left.notify_one();
        }
    }
}

/// A worker's thread, ready to serve.
pub(super) struct SetUp {
    runtime: LocalRuntime,
    worker: Rc<Worker>,
    sockets: Vec<(ListenerId, tokio::net::TcpListener)>,
}

impl SetUp {
    /// Sets everything up, on the worker's own thread.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn new(seat: Seat) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .max_io_events_per_tick(IO_EVENTS)
            .build_local(LocalOptions::default())?;
        let inside = runtime.enter();
        let gateway = seat.parts.build()?;
        let hand_over = |(id, socket)| Ok((id, tokio::net::TcpListener::from_std(socket)?));
        let sockets = seat.sockets.into_iter().map(hand_over).collect::<io::Result<Vec<_>>>()?;
        drop(inside);
        Ok(Self { runtime, worker: Worker::new(seat.shared, seat.tls, gateway), sockets })
    }

    /// Serves on this thread until the instance ends.
    pub(super) fn serve(self) {
        let gateway = Rc::clone(self.worker.gateway());
        self.runtime.block_on(self.worker.serve(self.sockets));
        // This drops what is still open; what that has to say is flushed after it.
        drop(self.runtime);
        gateway.flush();
    }
}

/// Connections that make room at once: enough that the next few clients, and the upstream connections
/// that they need, find some.
const ROOM: usize = 16;
const FLUSH_EVERY: Duration = Duration::from_millis(200);
const FLUSHES_PER_SWEEP: u32 = 5;
/// Polls of tasks between two looks at the sockets: the scheduler's own 61 suits many small tasks.
const EVENT_INTERVAL: u32 = 61;
/// Sockets that are woken in one go: fewer than the driver's 1024 keeps latency even under load.
const IO_EVENTS: usize = 256;

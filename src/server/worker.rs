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
use tokio::time::MissedTickBehavior;

use super::drain::{Drain, DrainWatch};
use super::listener;
use super::shared::{Admission, Phase, Shared};
use super::tls::TlsListener;
use crate::base::ListenerId;
use crate::config::model::{self, Config};
use crate::proxy::Gateway;

/// The state of one worker, reached by each of its connections.
pub(super) struct Worker {
    shared: Arc<Shared>,
    gateway: Rc<Gateway>,
    tls: Vec<Option<TlsListener>>,
    open: Cell<usize>,
    accept_failures: Cell<u64>,
    drain: Rc<Drain>,
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

    /// This worker's gateway.
    pub(super) fn gateway(&self) -> &Rc<Gateway> {
        &self.gateway
    }

    /// Open connections of this worker.
    pub(super) fn open(&self) -> usize {
        self.open.get()
    }

    /// How often accepting failed for want of something, since the start.
    pub(super) fn accept_failures(&self) -> u64 {
        self.accept_failures.get()
    }

    /// Counts a failed accept.
    pub(super) fn accept_failed(&self) {
        self.accept_failures.set(self.accept_failures.get() + 1);
    }

    /// Whether connections are to end after the exchange under way.
    pub(super) fn is_draining(&self) -> bool {
        self.drain.begun()
    }

    /// A future that is ready once draining has begun; cheap to poll, and may be polled again.
    pub(super) fn draining(&self) -> DrainWatch {
        self.drain.watch()
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
        Rc::new(Self {
            shared,
            gateway: Rc::new(gateway),
            tls,
            open: Cell::new(0),
            accept_failures: Cell::new(0),
            drain: Rc::default(),
            left: Notify::new(),
        })
    }

    /// Serves until the instance drains and the last connection has left, or until it is cut.
    async fn serve(self: Rc<Self>, sockets: Vec<(ListenerId, tokio::net::TcpListener)>) {
        for (id, socket) in sockets {
            tokio::task::spawn_local(listener::accept(Rc::clone(&self), id, socket));
        }
        tokio::task::spawn_local(Rc::clone(&self).tick());
        self.shared.reached(Phase::Draining).await;
        self.drain.begin();
        // Accept loops get their turn first: what the kernel shook hands on is still taken in.
        tokio::task::yield_now().await;
        tokio::select! {
            () = self.emptied() => {}
            () = self.shared.reached(Phase::Cut) => {}
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

/// Builds a worker's runtime, on the worker's own thread.
///
/// # Errors
/// What the operating system says.
pub(super) fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .max_io_events_per_tick(IO_EVENTS)
        .build_local(LocalOptions::default())
}

/// Serves on this thread until the instance ends. `up` is called once everything stands.
///
/// # Errors
/// Where the sockets cannot be handed to the runtime.
pub(super) fn run(runtime: LocalRuntime, seat: Seat, up: impl FnOnce()) -> io::Result<()> {
    let gateway = Gateway::new(Arc::clone(seat.shared.config()));
    let worker = Worker::new(seat.shared, seat.tls, gateway);
    let gateway = Rc::clone(worker.gateway());
    let sockets = {
        let _inside = runtime.enter();
        let hand_over = |(id, socket)| Ok((id, tokio::net::TcpListener::from_std(socket)?));
        seat.sockets.into_iter().map(hand_over).collect::<io::Result<Vec<_>>>()?
    };
    up();
    runtime.block_on(worker.serve(sockets));
    // Dropping the runtime drops what is still open, and what that has to say is flushed after it.
    drop(runtime);
    gateway.flush();
    Ok(())
}

const FLUSH_EVERY: Duration = Duration::from_millis(200);
const FLUSHES_PER_SWEEP: u32 = 5;
/// Polls of tasks between two looks at the sockets: the scheduler's own 61 suits many small tasks.
const EVENT_INTERVAL: u32 = 61;
/// Sockets that are woken in one go: fewer than the driver's 1024 keeps latency even under load.
const IO_EVENTS: usize = 256;

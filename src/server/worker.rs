//! One worker: a thread with its own runtime, sockets, generations and connections.
//!
//! Nothing of a worker is ever touched by another thread, so its state is `Rc` and `Cell`. It
//! learns of the outside through two channels: the phase of [`Shared`], watched by one task, and
//! its [`orders`](super::orders), taken by another.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{Notify, mpsc};
use tokio::task::{spawn_local, yield_now};
use tokio::time::MissedTickBehavior;

use super::drain::{Drain, DrainWatch};
use super::generation::{Generation, Plan};
use super::orders::{self, Order};
use super::reserve::Reserve;
use super::shared::{Admission, Phase, Shared};
use super::sockets::{self, ListenSocket, Ready, Sockets};
use super::tls::Handshakes;
use crate::base::{ListenerId, clock};
use crate::observe::{Shed, Witness};

/// The state of one worker, reached by each of its connections.
pub(super) struct Worker {
    shared: Arc<Shared>,
    generation: RefCell<Rc<Generation>>,
    /// The generation's, where a connection can look at it for next to nothing.
    number: Cell<u64>,
    /// Witnesses of generations before, which may have lines that nobody has flushed.
    leaving: RefCell<Vec<Weak<Witness>>>,
    sockets: Sockets,
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
    /// This worker's own sockets.
    pub(super) sockets: Vec<ListenSocket>,
    /// What it serves by.
    pub(super) plan: Plan,
    /// What it is told later.
    pub(super) orders: mpsc::Receiver<Order>,
}

impl Worker {
    /// The process-wide part.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What serves new exchanges.
    pub(super) fn generation(&self) -> Rc<Generation> {
        Rc::clone(&self.generation.borrow())
    }

    /// The number of that generation.
    #[inline]
    pub(super) fn number(&self) -> u64 {
        self.number.get()
    }

    /// Whether a listener speaks TLS.
    pub(super) fn is_tls(&self, id: ListenerId) -> bool {
        self.generation.borrow().tls(id).is_some()
    }

    /// Serves by another generation from now on. Connections that wait are woken, a few at a time,
    /// so that they let go of the one before.
    pub(super) fn turn(self: &Rc<Self>, next: &Rc<Generation>) {
        let before = self.generation.replace(Rc::clone(next));
        self.number.set(next.number());
        self.handshakes.limit(next.config().server.handshakes);
        {
            let mut leaving = self.leaving.borrow_mut();
            leaving.retain(|witness| witness.strong_count() > 0);
            leaving.push(Rc::downgrade(before.witness()));
        }
        let worker = Rc::clone(self);
        spawn_local(async move {
            let mut from = 0;
            while worker.drain.nudge(from..from + NUDGED) {
                from += NUDGED;
                yield_now().await;
            }
        });
    }

    /// Where clients come in.
    pub(super) fn sockets(&self) -> &Sockets {
        &self.sockets
    }

    /// This worker's TLS handshakes.
    pub(super) fn handshakes(&self) -> &Handshakes {
        &self.handshakes
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
        let generation = self.generation();
        let witness = generation.witness();
        let clients = self.drain.shed(ROOM, clock::now());
        witness.shed(Shed::IdleClient, clients);
        let upstreams = generation.gateway().make_room(ROOM.saturating_sub(self.drain.leaving()));
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

    pub(super) fn new(shared: Arc<Shared>, generation: Rc<Generation>) -> Rc<Self> {
        let handshakes = Handshakes::new(generation.config().server.handshakes);
        let number = Cell::new(generation.number());
        Rc::new(Self {
            shared,
            generation: RefCell::new(generation),
            number,
            leaving: RefCell::default(),
            sockets: Sockets::default(),
            handshakes,
            open: Cell::new(0),
            drain: Rc::default(),
            reserve: Reserve::new(),
            left: Notify::new(),
        })
    }

    /// Serves until the instance drains and the last connection has left, or until it is cut.
    pub(super) async fn serve(self: Rc<Self>, sockets: Vec<Ready>, orders: mpsc::Receiver<Order>) {
        self.sockets.open(&self, sockets);
        spawn_local(Rc::clone(&self).tick());
        let obeying = spawn_local(orders::obey(Rc::clone(&self), orders));
        self.shared.reached(Phase::Draining).await;
        // Whoever asks now is told that nobody listens.
        obeying.abort();
        self.drain.begin();
        self.sockets.close().await;
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
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut until_sweep = TICKS_PER_SWEEP;
        loop {
            tick.tick().await;
            let generation = self.generation();
            generation.gateway().tick();
            self.tick_leaving();
            until_sweep -= 1;
            if until_sweep == 0 {
                until_sweep = TICKS_PER_SWEEP;
                generation.gateway().sweep();
            }
        }
    }
}

impl Worker {
    /// Long exchanges of generations before write lines, too.
    fn tick_leaving(&self) {
        let leaving = self.leaving.borrow();
        leaving.iter().filter_map(Weak::upgrade).for_each(|witness| witness.tick());
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
    sockets: Vec<Ready>,
    orders: mpsc::Receiver<Order>,
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
        let worker = Worker::new(seat.shared, Generation::build(seat.plan, None)?);
        let sockets = sockets::ready(seat.sockets)?;
        drop(inside);
        Ok(Self { runtime, worker, sockets, orders: seat.orders })
    }

    /// Serves on this thread until the instance ends.
    pub(super) fn serve(self) {
        self.runtime.block_on(Rc::clone(&self.worker).serve(self.sockets, self.orders));
        let generation = self.worker.generation();
        // This drops what is still open; what that has to say is flushed after it.
        drop(self.runtime);
        generation.gateway().flush();
    }
}

/// Connections that make room at once: enough that the next few clients, and the upstream connections
/// that they need, find some.
const ROOM: usize = 16;
const TICK: Duration = Duration::from_millis(200);
const TICKS_PER_SWEEP: u32 = 5;
/// Polls of tasks between two looks at the sockets: the scheduler's own 61 suits many small tasks.
const EVENT_INTERVAL: u32 = 61;
/// Sockets that are woken in one go: fewer than the driver's 1024 keeps latency even under load.
const IO_EVENTS: usize = 256;
/// Connections that are woken at once after a change of generations.
const NUDGED: usize = 256;

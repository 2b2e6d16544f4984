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
use super::timer::TICK;
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
    /// Of them, those that are only told that memory is short.
    told: Cell<usize>,
    told_one: Notify,
    drain: Rc<Drain>,
    reserve: Rc<Reserve>,
    left: Notify,
}

/// A connection's place in the counts, for as long as it is open.
pub(super) struct Place {
    worker: Rc<Worker>,
    admission: Admission,
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

    /// Ready a moment before what is still open is cut, for whoever has to say good-bye.
    pub(super) async fn about_to_leave(self: Rc<Self>) {
        self.draining().await;
        let drain = self.generation().config().server.shutdown.drain;
        tokio::time::sleep(drain.saturating_sub(LAST_WORDS.min(drain / 4))).await;
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

    /// Gives memory back while it is tight: closes connections that carry nothing, of clients and to
    /// upstreams, so many at a time that a look at the memory can tell whether it was enough.
    async fn relieve(self: Rc<Self>) {
        loop {
            self.shared.pressed().await;
            {
                let generation = self.generation();
                let witness = generation.witness();
                witness.shed(Shed::IdleClient, self.drain.shed(RELIEF, clock::now()));
                witness.shed(Shed::IdleUpstream, generation.gateway().make_room(RELIEF));
            }
            tokio::time::sleep(RELIEF_EVERY).await;
        }
    }

    /// Whether anybody who was asked to make room is still about to.
    pub(super) fn is_making_room(&self) -> bool {
        self.drain.leaving() > 0
    }

    /// Waits until one more client can be told that memory is short; it is ready while it is not. A
    /// connection costs memory before it can be told, so the others wait in the kernel.
    pub(super) async fn room_to_tell(&self) {
        while self.shared.memory().is_short() && self.told.get() >= TOLD {
            self.told_one.notified().await;
        }
    }

    /// Takes a place for a new connection; none when it must be closed at once.
    pub(super) fn admit(self: &Rc<Self>) -> Option<(Place, Admission)> {
        let admission = self.shared.admit()?;
        self.open.set(self.open.get() + 1);
        if admission == Admission::Short {
            self.told.set(self.told.get() + 1);
        }
        Some((Place { worker: Rc::clone(self), admission }, admission))
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
            told: Cell::new(0),
            told_one: Notify::new(),
            drain: Rc::default(),
            reserve: Reserve::new(),
            left: Notify::new(),
        })
    }

    /// Serves until the instance drains and the last connection has left, or until it is cut.
    pub(super) async fn serve(self: Rc<Self>, sockets: Vec<Ready>, orders: mpsc::Receiver<Order>) {
        self.sockets.open(&self, sockets);
        spawn_local(Rc::clone(&self).tick());
        spawn_local(Rc::clone(&self).relieve());
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
        if self.admission == Admission::Short {
            self.worker.told.set(self.worker.told.get() - 1);
            self.worker.told_one.notify_waiters();
        }
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
/// Clients that are told at once that memory is short: 2 MiB at most, of what is kept back.
const TOLD: usize = 64;
/// Connections that are closed at once for the memory that they hold: about 4 MiB.
const RELIEF: usize = 256;
const RELIEF_EVERY: Duration = Duration::from_millis(50);
/// How long before the end of a drain sockets are told of it.
const LAST_WORDS: Duration = Duration::from_secs(1);
const TICKS_PER_SWEEP: u32 = 5;
/// Polls of tasks between two looks at the sockets: the scheduler's own 61 suits many small tasks.
const EVENT_INTERVAL: u32 = 61;
/// Sockets that are woken in one go: fewer than the driver's 1024 keeps latency even under load.
const IO_EVENTS: usize = 256;
/// Connections that are woken at once after a change of generations.
const NUDGED: usize = 256;

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tokio::runtime::Handle;

    use super::super::StartOptions;
    use super::super::parts::Parts;
    use super::super::stage;
    use super::*;
    use crate::gate::Pressure;
    use crate::upstream::Names;

    #[test]
    fn while_memory_is_short_few_are_told_at_once_and_the_others_wait() {
        let text = "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n[[route]]\nmatch = \"/\"\n\
                    respond = { status = 204 }\n";
        let loaded = crate::config::load_text("t.toml", text, &|_| None);
        let config = Arc::new(loaded.map_err(|_| text).unwrap().config);
        stage::runtime().unwrap().block_on(async {
            let parts = Parts::new(&config, 1, &StartOptions::new(&|_| None)).unwrap();
            let shared = Shared::new(Arc::clone(&config), parts.memory());
            let names = Names::spawn(&Handle::current());
            let parts = parts.of_worker(0, None, &names);
            let plan = Plan { number: 1, tls: vec![None], parts };
            let generation = Generation::build(plan, None).unwrap();
            let worker = Worker::new(Arc::clone(&shared), generation);
            let before = worker.admit().unwrap();
            assert_eq!(before.1, Admission::Open);

            shared.press(Pressure::Short);
            let mut told = Vec::new();
            for _ in 0..TOLD {
                worker.room_to_tell().await;
                let (place, admission) = worker.admit().unwrap();
                assert_eq!(admission, Admission::Short);
                told.push(place);
            }
            let mut room = pin!(worker.room_to_tell());
            let mut cx = Context::from_waker(Waker::noop());
            assert!(room.as_mut().poll(&mut cx).is_pending());
            drop(before);
            assert!(room.as_mut().poll(&mut cx).is_pending(), "nobody was told who was served");
            told.pop();
            room.await;
            assert_eq!(shared.connections(), TOLD - 1);

            shared.press(Pressure::None);
            assert_eq!(worker.admit().unwrap().1, Admission::Open);
        });
    }
}

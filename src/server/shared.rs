//! What all threads of one instance share: the configuration, where the instance is in its life,
//! and how many connections are open.
//!
//! Nothing here is touched by a request: the phase changes a few times in a life, the number of
//! connections once when one opens and once when it closes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::config::model::Config;
use crate::gate::{Memory, Pressure};
use crate::observe::{Readiness, Stage};

/// The process-wide part of one running instance.
#[derive(Debug)]
pub struct Shared {
    config: watch::Sender<Arc<Config>>,
    /// `limits.connections`.
    most: AtomicUsize,
    generation: AtomicU64,
    addresses: Mutex<Vec<(String, SocketAddr)>>,
    phase: watch::Sender<Phase>,
    readiness: Arc<Readiness>,
    connections: AtomicUsize,
    memory: Arc<Memory>,
    /// The same, for those who wait for it to change.
    pressure: watch::Sender<Pressure>,
    accept_failures: AtomicU64,
    cut_short: AtomicBool,
    asked_to_end: AtomicBool,
}

/// Where an instance is in its life; it only ever moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Sockets are bound, workers are coming up.
    Starting,
    /// Serving, and ready for more.
    Serving,
    /// Still serving, but no longer ready: load balancers have `shutdown.delay` to see it.
    Leaving,
    /// No longer accepting: every connection ends with the exchange under way.
    Draining,
    /// What is still open is cut.
    Cut,
    /// Every worker has ended.
    Ended,
}

/// How a new connection is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Served.
    Open,
    /// `limits.connections` is reached: told so with a 503, then closed.
    Full,
    /// Memory is short: likewise. How many are told at once is the workers' business.
    Short,
}

impl Shared {
    pub(super) fn new(config: Arc<Config>, memory: Arc<Memory>) -> Arc<Self> {
        let phase = watch::Sender::new(Phase::Starting);
        let most = AtomicUsize::new(config.server.limits.connections);
        Arc::new(Self {
            config: watch::Sender::new(config),
            most,
            generation: AtomicU64::new(1),
            addresses: Mutex::default(),
            phase,
            readiness: Arc::new(Readiness::new()),
            connections: AtomicUsize::new(0),
            memory,
            pressure: watch::Sender::new(Pressure::None),
            accept_failures: AtomicU64::new(0),
            cut_short: AtomicBool::new(false),
            asked_to_end: AtomicBool::new(false),
        })
    }

    /// The configuration that this instance runs now.
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// Name of the listener and bound address of each `bind`, as they are now.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which configuration that is, counted from 1.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Another configuration is the one of now.
    pub(super) fn turn(&self, config: Arc<Config>, generation: u64) {
        self.generation.store(generation, Ordering::Relaxed);
        self.most.store(config.server.limits.connections, Ordering::Relaxed);
        self.config.send_replace(config);
    }

    /// These addresses are listened on now.
    pub(super) fn listens_on(&self, addresses: Vec<(String, SocketAddr)>) {
        *self.addresses.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// Where the instance is in its life.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// What `/readyz` answers, for the admin listener.
    pub fn readiness(&self) -> &Arc<Readiness> {
        &self.readiness
    }

    /// Whether load balancers may send requests: what `/readyz` answers.
    pub fn ready(&self) -> bool {
        self.phase() == Phase::Serving
    }

    /// Open client connections over all workers, those that are being refused included.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Whether there is memory for more.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Memory was measured.
    pub(super) fn press(&self, pressure: Pressure) {
        self.memory.set(pressure);
        self.pressure.send_if_modified(|known| std::mem::replace(known, pressure) != pressure);
    }

    /// Waits until connections that carry nothing are to leave.
    pub(super) async fn pressed(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.pressure.subscribe().wait_for(|now| *now > Pressure::None).await;
    }

    /// How often accepting failed for want of file descriptors or memory, over all workers.
    pub fn accept_failures(&self) -> u64 {
        self.accept_failures.load(Ordering::Relaxed)
    }

    /// Waits until the instance has reached `phase`, or has gone past it.
    pub async fn reached(&self, phase: Phase) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// Moves on to `phase`; a phase that lies behind is ignored.
    pub(super) fn advance(&self, phase: Phase) {
        if phase > Phase::Serving && phase < Phase::Ended {
            self.asked_to_end.store(true, Ordering::Relaxed);
        }
        self.readiness.enter(match phase {
            Phase::Starting => Stage::Starting,
            Phase::Serving => Stage::Ready,
            Phase::Leaving | Phase::Draining | Phase::Cut | Phase::Ended => Stage::Draining,
        });
        self.phase.send_if_modified(|now| {
            let forward = phase > *now;
            if forward {
                *now = phase;
            }
            forward
        });
    }

    /// Whether anybody wanted it to end; else it has ended by itself.
    pub fn was_asked_to_end(&self) -> bool {
        self.asked_to_end.load(Ordering::Relaxed)
    }

    /// Counts a new connection in, or refuses even to refuse it: none, and nothing was counted.
    pub(super) fn admit(&self) -> Option<Admission> {
        if self.memory.is_short() {
            self.connections.fetch_add(1, Ordering::Relaxed);
            return Some(Admission::Short);
        }
        let cap = self.most.load(Ordering::Relaxed);
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        if before < cap {
            return Some(Admission::Open);
        }
        if before < cap.saturating_add(REFUSAL_RESERVE) {
            return Some(Admission::Full);
        }
        self.release();
        None
    }

    /// Counts a failed accept.
    pub(super) fn accept_failed(&self) {
        self.accept_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a worker ended while connections were open.
    pub(super) fn cut_connections(&self) {
        self.cut_short.store(true, Ordering::Relaxed);
    }

    /// Whether any worker ended while connections were open.
    pub(super) fn were_connections_cut(&self) -> bool {
        self.cut_short.load(Ordering::Relaxed)
    }

    /// Counts a connection out.
    pub(super) fn release(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Connections over the cap that are still told why, at the price of a handshake and a reply.
const REFUSAL_RESERVE: usize = 64;

//! The control thread: it leads an instance through its life, answers on the admin listener, probes
//! upstreams, reads certificates anew when their files change, watches the memory, and brings new
//! configurations to the workers.
//!
//! It decides about time (delay, deadline) and nothing else: what a phase means to a connection is
//! the workers' business.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use tokio::runtime::{Builder, LocalRuntime};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Ended;
use super::addresses::Addresses;
use super::admin::{AdminSeat, AdminService, AdminSockets, Lent, SocketFile};
use super::handle::{Handle, Request};
use super::logs::Logs;
use super::memory;
use super::orders::Order;
use super::parts::Parts;
use super::shared::{Phase, Shared};
use super::succession::Succession;
use super::tls::Renewal;
use crate::upstream::{Names, Probes};

/// What the control thread is given.
pub(super) struct ControlSeat {
    /// What others may ask, and what all threads share.
    pub(super) handle: Handle,
    /// Who answers on the admin sockets.
    pub(super) service: Option<AdminService>,
    /// Its sockets.
    pub(super) admin: AdminSockets,
    /// Looks at the certificates' files.
    pub(super) renewal: Renewal,
    /// Where the name resolver goes, which runs on this thread and is asked by the workers.
    pub(super) name_resolver: std::sync::mpsc::Sender<Names>,
    /// Nothing is ever sent: it closes once the last worker has dropped its end.
    pub(super) workers: mpsc::Receiver<()>,
    /// What all workers' first generation is made of.
    pub(super) parts: Arc<Parts>,
    /// Where it listens.
    pub(super) addresses: Addresses,
    /// The writers of the access log.
    pub(super) logs: Arc<Logs>,
    /// The workers' ears.
    pub(super) orders: Vec<mpsc::Sender<Order>>,
    /// What others ask for.
    pub(super) requests: mpsc::Receiver<Request>,
}

/// The control thread's state, ready to run.
pub(super) struct Control {
    runtime: LocalRuntime,
    shared: Arc<Shared>,
    workers: mpsc::Receiver<()>,
}

/// The admin service while it runs.
struct Admin {
    lent: Lent,
    service: Option<JoinHandle<()>>,
    file: Option<SocketFile>,
}

impl Control {
    /// Sets everything up, on the control thread itself.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn new(seat: ControlSeat) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build_local(<_>::default())?;
        let resolver = Names::spawn(runtime.handle());
        // Nobody takes it where the start has already failed.
        let _ = seat.name_resolver.send(resolver.clone());
        let renewal = Rc::new(RefCell::new(seat.renewal));
        runtime.spawn_local(Renewal::run(Rc::clone(&renewal)));
        runtime.spawn_local(memory::watch(Arc::clone(&seat.handle.shared)));
        let Handle { shared, ledger, token, .. } = seat.handle.clone();
        let AdminSockets { listener, control } = seat.admin;
        let (control, file) = control.unzip();
        // For a process that follows; the service has the ones that are used.
        let lent = Lent::new(listener.as_ref(), control.as_ref())?;
        let service = match seat.service {
            Some(service) => {
                let _inside = runtime.enter();
                Some(runtime.spawn_local((service.0)(AdminSeat {
                    listener: listener.map(tokio::net::TcpListener::from_std).transpose()?,
                    control: control.map(tokio::net::UnixListener::from_std).transpose()?,
                    handle: seat.handle,
                })))
            }
            None => None,
        };
        let admin = Admin { lent, service, file };
        let succession = Succession {
            shared: Arc::clone(&shared),
            parts: seat.parts,
            renewal,
            addresses: seat.addresses,
            logs: seat.logs,
            ledger,
            token,
            resolver,
            probes: Probes::default(),
            keys: None,
            workers: seat.orders,
            generation: 1,
        };
        runtime.spawn_local(answer(succession, admin, seat.requests));
        Ok(Self { runtime, shared, workers: seat.workers })
    }

    /// Runs until every worker has ended.
    pub(super) fn run(self) -> Ended {
        let ended = self.runtime.block_on(live(&self.shared, self.workers));
        self.shared.advance(Phase::Ended);
        ended
    }
}

/// One request after the other: two changes at once would each undo half of the other.
async fn answer(
    mut succession: Succession,
    mut admin: Admin,
    mut requests: mpsc::Receiver<Request>,
) {
    succession.attend();
    while let Some(request) = requests.recv().await {
        match request {
            Request::Apply(next, told) => {
                // Who has stopped waiting sees it in the metrics.
                let _ = told.send(succession.apply(*next).await);
            }
            Request::Lend(told) => {
                let mut sockets = succession.lend().await;
                if let Ok(sockets) = &mut sockets {
                    match admin.lent.copies() {
                        Ok(own) => sockets.extend(own),
                        Err(error) => {
                            let _ = told.send(Err(error));
                            continue;
                        }
                    }
                }
                let _ = told.send(sockets);
            }
            Request::Order(name, duty, told) => {
                let _ = told.send(succession.order(&name, duty));
            }
            Request::HandOver => {
                // Who follows answers on the same sockets, and must be the only one: load balancers
                // ask them whether anybody is ready.
                if let Some(service) = admin.service.take() {
                    service.abort();
                }
                if let Some(file) = admin.file.take() {
                    file.leave();
                }
                succession.shared.advance(Phase::Draining);
            }
        }
    }
}

async fn live(shared: &Shared, mut workers: mpsc::Receiver<()>) -> Ended {
    tokio::select! {
        biased;
        // First, because workers may have left by the time this thread hears of the order.
        () = shared.reached(Phase::Leaving) => {}
        // Nobody asked for it: every worker has panicked.
        _ = workers.recv() => return Ended::Stopped,
    }
    // As the configuration of now has it.
    let shutdown = shared.config().server.shutdown;
    // Load balancers see "not ready" and turn away while requests are still served.
    tokio::select! {
        () = tokio::time::sleep(shutdown.delay) => shared.advance(Phase::Draining),
        () = shared.reached(Phase::Draining) => {}
    }
    let cut = tokio::select! {
        _ = workers.recv() => Ended::Stopped,
        () = shared.reached(Phase::Cut) => Ended::Stopped,
        () = tokio::time::sleep(shutdown.drain) => Ended::DeadlinePassed,
    };
    shared.advance(Phase::Cut);
    // Closed: every worker has let go.
    let _ = workers.recv().await;
    if shared.were_connections_cut() { cut } else { Ended::Clean }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock;
    use crate::config::model::Shutdown;
    use crate::server::tests::plain;

    const DELAY: Duration = Duration::from_secs(7);
    const DRAIN: Duration = Duration::from_secs(20);

    fn shared() -> Arc<Shared> {
        let mut config = plain(&[], 1);
        config.server.shutdown = Shutdown { delay: DELAY, drain: DRAIN };
        Shared::new(Arc::new(config), Arc::default())
    }

    /// An instance that is told to end, and whose last worker lets go so long after that; how it
    /// ends, and when.
    async fn ends(lets_go: Duration) -> (Ended, Duration) {
        let (shared, start) = (shared(), clock::now());
        let (alive, workers) = mpsc::channel(1);
        let phases = async {
            for (phase, at) in [(Phase::Draining, DELAY), (Phase::Cut, DELAY + DRAIN)] {
                shared.reached(phase).await;
                let at = at.min(lets_go);
                assert_eq!((clock::now() - start, shared.ready()), (at, false), "{phase:?}");
            }
        };
        let worker = async {
            tokio::time::sleep(lets_go).await;
            if shared.phase() == Phase::Cut {
                shared.cut_connections();
            }
            drop(alive);
        };
        shared.advance(Phase::Serving);
        shared.advance(Phase::Leaving);
        let (ended, (), ()) = tokio::join!(live(&shared, workers), phases, worker);
        (ended, clock::now() - start)
    }

    #[tokio::test(start_paused = true)]
    async fn the_delay_and_the_deadline_are_kept_to_the_moment() {
        let long = Duration::from_secs(3);
        assert_eq!(ends(DELAY + long).await, (Ended::Clean, DELAY + long), "and not before");
        let late = DELAY + DRAIN + long;
        assert_eq!(ends(late).await, (Ended::DeadlinePassed, late), "cut at the deadline");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_again_waits_for_nothing() {
        let (shared, start) = (shared(), clock::now());
        let (alive, workers) = mpsc::channel(1);
        shared.advance(Phase::Cut);
        shared.cut_connections();
        drop(alive);
        assert_eq!(live(&shared, workers).await, Ended::Stopped);
        assert_eq!(clock::now(), start);
    }
}

//! The control thread: it leads an instance through its life, answers on the admin listener, probes
//! upstreams, and reads certificates anew when their files change.
//!
//! It decides about time (delay, deadline) and nothing else: what a phase means to a connection is
//! the workers' business.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use tokio::runtime::{Builder, LocalRuntime};
use tokio::sync::mpsc;

use super::shared::{Phase, Shared};
use super::tls::Renewal;
use super::{AdminSeat, AdminService, Ended};
use crate::observe::Exposition;
use crate::upstream::{self, Credentials, Names};

/// What the control thread is given.
pub(super) struct ControlSeat {
    /// Shared by all threads.
    pub(super) shared: Arc<Shared>,
    /// The admin socket and who answers on it.
    pub(super) admin: Option<(TcpListener, AdminService)>,
    /// What the metrics page is made of.
    pub(super) exposition: Arc<Exposition>,
    /// Looks at the certificates' files.
    pub(super) renewal: Renewal,
    /// For probes of upstreams.
    pub(super) credentials: Credentials,
    /// Where the name resolver goes, which runs on this thread and is asked by the workers.
    pub(super) name_resolver: std::sync::mpsc::Sender<Names>,
    /// Nothing is ever sent: it closes once the last worker has dropped its end.
    pub(super) workers: mpsc::Receiver<()>,
}

/// The control thread's state, ready to run.
pub(super) struct Control {
    runtime: LocalRuntime,
    shared: Arc<Shared>,
    workers: mpsc::Receiver<()>,
}

impl Control {
    /// Sets everything up, on the control thread itself.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn new(seat: ControlSeat) -> io::Result<Self> {
        let ControlSeat { shared, admin, exposition, renewal, credentials, name_resolver, workers } =
            seat;
        let runtime = Builder::new_current_thread().enable_all().build_local(<_>::default())?;
        let names = Names::spawn(runtime.handle());
        runtime.spawn_local(probe(Arc::clone(&shared), credentials, names.clone()));
        // Nobody takes it where the start has already failed.
        let _ = name_resolver.send(names);
        runtime.spawn_local(renewal.run());
        if let Some((socket, AdminService(serve))) = admin {
            let _inside = runtime.enter();
            let listener = tokio::net::TcpListener::from_std(socket)?;
            runtime.spawn_local(serve(AdminSeat {
                listener,
                shared: Arc::clone(&shared),
                exposition,
            }));
        }
        Ok(Self { runtime, shared, workers })
    }

    /// Runs until every worker has ended.
    pub(super) fn run(self) -> Ended {
        let ended = self.runtime.block_on(live(&self.shared, self.workers));
        self.shared.advance(Phase::Ended);
        ended
    }
}

/// Probes the upstreams that are to be probed, until nobody calls them any more.
async fn probe(shared: Arc<Shared>, credentials: Credentials, names: Names) {
    tokio::select! {
        () = upstream::watch(&shared.config().upstreams, &credentials, &names, shared.boards()) => {}
        () = shared.reached(Phase::Draining) => {}
    }
}

async fn live(shared: &Shared, mut workers: mpsc::Receiver<()>) -> Ended {
    let shutdown = shared.config().server.shutdown;
    tokio::select! {
        biased;
        // First, because workers may have left by the time this thread hears of the order.
        () = shared.reached(Phase::Leaving) => {}
        // Nobody asked for it: every worker has panicked.
        _ = workers.recv() => return Ended::Stopped,
    }
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

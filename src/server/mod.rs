//! F8: threads and sockets. [`start`] binds everything, then runs N workers and one control thread.
//!
//! Each worker is alone with its runtime, sockets, pools and counters (`worker`); the kernel spreads
//! connections over the workers' sockets (`listener`). A connection's first bytes may carry a PROXY
//! header (`proxy_protocol`), then TLS (`tls`) or plain HTTP; `connection` takes it from there.
//!
//! There are no globals and no signal handlers: several instances live in one process, as tests and
//! the demo need it. Who runs guichet as a process handles signals and calls [`Running::drain`].

mod accept;
mod addresses;
mod admin;
mod backlog;
mod client_socket;
mod closing;
mod connection;
mod control;
mod drain;
mod error;
mod executor;
mod generation;
mod guard;
mod h2guard;
mod handle;
mod http1;
mod http2;
mod inherited;
mod listener;
mod logs;
mod memory;
mod orders;
mod parts;
mod prefixed;
mod presence;
mod proxy_protocol;
mod reserve;
mod shared;
mod sockets;
#[doc(hidden)]
pub mod stage;
mod succession;
mod tenant;
mod timer;
mod tls;
mod tunnel;
mod worker;

#[cfg(test)]
#[path = "../../tests/fuzz/corpus.rs"]
mod corpus;
#[cfg(test)]
mod proofs;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc as sync_mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

pub use admin::{AdminSeat, AdminService, Token};
pub use error::StartError;
pub use handle::Handle;
pub use inherited::{Inherited, READY};
pub use shared::{Phase, Shared};
pub use succession::{Applied, Environment, Next};

use self::addresses::Addresses;
use self::control::{Control, ControlSeat};
use self::generation::Plan;
use self::logs::Logs;
use self::parts::Parts;
use self::tls::Renewal;
use self::worker::Seat;
use crate::config::model::Config;
use crate::observe::{Ledger, Reloads};
use crate::proxy::OnRequest;

/// What a start needs beside the configuration.
pub struct StartOptions<'a> {
    /// Where secrets by `{ env = … }` and `{ credential = … }` are looked up, at start alone.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Who answers on the admin listener; without one `[admin]` binds nothing.
    pub admin: Option<AdminService>,
    /// Sockets that came with the process.
    pub inherited: Inherited,
    /// Hash of the configuration's text, for `guichet_config_info`.
    pub config_hash: String,
    /// Called with every request's head before it is looked at; tests panic in it.
    pub on_request: Option<OnRequest>,
}

impl<'a> StartOptions<'a> {
    /// No admin service, and nobody who looks at requests.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            environment,
            admin: None,
            inherited: Inherited::default(),
            config_hash: String::new(),
            on_request: None,
        }
    }
}

/// A running instance. Dropping it without [`Running::join`] stops it without waiting.
pub struct Running {
    handle: Handle,
    addresses: Vec<(String, SocketAddr)>,
    admin_address: Option<SocketAddr>,
    warnings: Vec<String>,
    logs: Arc<Logs>,
    workers: Vec<JoinHandle<()>>,
    control: Option<JoinHandle<Ended>>,
}

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Drained: every exchange under way came to its end.
    Clean,
    /// Stopped before that, as asked.
    Stopped,
    /// `shutdown.drain` was over, and what was still open was cut.
    DeadlinePassed,
}

/// Binds every socket, reads every certificate, and starts to serve.
///
/// # Errors
/// Certificates and keys come first, then sockets, then threads; at an error nothing stays behind.
pub fn start(config: Arc<Config>, options: &StartOptions<'_>) -> Result<Running, StartError> {
    let mut warnings = Vec::new();
    let threads = config.server.workers.max(1);
    let parts = Arc::new(Parts::new(&config, threads, options)?);
    let (tls, renewal) = Renewal::load(&config, options.environment, &mut warnings)?;
    let mut binding = Addresses::default().bind(&config, threads, &options.inherited)?;
    let token = Token::default();
    token.set(Token::read(&config, options.environment)?);
    // Without anybody who answers, nothing is bound.
    let admin = config.admin.as_ref().filter(|_| options.admin.is_some());
    let admin = admin::bind(admin, &options.inherited)?;
    warnings.extend(options.inherited.close_rest());
    let logs = Arc::new(Logs::default());
    logs.turn(logs.open(&config)?);
    let admin_address = admin.listener.as_ref().and_then(|socket| socket.local_addr().ok());
    let shared = Shared::new(config, parts.memory());
    let reloads = Arc::new(Reloads::default());
    let ledger = parts.exposition(renewal.expiries(), &reloads, logs.lost());
    let ledger = Arc::new(Ledger::new(ledger));
    let (requests, asked) = mpsc::channel(handle::WAITING);
    let handle = Handle {
        shared: Arc::clone(&shared),
        ledger: Arc::clone(&ledger),
        token,
        switches: parts.switches(),
        requests,
    };
    let (workers, control) = (Vec::with_capacity(threads), None);
    let addresses = binding.addresses().list();
    shared.listens_on(addresses.clone());
    let logs_of_all = Arc::clone(&logs);
    let mut running = Running {
        handle: handle.clone(),
        addresses,
        admin_address,
        warnings,
        logs,
        workers,
        control,
    };
    // Anything that fails from here on drops `running`, which tells the threads to end.
    let (alive, all_ended) = mpsc::channel(1);
    let (report, reports) = sync_mpsc::channel();
    let (name_resolver, resolver) = sync_mpsc::channel();
    let (ears, orders): (Vec<_>, Vec<_>) =
        (0..threads).map(|_| mpsc::channel(orders::WAITING)).unzip();
    let seat = ControlSeat {
        handle,
        service: options.admin.clone(),
        admin,
        renewal,
        name_resolver,
        workers: all_ended,
        parts: Arc::clone(&parts),
        addresses: binding.addresses().clone(),
        logs: Arc::clone(&logs_of_all),
        orders: ears,
        requests: asked,
    };
    running.control = Some(spawn_control(seat, report.clone())?);
    let resolver = resolver.recv().map_err(|_| StartError::Thread(ended_early()))?;
    for (index, orders) in orders.into_iter().enumerate() {
        let parts = parts.of_worker(index, logs_of_all.handle(None), &resolver);
        let plan = Plan { number: 1, tls: tls.clone(), parts };
        let (_, sockets) = binding.of_worker(index);
        let seat = Seat { shared: Arc::clone(&shared), sockets, plan, orders };
        running.workers.push(spawn_worker(index, seat, report.clone(), alive.clone())?);
    }
    drop((alive, report));
    // Every thread lets go of the channel once it has reported, or panicked before it could.
    let standing = reports.iter().collect::<io::Result<Vec<()>>>().map_err(StartError::Thread)?;
    if standing.len() != threads + 1 {
        return Err(StartError::Thread(ended_early()));
    }
    shared.advance(Phase::Serving);
    Ok(running)
}

impl Running {
    /// Name of the listener and bound address of each `bind`, in the order of the file.
    pub fn addresses(&self) -> &[(String, SocketAddr)] {
        &self.addresses
    }

    /// The bound address of the admin listener.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// What an operator should look at, although it did not hinder the start.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The process-wide part: phase, readiness, counts.
    pub fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// A way to this instance for others, on any thread.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Begins to end: not ready at once, no longer accepting after `shutdown.delay`, cut after
    /// `shutdown.drain` more. Returns at once.
    pub fn drain(&self) {
        self.shared().advance(Phase::Leaving);
    }

    /// Cuts what is open, now. Returns at once.
    pub fn stop_now(&self) {
        self.shared().advance(Phase::Cut);
    }

    /// Opens log files anew, after something else has renamed them.
    pub fn reopen_logs(&self) {
        self.logs.reopen();
    }

    /// Resolves once every worker has ended; [`Self::join`] then returns without waiting.
    pub async fn ended(&self) {
        self.shared().reached(Phase::Ended).await;
    }

    /// Waits for the end, which somebody has to ask for.
    pub fn join(mut self) -> Ended {
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing more to say; the control thread saw it end.
            let _ = worker.join();
        }
        let ended = self.control.take().and_then(|thread| thread.join().ok());
        self.logs.finish(LAST_LINES);
        ended.unwrap_or(Ended::Stopped)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_now();
    }
}

fn spawn_worker(
    index: usize,
    seat: Seat,
    report: sync_mpsc::Sender<io::Result<()>>,
    alive: mpsc::Sender<()>,
) -> Result<JoinHandle<()>, StartError> {
    let body = move || {
        let _alive = alive;
        if let Some(worker) = reported(worker::SetUp::new(seat), report) {
            worker.serve();
        }
    };
    let name = format!("guichet-{index}");
    thread::Builder::new().name(name).spawn(body).map_err(StartError::Thread)
}

fn spawn_control(
    seat: ControlSeat,
    report: sync_mpsc::Sender<io::Result<()>>,
) -> Result<JoinHandle<Ended>, StartError> {
    let body = move || match reported(Control::new(seat), report) {
        Some(control) => control.run(),
        None => Ended::Stopped,
    };
    let name = "guichet-control".to_owned();
    thread::Builder::new().name(name).spawn(body).map_err(StartError::Thread)
}

fn ended_early() -> io::Error {
    io::Error::other("it ended before it stood")
}

/// Tells the starting thread whether this one stands, and lets go of the channel.
fn reported<T>(set_up: io::Result<T>, report: sync_mpsc::Sender<io::Result<()>>) -> Option<T> {
    let (standing, message) = match set_up {
        Ok(standing) => (Some(standing), Ok(())),
        Err(error) => (None, Err(error)),
    };
    // Nobody listens any more where another thread has already failed; the phase tells this one.
    let _ = report.send(message);
    drop(report);
    standing
}

/// How long the access log may take for its last lines.
const LAST_LINES: std::time::Duration = std::time::Duration::from_secs(5);

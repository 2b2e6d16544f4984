//! F8: threads and sockets. [`start`] binds everything, then runs N workers and one control thread.
//!
//! Each worker is alone with its runtime, sockets, pools and counters (`worker`); the kernel spreads
//! connections over the workers' sockets (`listener`). A connection's first bytes may carry a PROXY
//! header (`proxy_protocol`), then TLS (`tls`) or plain HTTP; `connection` takes it from there.
//!
//! There are no globals and no signal handlers: several instances live in one process, as tests and
//! the demo need it. Who runs guichet as a process handles signals and calls [`Running::drain`].

mod closing;
mod connection;
mod control;
mod drain;
mod error;
mod executor;
mod guard;
mod h2guard;
mod http1;
mod http2;
mod listener;
mod parts;
mod prefixed;
mod presence;
mod proxy_protocol;
mod reserve;
mod shared;
#[doc(hidden)]
pub mod stage;
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

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc as sync_mpsc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc;

pub use error::StartError;
pub use shared::{Phase, Shared};

use self::control::{Control, ControlSeat};
use self::parts::Parts;
use self::tls::Renewal;
use self::worker::Seat;
use crate::base::ListenerId;
use crate::config::model::Config;
use crate::observe::{Exposition, LogWriter, log};
use crate::proxy::OnRequest;

/// What a start needs beside the configuration.
pub struct StartOptions<'a> {
    /// Where secrets by `{ env = … }` and `{ credential = … }` are looked up, at start alone.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Who answers on the admin listener; without one `[admin]` binds nothing.
    pub admin: Option<AdminService>,
    /// Hash of the configuration's text, for `guichet_config_info`.
    pub config_hash: String,
    /// Called with every request's head before it is looked at; tests panic in it.
    pub on_request: Option<OnRequest>,
}

impl<'a> StartOptions<'a> {
    /// No admin service, and nobody who looks at requests.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { environment, admin: None, config_hash: String::new(), on_request: None }
    }
}

/// Serves the admin listener on the control thread until it is dropped. A plain function, so that
/// the floor above can be handed down without this one knowing it.
#[derive(Clone, Copy)]
pub struct AdminService(pub fn(AdminSeat) -> Pin<Box<dyn Future<Output = ()>>>);

/// What the admin service is given.
pub struct AdminSeat {
    /// Its socket.
    pub listener: tokio::net::TcpListener,
    /// What it tells of.
    pub shared: Arc<Shared>,
    /// What the metrics page is made of.
    pub exposition: Arc<Exposition>,
}

/// A running instance. Dropping it without [`Running::join`] stops it without waiting.
pub struct Running {
    shared: Arc<Shared>,
    addresses: Vec<(String, SocketAddr)>,
    admin_address: Option<SocketAddr>,
    warnings: Vec<String>,
    log: Option<LogWriter>,
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
    let parts = Parts::new(&config, threads, options)?;
    let (tls, renewal) = Renewal::load(&config, options.environment, &mut warnings)?;
    let Bound { addresses, sockets } = bind_all(&config, threads)?;
    let admin = bind_admin(&config, options.admin)?;
    let log = parts::open_log(&config)?;
    let admin_address = admin.as_ref().and_then(|(socket, _)| socket.local_addr().ok());
    let shared = Shared::new(config);
    let exposition = parts.exposition(renewal.expiries(), log.as_ref());
    let (workers, control) = (Vec::with_capacity(threads), None);
    let mut running = Running { shared, addresses, admin_address, warnings, log, workers, control };
    // Anything that fails from here on drops `running`, which tells the threads to end.
    let (alive, all_ended) = mpsc::channel(1);
    let (report, reports) = sync_mpsc::channel();
    let (name_resolver, resolver) = sync_mpsc::channel();
    let shared = Arc::clone(&running.shared);
    let seat =
        ControlSeat { shared, admin, exposition, renewal, name_resolver, workers: all_ended };
    running.control = Some(spawn_control(seat, report.clone())?);
    let resolver = resolver.recv().map_err(|_| StartError::Thread(ended_early()))?;
    for (index, sockets) in sockets.into_iter().enumerate() {
        let parts = parts.of_worker(index, running.log.as_ref(), &resolver);
        let seat = Seat { shared: Arc::clone(&running.shared), tls: tls.clone(), sockets, parts };
        running.workers.push(spawn_worker(index, seat, report.clone(), alive.clone())?);
    }
    drop((alive, report));
    // Every thread lets go of the channel once it has reported, or panicked before it could.
    let standing = reports.iter().collect::<io::Result<Vec<()>>>().map_err(StartError::Thread)?;
    if standing.len() != threads + 1 {
        return Err(StartError::Thread(ended_early()));
    }
    running.shared.advance(Phase::Serving);
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
        &self.shared
    }

    /// Begins to end: not ready at once, no longer accepting after `shutdown.delay`, cut after
    /// `shutdown.drain` more. Returns at once.
    pub fn drain(&self) {
        self.shared.advance(Phase::Leaving);
    }

    /// Cuts what is open, now. Returns at once.
    pub fn stop_now(&self) {
        self.shared.advance(Phase::Cut);
    }

    /// Opens log files anew, after something else has renamed them.
    pub fn reopen_logs(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Resolves once every worker has ended; [`Self::join`] then returns without waiting.
    pub async fn ended(&self) {
        self.shared.reached(Phase::Ended).await;
    }

    /// Waits for the end, which somebody has to ask for.
    pub fn join(mut self) -> Ended {
        for worker in self.workers.drain(..) {
            // A worker that panicked has nothing more to say; the control thread saw it end.
            let _ = worker.join();
        }
        let ended = self.control.take().and_then(|thread| thread.join().ok());
        if let Some(log) = self.log.take()
            && let Err(error) = log.finish(LAST_LINES)
        {
            log::error("access_log", error);
        }
        ended.unwrap_or(Ended::Stopped)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_now();
    }
}

struct Bound {
    /// Listener and bound address, in the order of the file.
    addresses: Vec<(String, SocketAddr)>,
    /// For each worker its own socket of every address.
    sockets: Vec<Vec<(ListenerId, TcpListener)>>,
}

fn bind_all(config: &Config, workers: usize) -> Result<Bound, StartError> {
    let mut addresses = Vec::new();
    let mut by_worker: Vec<_> = std::iter::repeat_with(Vec::new).take(workers).collect();
    for (id, listener) in (0..).map(ListenerId).zip(&config.listeners) {
        for &address in &listener.bind {
            let failed =
                |error| StartError::Bind { what: listener.name.as_str().into(), address, error };
            let sockets = listener::bind(address, workers).map_err(failed)?;
            let bound = sockets.first().map_or(Ok(address), TcpListener::local_addr);
            addresses.push((listener.name.clone(), bound.map_err(failed)?));
            for (sockets, socket) in by_worker.iter_mut().zip(sockets) {
                sockets.push((id, socket));
            }
        }
    }
    Ok(Bound { addresses, sockets: by_worker })
}

fn bind_admin(
    config: &Config,
    service: Option<AdminService>,
) -> Result<Option<(TcpListener, AdminService)>, StartError> {
    let Some((admin, service)) = config.admin.as_ref().zip(service) else { return Ok(None) };
    let failed = |error| StartError::Bind { what: "admin".into(), address: admin.bind, error };
    Ok(Some((listener::bind_alone(admin.bind).map_err(failed)?, service)))
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

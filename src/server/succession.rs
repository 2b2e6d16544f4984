//! One configuration after the other: from a checked configuration to a generation that serves on
//! every worker, or to nothing at all.
//!
//! Everything that can fail comes first, and beside what serves: certificates are read, new addresses
//! are bound, every worker builds its next generation. Only when all of it stands are the workers told
//! to go over, which cannot fail. A refusal drops what was made, and nobody has noticed anything.
//!
//! Runs on the control thread alone.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::{timeout, timeout_at};

use super::addresses::{Addresses, Binding};
use super::admin::Token;
use super::error::StartError;
use super::generation::Plan;
use super::handle::EndpointName;
use super::inherited::Inherited;
use super::logs::Logs;
use super::orders::{Change, Order};
use super::parts::Parts;
use super::shared::{Phase, Shared};
use super::tls::{Renewal, TlsListener};
use crate::base::clock;
use crate::config::model::Config;
use crate::observe::{Ledger, ReloadResult};
use crate::upstream::{Duty, Names, Probes};

/// Looks variables up, for secrets by `{ env = … }`.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A configuration that is to follow the running one.
pub struct Next {
    /// What it says.
    pub config: Arc<Config>,
    /// Hash of its text.
    pub config_hash: String,
    /// Where secrets are looked up.
    pub environment: Environment,
}

/// A configuration that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Counted from 1, the one that the instance started with.
    pub generation: u64,
    /// Name of the listener and bound address of each `bind`.
    pub addresses: Vec<(String, SocketAddr)>,
    /// What an operator should look at, although it did not hinder anything.
    pub warnings: Vec<String>,
}

/// What the control thread needs to go from one configuration to the next.
pub(super) struct Succession {
    pub(super) shared: Arc<Shared>,
    pub(super) parts: Arc<Parts>,
    pub(super) renewal: Rc<RefCell<Renewal>>,
    pub(super) addresses: Addresses,
    pub(super) logs: Arc<Logs>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) token: Token,
    pub(super) resolver: Names,
    /// Probes the upstreams of now.
    pub(super) probes: Probes,
    /// Keeps the keys of issuers fresh.
    pub(super) keys: Option<JoinHandle<()>>,
    pub(super) workers: Vec<mpsc::Sender<Order>>,
    pub(super) generation: u64,
}

/// What is made beside what serves.
struct Made {
    parts: Parts,
    tls: Vec<Option<TlsListener>>,
    renewal: Renewal,
    binding: Binding,
    log: Option<super::logs::OpenLog>,
    token: Option<Vec<u8>>,
    warnings: Vec<String>,
}

impl Succession {
    /// Has a configuration follow the running one.
    ///
    /// # Errors
    /// Why it cannot; everything is as it was.
    pub(super) async fn apply(&mut self, next: Next) -> Result<Applied, StartError> {
        let applied = self.try_apply(next).await;
        let result = if applied.is_ok() { ReloadResult::Applied } else { ReloadResult::Refused };
        self.ledger.reloads().count(result);
        applied
    }

    async fn try_apply(&mut self, next: Next) -> Result<Applied, StartError> {
        if self.shared.phase() > Phase::Serving {
            return Err(StartError::Leaving);
        }
        let Made { parts, tls, renewal, mut binding, log, token, warnings } = self.make(&next)?;
        let number = self.generation + 1;
        let mut answers = Vec::with_capacity(self.workers.len());
        for (index, worker) in self.workers.iter().enumerate() {
            let handle = self.logs.handle(log.as_ref());
            let parts = parts.of_worker(index, handle, &self.resolver);
            let plan = Plan { number, tls: tls.clone(), parts };
            let (stay, sockets) = binding.of_worker(index);
            let (told, answer) = oneshot::channel();
            let change = Box::new(Change { plan, stay, sockets });
            // A worker that has panicked is beyond everything; the others go on.
            match tell(worker, Order::Prepare(change, told)).await {
                Ok(true) => answers.push(answer),
                Ok(false) => {}
                Err(error) => {
                    self.abort().await;
                    return Err(StartError::Worker(error));
                }
            }
        }
        if let Err(error) = all_ready(answers).await {
            self.abort().await;
            return Err(StartError::Worker(error));
        }
        self.commit().await;
        self.addresses = binding.into_addresses();
        self.logs.turn(log);
        self.token.set(token);
        self.renewal.borrow_mut().take_over(renewal);
        let certificates = Arc::clone(self.renewal.borrow().expiries());
        let reloads = self.ledger.reloads();
        self.ledger.turn(parts.exposition(&certificates, reloads, self.logs.lost()));
        self.parts = Arc::new(parts);
        self.attend();
        self.generation = number;
        let addresses = self.addresses.list();
        self.shared.turn(next.config, number);
        self.shared.listens_on(addresses.clone());
        Ok(Applied { generation: number, addresses, warnings })
    }

    /// Probes the upstreams of now, and fetches the keys of issuers.
    pub(super) fn attend(&mut self) {
        self.parts.probe(&mut self.probes, &self.resolver);
        let keys = Arc::clone(&self.parts).fetch_keys(self.resolver.clone());
        if let Some(before) = self.keys.replace(spawn_local(keys)) {
            before.abort();
        }
    }

    /// What can fail without a worker.
    fn make(&self, next: &Next) -> Result<Made, StartError> {
        let mut warnings = self.beyond_reach(&next.config);
        let parts = self.parts.next(&next.config, next.config_hash.clone(), &*next.environment)?;
        let (tls, renewal) =
            self.renewal.borrow().next(&next.config, &*next.environment, &mut warnings)?;
        let binding =
            self.addresses.bind(&next.config, self.workers.len(), &Inherited::default())?;
        let token = Token::read(&next.config, &*next.environment)?;
        let log = self.logs.open(&next.config)?;
        Ok(Made { parts, tls, renewal, binding, log, token, warnings })
    }

    /// Keys that an instance lives with until it ends.
    fn beyond_reach(&self, config: &Config) -> Vec<String> {
        let mut stay = Vec::new();
        if config.server.workers.max(1) != self.parts.workers() {
            stay.push(format!("server.workers stays {}", self.parts.workers()));
        }
        let sockets =
            |config: &Config| config.admin.as_ref().map(|admin| (admin.bind, admin.socket.clone()));
        if sockets(config) != sockets(self.parts.config()) {
            stay.push("bind and socket of [admin] stay what they were".to_owned());
        }
        let until = "until guichet is restarted or upgraded (USR2)";
        stay.into_iter().map(|what| format!("{what} {until}")).collect()
    }

    /// Gives an endpoint its duty; whether there is such a one.
    pub(super) fn order(&self, name: &EndpointName, duty: Duty) -> bool {
        self.parts.boards().order(&name.upstream, &name.endpoint, duty)
    }

    /// Copies of the sockets that the workers accept from, with the names of their listeners.
    pub(super) async fn lend(&self) -> io::Result<Vec<(String, OwnedFd)>> {
        let mut lent = Vec::new();
        for worker in &self.workers {
            let (told, answer) = oneshot::channel();
            if !tell(worker, Order::Lend(told)).await? {
                continue;
            }
            let Ok(answer) = timeout(PATIENCE, answer).await else {
                return Err(io::ErrorKind::TimedOut.into());
            };
            for (id, socket) in answer.unwrap_or_else(|_| Ok(Vec::new()))? {
                let name = self.addresses.name(id).unwrap_or_default();
                lent.push((name.to_owned(), socket));
            }
        }
        Ok(lent)
    }

    /// Has all workers serve by what they have prepared. Whoever is told that a change is made finds
    /// it on every connection that begins then.
    async fn commit(&self) {
        let mut turned = Vec::with_capacity(self.workers.len());
        for worker in &self.workers {
            let (told, answer) = oneshot::channel();
            if let Ok(true) = tell(worker, Order::Commit(told)).await {
                turned.push(answer);
            }
        }
        for answer in turned {
            // One that has panicked meanwhile serves nobody, and one that hangs holds up no reload.
            let _ = timeout(PATIENCE, answer).await;
        }
    }

    /// Has all workers forget what they have prepared.
    async fn abort(&self) {
        for worker in &self.workers {
            let _ = tell(worker, Order::Abort).await;
        }
    }
}

/// Tells a worker what to do. Whether there is anybody to hear it; an error where it has not listened
/// for so long that no more can be told.
async fn tell(worker: &mpsc::Sender<Order>, order: Order) -> io::Result<bool> {
    match timeout(PATIENCE, worker.send(order)).await {
        Ok(told) => Ok(told.is_ok()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Waits until every worker has built its generation.
async fn all_ready(answers: Vec<oneshot::Receiver<io::Result<()>>>) -> io::Result<()> {
    // They build at the same time, so one time holds for all.
    let end = clock::now() + PATIENCE;
    for answer in answers {
        match timeout_at(end, answer).await {
            Ok(Ok(built)) => built?,
            // It has ended since, and needs nothing.
            Ok(Err(_)) => {}
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
}

/// What a worker has for building a generation, or for listening, beside its requests.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn workers_that_do_not_build_hold_up_no_reload_for_longer_than_ten_seconds() {
        let start = clock::now();
        let [(first, one), (second, two), (gone, three)] = [(); 3].map(|()| oneshot::channel());
        drop(gone);
        let late = async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            first.send(Ok(())).unwrap();
        };
        let (built, ()) = tokio::join!(all_ready(vec![three, one, two]), late);
        assert_eq!(built.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(clock::now() - start, Duration::from_secs(10), "all have the same time");
        drop(second);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_does_not_listen_holds_up_no_reload_for_longer_than_that() {
        let start = clock::now();
        let (worker, orders) = mpsc::channel(1);
        assert!(tell(&worker, Order::Abort).await.unwrap());
        let told = tell(&worker, Order::Abort).await;
        assert_eq!(told.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(clock::now() - start, Duration::from_secs(10));
        drop(orders);
        assert!(!tell(&worker, Order::Abort).await.unwrap(), "nobody is there to hear it");
    }
}

//! What others may ask of a running instance, from any thread.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::admin::Token;
use super::error::StartError;
use super::shared::{Phase, Shared};
use super::succession::{Applied, Next};
use crate::gate::Switches;
use crate::observe::Ledger;
use crate::upstream::Duty;

/// A way to a running instance. It keeps nothing running.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) token: Token,
    pub(super) switches: Arc<Switches>,
    pub(super) requests: mpsc::Sender<Request>,
}

/// What the control thread is asked.
pub(super) enum Request {
    /// To have a configuration follow the running one.
    Apply(Box<Next>, oneshot::Sender<Result<Applied, StartError>>),
    /// For copies of all sockets that listen.
    Lend(oneshot::Sender<io::Result<Vec<(String, OwnedFd)>>>),
    /// To leave them to another process.
    HandOver,
    /// To give an endpoint its duty; whether there is such a one.
    Order(EndpointName, Duty, oneshot::Sender<bool>),
}

/// An endpoint as somebody calls it.
pub(super) struct EndpointName {
    pub(super) upstream: String,
    pub(super) endpoint: String,
}

impl Handle {
    /// Has a configuration follow the running one, on every worker or on none.
    ///
    /// # Errors
    /// Why it cannot; everything is as it was.
    pub async fn apply(&self, next: Next) -> Result<Applied, StartError> {
        let (told, answer) = oneshot::channel();
        let request = Request::Apply(Box::new(next), told);
        if self.requests.send(request).await.is_err() {
            return Err(StartError::Leaving);
        }
        answer.await.unwrap_or(Err(StartError::Leaving))
    }

    /// Copies of all sockets that listen, with their names, for another process.
    ///
    /// # Errors
    /// No descriptor is left, or the instance ends.
    pub async fn lend(&self) -> io::Result<Vec<(String, OwnedFd)>> {
        let (told, sockets) = oneshot::channel();
        let leaving = || io::Error::other("guichet drains already");
        self.requests.send(Request::Lend(told)).await.map_err(|_| leaving())?;
        sockets.await.map_err(|_| leaving())?
    }

    /// Ends, because another process has the sockets: nothing is accepted any more, the admin
    /// sockets included, and what is under way comes to its end.
    pub async fn hand_over(&self) {
        // Where nobody listens the instance has ended.
        let _ = self.requests.send(Request::HandOver).await;
    }

    /// Gives an endpoint its duty; whether there is such a one. In line with reloads, so that none
    /// misses it.
    pub async fn order(&self, upstream: &str, endpoint: &str, duty: Duty) -> bool {
        let name = EndpointName { upstream: upstream.to_owned(), endpoint: endpoint.to_owned() };
        let (told, known) = oneshot::channel();
        let sent = self.requests.send(Request::Order(name, duty, told)).await;
        sent.is_ok() && known.await.unwrap_or_default()
    }

    /// Begins to end, like `Running::drain`.
    pub fn drain(&self) {
        self.shared.advance(Phase::Leaving);
    }

    /// Who shows it may control.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// What is under maintenance by hand.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// The process-wide part: phase, readiness, counts.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What the metrics page is made of.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }
}

/// Requests that wait for the control thread.
pub(super) const WAITING: usize = 16;

//! F7: the spine. [`Gateway::handle`] orders the rooms that a request crosses: gates, target,
//! normalise, rescue. It holds no logic of its own, and it cannot fail.
//!
//! ```text
//! handle(request) -> Response            the type says that it cannot fail
//!   exchange = open(request)
//!   match attempt(exchange, request) { Ok(reply) => reply, Err(problem) => rescue(problem) }
//! ```

mod annotated;
mod attempt;
mod auth;
mod body;
mod compress;
mod connection;
mod content;
mod contract;
mod cors;
mod exchange;
mod flow;
mod followed;
mod forward;
mod graphql;
mod grpc;
mod headers;
mod held;
mod in_band;
mod late;
mod limit;
mod normalise;
mod overheard;
mod pack;
mod packed;
mod panic;
mod passing;
mod redirect;
mod replies;
mod rescue;
mod seam;
mod service;
mod socket;
mod stream;
mod upgrade;
mod wire;

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::Response;
use http::request::Parts;

pub use connection::{Connection, Protocol, Serves};
pub use service::Service;
pub use socket::{Far, Parting, Socket};
pub use stream::Watched;
pub use wire::{Open, Switched, Wire};

use self::exchange::Exchange;
use crate::base::{Inflow, Uploads, UpstreamId};
use crate::config::model::Config;
use crate::gate::{Callers, Maintenance, Memory, Overload, Policies, Rates, Stores, Switches};
use crate::observe::Witness;
use crate::problem::{Cause, Shelf};
use crate::upstream::Upstreams;

/// Everything that one worker needs to answer requests.
#[derive(Debug)]
pub struct Gateway {
    config: Arc<Config>,
    upstreams: Upstreams,
    witness: Rc<Witness>,
    identity: headers::Identity,
    /// Errors as they were said before.
    shelf: Shelf,
    shared: Shared,
    /// Bodies that upstreams have been called with before they were whole.
    uploads: Uploads,
    /// Who callers are; none where nobody is asked.
    callers: Option<Callers>,
    on_request: Option<OnRequest>,
    /// Whether a route has `cors`, so that a browser may ask before its requests.
    preflights: bool,
}

/// What all workers decide by together.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Rate limits.
    pub rates: Arc<Rates>,
    /// Where some of them are counted.
    pub stores: Stores,
    /// What is not served for a while.
    pub maintenance: Arc<Maintenance>,
    /// What was switched on by hand; outlives every configuration.
    pub switches: Arc<Switches>,
    /// Who callers are; none where nobody is asked.
    pub policies: Option<Arc<Policies>>,
    /// Whether there is memory for more; outlives every configuration.
    pub memory: Arc<Memory>,
    /// What is carried at once; none where nothing bounds it.
    pub overload: Option<Arc<Overload>>,
}

impl Shared {
    /// What a configuration decides by. What stood `before` goes on where it has not changed.
    pub fn new(
        config: &Config,
        stores: Stores,
        policies: Option<Arc<Policies>>,
        before: Option<&Self>,
    ) -> Self {
        let switches = before.map_or_else(Arc::default, |before| Arc::clone(&before.switches));
        let overload = before.and_then(|before| before.overload.as_deref());
        Self {
            rates: Arc::new(Rates::new(config, &stores, before.map(|before| &*before.rates))),
            stores,
            maintenance: Arc::new(Maintenance::new(config, Arc::clone(&switches))),
            switches,
            policies,
            memory: before.map_or_else(Arc::default, |before| Arc::clone(&before.memory)),
            overload: Overload::new(config, overload).map(Arc::new),
        }
    }
}

/// Called with every request's head before it is looked at. A panic in it is answered like any
/// other panic, which is how the tests provoke one.
pub type OnRequest = fn(&Parts);

impl Gateway {
    /// A worker's gateway. `mark` signs `Via`, so that the instance knows itself again. What the one
    /// `before` knows of callers is taken over where it still holds.
    pub fn new(
        config: Arc<Config>,
        upstreams: Upstreams,
        witness: Rc<Witness>,
        mark: &str,
        shared: Shared,
        on_request: Option<OnRequest>,
        before: Option<&Self>,
    ) -> Self {
        let identity = headers::Identity::new(mark);
        let known = before.and_then(|before| before.callers.as_ref());
        let policies = shared.policies.clone();
        let callers = policies.and_then(|policies| Callers::new(policies, known));
        let preflights = config.routes.iter().any(|route| route.cors.is_some());
        let shelf = Shelf::default();
        Self {
            config,
            upstreams,
            witness,
            identity,
            shelf,
            shared,
            uploads: Uploads::default(),
            callers,
            on_request,
            preflights,
        }
    }

    /// Answers a request. Whatever happens, the answer is a reply.
    pub async fn handle(
        &self,
        connection: &Connection,
        head: &mut Parts,
        body: Inflow,
    ) -> Response<Watched> {
        let mut exchange = Exchange::open(self, connection, head);
        let outcome = {
            let mut attempt = pin!(self.attempt(&mut exchange, connection, head, body));
            poll_fn(|cx| panic::poll(attempt.as_mut(), cx)).await
        };
        match outcome {
            Ok(response) => {
                let response = match exchange.choice {
                    Some(choice) => choice.apply(&self.config, exchange.is_head(), response),
                    None => response,
                };
                exchange.finish(self, response)
            }
            Err(problem) => {
                if problem.cause() == Cause::Panic {
                    let words = problem.detail().unwrap_or_default().to_owned();
                    self.witness.panicked(&exchange.request_id, &words);
                }
                rescue::rescue(self, exchange, connection, &problem)
            }
        }
    }

    /// The configuration that it answers by.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// The upstreams, for the gateway of the next configuration.
    pub fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// The witness of this worker, for events of connections.
    pub fn witness(&self) -> &Rc<Witness> {
        &self.witness
    }

    /// Drops upstream connections that have been idle for too long, and notes how many there are.
    /// Called once a second.
    pub fn sweep(&self) {
        self.upstreams.sweep();
        for id in (0..).map(UpstreamId).take(self.config.upstreams.len()) {
            let open = self.upstreams.connections(id);
            self.witness.upstream_connections(id, open.idle, open.active);
        }
    }

    /// Closes at most so many upstream connections that carry nothing; how many were closed.
    pub fn make_room(&self, most: usize) -> usize {
        self.upstreams.make_room(most)
    }

    /// Hands the log lines of this worker to the writer, if they are due. Called a few times a second.
    pub fn tick(&self) {
        self.witness.tick();
    }

    /// Hands the log lines of this worker to the writer. Called when it ends.
    pub fn flush(&self) {
        self.witness.flush();
    }
}

//! One generation: a configuration as one worker serves by it.
//!
//! A worker always has one for new exchanges. A new one is delivered by message, built beside the
//! old one, and put in its place between two requests. Connections follow at their next request
//! (`tenant`); an exchange under way holds what it needs of its own generation, which goes when the
//! last of them has ended.
//!
//! What outlives a generation:
//!
//! | What | As long as |
//! |---|---|
//! | connections, handshakes under way | the worker lives |
//! | sockets that listen | an address is listened on |
//! | certificates, ticket keys | the listener's `tls` says the same (`tls::Renewal`) |
//! | endpoints of an upstream, their connections | its table says the same ([`carry`](crate::config::carry)) |
//! | what is known of the endpoints of an upstream | its table says the same (`upstream::Boards`) |
//! | health, ejections and breakers of an upstream | likewise (`upstream::Boards`) |
//! | probes of an upstream, their rhythm and counts | as long as its board (`upstream::Probes`) |
//! | which endpoints were drained by hand | upstream and endpoint are called the same (`upstream::Boards`) |
//! | what rate limits and overload have counted | its settings say the same (`proxy::Shared`) |
//! | connections to stores | its table and its address say the same (`gate::Stores`) |
//! | what was put under maintenance by hand | the instance lives (`gate::Switches`) |
//! | counters | the name is there (`observe::Ledger`) |
//!
//! State that only this worker sees is taken over in [`Generation::build`], from the generation
//! before; what all workers share, in `parts`.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::parts::GatewayParts;
use super::tls::TlsListener;
use crate::base::ListenerId;
use crate::config::model::{self, Config};
use crate::observe::Witness;
use crate::proxy::Gateway;
use crate::upstream;

/// A configuration as one worker serves by it.
pub(super) struct Generation {
    number: u64,
    config: Arc<Config>,
    gateway: Rc<Gateway>,
    tls: Vec<Option<TlsListener>>,
}

/// What a worker builds a generation from.
pub(super) struct Plan {
    /// Counted from 1, the one that the instance started with.
    pub(super) number: u64,
    /// By `ListenerId`; none on plain listeners.
    pub(super) tls: Vec<Option<TlsListener>>,
    /// What its gateway is made of.
    pub(super) parts: GatewayParts,
}

impl Generation {
    /// Builds the generation, on the worker's own thread, and takes over what has not changed.
    ///
    /// # Errors
    /// An upstream whose name no certificate can carry.
    pub(super) fn build(plan: Plan, before: Option<&Self>) -> io::Result<Rc<Self>> {
        let Plan { number, tls, parts } = plan;
        let upstreams = before.map(|before| upstream::Before {
            config: &before.config.upstreams,
            upstreams: before.gateway.upstreams(),
        });
        let gateway = parts.build(upstreams, before.map(|before| &*before.gateway))?;
        let config = Arc::clone(gateway.config());
        Ok(Rc::new(Self { number, config, gateway: Rc::new(gateway), tls }))
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The configuration.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The gateway.
    pub(super) fn gateway(&self) -> &Rc<Gateway> {
        &self.gateway
    }

    /// The gateway's witness.
    pub(super) fn witness(&self) -> &Rc<Witness> {
        self.gateway.witness()
    }

    /// The configuration of a listener.
    pub(super) fn listener(&self, id: ListenerId) -> &model::Listener {
        &self.config.listeners[usize::from(id.0)]
    }

    /// The listener of this name; none where the configuration has none.
    pub(super) fn listener_named(&self, name: &str) -> Option<ListenerId> {
        let mut known = (0..).map(ListenerId).zip(&self.config.listeners);
        known.find(|(_, listener)| listener.name == name).map(|(id, _)| id)
    }

    /// TLS of a listener; none where it is plain.
    pub(super) fn tls(&self, id: ListenerId) -> Option<&TlsListener> {
        self.tls[usize::from(id.0)].as_ref()
    }
}

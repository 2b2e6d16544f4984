//! One endpoint as lived by this worker: a place, the connections kept to it, and how busy it is.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::time::Instant;

use super::names::Names;
use super::opening::Slot;
use super::pool::Pool;
use super::target::{Host, Target};
use super::tls::Tls;
use crate::base::EndpointId;
use crate::config::model::{self, HostPolicy};

/// One endpoint of an upstream.
pub(super) struct Endpoint {
    pub(super) id: EndpointId,
    pub(super) target: Target,
    /// The Host that is sent in place of the client's; none where the client's is kept.
    pub(super) host: Option<Host>,
    pub(super) pool: Pool,
    /// The shared connection that is being opened, if one is.
    pub(super) slot: Rc<Slot>,
    busy: Cell<u32>,
}

/// A request's place at an endpoint.
pub(super) struct Seat(Rc<Endpoint>);

impl Endpoint {
    /// Prepares an endpoint; opens nothing.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(
        id: EndpointId,
        endpoint: &model::Endpoint,
        upstream: &model::Upstream,
        tls: Option<&Arc<Tls>>,
        names: &Names,
    ) -> Result<Rc<Self>, String> {
        let target = Target::new(endpoint, upstream, tls, names)?;
        let host = match &upstream.host {
            HostPolicy::Preserve => None,
            HostPolicy::Endpoint => Some(target.host.clone()),
            HostPolicy::Fixed(value) => Some(Host::new(value)?),
        };
        let pool = Pool::new(upstream.pool);
        Ok(Rc::new(Self { id, target, host, pool, slot: Rc::default(), busy: Cell::new(0) }))
    }

    /// Requests under way.
    pub(super) fn busy(&self) -> u32 {
        self.busy.get()
    }

    /// Drops connections that nobody should use any more.
    pub(super) fn sweep(&self, now: Instant) {
        // Only a shared connection lives long enough to miss that its name has moved.
        let addresses = match self.pool.shared() {
            0 => None,
            _ => self.target.known_addresses(now),
        };
        self.pool.sweep(now, addresses.as_deref());
    }
}

impl Seat {
    /// Takes a place; dropping it gives the place back.
    pub(super) fn take(endpoint: &Rc<Endpoint>) -> Self {
        endpoint.busy.set(endpoint.busy.get() + 1);
        Self(Rc::clone(endpoint))
    }

    /// The endpoint.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.0
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get() - 1);
    }
}

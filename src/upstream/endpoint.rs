//! One endpoint as lived by this worker: a place, the connections kept to it, and how busy it is.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use tokio::time::Instant;

use super::Upstream;
use super::names::Names;
use super::opening::Slot;
use super::pool::Pool;
use super::roster::Conduct;
use super::target::{Host, Target};
use super::tls::Tls;
use crate::base::EndpointId;
use crate::base::grpc::GrpcStatus;
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
    /// Answers that have come whole since the last one that broke off.
    whole: Cell<u32>,
    /// Whom to tell of those; nobody where it is only probed.
    of: OnceCell<Weak<Upstream>>,
}

/// Whether the row of answers that broke off before one was ended by an answer that came whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Ended,
    GoesOn,
}

/// Whom to tell of an endpoint's answer once it has been read.
pub struct Keeper(Rc<Endpoint>);

impl Keeper {
    pub(super) fn of(endpoint: &Rc<Endpoint>) -> Self {
        Self(Rc::clone(endpoint))
    }

    /// It said nothing but errors.
    pub fn served_nothing(&self) {
        self.0.served_nothing();
    }

    /// It came whole, and said within its body how a gRPC call ended; `hurried` says that the client has
    /// set it a time.
    pub fn told(&self, status: GrpcStatus, hurried: bool) {
        if Conduct::of_call(status, hurried) == Conduct::Badly {
            self.0.served_nothing();
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keeper").field(&self.0.id).finish()
    }
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
        Ok(Rc::new(Self {
            id,
            target,
            host,
            pool,
            slot: Rc::default(),
            busy: Cell::new(0),
            whole: Cell::new(0),
            of: OnceCell::new(),
        }))
    }

    /// Has an upstream be told of answers that break off.
    pub(super) fn belong_to(&self, upstream: &Rc<Upstream>) {
        // It belongs to one for good.
        let _ = self.of.set(Rc::downgrade(upstream));
    }

    /// Notes that an answer has come whole.
    pub(super) fn came_whole(&self) {
        self.whole.set(self.whole.get().wrapping_add(1));
    }

    /// From here on answers that have come whole count anew.
    #[cold]
    pub(super) fn count_anew(&self) {
        self.whole.set(0);
    }

    /// Notes that an answer broke off after its head was handed on, or ended with a bad word.
    #[cold]
    pub(super) fn broke_off(&self, conduct: Conduct) {
        self.failed_late(conduct, 0);
    }

    /// Notes that an answer said nothing but errors. It has come whole, and ends no row for that.
    #[cold]
    pub(super) fn served_nothing(&self) {
        self.failed_late(Conduct::Badly, 1);
    }

    fn failed_late(&self, conduct: Conduct, own: u32) {
        let row = if self.whole.replace(0) > own { Row::Ended } else { Row::GoesOn };
        // Whoever is gone has nobody to choose any more.
        if conduct == Conduct::Badly
            && let Some(upstream) = self.of.get().and_then(Weak::upgrade)
        {
            upstream.broke_off(usize::from(self.id.0), row);
        }
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

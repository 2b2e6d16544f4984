//! A connection's place in a generation.
//!
//! A connection outlives configurations: before each request it looks whether its worker serves by
//! another one meanwhile, and moves there. That look is a comparison of two numbers. One whose
//! listener is no longer named has nowhere to move: it stays where it is, and ends.

use std::net::IpAddr;
use std::rc::Rc;

use super::generation::Generation;
use super::worker::Worker;
use crate::base::ListenerId;
use crate::config::model::Limits;
use crate::proxy::Service;

/// A connection, the generation that answers its next request, and how that is asked.
pub(super) struct Tenant {
    worker: Rc<Worker>,
    generation: Rc<Generation>,
    service: Service,
    /// The socket's own, which a PROXY header does not change.
    remote: IpAddr,
}

/// Whether a connection is served by the newest configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// It was, and is.
    Here,
    /// It is now.
    Moved,
    /// It cannot be, and is to end.
    Homeless,
}

impl Tenant {
    /// A connection whose service is the generation's own.
    pub(super) fn new(
        worker: Rc<Worker>,
        generation: Rc<Generation>,
        service: Service,
        remote: IpAddr,
    ) -> Self {
        Self { worker, generation, service, remote }
    }

    /// Moves to the newest generation, unless that is where it is.
    #[inline]
    pub(super) fn keep_up(&mut self) -> Stay {
        if self.generation.number() == self.worker.number() { Stay::Here } else { self.follow() }
    }

    #[cold]
    fn follow(&mut self) -> Stay {
        let Some(listener) = self.place() else { return Stay::Homeless };
        let next = self.worker.generation();
        let trusted = next.config().server.trusts(self.remote);
        let connection = Rc::new(self.service.connection().under(listener, trusted));
        self.service = Service::new(Rc::clone(next.gateway()), connection);
        self.generation = next;
        Stay::Moved
    }

    /// Whether its listener is no longer there.
    #[inline]
    pub(super) fn is_homeless(&self) -> bool {
        self.generation.number() != self.worker.number() && self.place().is_none()
    }

    /// What the newest configuration calls its listener.
    fn place(&self) -> Option<ListenerId> {
        let peer = &self.service.connection().peer;
        let name = &self.generation.listener(peer.listener).name;
        self.worker.generation().listener_named(name)
    }

    /// Who answers.
    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// What a client may send.
    pub(super) fn limits(&self) -> &Limits {
        &self.generation.config().server.limits
    }
}

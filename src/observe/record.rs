//! [`Record`]: everything that will be said of one exchange. The spine fills it on the way; it
//! speaks once, when it drops, so that no way out of a request can forget to.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::facts::{Facts, Head, Outcome};
use super::witness::Witness;
use crate::base::{Peer, RequestId, RouteId, Source};
use crate::problem::{BuiltIn, Cause};

/// The facts of one exchange, and the witness that will hear them. Reads and writes like
/// [`Facts`]. The facts are boxed: an exchange is handed from room to room, and one
/// allocation replaces copying half a kilobyte at each of them.
#[derive(Debug)]
pub struct Record {
    facts: Box<Facts>,
    witness: Rc<Witness>,
}

impl Record {
    /// A request has been read.
    pub fn new<'a>(
        witness: Rc<Witness>,
        peer: Rc<Peer>,
        request_id: RequestId,
        head: impl Into<Head<'a>>,
    ) -> Self {
        Self { facts: Box::new(Facts::request(peer, request_id, head.into())), witness }
    }

    /// Something went wrong before a request could be read; `request_id` is the one of the answer.
    pub fn connection(witness: Rc<Witness>, peer: Rc<Peer>, request_id: RequestId) -> Self {
        Self { facts: Box::new(Facts::connection(peer, request_id)), witness }
    }

    /// The route is known: from here on the request counts as in flight there.
    pub fn routed(&mut self, route: RouteId) {
        let before = self.facts.route.replace(route);
        self.witness.moved(before, Some(route));
    }

    /// The route, once it is known.
    pub fn route(&self) -> Option<RouteId> {
        self.facts.route
    }

    /// Counts operations of which nothing more is known that have ended in the middle of it.
    pub fn count_operations(&self, outcome: Outcome, count: u32) {
        if count > 0 {
            self.witness.operations_ended(self.facts.route, outcome, count);
        }
    }

    /// The witness, for events beside the exchange itself.
    pub fn witness(&self) -> &Rc<Witness> {
        &self.witness
    }
}

impl Deref for Record {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl DerefMut for Record {
    fn deref_mut(&mut self) -> &mut Facts {
        &mut self.facts
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // A panic that unwinds through the exchange itself is told here; where the spine caught
        // it further in, the cause stands already.
        if std::thread::panicking() && self.facts.cause.is_none() {
            self.facts.status = BuiltIn::ServerError.row().status;
            self.facts.code = Some(BuiltIn::ServerError.into());
            self.facts.cause = Some(Cause::Panic);
            self.facts.source = Some(Source::Gateway);
            self.facts.outcome = Outcome::Failed;
        }
        if self.facts.outcome == Outcome::Aborted {
            self.facts.cause.get_or_insert(Cause::ClientLeft);
            self.facts.source.get_or_insert(Source::Client);
        }
        self.witness.moved(self.facts.route, None);
        self.witness.speak(&self.facts);
    }
}

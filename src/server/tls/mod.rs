//! TLS towards clients: one [`TlsListener`] per listener, shared by its workers.
//!
//! What a listener shows is an [`Offer`], made of one reading of its files. The control thread's
//! [`Renewal`] makes a new one when the files change and hands it to every worker; it is what the
//! next handshake is given. A worker bounds and paces its handshakes by [`Handshakes`].

mod certificates;
mod files;
mod handshakes;
mod offer;
mod profile;
mod renewal;
mod self_signed;
mod tickets;
mod x509;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::watch;

pub(super) use self::handshakes::Handshakes;
pub(super) use self::offer::{Negotiated, Offer};
pub(super) use self::renewal::Renewal;
use super::prefixed;

/// Where a worker finds what a listener offers now; cloning it shares it.
#[derive(Clone)]
pub(super) struct TlsListener(watch::Receiver<Arc<Offer>>);

impl TlsListener {
    /// What the next handshake is given.
    pub(super) fn offer(&self) -> Arc<Offer> {
        Arc::clone(&self.0.borrow())
    }
}

//! Which addresses an instance listens on, and what becomes of them when the configuration changes.
//!
//! An address that both configurations name keeps its sockets, even where its listener is called
//! otherwise. New ones are bound before anything else changes; those that are no longer named are
//! closed by the workers when they go over.

use std::net::{SocketAddr, TcpListener};

use super::error::StartError;
use super::listener::{self, Neighbours};
use super::sockets::{ListenSocket, SocketId};
use crate::base::ListenerId;
use crate::config::model::Config;

/// The addresses that are listened on.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    /// In the order of the file.
    all: Vec<Address>,
    next: u64,
}

#[derive(Clone, Debug)]
struct Address {
    id: SocketId,
    /// The listener's name.
    listener: String,
    /// As configured: its port may be 0.
    configured: SocketAddr,
    bound: SocketAddr,
}

/// The addresses of a configuration, with the sockets that it needs beside those that stay.
#[derive(Debug)]
pub(super) struct Binding {
    addresses: Addresses,
    stay: Vec<(SocketId, ListenerId)>,
    /// Of each new address one socket for each worker.
    fresh: Vec<(SocketId, ListenerId, Vec<Option<TcpListener>>)>,
}

impl Addresses {
    /// Binds what a configuration names and nobody has bound yet.
    ///
    /// # Errors
    /// An address that cannot be bound; what was bound before it is given back.
    pub(super) fn bind(&self, config: &Config, workers: usize) -> Result<Binding, StartError> {
        let addresses = Self { all: Vec::new(), next: self.next };
        let mut binding = Binding { addresses, stay: Vec::new(), fresh: Vec::new() };
        let mut left = self.all.clone();
        for (id, listener) in (0..).map(ListenerId).zip(&config.listeners) {
            for &address in &listener.bind {
                match take(&mut left, &listener.name, address) {
                    Some(known) => {
                        binding.stay.push((known.id, id));
                        let known = Address { listener: listener.name.clone(), ..known };
                        binding.addresses.all.push(known);
                    }
                    None => binding.bind(&listener.name, id, address, workers, self)?,
                }
            }
        }
        Ok(binding)
    }

    /// Name of the listener and bound address of each `bind`.
    pub(super) fn list(&self) -> Vec<(String, SocketAddr)> {
        self.all.iter().map(|address| (address.listener.clone(), address.bound)).collect()
    }
}

/// What is bound for this address already: of the same listener, or of another one, unless the port
/// is 0, which is a new one each time.
fn take(left: &mut Vec<Address>, listener: &str, address: SocketAddr) -> Option<Address> {
    let same = |known: &Address| known.configured == address;
    let own = left.iter().position(|known| same(known) && known.listener == listener);
    let any = || left.iter().position(|known| same(known) && address.port() != 0);
    own.or_else(any).map(|place| left.remove(place))
}

impl Binding {
    fn bind(
        &mut self,
        name: &str,
        listener: ListenerId,
        address: SocketAddr,
        workers: usize,
        before: &Addresses,
    ) -> Result<(), StartError> {
        let failed = |error| StartError::Bind { what: name.into(), address, error };
        let near = |known: &Address| known.bound.port() == address.port();
        let own = before.all.iter().any(near);
        let neighbours = if own { Neighbours::Own } else { Neighbours::Strangers };
        let sockets = listener::bind(address, workers, neighbours).map_err(failed)?;
        let bound = sockets.first().map_or(Ok(address), TcpListener::local_addr).map_err(failed)?;
        let id = SocketId(self.addresses.next);
        self.addresses.next += 1;
        let listens = Address { id, listener: name.to_owned(), configured: address, bound };
        self.addresses.all.push(listens);
        self.fresh.push((id, listener, sockets.into_iter().map(Some).collect()));
        Ok(())
    }

    /// What one worker needs: the sockets that it keeps, and its own of every new address.
    pub(super) fn of_worker(
        &mut self,
        index: usize,
    ) -> (Vec<(SocketId, ListenerId)>, Vec<ListenSocket>) {
        let own = self.fresh.iter_mut().filter_map(|(id, listener, sockets)| {
            let socket = sockets.get_mut(index)?.take()?;
            Some(ListenSocket { id: *id, listener: *listener, socket })
        });
        let own = own.collect();
        (self.stay.clone(), own)
    }

    /// The addresses.
    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The addresses, once every worker has its sockets.
    pub(super) fn into_addresses(self) -> Addresses {
        self.addresses
    }
}

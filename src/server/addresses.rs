//! Which addresses an instance listens on, and what becomes of them when the configuration changes.
//!
//! An address that both configurations name keeps its sockets, even where its listener is called
//! otherwise. New ones are bound before anything else changes; those that are no longer named are
//! closed by the workers when they go over.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::error::StartError;
use super::inherited::Inherited;
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
    /// Of each new address the sockets of each worker.
    fresh: Vec<(SocketId, ListenerId, Vec<Vec<TcpListener>>)>,
}

impl Addresses {
    /// Binds what a configuration names and nobody has bound yet.
    ///
    /// # Errors
    /// An address that cannot be bound; what was bound before it is given back.
    pub(super) fn bind(
        &self,
        config: &Config,
        workers: usize,
        inherited: &Inherited,
    ) -> Result<Binding, StartError> {
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
                    None => {
                        let came = inherited.take(&listener.name, address);
                        binding.bind((&listener.name, id), address, workers, came, self)?;
                    }
                }
            }
        }
        Ok(binding)
    }

    /// Name of the listener of a socket.
    pub(super) fn name(&self, id: SocketId) -> Option<&str> {
        let found = self.all.iter().find(|address| address.id == id)?;
        Some(&found.listener)
    }

    /// Name of the listener and bound address of each `bind`.
    pub(super) fn list(&self) -> Vec<(String, SocketAddr)> {
        self.all.iter().map(|address| (address.listener.clone(), address.bound)).collect()
    }
}

/// Every socket to a worker, and to every worker a socket: there may be more of them than workers, or
/// fewer, where they were handed over.
fn spread(sockets: Vec<TcpListener>, workers: usize) -> io::Result<Vec<Vec<TcpListener>>> {
    let count = sockets.len();
    let mut of_each: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for (place, socket) in sockets.into_iter().enumerate() {
        // Several workers may accept from one.
        for worker in (place..workers).step_by(count).skip(1) {
            of_each[worker].push(socket.try_clone()?);
        }
        of_each[place % workers].push(socket);
    }
    Ok(of_each)
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
        (name, listener): (&str, ListenerId),
        address: SocketAddr,
        workers: usize,
        came: Vec<TcpListener>,
        before: &Addresses,
    ) -> Result<(), StartError> {
        let failed = |error| StartError::Bind { what: name.into(), address, error };
        let near = |known: &Address| known.bound.port() == address.port();
        let own = before.all.iter().any(near);
        let neighbours = if own { Neighbours::Own } else { Neighbours::Strangers };
        let sockets = match came.is_empty() {
            true => listener::bind(address, workers, neighbours).map_err(failed)?,
            false => came,
        };
        let bound = sockets.first().map_or(Ok(address), TcpListener::local_addr).map_err(failed)?;
        let id = SocketId(self.addresses.next);
        self.addresses.next += 1;
        let listens = Address { id, listener: name.to_owned(), configured: address, bound };
        self.addresses.all.push(listens);
        self.fresh.push((id, listener, spread(sockets, workers).map_err(failed)?));
        Ok(())
    }

    /// What one worker needs: the sockets that it keeps, and its own of every new address.
    pub(super) fn of_worker(
        &mut self,
        index: usize,
    ) -> (Vec<(SocketId, ListenerId)>, Vec<ListenSocket>) {
        let mut own = Vec::new();
        for (id, listener, sockets) in &mut self.fresh {
            let sockets = sockets.get_mut(index).map(std::mem::take).unwrap_or_default();
            let (id, listener) = (*id, *listener);
            own.extend(sockets.into_iter().map(|socket| ListenSocket { id, listener, socket }));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_has_a_socket_and_no_socket_is_without_a_worker() {
        for (sockets, workers) in [(1, 1), (1, 3), (2, 3), (2, 4), (3, 2), (4, 1)] {
            let socket = || TcpListener::bind("127.0.0.1:0").unwrap();
            let all: Vec<_> = (0..sockets).map(|_| socket()).collect();
            let addresses: Vec<_> = all.iter().map(|it| it.local_addr().unwrap()).collect();
            let spread = spread(all, workers).unwrap();
            assert!(spread.iter().all(|own| !own.is_empty()), "{sockets} over {workers}");
            let mut seen: Vec<_> =
                spread.iter().flatten().map(|it| it.local_addr().unwrap()).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), addresses.len(), "{sockets} over {workers}");
        }
    }
}

//! Sockets that came with the process: from systemd (socket activation), or from the guichet that it
//! follows. Both hand them over in the same way: `LISTEN_FDS` descriptors from 3 on, and their names
//! in `LISTEN_FDNAMES` (sd_listen_fds(3)).
//!
//! A socket belongs to whoever configures its address. Where a port 0 is configured, which stands for
//! any, it belongs to the listener of its name. It is used as it is: who waits in its queue is served.

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};

use listenfd::ListenFd;
use socket2::{Domain, Type};

/// Sockets that came with the process and that nobody has taken yet.
#[derive(Debug, Default)]
pub struct Inherited {
    listeners: RefCell<Vec<(String, TcpListener)>>,
    control: RefCell<Option<UnixListener>>,
    before: RefCell<Option<UnixStream>>,
}

impl Inherited {
    /// Takes what came, once: the variables are removed. To be called before there are threads.
    ///
    /// # Errors
    /// A descriptor that is no socket that listens.
    pub fn from_environment(environment: &dyn Fn(&str) -> Option<String>) -> io::Result<Self> {
        let names = environment("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut came = ListenFd::from_env();
        let inherited = Self::default();
        for place in 0..came.len() {
            let name = names.next().unwrap_or_default();
            match name {
                CONTROL => *inherited.control.borrow_mut() = came.take_unix_listener(place)?,
                READY => {
                    let (family, kind) = (Domain::UNIX.into(), Type::STREAM.into());
                    let stream = came.take_custom(place, family, kind, "unix stream socket")?;
                    *inherited.before.borrow_mut() = stream;
                }
                _ => {
                    let Some(socket) = came.take_tcp_listener(place)? else { continue };
                    socket.set_nonblocking(true)?;
                    inherited.listeners.borrow_mut().push((name.to_owned(), socket));
                }
            }
        }
        Ok(inherited)
    }

    /// The sockets of an address, or of a name where the port is any.
    pub(super) fn take(&self, name: &str, address: SocketAddr) -> Vec<TcpListener> {
        let fits = |known: &str, bound: SocketAddr| match address.port() {
            0 => known == name && bound.ip() == address.ip(),
            _ => bound == address,
        };
        let mut left = self.listeners.borrow_mut();
        let all = std::mem::take(&mut *left);
        let (taken, rest): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(name, socket)| socket.local_addr().is_ok_and(|bound| fits(name, bound)));
        *left = rest;
        taken.into_iter().map(|(_, socket)| socket).collect()
    }

    /// The unix socket for control.
    pub(super) fn take_control(&self) -> Option<UnixListener> {
        self.control.take()
    }

    /// Closes what nobody has taken, and says what that is.
    pub(super) fn close_rest(&self) -> Vec<String> {
        let rest = self.listeners.take();
        let told = |(name, socket): (String, TcpListener)| {
            let address = socket.local_addr().map_or_else(|_| "?".to_owned(), |it| it.to_string());
            format!("a socket on {address} ({name}) was handed over, and no listener names it")
        };
        rest.into_iter().map(told).collect()
    }

    /// Whether this process follows another one.
    pub fn follows(&self) -> bool {
        self.before.borrow().is_some()
    }

    /// Tells the process that this one follows that it may end.
    pub fn ready(&self) {
        if let Some(mut before) = self.before.take() {
            // Where it has ended already there is nobody to tell.
            let _ = before.write_all(b"1");
        }
    }
}

/// The names of what is no public listener: no listener can be called so.
pub(super) const ADMIN: &str = "guichet.admin";
pub(super) const CONTROL: &str = "guichet.control";
/// Where the new process says that it stands.
pub const READY: &str = "guichet.ready";

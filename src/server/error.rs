//! Why an instance does not start, in words for the person who started it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why an instance does not start.
#[derive(Debug)]
pub enum StartError {
    /// A socket cannot be bound.
    Bind {
        /// Name of the listener, or `admin`.
        what: Box<str>,
        /// The address.
        address: SocketAddr,
        /// What the operating system says.
        error: io::Error,
    },
    /// The admin socket cannot be bound.
    Socket {
        /// Its path.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The admin token cannot be read.
    Token(String),
    /// A certificate, a key or the authorities of clients cannot be used.
    Tls {
        /// Name of the listener.
        listener: String,
        /// What is wrong, with which file, and what to do about it.
        message: String,
    },
    /// An upstream's certificate, key or authorities cannot be used.
    Upstream(String),
    /// The address of a store cannot be read, or is none.
    Store(String),
    /// The access log cannot be opened.
    Log {
        /// Where it was to go.
        target: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// A thread or its runtime cannot be made.
    Thread(io::Error),
    /// A worker cannot go over to a new configuration.
    Worker(io::Error),
    /// The instance drains, or has ended: nothing follows.
    Leaving,
}

impl StartError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        if let Self::Socket { path, error } = self {
            return socket_hint(path, error);
        }
        let Self::Bind { address, error, .. } = self else { return None };
        let kind = error.kind();
        if kind == io::ErrorKind::AddrInUse {
            return Some(format!(
                "another process listens there, perhaps another guichet; \
                 `ss -ltnp 'sport = :{}'` shows which",
                address.port()
            ));
        }
        if kind == io::ErrorKind::PermissionDenied {
            return Some(format!(
                "ports below 1024 need a right of their own: take a higher port than {}, or give \
                 CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)",
                address.port()
            ));
        }
        (kind == io::ErrorKind::AddrNotAvailable).then(|| {
            let ip = address.ip();
            format!("this machine has no address {ip}: `ip address` shows which it has")
        })
    }
}

fn socket_hint(path: &Path, error: &io::Error) -> Option<String> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/")).display();
    let kind = error.kind();
    if kind == io::ErrorKind::AddrInUse {
        let hint = "another guichet answers on it: give each its own path, or end the other one";
        return Some(hint.to_owned());
    }
    if kind == io::ErrorKind::NotFound {
        let hint = "has to be there (systemd: RuntimeDirectory=guichet)";
        return Some(format!("the folder {folder} {hint}"));
    }
    (kind == io::ErrorKind::PermissionDenied)
        .then(|| format!("guichet has to be allowed to make files in {folder}"))
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind { what, address, error } if &**what == "admin" => {
                write!(f, "cannot bind [admin] to {address}: {error}")
            }
            Self::Bind { what, address, error } => {
                write!(f, "cannot bind [listen.{what}] to {address}: {error}")
            }
            Self::Socket { path, error } => {
                write!(f, "cannot bind [admin] socket {}: {error}", path.display())
            }
            Self::Token(message) => write!(f, "[admin] token: {message}"),
            Self::Tls { listener, message } => write!(f, "[listen.{listener}] tls: {message}"),
            Self::Upstream(message) | Self::Store(message) => f.write_str(message),
            Self::Log { target, error } => {
                write!(f, "cannot open the access log {target}: {error}")
            }
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
            Self::Worker(error) => write!(f, "a worker cannot go over to it: {error}"),
            Self::Leaving => f.write_str("guichet drains: nothing follows"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { error, .. }
            | Self::Socket { error, .. }
            | Self::Log { error, .. }
            | Self::Thread(error)
            | Self::Worker(error) => Some(error),
            Self::Tls { .. }
            | Self::Token(_)
            | Self::Upstream(_)
            | Self::Store(_)
            | Self::Leaving => None,
        }
    }
}

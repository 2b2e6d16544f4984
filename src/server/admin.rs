//! What the admin service stands on: its TCP listener, its unix socket, and the token.
//!
//! The socket is for the user who runs guichet alone. It gets its rights before anybody can connect,
//! and its name only then; a file of that name on which nobody listens any more is replaced.

use std::fmt;
use std::fs;
use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use socket2::{Domain, SockAddr, Socket, Type};

use super::error::StartError;
use super::handle::Handle;
use super::inherited::{self, Inherited};
use super::listener;
use crate::config::model::{self, Config};

/// Serves the admin listeners on the control thread until it is dropped. A function, so that the
/// floor above can be handed down without this one knowing it.
#[derive(Clone)]
#[allow(clippy::type_complexity, reason = "written once")]
pub struct AdminService(
    pub Arc<dyn Fn(AdminSeat) -> Pin<Box<dyn Future<Output = ()>>> + Send + Sync>,
);

/// What the admin service is given.
pub struct AdminSeat {
    /// Its TCP socket.
    pub listener: Option<tokio::net::TcpListener>,
    /// Its unix socket.
    pub control: Option<tokio::net::UnixListener>,
    /// What it tells of, and acts on.
    pub handle: Handle,
}

/// What was bound for the admin service.
#[derive(Debug, Default)]
pub(super) struct AdminSockets {
    pub(super) listener: Option<TcpListener>,
    pub(super) control: Option<(UnixListener, SocketFile)>,
}

/// The admin sockets once more, for a process that follows. Each costs a descriptor.
#[derive(Debug)]
pub(super) struct Lent(Vec<(&'static str, OwnedFd)>);

/// The name of a socket that this process has made; it goes with it.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Whoever has taken the name since keeps it.
    id: (u64, u64),
}

/// Who shows it may control. Cloning it shares it.
#[derive(Clone, Default)]
pub struct Token(Arc<Mutex<Option<Vec<u8>>>>);

/// Binds what `[admin]` names.
///
/// # Errors
/// An address or a path that cannot be bound.
pub(super) fn bind(
    admin: Option<&model::Admin>,
    inherited: &Inherited,
) -> Result<AdminSockets, StartError> {
    let Some(admin) = admin else { return Ok(AdminSockets::default()) };
    let listener = match admin.bind {
        Some(address) => {
            let failed = |error| StartError::Bind { what: "admin".into(), address, error };
            let came = inherited.take(inherited::ADMIN, address).pop();
            Some(came.map_or_else(|| listener::bind_alone(address), Ok).map_err(failed)?)
        }
        None => None,
    };
    let control = match &admin.socket {
        Some(path) => {
            let failed = |error| StartError::Socket { path: path.clone(), error };
            Some(match inherited.take_control().filter(|came| is_at(came, path)) {
                Some(came) => adopt(came, path).map_err(failed)?,
                None => bind_path(path).map_err(failed)?,
            })
        }
        None => None,
    };
    Ok(AdminSockets { listener, control })
}

/// Whether a socket that came with the process is the one of this path.
fn is_at(came: &UnixListener, path: &Path) -> bool {
    // It was bound under a name of its own, which begins like this one (`bind_path`).
    let bound = came.local_addr().ok();
    let bound = bound.as_ref().and_then(|bound| bound.as_pathname());
    bound.is_some_and(|bound| bound == path || bound.with_extension("") == path)
}

fn adopt(came: UnixListener, path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    came.set_nonblocking(true)?;
    let of = path.metadata()?;
    Ok((came, SocketFile { path: path.to_owned(), id: (of.dev(), of.ino()) }))
}

fn bind_path(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    if let Ok(known) = path.symlink_metadata() {
        if !known.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file already"));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
    }
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = PathBuf::from(fresh);
    // What a process of the same number has left behind.
    let _ = fs::remove_file(&fresh);
    let made = make(&fresh).and_then(|made| fs::rename(&fresh, path).map(|()| made));
    if made.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    let listener = made?;
    let of = path.metadata()?;
    Ok((listener, SocketFile { path: path.to_owned(), id: (of.dev(), of.ino()) }))
}

fn make(path: &Path) -> io::Result<UnixListener> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(OWNER))?;
    socket.set_nonblocking(true)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Lent {
    /// # Errors
    /// No descriptor is left.
    pub(super) fn new(
        listener: Option<&TcpListener>,
        control: Option<&UnixListener>,
    ) -> io::Result<Self> {
        let mut lent = Vec::new();
        if let Some(listener) = listener {
            lent.push((inherited::ADMIN, listener.as_fd().try_clone_to_owned()?));
        }
        if let Some(control) = control {
            lent.push((inherited::CONTROL, control.as_fd().try_clone_to_owned()?));
        }
        Ok(Self(lent))
    }

    /// Copies of them.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(super) fn copies(&self) -> io::Result<Vec<(String, OwnedFd)>> {
        let copy = |(name, socket): &(&str, OwnedFd)| Ok(((*name).to_owned(), socket.try_clone()?));
        self.0.iter().map(copy).collect()
    }
}

impl SocketFile {
    /// Leaves the name to the process that follows.
    pub(super) fn leave(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let own = |of: &fs::Metadata| (of.dev(), of.ino()) == self.id;
        if self.path.metadata().is_ok_and(|of| own(&of)) {
            // Who cannot remove it leaves a name that nobody answers to, which the next one replaces.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Token {
    /// Reads the token of a configuration; none where it has none.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub(super) fn read(
        config: &Config,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Vec<u8>>, StartError> {
        let Some(token) = config.admin.as_ref().and_then(|admin| admin.token.as_ref()) else {
            return Ok(None);
        };
        token.read(environment).map(Some).map_err(StartError::Token)
    }

    /// This is the one from now on.
    pub(super) fn set(&self, token: Option<Vec<u8>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// Whether there is one.
    pub fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether this is it. How long that takes says nothing about how much of it is right.
    pub fn is(&self, shown: &[u8]) -> bool {
        let token = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        token.as_ref().is_some_and(|token| verify_slices_are_equal(token, shown).is_ok())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

const OWNER: u32 = 0o600;
const BACKLOG: i32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_for_its_owner_and_goes_with_who_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let (listener, file) = bind_path(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        UnixStream::connect(&path).unwrap();
        assert_eq!(bind_path(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(listener);
        // Nobody listens: the name is free.
        let (next, own) = bind_path(&path).unwrap();
        drop(file);
        UnixStream::connect(&path).unwrap();
        drop((next, own));
        assert!(!path.exists());
    }

    #[test]
    fn a_file_of_somebody_else_s_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("precious");
        fs::write(&path, "x").unwrap();
        assert_eq!(bind_path(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "x");
        assert!(bind_path(&folder.path().join("no/such/folder")).is_err());
    }

    #[test]
    fn a_token_is_all_of_it_and_never_printed() {
        let token = Token::default();
        assert!(!token.is(b"") && !token.is_set());
        token.set(Some(b"s3cret".to_vec()));
        assert!(
            token.is(b"s3cret") && !token.is(b"s3cre") && !token.is(b"s3cret ") && !token.is(b"")
        );
        assert_eq!(format!("{token:?}"), "***");
    }
}

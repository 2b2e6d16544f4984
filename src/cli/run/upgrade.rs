//! USR2: a new process takes the sockets over, from the binary that is there now.
//!
//! It gets every socket that listens, in the way of systemd (`LISTEN_FDS`), and one more, on which it
//! says that it serves. Only then does this process stop to accept; what waits in the queues is served
//! by either. Where the new one does not come up, this one has lost nothing and goes on.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::server::{Handle, READY};

/// Starts the new process and waits until it serves. Its number. Where nobody waits for it any more
/// it is ended.
///
/// # Errors
/// A sentence: this process goes on.
pub(super) async fn upgrade(instance: &Handle) -> Result<u32, String> {
    let sockets = instance.lend().await.map_err(|error| format!("no sockets to lend: {error}"))?;
    let (own, theirs) = UnixStream::pair().map_err(|error| format!("no channel: {error}"))?;
    let child = spawn(sockets, theirs.into()).map_err(|error| {
        let name = env::args_os().next().unwrap_or_default();
        format!("{} cannot be started: {error}", name.display())
    })?;
    let mut young = Young(Some(child));
    match hears(own).await {
        Ok(()) => Ok(young.0.take().map_or(0, |child| child.id())),
        Err(error) => Err(young.failed(&error)),
    }
}

/// A process that does not serve yet.
struct Young(Option<Child>);

impl Drop for Young {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may still come up, and must not: there would be two.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The same command line, which finds the new binary where the old one was found.
fn spawn(mut sockets: Vec<(String, OwnedFd)>, ready: OwnedFd) -> io::Result<Child> {
    let mut line = env::args_os();
    let name = line.next().unwrap_or_else(|| "guichet".into());
    sockets.push((READY.to_owned(), ready));
    let names: Vec<&str> = sockets.iter().map(|(name, _)| name.as_str()).collect();
    let mut command = Command::new(name);
    command
        .args(line)
        .env("LISTEN_FDS", sockets.len().to_string())
        .env("LISTEN_FDNAMES", names.join(":"))
        // It would be the number of a process that is not yet there; without it nobody looks.
        .env_remove("LISTEN_PID");
    let mappings = (FIRST..)
        .zip(sockets)
        .map(|(child_fd, (_, parent_fd))| FdMapping { parent_fd, child_fd })
        .collect();
    command.fd_mappings(mappings).map_err(io::Error::other)?;
    command.spawn()
}

/// Waits for the word of the new process; its end is an end of the channel.
async fn hears(own: UnixStream) -> io::Result<()> {
    own.set_nonblocking(true)?;
    let mut own = tokio::net::UnixStream::from_std(own)?;
    match timeout(PATIENCE, own.read_exact(&mut [0])).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

impl Young {
    fn failed(&mut self, error: &io::Error) -> String {
        if error.kind() == io::ErrorKind::TimedOut {
            return format!("the new process did not serve within {} s", PATIENCE.as_secs());
        }
        let status = self.0.take().map(|mut child| child.wait());
        match status {
            Some(Ok(status)) => format!("the new process has ended before it served: {status}"),
            Some(Err(_)) | None => "the new process has ended before it served".to_owned(),
        }
    }
}

/// Descriptors from here on are handed over (sd_listen_fds(3)).
const FIRST: i32 = 3;
/// How long a new process may take until it serves.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::base::clock;

    #[tokio::test(start_paused = true)]
    async fn a_new_process_is_waited_for_until_it_serves_or_ends_and_for_a_minute_at_most() {
        let start = clock::now();
        let heard = |theirs: Option<UnixStream>, own| async move {
            let heard = hears(own).await;
            drop(theirs);
            heard.map_err(|error| error.kind())
        };
        let (own, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(&[1]).unwrap();
        assert_eq!(heard(Some(theirs), own).await, Ok(()));
        let (own, _) = UnixStream::pair().unwrap();
        assert_eq!(heard(None, own).await, Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(clock::now(), start, "neither is waited for");
        let (own, theirs) = UnixStream::pair().unwrap();
        assert_eq!(heard(Some(theirs), own).await, Err(io::ErrorKind::TimedOut));
        assert_eq!(clock::now() - start, PATIENCE);
    }
}

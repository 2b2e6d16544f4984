//! What the operating system tells of watched files (inotify): that something has happened in one of
//! the folders where they stand.
//!
//! What it was is not asked, only that it was: whoever hears of it looks for itself
//! ([`FileWatch`](crate::base::FileWatch)). So an event that was lost, or told twice, or meant another
//! file does no harm.
//!
//! Folders are listened to and not files, because a file that is replaced takes its watch along; and of
//! each path every folder in which a symbolic link stands, because a ConfigMap is swapped by one far
//! up. Writing is not listened to, only the end of it: a log that grows beside the configuration wakes
//! nobody, and who writes in place is heard when it closes the file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;

use super::looks::Stir;
use crate::base::readable;
use crate::observe::log;

/// The folders of some files, while they are listened to.
#[derive(Debug)]
pub(super) struct Folders {
    told: AsyncFd<OwnedFd>,
    /// By the number that the system has given each.
    watched: BTreeMap<i32, PathBuf>,
    /// Somebody was told that not every folder can be listened to.
    complained: bool,
}

impl Folders {
    /// Listens to nothing yet.
    ///
    /// # Errors
    /// The system has no ear left for this user or this process, or has none at all.
    pub(super) fn new() -> io::Result<Self> {
        let ear = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let told = readable(ear)?;
        Ok(Self { told, watched: BTreeMap::new(), complained: false })
    }

    fn complain(&mut self, folder: &Path, error: Errno) {
        if !std::mem::replace(&mut self.complained, true) {
            log::warn(
                "watch",
                format_args!(
                    "the system does not tell of changes in {}: {error}; files are looked at once a \
                     second all the same",
                    folder.display()
                ),
            );
        }
    }
}

impl Stir for Folders {
    fn poll_stirred(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut stirred = false;
        for _ in 0..MOST_READS {
            let Poll::Ready(Ok(mut ready)) = self.told.poll_read_ready(cx) else {
                return if stirred { Poll::Ready(()) } else { Poll::Pending };
            };
            let read = ready.try_io(|ear| Ok(rustix::io::read(ear, &mut [0_u8; EVENTS])?));
            // An error is worth a look as well: it ends nothing.
            stirred |= read.is_ok();
        }
        // The rest keeps; one look answers all of it.
        Poll::Ready(())
    }

    fn attend(&mut self, paths: &[PathBuf]) -> bool {
        let mut folders = BTreeSet::new();
        paths.iter().for_each(|path| folders_of(path, &mut folders));
        let mut watched = BTreeMap::new();
        for folder in folders {
            // One that is watched already gets the number that it has.
            match inotify::add_watch(self.told.get_ref(), &folder, WHAT) {
                Ok(number) => {
                    watched.insert(number, folder);
                }
                // Gone since it was looked for: the folder above tells.
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => self.complain(&folder, error),
            }
        }
        let is_new = watched.keys().any(|number| !self.watched.contains_key(number));
        for number in self.watched.keys().filter(|number| !watched.contains_key(number)) {
            // Who is gone has taken its watch along.
            let _ = inotify::remove_watch(self.told.get_ref(), *number);
        }
        self.watched = watched;
        is_new
    }
}

/// Every folder in which something has to happen for `path` to become something else: where it
/// stands, where the links on the way to it stand, and itself if it is one. Where something is missing,
/// the folder in which it would be.
fn folders_of(path: &Path, folders: &mut BTreeSet<PathBuf>) {
    let Ok(path) = std::path::absolute(path) else { return };
    let mut at = PathBuf::new();
    let mut left = backwards(&path);
    let mut links = 0;
    while let Some(name) = left.pop() {
        if name == ".." {
            // Of a path without links, which this one is so far.
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let Ok(found) = next.symlink_metadata() else {
            folders.insert(at);
            return;
        };
        if found.is_symlink() {
            links += 1;
            let target = next.read_link().unwrap_or_default();
            folders.insert(at.clone());
            if links > MOST_LINKS {
                return;
            }
            left.extend(backwards(&target));
        } else if found.is_dir() || !left.is_empty() {
            at = next;
        } else {
            folders.insert(at);
            return;
        }
    }
    folders.extend(at.parent().map(Path::to_owned));
    folders.insert(at);
}

/// The names on a path, the first one last.
fn backwards(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|name| name.as_os_str().to_owned()).collect()
}

/// Ends of writing, what comes and what goes, and who may read it.
const WHAT: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::ONLYDIR);
/// As many as the system follows before it calls them a circle.
const MOST_LINKS: usize = 40;
/// Bytes of events that are read at once.
const EVENTS: usize = 4096;
/// How often, before whatever else there may be counts as one with it.
const MOST_READS: usize = 16;

#[cfg(test)]
mod tests;

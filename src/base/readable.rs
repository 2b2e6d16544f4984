//! Descriptors of which the runtime has no type of its own, made known to it for reading.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime of this thread tell when `owner` can be read. It must not block.
///
/// # Errors
/// What the operating system says.
#[expect(
    deprecated,
    reason = "its successor is unsafe, because a descriptor has to stay open and the same; what can \
              become an `OwnedFd` is its one owner"
)]
pub fn readable<T: AsRawFd + Into<OwnedFd>>(owner: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(owner, Interest::READABLE)
}

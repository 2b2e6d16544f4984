//! What can be told of an HTTP/2 connection by watching its bytes.
//!
//! hyper says that a connection failed, but not whether the upstream had said anything, nor whether
//! our side could still write. Both decide whether a request may be repeated, so the line counts.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

/// What was seen of a connection; shared between the wire and whoever holds the connection.
#[derive(Default)]
pub(super) struct Line {
    read: Cell<u64>,
    broken: Cell<bool>,
    /// The upstream ended it.
    ended: Cell<bool>,
    closed: Cell<bool>,
    opening: Cell<([u8; 4], u8)>,
    waker: RefCell<Option<Waker>>,
}

/// A point in a connection's life, to compare with.
#[derive(Clone, Copy)]
pub(super) struct Mark(u64);

/// How a connection began that should speak HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// With a SETTINGS frame, as RFC 9113, section 3.4 demands.
    Settings,
    /// With anything else, or with its end.
    Foreign,
}

impl Line {
    /// Now, for a later [`Self::is_silent_since`].
    pub(super) fn mark(&self) -> Mark {
        Mark(self.read.get())
    }

    /// Whether the upstream has said nothing since.
    pub(super) fn is_silent_since(&self, mark: Mark) -> bool {
        self.read.get() == mark.0
    }

    /// Whether a write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Whether it is gone though the upstream has not ended it, nor refused a write: given up by us,
    /// because a PING was not answered.
    pub(super) fn is_given_up(&self) -> bool {
        self.closed.get() && !self.ended.get() && !self.broken.get()
    }

    /// Waits for the first four bytes, which tell a SETTINGS frame from any other beginning.
    pub(super) fn poll_opening(&self, cx: &Context<'_>) -> Poll<Opening> {
        const SETTINGS: u8 = 4;
        let (bytes, count) = self.opening.get();
        if count == 4 {
            let settings = bytes[3] == SETTINGS;
            return Poll::Ready(if settings { Opening::Settings } else { Opening::Foreign });
        }
        if self.closed.get() {
            return Poll::Ready(Opening::Foreign);
        }
        *self.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Says that a write failed.
    pub(super) fn fail(&self) {
        self.broken.set(true);
    }

    /// Says that the upstream has ended the connection.
    pub(super) fn end(&self) {
        self.ended.set(true);
    }

    /// Says that the wire is gone.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.wake();
    }

    /// Counts what was read, and remembers how it began.
    pub(super) fn saw(&self, bytes: &[u8]) {
        let before = self.read.get();
        self.read.set(before + bytes.len() as u64);
        if before >= 4 {
            return;
        }
        let (mut opening, mut count) = self.opening.get();
        for byte in bytes.iter().take(4 - usize::from(count)) {
            opening[usize::from(count)] = *byte;
            count += 1;
        }
        self.opening.set((opening, count));
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(line: &Line) -> Poll<Opening> {
        line.poll_opening(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn four_bytes_tell_http2_from_all_else() {
        for (bytes, expected) in [
            (&b"\0\0\x12\x04\0"[..], Opening::Settings),
            (b"HTTP/1.1 400", Opening::Foreign),
            (b"\x15\x03\x03\0", Opening::Foreign),
        ] {
            let line = Line::default();
            for byte in &bytes[..3] {
                line.saw(&[*byte]);
                assert_eq!(opening(&line), Poll::Pending);
            }
            line.saw(&bytes[3..]);
            assert_eq!(opening(&line), Poll::Ready(expected));
        }
        let line = Line::default();
        line.close();
        assert_eq!(opening(&line), Poll::Ready(Opening::Foreign));
    }

    #[test]
    fn a_mark_tells_what_happened_since() {
        let line = Line::default();
        line.saw(b"before");
        let mark = line.mark();
        assert!(line.is_silent_since(mark));
        line.saw(b"x");
        assert!(!line.is_silent_since(mark));
    }
}

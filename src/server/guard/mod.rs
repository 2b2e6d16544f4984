//! The guard: reads the head of an HTTP/1 request once, strictly, before anybody believes a word.
//!
//! What cannot be read, or could be read in two ways, is refused and never repaired; bytes after a
//! refused request are never looked at. `head` goes through the lines, `target` through the request
//! line. The chunks of a body are followed by [`crate::base::chunked`].
//!
//! Invariant: a clean head that arrives in one read is judged without a copy and, once the
//! connection has seen its first request, without an allocation of the guard's own.

mod head;
mod target;
#[cfg(test)]
mod tests;

pub(super) use self::head::{Head, HeadLimits, HeadScanner};
use crate::problem::{Cause, Problem};

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    cause: Cause,
    detail: &'static str,
}

impl Fault {
    pub(super) fn new(cause: Cause, detail: &'static str) -> Self {
        Self { cause, detail }
    }

    /// The refusal. The connection closes after it.
    pub(super) fn into_problem(self) -> Problem {
        Problem::new(self.cause).with_detail(self.detail).closing()
    }
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// Nothing.
    Empty,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks.
    Chunked,
}

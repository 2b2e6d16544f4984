//! F2: values with holes in them. `${…}` holds an expression in CEL (the Common Expression Language);
//! a string that is exactly one hole keeps the type of its value, any other becomes text.
//!
//! Everything is compiled when the configuration loads, never from what a request or a reply holds:
//! parsing a hostile expression could take without end. What an expression may cost is bounded
//! there, too: its length, its nesting, and one loop within another. `evaluate` alone knows the
//! library, so that a change of it stays in two files.
//!
//! Pure: where values come from is a [`Scope`] that the caller brings.

mod compile;
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enums may grow")]
mod convert;
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enums may grow")]
mod evaluate;
#[allow(clippy::wildcard_enum_match_arm, reason = "the library's enums may grow")]
mod reads;
mod template;
#[cfg(test)]
mod tests;

use std::fmt;

pub use compile::{Expression, Fault};
pub use evaluate::{Failure, Scope};
pub use reads::{Fact, Read};
pub use template::{Part, Piece, Template, Text, scan};

/// What stands between two dots of a path, or between brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A member of an object.
    Name(Box<str>),
    /// A member of a list, counted from 0.
    Index(usize),
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, ".{name}"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

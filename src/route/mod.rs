//! F1: the route table. Host, path and method → [`RouteId`] and captured parameters. Pure.

mod path;
mod pattern;
mod table;

pub use path::{PathFault, canonical};
pub use pattern::{HostPattern, Pattern, PatternError};
pub use table::{Captures, Lookup, Match, Table, TableError};

//! F1: the route table. Host, path and method → [`RouteId`](crate::base::RouteId) and captured
//! parameters. Pure.

mod host;
mod path;
mod pattern;
mod segment;
mod table;
mod tree;

pub use host::HostPattern;
pub use path::{PathFault, canonical, check_query};
pub use pattern::{Pattern, PatternError};
pub use table::{Captures, Lookup, Match, Table, TableError, Verdict};

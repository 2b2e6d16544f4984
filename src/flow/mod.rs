//! F6: endpoints made of calls. A flow is a graph of steps and results ([`model::Flow`](crate::config::model::Flow)),
//! checked when the configuration loads; here it is walked.
//!
//! `input` finds what a flow is given. [`run`] goes from stage to stage: `request` makes a call of a
//! step, whoever [`Calls`] makes it, `group` runs several at once and gives up those that nobody
//! needs any more, `outlet` makes the reply. `scope` is what expressions see of it all. [`Hand`] makes
//! the calls of a gateway; a dry run brings another one.
//!
//! Invariants: every way ends in exactly one reply; the whole never takes longer than its deadline;
//! what is kept of replies is bounded for each step; a call goes where the configuration says, and
//! values only fill in what the path leaves open; an upstream's own words about its errors, its
//! address and its fields stay inside.

mod content;
mod fate;
mod graphql;
mod group;
mod hand;
mod input;
mod outlet;
mod request;
mod run;
mod scope;

#[cfg(test)]
mod tests;

pub use content::Content;
pub use fate::{Fate, Reply};
pub use hand::{Hand, Told};
pub use input::{Asked, Given, given, reads_body};
pub use outlet::Ended;
pub use request::Request;
pub use run::{Calls, Report, Run, run};
pub use scope::Caller;

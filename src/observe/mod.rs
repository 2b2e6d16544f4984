//! F4: the witness. What happened is told once: as a line, as counters, from one record.
//!
//! Nothing here decides anything. Other floors report facts to a [`Witness`] (through a
//! [`Record`] for an exchange, through its methods for everything else) and never name a metric
//! or write a line. A worker's witness costs a healthy request a few additions and one line
//! appended to a buffer: no lock, no allocation, no waiting.

mod absorb;
mod access_log;
mod auth_result;
mod calls;
mod concurrency;
mod conformance;
mod connection_failure;
mod counter;
mod expiries;
mod exposition;
mod facts;
mod flow_counts;
mod json;
mod keys;
mod ledger;
mod limit_counts;
pub mod log;
mod metrics;
mod names;
mod operations;
mod process;
mod readiness;
mod ready;
mod record;
mod registers;
mod reloads;
mod renaming;
mod retried;
mod rpc;
mod scope_states;
mod stamp;
mod standing;
mod states;
mod stores;
mod tally;
mod text;
mod witness;
mod writer;

#[cfg(test)]
mod tests;

pub use access_log::{Lines, StepFacts};
pub use auth_result::AuthResult;
pub use concurrency::ConcurrencyLimits;
pub use conformance::{Conformance, Mismatch};
pub use connection_failure::ConnectionFailure;
pub use expiries::Expiries;
pub use exposition::Exposition;
pub use facts::{Facts, Head, Kind, Outcome};
pub use flow_counts::{FlowEnd, FlowNames};
pub use ledger::Ledger;
pub use limit_counts::{LimitCounts, RateCounts, StoreCounts};
pub use metrics::{Family, FamilyKind};
pub use names::{Names, UpstreamNames};
pub use operations::Operations;
pub use readiness::{Readiness, Stage};
pub use record::Record;
pub use registers::{Decision, Protocol, Registers, Shed};
pub use reloads::{ReloadResult, Reloads};
pub use retried::Retried;
pub use rpc::Rpc;
pub use scope_states::ScopeStates;
pub use standing::{EndpointStanding, Standing};
pub use states::{BreakerState, EndpointState, UpstreamStates};
pub use stores::{StoreState, StoreStates};
pub use witness::{OpenConnection, Witness};
pub use writer::{LogHandle, LogWriter, Lost, RetiredWriter};

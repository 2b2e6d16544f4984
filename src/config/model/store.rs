//! `[store.NAME]`, checked.

use std::time::Duration;

use crate::config::secret::Secret;

/// `[store.NAME]`: a server that counts for several gateways. Two that are equal are the same one,
/// so that a reload which has not changed it leaves its connection alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The name in the file.
    pub name: String,
    /// Where it is.
    pub url: StoreUrl,
    /// How long a request waits for its answer.
    pub timeout: Duration,
    /// What holds while it does not answer.
    pub on_down: OnDown,
}

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// Written into the file; it has no password.
    Open(String),
    /// Kept somewhere else.
    Secret(Secret),
}

/// What a limit does while its store does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDown {
    /// This process counts alone.
    Local,
    /// Everybody passes.
    Allow,
    /// Nobody passes.
    Refuse,
}

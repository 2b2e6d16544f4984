//! Operators' rules: `{ when = { status, json }, raise, take }`. The first that matches wins.

use serde_json::Value;

use crate::problem::Code;

/// One rule of `errors = [ … ]`.
#[derive(Debug, Clone)]
pub struct Rule {
    /// When it applies.
    pub when: When,
    /// The code that it raises.
    pub raise: Code,
    /// What it takes over from the body.
    pub take: Take,
}

/// Conditions that must all hold.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// Statuses; none means every status of 400 and above.
    pub status: Option<StatusSet>,
    /// JSON pointer (RFC 6901) → value that must stand there.
    pub json: Vec<(String, Value)>,
}

/// A set of statuses: `402`, `[402, 409]`, `"4xx"`, `["5xx", 404]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusSet {
    /// Single statuses.
    pub single: Vec<u16>,
    /// Classes, by their first digit.
    pub classes: Vec<u8>,
}

impl StatusSet {
    /// Whether `status` is in the set.
    pub fn contains(&self, status: u16) -> bool {
        self.single.contains(&status)
            || self.classes.iter().any(|class| status / 100 == u16::from(*class))
    }
}

/// JSON pointers into the upstream's body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Take {
    /// Name of the parameter at fault.
    pub parameter: Option<String>,
    /// A message meant for clients.
    pub message: Option<String>,
    /// Seconds to wait.
    pub retry_after: Option<String>,
}

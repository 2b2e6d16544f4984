//! Secrets: where they come from, and a type that cannot be printed.

use std::fmt;
use std::path::PathBuf;

/// A secret by reference: it is read when it is needed and never stored in the configuration.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// `{ file = "…" }`.
    File(PathBuf),
    /// `{ env = "…" }`.
    Env(String),
    /// `{ credential = "…" }`: a file in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

//! When the listeners' certificates end: what the metrics page says of them.

use std::sync::{Mutex, PoisonError};

/// A name, and the last moment of its certificate in seconds since 1970, for each certificate. Set
/// by the control thread when files are read, read by the admin listener: both are that one thread,
/// so nobody ever waits.
#[derive(Debug, Default)]
pub struct Expiries(Mutex<Vec<(String, i64)>>);

impl Expiries {
    /// Replaces what was known.
    pub fn set(&self, known: Vec<(String, i64)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// What is known now.
    pub fn list(&self) -> Vec<(String, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

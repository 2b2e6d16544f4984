//! STUB, to be replaced whole: the spine.

use std::sync::Arc;

use crate::config::model::Config;

/// STUB: one per worker.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// STUB.
    pub fn new(config: Arc<Config>) -> Self {
        let _ = config;
        Self
    }

    /// STUB: once a second: upstream pools are swept.
    pub fn sweep(&self) {}

    /// STUB: a few times a second: log lines leave the worker.
    pub fn flush(&self) {}
}

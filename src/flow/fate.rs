//! What has become of a step.

use http::HeaderMap;
use serde_json::Value;

use super::Content;
use crate::problem::Problem;

/// What has become of a step.
#[derive(Debug, Default)]
#[allow(clippy::large_enum_variant, reason = "there are a handful, and most are replies")]
pub enum Fate {
    /// It has not run, or was given up.
    #[default]
    NotRun,
    /// Its `when` was false.
    Skipped,
    /// It has a reply below 400.
    Well(Reply),
    /// It has failed.
    Badly(Problem),
}

/// A success.
#[derive(Debug)]
pub struct Reply {
    /// Its status, below 400.
    pub status: u16,
    /// Its fields; none where a flow was called.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Content,
    /// What it warns of.
    pub warnings: Vec<Value>,
}

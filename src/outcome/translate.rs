//! Stub: a foreign error reply → Problem.

/// A reply of an upstream with a status of 400 or above.
#[derive(Debug)]
pub struct Foreign;

/// Translates.
pub fn translate() {}

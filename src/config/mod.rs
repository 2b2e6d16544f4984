//! F3: intent. Stub.
pub mod model;
pub mod secret;

//! F2: judging replies. What an upstream says, turned into the vocabulary.

mod decode;
mod rule;
mod translate;

pub use rule::{Rule, StatusSet, Take, When};
pub use translate::{Foreign, translate};

//! F2: judging replies. What an upstream says, turned into the vocabulary.

mod decode;
pub mod graphql;
mod grpc;
mod kept;
mod rule;
mod said;
mod text;
mod translate;
mod wait;

pub use decode::{StreamDecoder, decode};
pub use grpc::call_code;
pub use rule::{Rule, StatusSet, Take, When};
pub use text::presentable;
pub use translate::{Foreign, no_reply, root_errors, ruled, translate, worst};

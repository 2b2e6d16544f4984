//! `[route.grpc]`.

use super::{Default, Key, Kind, Shape};

pub(super) static GRPC: Shape = Shape::of(&[Key::new(
    "message",
    Kind::Size { least: 1, most: 1 << 30 },
    Default::Value("\"4MiB\""),
    "bytes of a message that a client sends; their number is not bounded, nor is the whole body",
)
.also(&["max_message", "max_message_size", "limit"])]);

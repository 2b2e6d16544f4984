//! `[[route]] compress`.

use super::{Default, Key, Kind, Shape, format};

pub(super) const COMPRESS: Key = Key::new(
    "compress",
    Kind::Either(&EITHER),
    Default::None("bodies go as they come"),
    "whether replies are compressed (zstd, br, gzip) for clients that take it; true, or a table",
)
.also(&["compression", "gzip", "brotli", "encode"])
.example("true");

static EITHER: [Kind; 2] = [Kind::Bool, Kind::Table(&COMPRESSION)];

static COMPRESSION: Shape = Shape::of(&[
    Key::new(
        "min_size",
        Kind::Size { least: 0, most: 1 << 30 },
        Default::Value("\"1KiB\""),
        "bodies that say they are smaller stay as they are",
    )
    .also(&["min_length", "minimum", "minimum_length", "threshold"]),
    Key::new(
        "types",
        Kind::List { of: &Kind::Text(&format::MEDIA_PATTERN), least: 1 },
        Default::Value(
            "[\"text/*\", \"application/json\", \"*+json\", \"application/xml\", \"*+xml\", \
             \"application/javascript\", \"application/wasm\"]",
        ),
        "types of bodies that are worth it",
    )
    .also(&["content_types", "mime_types", "match"]),
]);

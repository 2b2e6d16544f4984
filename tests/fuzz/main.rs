//! Fuzz targets that stand on the crate's public parsers. Those of what is private (`guard`,
//! `proxy_protocol`) are unit tests beside it. `corpus` drives them all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a test binary"
)]

mod chunks;
mod config;
mod corpus;
mod path;
mod prefer;
mod trace;

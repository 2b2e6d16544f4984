//! HTTP/2 clients that mean harm. A binary of its own, so that memory can be measured: the attacks
//! take turns, and nothing else runs in the process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "a test binary; the rig is wider than today's tests"
)]

mod blocks;
mod downgrade;
mod floods;
mod honest;
mod leaks;
mod resets;
#[path = "../it/rig/mod.rs"]
mod rig;
mod stalls;
mod time_limits;

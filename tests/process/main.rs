//! What only a whole process can show: that descriptors, connections and memory come back to where
//! they were, and that nothing spins. A binary of its own whose tests take turns, so that whatever
//! is measured belongs to the one test that runs.

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

mod boards;
mod budget;
mod changes;
mod control;
mod daemon;
mod descriptors;
mod drains;
mod half_close;
mod leaks;
mod load;
mod measure;
mod memory;
mod memory_budget;
mod own_process;
mod presence;
mod reload;
#[path = "../it/rig/mod.rs"]
mod rig;
mod supervisor;
mod verbs;

//! The rig: a scripted origin, guichet in process on port 0, raw and polite clients, goldens.
//! A test is four sentences: an origin, a gateway, a client, an assertion.

pub mod callers;
pub mod client;
pub mod frame_origin;
pub mod frames;
pub mod gateway;
pub mod golden;
pub mod grpc;
pub mod h2;
pub mod http;
pub mod mortal;
pub mod origin;
pub mod store;
pub mod tls;
pub mod tokens;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The longest that any test waits for anything. Nothing that works comes near it.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Polls until `probe` finds something, or fails the test.
#[track_caller]
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs every case of a table to its end and fails with the names of those that failed.
#[track_caller]
pub fn each<T>(cases: &[T], name: impl Fn(&T) -> String, check: impl Fn(&T)) {
    let failed: Vec<String> = cases
        .iter()
        .filter(|case| {
            println!("case: {}", name(case));
            let start = Instant::now();
            let failed = catch_unwind(AssertUnwindSafe(|| check(case))).is_err();
            println!("  {:?}", start.elapsed());
            failed
        })
        .map(&name)
        .collect();
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), cases.len());
}

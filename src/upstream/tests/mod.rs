//! Tests on real loopback sockets, against an origin that does exactly what a script says.

mod answers;
mod balancing;
mod bodies;
mod breaking;
mod breaking_off;
mod connecting;
mod deadlines;
mod draining;
mod ejection;
mod http2;
mod origin;
mod probing;
mod retries;
mod reuse;
pub(super) mod rig;
mod secure;
mod silence;
mod tunnels;
mod uploads;

use std::time::Duration;

/// Runs one test on a runtime like a worker's, with an end to all patience.
fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(20), test).await };
    runtime.block_on(limited).expect("the test hangs")
}

/// The same on a clock that only moves when nobody has anything to do. It would jump past what sockets
/// bring, so it is for those that bring nothing.
fn run_paused<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap();
    runtime.block_on(test)
}

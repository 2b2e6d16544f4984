//! Runs hyper's HTTP/2 tasks on the worker's own thread.

use std::future::Future;

use hyper::rt::Executor;

/// Spawns onto the runtime of this thread: nothing here is `Send`, nothing needs to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local;

impl<F: Future<Output: 'static> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

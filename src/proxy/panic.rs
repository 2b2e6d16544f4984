//! A panic in one exchange is that exchange's problem: it becomes a ServerError, the worker lives.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use crate::problem::{Cause, Problem};

/// Drives a future and turns a panic in it into [`Cause::Panic`].
pub(super) async fn caught<T>(
    future: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // What the future leaves behind half done is dropped with it: after a panic only the
        // exchange is read, and every field of it is whole between two statements.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(payload) => Poll::Ready(Err(problem(payload.as_ref()))),
        }
    })
    .await
}

fn problem(payload: &(dyn std::any::Any + Send)) -> Problem {
    let words = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    Problem::new(Cause::Panic).with_detail(words).closing()
}

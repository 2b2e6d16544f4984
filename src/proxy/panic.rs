//! A panic in one exchange is that exchange's problem: it becomes a ServerError, the worker lives.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::problem::{Cause, Problem};

/// Polls a future and turns a panic in it into [`Cause::Panic`].
///
/// A function and not a future of its own: an async function would keep what it drives twice, once
/// as its argument and once pinned, and the exchange's future is moved for every request.
pub(super) fn poll<T>(
    future: Pin<&mut impl Future<Output = Result<T, Problem>>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Problem>> {
    // What the future leaves behind half done is dropped with it: after a panic only the
    // exchange is read, and every field of it is whole between two statements.
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Ok(poll) => poll,
        Err(payload) => Poll::Ready(Err(problem(payload.as_ref()))),
    }
}

fn problem(payload: &(dyn std::any::Any + Send)) -> Problem {
    let words = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without words");
    Problem::new(Cause::Panic).with_detail(words).closing()
}

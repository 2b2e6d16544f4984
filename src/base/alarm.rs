//! An alarm that is set far more often than it rings.
//!
//! Nearly every deadline is met, so setting one must cost next to nothing: the runtime's timer is
//! left where it is as long as it rings early enough, and only moved on when it does ring, or when
//! somebody who comes seldom asks for that. An alarm lives as long as its connection; the exchanges on
//! it set it in turn.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};

use super::clock::Instant;

/// A timer that is allocated once and set by whoever waits.
#[derive(Debug, Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when `deadline` has passed; else this task is woken then, or earlier for nothing.
    pub fn poll_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    /// Does not ring before `deadline`, unless it is set for earlier.
    pub fn put_off(&mut self, deadline: Instant) {
        if let Some(sleep) = &mut self.0
            && sleep.deadline() < deadline
        {
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;
    use crate::base::clock;

    #[tokio::test(start_paused = true)]
    async fn it_rings_at_the_deadline_that_was_set_last() {
        let mut alarm = Alarm::default();
        let start = clock::now();
        let second = |seconds| start + Duration::from_secs(seconds);
        for (set, then) in [(1, 5), (9, 7), (12, 30)] {
            let _ = poll_fn(|cx| Poll::Ready(alarm.poll_until(second(set), cx))).await;
            poll_fn(|cx| alarm.poll_until(second(then), cx)).await;
            assert_eq!((clock::now() - start).as_secs(), then);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_rings_at_once() {
        let mut alarm = Alarm::default();
        let start = clock::now();
        poll_fn(|cx| alarm.poll_until(start, cx)).await;
        poll_fn(|cx| alarm.poll_until(start, cx)).await;
        assert!((clock::now() - start).as_millis() <= 1);
    }
}

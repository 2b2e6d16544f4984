//! An alarm that is set far more often than it rings.
//!
//! Nearly every deadline is met, so setting one must cost next to nothing: the runtime's timer is
//! left where it is as long as it rings early enough, and moved on when it does ring, or once a second.
//! An alarm lives as long as its connection; the exchanges on it set it in turn.
//!
//! Once a second, because of slow clients: thousands that send a byte every few seconds would have
//! thousands of timers ring for nothing, each of which finds its connection cold.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Sleep, sleep_until};

use super::clock::{self, Instant};

/// A timer that is allocated once and set by whoever waits.
#[derive(Debug, Default)]
pub struct Alarm(Option<Set>);

#[derive(Debug)]
struct Set {
    sleep: Pin<Box<Sleep>>,
    /// When the runtime's timer was moved last.
    since: Instant,
}

impl Alarm {
    /// Ready when `deadline` has passed; else this task is woken then, or earlier for nothing.
    pub fn poll_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let set = self.0.get_or_insert_with(|| Set {
            sleep: Box::pin(sleep_until(deadline)),
            since: clock::now(),
        });
        let rings = set.sleep.deadline();
        // In this order: the clock is asked only where the timer would be moved by far.
        if rings > deadline || rings + FAR <= deadline && set.since + FAR <= clock::now() {
            set.move_to(deadline);
        }
        while set.sleep.as_mut().poll(cx).is_ready() {
            if set.sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            set.move_to(deadline);
        }
        Poll::Pending
    }
}

impl Set {
    fn move_to(&mut self, deadline: Instant) {
        self.sleep.as_mut().reset(deadline);
        self.since = clock::now();
    }
}

/// How far a timer is moved, and how long it has stood, where it is moved before it rings.
const FAR: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::task::{Wake, Waker};
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
    async fn a_long_deadline_that_is_met_again_and_again_rings_for_nothing_not_once() {
        for every in [100, 5000] {
            let (mut alarm, start) = (Alarm::default(), clock::now());
            let rung = Rung::default();
            let waker = Waker::from(Arc::new(rung.clone()));
            let mut cx = Context::from_waker(&waker);
            while (clock::now() - start).as_secs() < 30 {
                let deadline = clock::now() + Duration::from_secs(10);
                assert!(alarm.poll_until(deadline, &mut cx).is_pending());
                tokio::time::advance(Duration::from_millis(every)).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(rung.0.load(Relaxed), 0, "every {every} ms");
        }
    }

    #[derive(Clone, Default)]
    struct Rung(Arc<AtomicUsize>);

    impl Wake for Rung {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
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

//! One timer of a connection: what it waits for decides when its time is up.

use std::task::{Context, Poll};
use std::time::Duration;

use crate::base::Alarm;
use crate::base::clock::{self, Instant};

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// The next request, of a client that has only just been served, or has only just come.
    Fresh,
    /// The next request.
    Idle,
    /// The rest of a head.
    Head,
    /// More of a body, or room for more of a reply.
    Body,
    /// A reply, on behalf of a client that may have left.
    Reply,
    /// A reply that will mostly be there before anybody has to be asked whether its client still is.
    Soon,
}

/// How often a worker looks after what has no timer of its own. Whatever rings later than that from
/// now is never the next to ring, so that setting it does not have to wake the runtime's driver.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// A deadline that can be set, moved and forgotten cheaply.
#[derive(Debug, Default)]
pub(super) struct Timer {
    armed: Option<(Wait, Instant)>,
    alarm: Alarm,
    /// When the alarm was put off last.
    put_off: Option<Instant>,
}

impl Timer {
    /// Forgets the deadline.
    pub(super) fn disarm(&mut self) {
        self.armed = None;
    }

    /// Sets the deadline, unless one is set already for the same wait: then the wait is not new, and
    /// there is no time at which it began just now.
    pub(super) fn arm(&mut self, wait: Wait, after: Duration) -> Option<Instant> {
        if self.is_for(wait) {
            return None;
        }
        let now = clock::now();
        let deadline = now + after;
        self.armed = Some((wait, deadline));
        if self.put_off.is_none_or(|last| now.duration_since(last) >= SELDOM) {
            self.put_off_alarm(now, deadline);
        }
        Some(now)
    }

    /// A client that sends a byte every few seconds would have an alarm ring for nothing each time, and
    /// thousands of them thousands, each of which finds its connection cold.
    #[cold]
    fn put_off_alarm(&mut self, now: Instant, deadline: Instant) {
        self.put_off = Some(now);
        self.alarm.put_off(deadline);
    }

    /// Whether it is for this that the deadline is set.
    pub(super) fn is_for(&self, wait: Wait) -> bool {
        matches!(self.armed, Some((known, _)) if known == wait)
    }

    /// Ready when the deadline has passed; else this task is woken when it does.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some((_, deadline)) = self.armed else { return Poll::Pending };
        self.alarm.poll_until(deadline, cx)
    }
}

/// How often an alarm is put off at most: to move it costs more than most exchanges may.
const SELDOM: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;
    use std::task::{Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Rung(AtomicUsize);

    impl Wake for Rung {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_ends_in_time_again_and_again_rings_for_nothing_not_once() {
        for every in [100, 5000] {
            let (mut timer, start, rung) =
                (Timer::default(), clock::now(), Arc::new(Rung::default()));
            let waker = Waker::from(Arc::clone(&rung));
            while (clock::now() - start).as_secs() < 30 {
                timer.disarm();
                timer.arm(Wait::Body, Duration::from_secs(10));
                assert!(timer.poll(&mut Context::from_waker(&waker)).is_pending());
                tokio::time::advance(Duration::from_millis(every)).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(rung.0.load(Relaxed), 0, "every {every} ms");
        }
    }
}

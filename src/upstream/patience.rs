//! How long a call waits for the head of its answer, and for what.
//!
//! One timer for an attempt. It never rings early: each time it does, the state of the upload says
//! what the limit is by then.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::error::Kind;
use super::upload::{State, Upload};
use crate::base::{Alarm, clock};

/// The limits of one attempt.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// The end of the whole exchange.
    pub(super) deadline: Instant,
    /// When the request was handed over.
    pub(super) since: Instant,
    /// The time for the head, once the request is out.
    pub(super) first_byte: Duration,
    /// The time that the upstream may leave a body untaken.
    pub(super) idle: Duration,
}

/// Why waiting ended without an answer.
pub(super) enum Lost<E> {
    /// The connection failed.
    Failed(E),
    /// Something took too long.
    GaveUp(Kind),
}

impl Patience {
    /// When to look for the first time.
    pub(super) fn first(&self) -> Instant {
        self.deadline.min(self.since + self.shortest())
    }

    /// Ready with the limit that has passed. `next` is when to look again, [`Self::first`] to begin
    /// with.
    pub(super) fn poll(
        &self,
        cx: &mut Context<'_>,
        alarm: &mut Alarm,
        next: &mut Instant,
        upload: Option<&Upload>,
    ) -> Poll<Kind> {
        while alarm.poll_until(*next, cx).is_ready() {
            let upload = upload.map(|upload| (upload.state(), upload.last()));
            match self.judge(clock::now(), upload) {
                Ok(later) => *next = later,
                Err(kind) => return Poll::Ready(kind),
            }
        }
        Poll::Pending
    }

    /// When to look again, or which limit has passed.
    fn judge(&self, now: Instant, upload: Option<(State, Instant)>) -> Result<Instant, Kind> {
        if now >= self.deadline {
            return Err(Kind::TotalTimeout);
        }
        let (limit, kind) = match upload {
            None => (self.since + self.first_byte, Kind::FirstByteTimeout),
            Some((State::Done, last)) => (last + self.first_byte, Kind::FirstByteTimeout),
            Some((State::Upstream, last)) => (last + self.idle, Kind::IdleTimeout),
            // The client is slow, and has a limit of its own elsewhere.
            Some((State::Client, _)) => (self.deadline, Kind::TotalTimeout),
        };
        if limit <= now {
            return Err(kind);
        }
        // The upload may end or be stuck meanwhile, and then its time begins: never sleep longer
        // than that.
        let sleep = if upload.is_some() { self.shortest() } else { self.first_byte };
        Ok(limit.min(self.deadline).min(now + sleep).max(now + SHORTEST))
    }

    /// The shorter of the two times that can begin while nobody looks.
    fn shortest(&self) -> Duration {
        self.first_byte.min(self.idle)
    }
}

/// The timer's own grain; looking more often would be spinning.
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(at: u64, upload: Option<(State, u64)>) -> Result<u64, Kind> {
        let zero = clock::now();
        let second = |seconds| zero + Duration::from_secs(seconds);
        let patience = Patience {
            deadline: second(60),
            since: zero,
            first_byte: Duration::from_secs(10),
            idle: Duration::from_secs(30),
        };
        let upload = upload.map(|(state, last)| (state, second(last)));
        patience.judge(second(at), upload).map(|next| (next - zero).as_secs())
    }

    #[test]
    fn without_a_body_the_head_has_its_time_from_the_start() {
        assert_eq!(judge(9, None), Ok(10));
        assert_eq!(judge(10, None), Err(Kind::FirstByteTimeout));
    }

    #[test]
    fn with_a_body_the_head_has_its_time_from_the_bodys_end() {
        assert_eq!(judge(12, Some((State::Done, 5))), Ok(15));
        assert_eq!(judge(15, Some((State::Done, 5))), Err(Kind::FirstByteTimeout));
    }

    #[test]
    fn a_body_that_is_not_taken_is_noticed_before_the_heads_time() {
        let zero = clock::now();
        let second = |seconds| zero + Duration::from_secs(seconds);
        let patience = Patience {
            deadline: second(60),
            since: zero,
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(2),
        };
        assert_eq!(patience.first(), second(2));
        let judge = |at, upload| patience.judge(second(at), upload).map_err(|_| "over");
        assert_eq!(judge(2, Some((State::Client, zero))), Ok(second(4)));
        assert_eq!(judge(2, Some((State::Upstream, zero))), Err("over"));
        assert_eq!(judge(2, None), Ok(second(30)));
    }

    #[test]
    fn a_body_that_is_not_taken_has_the_idle_time() {
        assert_eq!(judge(20, Some((State::Upstream, 1))), Ok(30), "looks again before 31");
        assert_eq!(judge(30, Some((State::Upstream, 1))), Ok(31));
        assert_eq!(judge(31, Some((State::Upstream, 1))), Err(Kind::IdleTimeout));
    }

    #[test]
    fn a_slow_client_is_only_bounded_by_the_whole() {
        assert_eq!(judge(45, Some((State::Client, 1))), Ok(55));
        assert_eq!(judge(55, Some((State::Client, 1))), Ok(60));
        assert_eq!(judge(60, Some((State::Client, 59))), Err(Kind::TotalTimeout));
    }
}

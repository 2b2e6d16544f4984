//! How long a call waits for the head of its answer, and for what.
//!
//! One timer for an attempt. It never rings early: each time it does, the state of the upload says
//! what the limit is by then.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::{Instant, sleep_until};

use super::error::Kind;
use super::upload::{Outgoing, State, Upload};
use crate::base::clock;

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
pub(super) enum Lost {
    /// The connection failed.
    Failed(Box<TrySendError<Request<Outgoing>>>),
    /// Something took too long.
    GaveUp(Kind),
}

impl Patience {
    /// Waits for the answer.
    pub(super) async fn wait<F>(
        self,
        answer: F,
        upload: Option<&Upload>,
    ) -> Result<Response<Incoming>, Lost>
    where
        F: Future<Output = Result<Response<Incoming>, TrySendError<Request<Outgoing>>>>,
    {
        let mut answer = pin!(answer);
        let mut timer = pin!(sleep_until(self.deadline.min(self.since + self.first_byte)));
        poll_fn(|cx| {
            if let Poll::Ready(answered) = answer.as_mut().poll(cx) {
                return Poll::Ready(answered.map_err(|failure| Lost::Failed(Box::new(failure))));
            }
            while timer.as_mut().poll(cx).is_ready() {
                match self.judge(clock::now(), upload.map(|upload| (upload.state(), upload.last())))
                {
                    Ok(next) => timer.as_mut().reset(next),
                    Err(kind) => return Poll::Ready(Err(Lost::GaveUp(kind))),
                }
            }
            Poll::Pending
        })
        .await
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
        // The upload may end meanwhile, and then its time begins: never sleep longer than that.
        Ok(limit.min(self.deadline).min(now + self.first_byte).max(now + SHORTEST))
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

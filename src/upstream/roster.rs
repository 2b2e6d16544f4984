//! Which endpoints this worker may choose, and what it has seen of them lately.
//!
//! The board says who is out; the balancer is told when that changes, and a request that goes well
//! only compares one number. What counts as a failure of an endpoint is said here, for ejection and
//! breaker alike: not being reached, not answering, answering what is no HTTP, and the three statuses
//! by which a server says that it cannot serve (502, 503, 504; for gRPC UNAVAILABLE, and DEADLINE_EXCEEDED
//! where no client was in a hurry); and, after a good head, an answer that breaks off. A 500 is none: it is the bug of one
//! page more often than the state of a server, and whoever finds such a page could take the servers
//! out one by one. What the client caused is never one.

use std::cell::Cell;
use std::sync::Arc;

use http::StatusCode;
use tokio::time::Instant;

use super::balance::{Balancer, WHOLE};
use super::endpoint::Row;
use super::error::{Kind, Sent, Stage, UpstreamError};
use super::health::Board;
use crate::base::grpc::GrpcStatus;
use crate::base::quantity::format_duration;
use crate::config::model::{self, Eject};
use crate::observe::log;

/// What this worker knows of the endpoints of one upstream.
pub(super) struct Roster {
    board: Arc<Board>,
    /// Which of its workers this is.
    worker: usize,
    eject: Option<Eject>,
    /// In milliseconds.
    slow_start: u64,
    streaks: Box<[Streak]>,
    /// Of answers that broke off: a head that comes well says nothing of what follows it, so that
    /// only an answer that comes whole ends this one.
    breaks: Box<[Streak]>,
    /// The board as it was when the endpoints were weighed last.
    seen: Cell<u64>,
    /// When to weigh them again though nothing changes before; never where time changes nothing.
    until: Cell<Option<Instant>>,
}

/// How an attempt ended for its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// It served.
    Well,
    /// It failed.
    Badly,
    /// Nobody can tell from this.
    Unknown,
}

/// Failures in a row.
#[derive(Default)]
struct Streak {
    count: Cell<u32>,
    since: Cell<Option<Instant>>,
    /// The end of the ejection that is accounted for.
    served: Cell<u64>,
}

impl Roster {
    /// A roster of all. Where the upstream has no rule that could take one out, somebody may still
    /// do so by hand.
    pub(super) fn new(upstream: &model::Upstream, board: &Arc<Board>, worker: usize) -> Self {
        Self {
            board: Arc::clone(board),
            worker,
            eject: upstream.eject,
            slow_start: u64::try_from(upstream.slow_start.as_millis()).unwrap_or(u64::MAX >> 8),
            streaks: upstream.endpoints.iter().map(|_| Streak::default()).collect(),
            breaks: upstream.endpoints.iter().map(|_| Streak::default()).collect(),
            seen: Cell::new(u64::MAX),
            until: Cell::new(None),
        }
    }

    /// Tells the balancer who may be chosen, if that has changed.
    #[inline]
    pub(super) fn consult(&self, now: Instant, balancer: &Balancer) {
        let changes = self.board.changes();
        let is_due = self.until.get().is_some_and(|until| now >= until);
        if changes != self.seen.get() || is_due {
            self.seen.set(changes);
            self.weigh(now, balancer);
        }
    }

    #[cold]
    fn weigh(&self, now: Instant, balancer: &Balancer) {
        let millis = self.board.millis(now);
        let up = |place: usize| !self.board.is_down(place) && !self.board.is_drained(place);
        let served = |place| self.board.out_until(place) <= millis;
        let places = 0..self.streaks.len();
        // Where the only ones left are out, they are better than nobody: what clients see of them
        // is an opinion, what their probes say is an order, and so is what somebody says.
        let lenient = !places.clone().any(|place| up(place) && served(place));
        let warmth = |place| self.warmth(place, millis);
        balancer.weigh(|place| {
            let eligible = up(place) && (lenient || served(place));
            if eligible { warmth(place) } else { 0 }
        });
        let back = places.clone().map(|place| self.board.out_until(place));
        let back = back.filter(|until| *until > millis);
        let warmer = places.filter(|place| warmth(*place) < WHOLE);
        let warmer = warmer.map(|_| millis + (self.slow_start / u64::from(WHOLE)).max(1));
        let next = back.chain(warmer).min();
        self.until.set(next.map(|next| self.board.instant(next)));
    }

    /// The part of its share that an endpoint gets so long after it came back.
    fn warmth(&self, place: usize, now: u64) -> u32 {
        let since = self.board.back_since(place);
        let age = now.saturating_sub(since);
        if since == 0 || age >= self.slow_start {
            return WHOLE;
        }
        let part = age * u64::from(WHOLE) / self.slow_start.max(1);
        u32::try_from(part).unwrap_or(WHOLE).max(1)
    }

    /// The failure where nobody may be chosen.
    pub(super) fn nobody(&self, now: Instant) -> UpstreamError {
        if self.board.is_all_drained() {
            return UpstreamError::unsent(Stage::Resolve, Kind::AllDrained)
                .with_detail("all endpoints are drained by hand");
        }
        let mut error = UpstreamError::unsent(Stage::Resolve, Kind::NoneHealthy)
            .with_detail("all endpoints are down");
        error.wait = self.board.wait(now);
        error
    }

    /// Tells the board how busy this worker keeps an endpoint; whether that one is drained.
    pub(super) fn report(&self, place: usize, busy: u32) -> bool {
        self.board.set_busy(place, self.worker, busy);
        self.board.is_drained(place)
    }

    /// Notes how an attempt at an endpoint ended.
    pub(super) fn note(&self, place: usize, conduct: Conduct, now: Instant) {
        let Some(rule) = &self.eject else { return };
        match conduct {
            Conduct::Well => self.streaks[place].end(self.board.out_until(place)),
            Conduct::Badly => self.failed(rule, &self.streaks[place], place, now),
            Conduct::Unknown => {}
        }
    }

    /// Notes that an answer of an endpoint broke off.
    pub(super) fn note_break(&self, place: usize, row: Row, now: Instant) {
        let Some(rule) = &self.eject else { return };
        let streak = &self.breaks[place];
        if row == Row::Ended {
            streak.end(self.board.out_until(place));
        }
        self.failed(rule, streak, place, now);
    }

    fn failed(&self, rule: &Eject, streak: &Streak, place: usize, now: Instant) {
        let out_until = self.board.out_until(place);
        if out_until > self.board.millis(now) {
            // A request from before it was taken out.
            return;
        }
        if streak.extend(rule, out_until, now) < rule.failures {
            return;
        }
        if let Some(out) = self.board.eject(place, rule, now) {
            let (upstream, url) = (self.board.name(), self.board.url(place));
            let out = format_duration(out);
            log::warn(
                "eject",
                format_args!("upstream {upstream}: {url} fails again and again: out for {out}"),
            );
        }
    }
}

impl Streak {
    /// A success.
    fn end(&self, out_until: u64) {
        self.count.set(0);
        self.served.set(out_until);
    }

    /// A failure; how many it makes in a row. The first one after an ejection is enough for the
    /// next: an endpoint that comes back has to show itself first.
    fn extend(&self, rule: &Eject, out_until: u64, now: Instant) -> u32 {
        if self.served.replace(out_until) != out_until {
            self.since.set(Some(now));
            self.count.set(rule.failures);
            return rule.failures;
        }
        let old = |since| now.saturating_duration_since(since) > rule.over;
        if self.count.get() == 0 || self.since.get().is_none_or(old) {
            self.since.set(Some(now));
            self.count.set(0);
        }
        self.count.set(self.count.get().saturating_add(1));
        self.count.get()
    }
}

impl Conduct {
    /// By the status of an answer.
    pub(super) fn of_answer(status: StatusCode) -> Self {
        match status {
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Self::Badly,
            _ => Self::Well,
        }
    }

    /// By the status with which a gRPC call failed, in the head of its answer or in the trailers;
    /// `hurried` says that the client has set it a time.
    pub(super) fn of_call(status: GrpcStatus, hurried: bool) -> Self {
        match status {
            GrpcStatus::Unavailable => Self::Badly,
            // Whose time it was that ran out, or who gave up, does not stand there.
            GrpcStatus::Cancelled => Self::Unknown,
            GrpcStatus::DeadlineExceeded if hurried => Self::Unknown,
            GrpcStatus::DeadlineExceeded => Self::Badly,
            GrpcStatus::Ok
            | GrpcStatus::Unknown
            | GrpcStatus::InvalidArgument
            | GrpcStatus::NotFound
            | GrpcStatus::AlreadyExists
            | GrpcStatus::PermissionDenied
            | GrpcStatus::ResourceExhausted
            | GrpcStatus::FailedPrecondition
            | GrpcStatus::Aborted
            | GrpcStatus::OutOfRange
            | GrpcStatus::Unimplemented
            | GrpcStatus::Internal
            | GrpcStatus::DataLoss
            | GrpcStatus::Unauthenticated => Self::Well,
        }
    }

    /// By the failure of an attempt.
    pub(super) fn of_error(error: &UpstreamError) -> Self {
        // The upstream says that it did not look at it: it goes away in good order.
        if error.kind == Kind::Reset && error.sent == Sent::Nothing {
            return Self::Unknown;
        }
        Self::of_failure(error.kind)
    }

    /// By what went wrong with an attempt, or with the answer after its head.
    pub(super) fn of_failure(kind: Kind) -> Self {
        match kind {
            Kind::Dns
            | Kind::Refused
            | Kind::Unreachable
            | Kind::ConnectTimeout
            | Kind::TlsExpired
            | Kind::TlsUntrusted
            | Kind::TlsName
            | Kind::TlsHandshake
            | Kind::ProtocolMismatch
            | Kind::Reset
            | Kind::Truncated
            | Kind::BadResponse
            | Kind::FirstByteTimeout
            | Kind::IdleTimeout => Self::Badly,
            // Ends of all time come from the route or the client, sizes and switches from what was
            // asked, and the rest is our own.
            Kind::TotalTimeout
            | Kind::HeadLimit
            | Kind::BadUpgrade
            | Kind::NoDescriptor
            | Kind::NoneHealthy
            | Kind::AllDrained
            | Kind::BreakerOpen
            | Kind::Upload(_) => Self::Unknown,
        }
    }
}

//! gRPC on the way through: what is no gRPC answer, what has none to give, and what is told where an
//! answer ends without a status.

use std::time::Duration;

use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::exchange::Exchange;
use super::stream::Watched;
use super::{Gateway, headers};
use crate::base::body::Meter;
use crate::base::clock::{self, Instant};
use crate::base::grpc::{self, GrpcStatus, Speech};
use crate::config::model::{GrpcRule, Normalise, Route};
use crate::problem::{Cause, Problem};
use crate::upstream::GRPC_TIMEOUT;

/// Whether this is the head of a gRPC answer.
pub(super) fn answers(status: StatusCode, headers: &HeaderMap) -> bool {
    let is_spoken = |headers: &HeaderMap| {
        let kind = headers.get(header::CONTENT_TYPE)?;
        Speech::of(kind.as_bytes())
    };
    // A status in the head is the whole answer; some servers leave the type of nothing out.
    status == StatusCode::OK
        && (is_spoken(headers).is_some() || GrpcStatus::told(headers).is_some())
}

/// When a client stops waiting for a call that began then, if it says so. A time that cannot be read is none:
/// whether it is a mistake the service may say.
#[cold]
pub(super) fn deadline(headers: &HeaderMap, began: Instant) -> Option<Instant> {
    let time = grpc::parse_timeout(headers.get(GRPC_TIMEOUT)?.as_bytes())?;
    // What lies beyond the end of the clock is no limit.
    began.checked_add(time)
}

/// The answer of a service whose head says in gRPC's terms how the call failed, beside an error of HTTP's
/// (http-grpc-status-mapping: a status of gRPC's own counts). Some clients look at HTTP's first, so that it
/// is made one of gRPC's own answers; whatever body came with it is nothing to them.
pub(super) fn trailers_only(mut head: Parts, speech: Speech) -> Response<Watched> {
    head.status = StatusCode::OK;
    headers::inbound(&mut head.headers);
    for name in [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::TRAILER] {
        head.headers.remove(name);
    }
    let kind = HeaderValue::from_static(speech.content_type());
    head.headers.insert(header::CONTENT_TYPE, kind);
    Response::from_parts(head, Watched::empty())
}

/// Refuses a gRPC call of what answers in HTTP alone, before anything is done: whatever came of that, its
/// client could not read it.
///
/// # Errors
/// UNIMPLEMENTED.
#[inline(never)]
pub(super) fn must_be_answerable(speech: Option<Speech>) -> Result<(), Problem> {
    if speech.is_none() {
        return Ok(());
    }
    let refused = Problem::new(Cause::MediaType).with_grpc(GrpcStatus::Unimplemented).closing();
    Err(refused.with_detail("a gRPC call of what answers in HTTP alone"))
}

impl Gateway {
    /// Judges the head of an answer to a gRPC call that HTTP takes for a success: a page, a
    /// redirect. To its client it would be no answer at all.
    ///
    /// # Errors
    /// What it gets instead.
    #[cold]
    pub(super) fn judge_grpc<B>(
        &self,
        exchange: &mut Exchange,
        route: &Route,
        response: &Response<B>,
    ) -> Result<(), Problem> {
        if route.normalise == Normalise::Off || answers(response.status(), response.headers()) {
            return Ok(());
        }
        let kind = response.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("no content-type");
        let status = response.status().as_u16();
        let problem = Problem::new(Cause::BadResponse)
            .with_detail(format_args!("a gRPC call was answered with status {status}, {kind}"));
        if route.normalise == Normalise::On {
            return Err(problem);
        }
        exchange.record.would_change = Some(problem.code());
        Ok(())
    }
}

impl Exchange {
    /// When a client that tries again by itself should do so (gRFC A6): it knows nothing of `retry-after`.
    /// Where its call would be over by then it should not, since the end of its time is all that it would
    /// be told.
    #[cold]
    pub(super) fn pushback(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        if self.speech != Some(Speech::Native) {
            return None;
        }
        let seconds: u64 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
        let now = clock::now();
        let end = self.call_ends.unwrap_or(now + LONGEST_PUSHBACK);
        let waits = now.checked_add(Duration::from_secs(seconds)).is_some_and(|again| again <= end);
        let never = HeaderValue::from_static("-1");
        Some(if waits { HeaderValue::from(seconds.saturating_mul(1000)) } else { never })
    }

    /// Refuses what is no gRPC call, in the terms of HTTP: gRPC's own 200 would look like a success to
    /// who does not speak it (gRPC over HTTP/2, "Requests").
    ///
    /// # Errors
    /// 415; the connection closes, since the body stays unread.
    pub(super) fn must_speak_grpc(&self) -> Result<(), Problem> {
        if self.speech.is_some() {
            return Ok(());
        }
        let accepts = HeaderName::from_static("accept-post");
        let kinds = HeaderValue::from_static("application/grpc, application/grpc-web");
        Err(Problem::new(Cause::MediaType).with_header(accepts, kinds).closing())
    }

    /// The meter of the client's side of a call. A stream of messages may be of any length, so that each
    /// of them is bounded in its place. In base64 they cannot be seen; browsers, which speak it, do not
    /// stream what they send.
    #[inline(never)]
    pub(super) fn call_meter(&self, rule: &GrpcRule) -> Meter {
        match self.speech {
            Some(Speech::Native | Speech::Web) => Meter::of_messages(rule.message),
            Some(Speech::WebText) | None => Meter::default(),
        }
    }
}

/// The longest that a client without a time of its own is asked to wait within its call.
const LONGEST_PUSHBACK: Duration = Duration::from_secs(30);

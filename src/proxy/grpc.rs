//! gRPC on the way through: what is no gRPC answer, and what is told where an answer ends without a
//! status.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::Gateway;
use super::exchange::Exchange;
use crate::base::body::Meter;
use crate::base::grpc::{GrpcStatus, Speech};
use crate::config::model::{GrpcRule, Normalise, Route};
use crate::problem::{Cause, Problem};

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

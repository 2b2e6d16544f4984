//! One call: attempts until answered, refused, or out of time.
//!
//! What may be sent twice, and why:
//! - whatever hyper gives back unsent: an HTTP/2 connection was found closed, nobody saw a byte;
//! - whatever HTTP/2 says was not processed: a refused stream, one above the last id of a GOAWAY;
//! - a request without a body and with an idempotent method that met the end of a *kept* connection
//!   before any byte of an answer: the upstream closed it as we wrote (RFC 9112, section 9.3.1).
//!
//! The last two happen at most once for a call. A failure to connect goes on to another endpoint.
//! All else is reported.

use std::rc::Rc;

use http::request::Parts;
use http::{Method, Response};
use http_body::Body as _;

use super::acquire::{Hold, Limits, acquire};
use super::check::Asked;
use super::connect::Want;
use super::endpoint::{Endpoint, Seat};
use super::error::{Kind, Sent, Stage, UpstreamError, retryable};
use super::pool::Trust;
use super::stream::{Facts, Source, Stream};
use super::tunnel::Tunnel;
use super::upload::{Outgoing, State, Upload};
use super::{CallOptions, Tally, Upgrade, Upstream};
use crate::base::{Body, clock};

/// A call under way.
pub(super) struct Call<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) options: &'a CallOptions<'a>,
    tally: &'a mut Tally,
    asked: Option<Asked>,
    pub(super) head: &'a mut Parts,
    /// Given to the connection that carries it.
    pub(super) body: Outgoing,
    pub(super) upload: Option<Rc<Upload>>,
    /// The method is idempotent.
    pub(super) harmless: bool,
    /// There is no body.
    pub(super) bodiless: bool,
    /// The one repeat is used up.
    pub(super) repeated: bool,
}

/// An attempt that failed, and where the request may go next.
pub(super) struct Setback {
    pub(super) error: UpstreamError,
    pub(super) again: Again,
}

/// Where a request goes after a setback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// To the same endpoint, over another connection: it was not the endpoint's failure.
    Here,
    /// To another endpoint, if there is one.
    Elsewhere,
    /// Nowhere.
    No,
}

impl<'a> Call<'a> {
    /// A call that has not begun.
    pub(super) fn new(
        upstream: &'a Upstream,
        head: &'a mut Parts,
        body: Body,
        options: &'a CallOptions<'a>,
        tally: &'a mut Tally,
    ) -> Self {
        let asked = match options.upgrade {
            Upgrade::No => None,
            Upgrade::Requested(token) => Some(Asked::new(token, &head.headers)),
        };
        let harmless = is_idempotent(&head.method);
        let bodiless = body.is_end_stream();
        let (body, upload) = Outgoing::new(body);
        let repeated = false;
        Self { upstream, options, tally, asked, head, body, upload, harmless, bodiless, repeated }
    }

    /// Calls the upstream: one endpoint after the other, while nothing was sent.
    pub(super) async fn run(&mut self) -> Result<Response<Stream>, UpstreamError> {
        let upstream = self.upstream;
        let mut tried = [0; ENDPOINTS];
        let mut count = 0;
        let mut nameless = true;
        let mut last = None;
        while count < ENDPOINTS {
            let busy = |place: usize| upstream.endpoints[place].busy();
            let Some(place) = upstream.balancer.pick(&tried[..count], busy) else { break };
            tried[count] = place;
            count += 1;
            let Setback { error, again } = match self.attempt(&upstream.endpoints[place]).await {
                Ok(response) => return Ok(response),
                Err(setback) => setback,
            };
            nameless &= error.kind == Kind::Dns;
            if again == Again::No || clock::now() >= self.options.deadline {
                return Err(error);
            }
            last = Some(error);
        }
        match last {
            Some(error) if nameless && count > 1 => {
                Err(UpstreamError { kind: Kind::NoneHealthy, ..error })
            }
            Some(error) => Err(error),
            None => Err(UpstreamError::unsent(Stage::Resolve, Kind::NoneHealthy)),
        }
    }

    /// One endpoint: kept connections first, then a fresh one.
    async fn attempt(&mut self, endpoint: &Rc<Endpoint>) -> Result<Response<Stream>, Setback> {
        self.tally.endpoint = Some(endpoint.id);
        let trust = if self.is_repeatable() && self.harmless { Trust::Known } else { Trust::Asked };
        loop {
            let seat = Seat::take(endpoint);
            let want = match self.asked {
                Some(_) if !endpoint.target.insists_on_http2() => Want::Http1,
                // Where there is only HTTP/2 no upgrade is asked for, which RFC 9110, section 7.8
                // leaves to any recipient.
                Some(_) | None => Want::Usual,
            };
            let limits = Limits {
                now: self.options.started,
                connecting: self.upstream.timeout.connect,
                deadline: self.options.deadline,
            };
            // Once something was sent in vain, the other kept connections are no better.
            let kept = (!self.repeated).then_some(trust);
            let found = acquire(endpoint, want, kept, limits, &mut self.tally.connect).await;
            let (connection, reused) = match found {
                Ok(found) => found,
                Err(mut error) => {
                    error.endpoint = Some(endpoint.id);
                    self.count();
                    return Err(Setback { error, again: Again::Elsewhere });
                }
            };
            self.tally.reused = reused;
            let answer = match connection {
                Hold::Http1(connection) => self.over_http1(seat, connection, reused).await,
                Hold::Http2(share) => self.over_http2(seat, share, reused).await,
            };
            match answer {
                Ok(response) => return Ok(response),
                Err(Setback { again: Again::Here, .. }) => {}
                Err(mut setback) => {
                    setback.error.endpoint = Some(endpoint.id);
                    return Err(setback);
                }
            }
        }
    }

    /// Whether the request could be sent once more without asking anybody for its body.
    pub(super) fn is_repeatable(&self) -> bool {
        self.bodiless && !self.repeated
    }

    /// A 101: what was asked must be confirmed, and the connection becomes a tunnel.
    pub(super) fn switch(
        &self,
        response: Response<()>,
        reused: bool,
        tunnel: impl FnOnce() -> Option<Tunnel>,
    ) -> Result<Response<Stream>, Setback> {
        let refuse = |why| self.refuse(Kind::BadUpgrade, why, reused);
        let asked = self.asked.as_ref().ok_or_else(|| refuse("a 101 that nobody asked for"))?;
        asked.confirm(response.headers()).map_err(refuse)?;
        let tunnel = tunnel().ok_or_else(|| refuse("a 101 over HTTP/2"))?;
        let source = Source::Tunnel(Box::new(tunnel));
        Ok(response.map(|()| Stream::new(source, self.facts(reused), None)))
    }

    /// What the body of the answer needs to know.
    pub(super) fn facts(&self, reused: bool) -> Facts {
        Facts { idle: self.upstream.timeout.idle, reused, harmless: self.harmless }
    }

    /// An answer that is none.
    pub(super) fn refuse(&self, kind: Kind, why: &str, reused: bool) -> Setback {
        let mut error = self.error(kind, Sent::All, reused);
        error.detail = Some(why.into());
        Setback { error, again: Again::No }
    }

    /// A failure after the request was handed to a connection.
    pub(super) fn error(&self, kind: Kind, sent: Sent, reused: bool) -> UpstreamError {
        UpstreamError {
            stage: Stage::Head,
            kind,
            sent,
            reused,
            endpoint: None,
            retryable: retryable(kind, sent, self.harmless),
            detail: None,
        }
    }

    /// Whether the client's body was handed over to its end.
    pub(super) fn is_handed_over(&self) -> bool {
        self.upload.as_ref().is_none_or(|upload| upload.state() == State::Done)
    }

    /// Counts an attempt.
    pub(super) fn count(&mut self) {
        self.tally.attempts = self.tally.attempts.saturating_add(1);
    }
}

/// RFC 9110, section 9.2.2.
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    )
}

/// Endpoints that one call tries at most.
const ENDPOINTS: usize = 3;

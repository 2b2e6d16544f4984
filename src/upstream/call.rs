//! One call: attempts until answered, refused, or out of time.
//!
//! What may be sent twice, and why:
//! - whatever hyper gives back unsent: an HTTP/2 connection was found closed, nobody saw a byte;
//! - whatever HTTP/2 says was not processed: a refused stream, one above the last id of a GOAWAY;
//! - a request with an idempotent method and nothing lost of its body that met the end of a *kept* connection
//!   before any byte of an answer: the upstream closed it as we wrote (RFC 9112, section 9.3.1).
//!
//! The last two happen at most once for a call, and cost nothing. What else is tried again, and
//! where, is the business of `retry`. All else is reported.

use std::rc::Rc;

use http::request::Parts;
use http::{Method, Response};
use http_body::Body as _;
use tokio::time::Instant;

use super::acquire::{Hold, Limits, acquire};
use super::balance::Choice;
use super::breaker::{Pass, Trial};
use super::check::Asked;
use super::connect::Want;
use super::endpoint::{Endpoint, Seat};
use super::error::{Kind, Sent, Stage, UpstreamError, retryable};
use super::pool::Trust;
use super::retry::{Again, Trail};
use super::roster::Conduct;
use super::stream::{Facts, Source, Stream};
use super::tunnel::Tunnel;
use super::upload::{Outgoing, State, Upload};
use super::{CallOptions, Tally, Upgrade, Upstream};
use crate::base::grpc::GrpcStatus;
use crate::base::{Body, Replay, clock};
use crate::observe::Retried;

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
    /// What is kept of the body, where it may be sent again.
    replay: Option<Replay>,
    /// When the attempt under way began.
    began: Instant,
    /// Whether an open breaker closes depends on this call.
    trial: Option<Trial<'a>>,
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

/// What an attempt has come to.
type Outcome = Result<Response<Stream>, Setback>;

impl<'a> Call<'a> {
    /// A call that has not begun.
    pub(super) fn new(
        upstream: &'a Upstream,
        head: &'a mut Parts,
        mut body: Body,
        options: &'a CallOptions<'a>,
        tally: &'a mut Tally,
    ) -> Self {
        let asked = match options.upgrade {
            Upgrade::No => None,
            Upgrade::Requested(token) => Some(Asked::new(token, &head.headers)),
        };
        let harmless = is_idempotent(&head.method);
        let bodiless = body.is_end_stream();
        let mut replay = None;
        if upstream.retry.is_some() && !bodiless && (harmless || upstream.may_speak_http2()) {
            replay = keep(&mut body);
        }
        let (body, upload) = Outgoing::new(body);
        Self {
            upstream,
            options,
            tally,
            asked,
            head,
            body,
            upload,
            replay,
            began: options.started,
            trial: None,
            harmless,
            bodiless,
            repeated: false,
        }
    }

    /// Calls the upstream, and again where that is safe and allowed (`retry`).
    pub(super) async fn run(&mut self) -> Result<Response<Stream>, UpstreamError> {
        let upstream = self.upstream;
        if let Some(retry) = &upstream.retry {
            retry.request_began();
        }
        if let Some(breaker) = &upstream.breaker
            && let Pass::Trial(trial) = breaker.enter(self.options.started)?
        {
            self.trial = Some(trial);
        }
        let place = self.pick(&[], self.options.started).ok_or_else(|| self.nobody())?;
        let persisting = match self.attempt(&upstream.endpoints[place]).await {
            Ok(answer) if !upstream.watched || self.is_served(place, &answer) => return Ok(answer),
            // Boxed, so that calls that go well do not carry the room for another attempt; waited for
            // below, so that they do not carry that for its outcome either.
            outcome => Box::pin(self.persist(place, outcome)),
        };
        persisting.await
    }

    /// The place of the next endpoint that is not among those.
    #[inline]
    pub(super) fn pick(&self, avoided: &[u16], now: Instant) -> Option<usize> {
        self.upstream.pick(&Choice { avoided, headers: &self.head.headers, now })
    }

    /// Whether an answer is a good one, which is then noted.
    fn is_served(&mut self, place: usize, answer: &Response<Stream>) -> bool {
        let good = answer.status().as_u16() < 400;
        let good = good && (!self.options.is_grpc || self.conduct_in(answer) == Conduct::Well);
        if good {
            self.note(place, Conduct::Well, answer.body().arrived());
        }
        good
    }

    /// What the head of an answer says of the endpoint.
    #[cold]
    fn conduct_in(&self, answer: &Response<Stream>) -> Conduct {
        let told = if self.options.is_grpc { GrpcStatus::failure(answer.headers()) } else { None };
        match told {
            Some(status) => Conduct::of_call(status, self.options.client_deadline.is_some()),
            None => Conduct::of_answer(answer.status()),
        }
    }

    /// Notes how an attempt ended.
    fn note(&mut self, place: usize, conduct: Conduct, now: Instant) {
        let took = now.saturating_duration_since(self.began);
        match conduct {
            Conduct::Well => self.upstream.balancer.learn(place, took, now),
            Conduct::Badly => self.upstream.balancer.learn_failure(place, now),
            Conduct::Unknown => {}
        }
        self.upstream.roster.note(place, conduct, now);
        if let Some(breaker) = &self.upstream.breaker {
            match self.trial.take() {
                Some(trial) => {
                    self.upstream.endpoints[place].count_anew();
                    trial.end(place, conduct, now);
                }
                None => breaker.note(conduct, now),
            }
        }
    }

    /// What a failure says of the endpoint. The end of the whole exchange says something where the
    /// gateway has set it and the request was there, and nothing where a client was in a hurry.
    fn conduct_of(&self, error: &UpstreamError) -> Conduct {
        let options = self.options;
        let hurried = options.client_deadline.is_some_and(|end| end <= options.deadline);
        if error.kind == Kind::TotalTimeout && !hurried && error.sent == Sent::All {
            return Conduct::Badly;
        }
        Conduct::of_error(error)
    }

    /// The failure where nobody can be asked at all.
    fn nobody(&self) -> UpstreamError {
        self.upstream.roster.nobody(self.options.started)
    }

    /// What follows on an attempt that did not go well, to the end of the call.
    async fn persist(
        &mut self,
        mut place: usize,
        mut outcome: Outcome,
    ) -> Result<Response<Stream>, UpstreamError> {
        let mut trail = Trail::default();
        loop {
            trail.visit(place);
            let next = match outcome {
                Ok(mut answer) => {
                    let conduct = self.conduct_in(&answer);
                    if conduct == Conduct::Badly {
                        answer.body_mut().blame();
                    }
                    self.note(place, conduct, answer.body().arrived());
                    let next = self.after_answer(&mut trail, answer.status(), answer.headers());
                    let Some(next) = next else { return Ok(answer) };
                    answer.into_body().discard();
                    next
                }
                Err(setback) => {
                    let conduct = self.conduct_of(&setback.error);
                    self.note(place, conduct, clock::now());
                    let next = self.after_setback(&mut trail, &setback);
                    next.ok_or_else(|| trail.verdict(setback.error))?
                }
            };
            if !next.pause.is_zero() {
                tokio::time::sleep(next.pause).await;
            }
            place = next.place;
            self.began = clock::now();
            outcome = self.attempt(&self.upstream.endpoints[place]).await;
        }
    }

    /// One endpoint: kept connections first, then a fresh one.
    async fn attempt(&mut self, endpoint: &Rc<Endpoint>) -> Outcome {
        self.tally.endpoint = Some(endpoint.id);
        if self.options.client_deadline.is_some() || self.upstream.deadline.is_some() {
            self.tell_deadline().inspect_err(|_| self.count())?;
        }
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

    /// Whether the request could be sent once more over another connection, for nothing.
    pub(super) fn is_repeatable(&self) -> bool {
        !self.repeated && self.is_replayable()
    }

    /// Whether the request could be sent once more without asking anybody for its body.
    pub(super) fn is_replayable(&self) -> bool {
        self.bodiless || self.replay.as_ref().is_some_and(Replay::is_whole)
    }

    /// Whether the head of the request may be needed after this attempt.
    pub(super) fn may_come_back(&self) -> bool {
        self.is_replayable() && (!self.repeated || self.upstream.retry.is_some())
    }

    /// The body from its beginning, for another attempt.
    #[cold]
    pub(super) fn rewind(&mut self) {
        if let Some(replay) = &self.replay {
            (self.body, self.upload) = Outgoing::again(replay);
        }
    }

    /// Notes that an attempt failed and another one follows, or would have.
    pub(super) fn retried(&mut self, what: Retried) {
        if let Some(slot) = self.tally.retried.iter_mut().find(|slot| slot.is_none()) {
            *slot = Some(what);
        }
    }

    /// A 101: what was asked must be confirmed, and the connection becomes a tunnel.
    pub(super) fn switch(
        &self,
        response: Response<()>,
        reused: bool,
        tunnel: impl FnOnce() -> Option<Tunnel>,
    ) -> Outcome {
        let refuse = |why| self.refuse(Kind::BadUpgrade, why, reused);
        let asked = self.asked.as_ref().ok_or_else(|| refuse("a 101 that nobody asked for"))?;
        asked.confirm(response.headers()).map_err(refuse)?;
        let tunnel = tunnel().ok_or_else(|| refuse("a 101 over HTTP/2"))?;
        let source = Source::Tunnel(Box::new(tunnel));
        Ok(response.map(|()| Stream::new(source, self.facts(reused), None)))
    }

    /// What the body of the answer needs to know.
    pub(super) fn facts(&self, reused: bool) -> Facts {
        let Self { upstream, options, harmless, .. } = *self;
        let (idle, client_deadline) = (upstream.timeout.idle, options.client_deadline);
        Facts { idle, client_deadline, is_grpc: options.is_grpc, reused, harmless }
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
            wait: None,
            grpc: None,
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

/// Makes a body one that may be sent again, unless it is too long for that.
fn keep(body: &mut Body) -> Option<Replay> {
    match Replay::new(std::mem::take(body)) {
        Ok(replay) => {
            *body = Body::Replayed(replay.read());
            Some(replay)
        }
        Err(long) => {
            *body = long;
            None
        }
    }
}

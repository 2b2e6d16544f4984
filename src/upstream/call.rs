//! One call: attempts until answered, refused, or out of time.
//!
//! What may be sent twice, and why:
//! - whatever hyper gives back unsent: a pooled connection was found closed, nobody saw a byte;
//! - whatever HTTP/2 says was not processed: a refused stream, one above the last id of a GOAWAY;
//! - a request without a body and with an idempotent method that met the end of a *kept* connection
//!   before any byte of an answer: the upstream closed it as we wrote (RFC 9112, section 9.3.1).
//!
//! The last two happen at most once for a call. A failure to connect goes on to another endpoint.
//! All else is reported.

use std::rc::Rc;

use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::timeout_at;

use super::acquire::acquire;
use super::blame::{self, Fate};
use super::check::{self, Asked, Reuse};
use super::connect::Want;
use super::dress;
use super::endpoint::{Endpoint, Seat};
use super::error::{Kind, Sent, Stage, UpstreamError, retryable};
use super::line::{Line, Mark};
use super::patience::{Lost, Patience};
use super::stream::{Facts, Held, Hold, Stream};
use super::tunnel::Tunnel;
use super::upload::{Outgoing, State, Upload};
use super::{CallOptions, Tally, Upgrade, Upstream};
use crate::base::{Body, clock};

/// A call under way.
pub(super) struct Call<'a> {
    upstream: &'a Upstream,
    options: CallOptions<'a>,
    tally: &'a mut Tally,
    asked: Option<Asked>,
    upload: Option<Rc<Upload>>,
    /// The method is idempotent.
    harmless: bool,
    /// There is no body.
    bodiless: bool,
    /// The one repeat is used up.
    repeated: bool,
}

/// An attempt that failed, and the request if it can be sent again.
struct Setback {
    error: UpstreamError,
    again: Again,
}

/// Where a request goes after a setback.
enum Again {
    /// To the same endpoint, over another connection: it was not the endpoint's failure.
    Here(Box<Request<Outgoing>>),
    /// To another endpoint, if there is one.
    Elsewhere(Box<Request<Outgoing>>),
    /// Nowhere.
    No,
}

/// What was true of a connection when a request was handed to it.
struct Before {
    line: Rc<Line>,
    mark: Mark,
    reused: bool,
    /// For HTTP/2, which leaves no tape: the request itself.
    copy: Option<Box<Request<Outgoing>>>,
}

impl<'a> Call<'a> {
    /// Calls the upstream.
    pub(super) async fn run(
        upstream: &'a Upstream,
        request: Request<Body>,
        options: CallOptions<'a>,
        tally: &'a mut Tally,
    ) -> Result<Response<Stream>, UpstreamError> {
        let asked = match options.upgrade {
            Upgrade::No => None,
            Upgrade::Requested(token) => Some(Asked::new(token, request.headers())),
        };
        let harmless = is_idempotent(request.method());
        let (head, body) = request.into_parts();
        let bodiless = body.is_end_stream();
        let (body, upload) = Outgoing::new(body);
        let request = Request::from_parts(head, body);
        let repeated = false;
        Self { upstream, options, tally, asked, upload, harmless, bodiless, repeated }
            .choose(request)
            .await
    }

    /// One endpoint after the other, while nothing was sent.
    async fn choose(
        mut self,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Stream>, UpstreamError> {
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
            let setback = match self.attempt(&upstream.endpoints[place], request).await {
                Ok(response) => return Ok(response),
                Err(setback) => setback,
            };
            nameless &= setback.error.kind == Kind::Dns;
            match setback.again {
                Again::Here(again) | Again::Elsewhere(again)
                    if clock::now() < self.options.deadline =>
                {
                    request = *again;
                }
                Again::Here(_) | Again::Elsewhere(_) | Again::No => return Err(setback.error),
            }
            last = Some(setback.error);
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
    async fn attempt(
        &mut self,
        endpoint: &Rc<Endpoint>,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Stream>, Setback> {
        self.tally.endpoint = Some(endpoint.id);
        let mut kept = true;
        loop {
            let seat = Seat::take(endpoint);
            let want = match self.asked {
                Some(_) if !endpoint.target.insists_on_http2() => Want::Http1,
                // Where there is only HTTP/2 no upgrade is asked for, which RFC 9110, section 7.8
                // leaves to any recipient.
                Some(_) | None => Want::Usual,
            };
            let limits = (self.upstream.timeout.connect, self.options.deadline);
            let found = acquire(endpoint, want, kept, limits, &mut self.tally.connect).await;
            let (hold, reused) = match found {
                Ok(found) => found,
                Err(mut error) => {
                    error.endpoint = Some(endpoint.id);
                    self.tally.attempts = self.tally.attempts.saturating_add(1);
                    let again = Again::Elsewhere(Box::new(request));
                    return Err(Setback { error, again });
                }
            };
            self.tally.reused = reused;
            match self.exchange(Held { seat, hold }, reused, request).await {
                Ok(response) => return Ok(response),
                Err(Setback { again: Again::Here(again), .. }) => request = *again,
                Err(setback) => return Err(setback),
            }
            // Once something was sent in vain, the other kept connections are no better.
            kept &= !self.repeated;
        }
    }

    /// Sends the request on one connection and waits for the head of the answer.
    async fn exchange(
        &mut self,
        mut held: Held,
        reused: bool,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Stream>, Setback> {
        let before = self.prepare(&held, reused, &mut request);
        if let Hold::Http1(connection) = &held.hold {
            connection.line.interims().await_answer(self.options.interim.as_ref());
        }
        let timeout = self.upstream.timeout;
        let patience = Patience {
            deadline: self.options.deadline,
            since: clock::now(),
            first_byte: self.options.first_byte.unwrap_or(timeout.first_byte),
            idle: timeout.idle,
        };
        let upload = self.upload.as_deref();
        let answer = match &mut held.hold {
            Hold::Http1(connection) => {
                let answer = connection.sender.try_send_request(request);
                patience.wait(answer, upload).await
            }
            Hold::Http2(share) => {
                let answer = share.sender.clone().try_send_request(request);
                patience.wait(answer, upload).await
            }
        };
        match answer {
            Ok(response) => {
                before.line.erase();
                self.count();
                let endpoint = held.seat.endpoint().id;
                self.accept(held, reused, response).await.map_err(|mut error| {
                    error.endpoint = Some(endpoint);
                    Setback { error, again: Again::No }
                })
            }
            Err(Lost::Failed(mut failure)) => match failure.take_message() {
                Some(request) => Err(self.unsent(&held, &before, request)),
                None => Err(self.lost(&held, before, failure.error())),
            },
            Err(Lost::GaveUp(kind)) => {
                self.count();
                if let Hold::Http2(share) = &held.hold
                    && before.line.is_silent_since(before.mark)
                {
                    // Not a byte for all that time: nobody else should wait on this connection.
                    share.retired.set(true);
                }
                let error = self.error(&held, &before, kind);
                Err(Setback { error, again: Again::No })
            }
        }
    }

    /// Dresses the request for its connection, and keeps what a repeat will need.
    fn prepare(&self, held: &Held, reused: bool, request: &mut Request<Outgoing>) -> Before {
        let endpoint = held.seat.endpoint();
        let repeatable = self.bodiless && !self.repeated;
        match &held.hold {
            Hold::Http1(connection) => {
                dress::http1(request, endpoint);
                if repeatable && reused {
                    connection.line.tape();
                }
                if self.asked.is_some() {
                    connection.line.expect_switch();
                }
                let line = Rc::clone(&connection.line);
                Before { mark: line.mark(), line, reused, copy: None }
            }
            Hold::Http2(share) => {
                dress::http2(request, endpoint);
                let line = Rc::clone(&share.line);
                let copy = repeatable.then(|| Box::new(dress::copy(request)));
                Before { mark: line.mark(), line, reused, copy }
            }
        }
    }

    /// hyper gave the request back. On a kept connection that is no failure at all.
    fn unsent(&mut self, held: &Held, before: &Before, request: Request<Outgoing>) -> Setback {
        if !before.reused {
            self.count();
        }
        let kind =
            if before.line.is_silent_since(before.mark) { Kind::Reset } else { Kind::BadResponse };
        let mut error = UpstreamError::unsent(Stage::Head, kind)
            .with_detail("the connection ended before the request was written");
        error.reused = before.reused;
        error.endpoint = Some(held.seat.endpoint().id);
        let request = Box::new(request);
        let again = if before.reused { Again::Here(request) } else { Again::Elsewhere(request) };
        Setback { error, again }
    }

    /// The connection failed with the request on it.
    fn lost(&mut self, held: &Held, before: Before, cause: &hyper::Error) -> Setback {
        self.count();
        let fault = self.upload.as_ref().and_then(|upload| upload.fault());
        let verdict = blame::head(cause, fault);
        let mut error = self.error(held, &before, verdict.kind);
        error.detail = Some(blame::describe(cause).into_boxed_str());
        let orphaned = verdict.fate == Fate::Orphaned;
        let again = match &held.hold {
            Hold::Http1(_) => {
                let tape = before.line.taped(dress::read_back);
                let silent = before.line.is_silent_since(before.mark);
                let may = before.line.is_unwritten_since(before.mark) || (self.harmless && silent);
                tape.filter(|_| orphaned && may).map(Box::new)
            }
            Hold::Http2(share) => {
                share.retired.set(share.retired.get() | (verdict.fate != Fate::Settled));
                if verdict.fate == Fate::Unprocessed {
                    error.sent = Sent::Nothing;
                    error.retryable = Some(true);
                }
                let may = orphaned && before.reused && self.harmless;
                before.copy.filter(|_| verdict.fate == Fate::Unprocessed || may)
            }
        };
        self.repeated |= again.is_some();
        Setback { error, again: again.map_or(Again::No, Again::Here) }
    }

    fn error(&self, held: &Held, before: &Before, kind: Kind) -> UpstreamError {
        let nothing = match held.hold {
            Hold::Http1(_) => before.line.is_unwritten_since(before.mark),
            Hold::Http2(_) => false,
        };
        let done = self.upload.as_ref().is_none_or(|upload| upload.state() == State::Done);
        let sent = match (nothing, done && !before.line.is_broken()) {
            (true, _) => Sent::Nothing,
            (false, true) => Sent::All,
            (false, false) => Sent::Part,
        };
        UpstreamError {
            stage: Stage::Head,
            kind,
            sent,
            reused: before.reused,
            endpoint: Some(held.seat.endpoint().id),
            retryable: retryable(kind, sent, self.harmless),
            detail: None,
        }
    }

    /// Judges the head, and makes the body or the tunnel.
    async fn accept(
        &self,
        held: Held,
        reused: bool,
        response: Response<Incoming>,
    ) -> Result<Response<Stream>, UpstreamError> {
        let (mut head, body) = response.into_parts();
        let (idle, harmless) = (self.upstream.timeout.idle, self.harmless);
        let refuse = |kind, detail: &str| UpstreamError {
            stage: Stage::Head,
            kind,
            sent: Sent::All,
            reused,
            endpoint: None,
            retryable: retryable(kind, Sent::All, harmless),
            detail: Some(detail.into()),
        };
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            let facts = Facts { idle, reuse: Reuse::Never, reused, harmless };
            let Some(asked) = &self.asked else {
                return Err(refuse(Kind::BadUpgrade, "a 101 that nobody asked for"));
            };
            asked.confirm(&head.headers).map_err(|why| refuse(Kind::BadUpgrade, why))?;
            let tunnel = self.switch(held).await.map_err(|kind| refuse(kind, "no tunnel"))?;
            return Ok(Response::from_parts(head, Stream::switched(body, tunnel, facts)));
        }
        let reuse = check::head(head.status, head.version, &mut head.headers)
            .map_err(|(kind, why)| refuse(kind, why))?;
        let facts = Facts { idle, reuse, reused, harmless };
        let stream = Stream::new(body, held, facts, self.upload.clone());
        Ok(Response::from_parts(head, stream))
    }

    /// Takes the wire from hyper, which is done with it as soon as the request is.
    async fn switch(&self, held: Held) -> Result<Tunnel, Kind> {
        let Hold::Http1(connection) = held.hold else { return Err(Kind::BadUpgrade) };
        match timeout_at(self.options.deadline, connection.switched).await {
            Ok(Ok((wire, early))) => Ok(Tunnel::new(early, wire, held.seat, connection.open)),
            Ok(Err(_)) => Err(Kind::Reset),
            Err(_) => Err(Kind::TotalTimeout),
        }
    }

    fn count(&mut self) {
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

//! One exchange: what is known of a request while it is answered.

use std::rc::Rc;
use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response, Version};

use super::Gateway;
use super::compress::Choice;
use super::connection::Connection;
use super::cors::Crossing;
use super::late::Late;
use super::limit::Limited;
use super::stream::Watched;
use super::wire::Open;
use super::{grpc as calls, headers};
use crate::base::RequestId;
use crate::base::body::Meter;
use crate::base::clock::{self, Instant};
use crate::base::grpc::Speech;
use crate::base::trace::TraceContext;
use crate::config::model::Security;
use crate::gate::{Fields, Identity, Seen};
use crate::observe::{Head, Record, Rpc};
use crate::problem::{Dialect, Preferences, Problem};
use crate::upstream::Keeper;

/// What is known of a request while it is answered.
#[derive(Debug)]
pub(super) struct Exchange {
    /// All that will be said of it.
    pub(super) record: Record,
    /// The request's id.
    pub(super) request_id: RequestId,
    /// The trace that goes on to the upstream.
    pub(super) trace: TraceContext,
    /// What its fields said.
    pub(super) fields: Fields,
    /// Its method.
    pub(super) method: Method,
    /// Its version.
    pub(super) version: Version,
    /// How an error would be dressed.
    pub(super) dialect: Dialect,
    /// How the request speaks gRPC, if it does.
    pub(super) speech: Option<Speech>,
    /// When a gRPC client stops waiting, if it says so.
    pub(super) call_ends: Option<Instant>,
    /// The client's body, if there is one.
    pub(super) meter: Option<Rc<Meter>>,
    /// Value of `Strict-Transport-Security`, where the listener has one.
    pub(super) hsts: Option<http::HeaderValue>,
    /// What limits have to do with it; none on routes without any.
    pub(super) limited: Option<Box<Limited>>,
    /// What browsers of other origins are told; nothing on routes without `cors`.
    pub(super) crossing: Option<Box<Crossing>>,
    /// How the reply may be coded; nothing on routes without `compress`.
    pub(super) choice: Option<Choice>,
    /// Who calls; nobody in particular on routes that do not ask.
    pub(super) identity: Option<Arc<Identity>>,
    /// When whoever had to be asked for that had answered, or a body that was held had come.
    pub(super) waited: Option<Instant>,
    /// Whether the reply tells its outcome; only on GraphQL routes that want it.
    pub(super) tells_outcome: bool,
    /// Keeps the connection busy until the reply is over.
    open: Open,
    /// What the guard refused.
    refusal: Option<Problem>,
}

impl Exchange {
    /// Opens an exchange: the id first, because every refusal must carry one.
    pub(super) fn open(gateway: &Gateway, connection: &Connection, parts: &Parts) -> Self {
        let (open, refusal) = connection.wire.begin();
        let fields = Fields::gather(&parts.headers);
        let trusted = connection.peer.trusted;
        let given = fields.request_id.as_ref().filter(|_| trusted);
        let now = clock::unix_millis();
        let request_id =
            given.and_then(RequestId::accept).unwrap_or_else(|| RequestId::generate_at(now));
        let trace = fields
            .traceparent
            .as_ref()
            .and_then(|value| TraceContext::parse(value.as_bytes()))
            .map_or_else(TraceContext::begin, TraceContext::child);
        let witness = Rc::clone(&gateway.witness);
        let peer = Rc::clone(&connection.peer);
        let head = Head {
            method: &parts.method,
            uri: &parts.uri,
            version: parts.version,
            host: fields.host.as_ref(),
            user_agent: fields.user_agent.as_ref(),
        };
        let mut record = Record::new(witness, peer, request_id.clone(), head);
        record.began = now;
        record.trace = Some(trace.trace);
        let content_type = fields.content_type.as_ref();
        let speech = content_type.and_then(|value| Speech::of(value.as_bytes()));
        let mut call_ends = None;
        if speech.is_some() {
            record.rpc = Rpc::Untold;
            call_ends = calls::deadline(&parts.headers, record.started);
        }
        if refusal.is_some() {
            // The stand-in's own words are not the client's.
            (record.host, record.uri, record.method) = (None, None, None);
        }
        if trusted {
            record.client_ip = headers::client_address(
                &parts.headers,
                connection.peer.ip(),
                &gateway.config.server,
            );
        }
        let listener = &gateway.config.listeners[usize::from(connection.peer.listener.0)];
        let hsts = match &listener.security {
            Security::Tls(tls) if connection.peer.tls.is_some() => tls.hsts.and_then(headers::hsts),
            Security::Tls(_) | Security::Plain(_) => None,
        };
        Self {
            record,
            request_id,
            trace,
            fields,
            method: parts.method.clone(),
            version: parts.version,
            dialect: Dialect::Http,
            speech,
            call_ends,
            meter: None,
            hsts,
            limited: None,
            crossing: None,
            choice: None,
            identity: None,
            waited: None,
            tells_outcome: false,
            open,
            refusal,
        }
    }

    /// What the guard refused, once.
    pub(super) fn take_refusal(&mut self) -> Option<Problem> {
        self.refusal.take()
    }

    /// Whether the client's body was read to its end, or there is none.
    pub(super) fn body_is_over(&self) -> bool {
        self.meter.as_ref().is_none_or(|meter| meter.complete.get())
    }

    /// Whether the reply has no body, whatever its head says.
    pub(super) fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }

    /// When its call begins: with the request, unless it had to wait for somebody's answer, for room,
    /// or for its body.
    pub(super) fn ready(&self) -> Instant {
        let since = self.limited.as_ref().and_then(|limited| limited.since());
        since.max(self.waited).unwrap_or(self.record.started)
    }

    /// The last touch that every reply gets: it carries the request's id.
    pub(super) fn finish(
        self,
        gateway: &Gateway,
        mut response: Response<Watched>,
    ) -> Response<Watched> {
        response.headers_mut().insert(RequestId::FIELD, self.request_id.value().clone());
        self.seal(gateway, response)
    }

    /// The last touch but for the id, which stands already, and the end of the exchange's own
    /// life: from here on the body carries the record.
    pub(super) fn seal(
        mut self,
        gateway: &Gateway,
        mut response: Response<Watched>,
    ) -> Response<Watched> {
        let headers = response.headers_mut();
        if let Some(hsts) = self.hsts.take() {
            headers.insert(http::header::STRICT_TRANSPORT_SECURITY, hsts);
        }
        if let Some(crossing) = self.crossing.take() {
            crossing.tell(&gateway.config, headers);
        }
        let held = self.limited.take().and_then(|limited| limited.tell(&mut response));
        if self.version == Version::HTTP_2 {
            headers::strip_connection(response.headers_mut());
        }
        self.record.status = response.status().as_u16();
        if self.speech.is_some() {
            self.told(gateway, &mut response);
        }
        if held.is_some() {
            response.body_mut().hold(held);
        }
        let bodiless = self.method == Method::HEAD;
        response.body_mut().attend(self.record, self.open, self.meter, bodiless);
        response
    }

    /// Notes the status that the head of a gRPC reply tells. Where it tells none it will come in
    /// trailers, or what gRPC-Web has in their place, and a failure after the head can still be told there.
    #[cold]
    fn told(&mut self, gateway: &Gateway, response: &mut Response<Watched>) {
        let catalogue = &gateway.config.errors.catalogue;
        if let Some(told) = Rpc::told(response.headers(), catalogue) {
            self.record.rpc = told;
            return;
        }
        let Some(speech) = self.speech else { return };
        let reads = self.version == Version::HTTP_2 || self.fields.named.has(Seen::TE);
        let language = catalogue.choose_language(self.fields.accept_language.as_ref());
        let (status, headers) = (response.status(), response.headers());
        let owed = calls::answers(status, headers);
        if let Some(mut late) = Late::new(speech, headers, reads, owed, catalogue, language) {
            late.keep(|| self.keeper(gateway), self.call_ends.is_some());
            response.body_mut().rescue_late(late);
        }
    }

    /// Whom to tell how the upstream's answer ends, where one has answered.
    pub(super) fn keeper(&self, gateway: &Gateway) -> Option<Keeper> {
        let (upstream, endpoint) = self.record.upstream?;
        gateway.upstreams.keeper(upstream, endpoint?)
    }

    /// The fields that decide how an error is dressed.
    pub(super) fn preferences(&self) -> Preferences<'_> {
        self.fields.preferences()
    }
}

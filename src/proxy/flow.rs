//! Routes that a flow answers. Nothing of it is inlined, and all of it is one boxed future: most
//! exchanges never come here.

use std::cell::{Cell, OnceCell};

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    EXPIRES, HOST, HeaderName, LAST_MODIFIED,
};
use http::request::Parts;
use http::{Response, StatusCode};

use super::connection::Connection;
use super::exchange::Exchange;
use super::limit::Waits;
use super::stream::Watched;
use super::{Gateway, grpc as calls, headers};
use crate::base::Inflow;
use crate::config::model::{Flow, FlowTarget, Route};
use crate::flow::{self, Caller, Content, Hand, Reply, Run, Told};
use crate::gate::Asked;
use crate::parameter;
use crate::problem::{Cause, Problem};
use crate::route::Match;

/// What a request asks of a flow.
pub(super) struct Call<'r> {
    pub(super) route: &'r Route,
    pub(super) target: &'r FlowTarget,
    pub(super) found: &'r Match,
    pub(super) asked: &'r Asked<'r>,
    pub(super) query: Option<&'r str>,
}

impl Gateway {
    /// Runs the flow of a route.
    ///
    /// # Errors
    /// What was given is not as declared, or whatever the flow comes to.
    #[inline(never)]
    pub(super) fn run_flow<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        connection: &'a Connection,
        call: &'a Call<'a>,
        parts: &'a Parts,
        body: Inflow,
    ) -> Waits<'a, Response<Watched>> {
        Box::pin(async move {
            calls::must_be_answerable(exchange.speech)?;
            let Call { route, target, found, asked, query } = *call;
            let config = &*self.config;
            let flow = config.flow(target.flow);
            let began = exchange.ready();
            let body = self.given_body(exchange, route, flow, target, parts, body).await?;
            let place = flow::Asked {
                method: &exchange.method,
                path: &asked.path,
                captures: &found.captures,
                captured: &target.captures,
                query,
            };
            let given = flow::given(flow, &config.objects, &place, body)?;
            let host = &asked.authority;
            let mut origin = headers::forwarded(&parts.headers);
            let beside = headers::outbound(&mut origin, exchange, connection, host, &self.identity);
            origin.remove(HOST);
            let language = exchange.fields.accept_language.as_ref();
            let hand = Hand {
                config,
                upstreams: &self.upstreams,
                witness: &self.witness,
                host,
                language,
                origin,
                beside: beside
                    .as_ref()
                    .map_or((&[], &[]), |beside| (&beside.lines, &beside.fields)),
                request_id: &exchange.request_id,
                trace: exchange.trace,
                route: Some(found.route),
                identity: exchange.identity.as_deref(),
                told: Told::default(),
            };
            let caller = Caller {
                method: exchange.method.as_str(),
                path: &asked.path,
                headers: &parts.headers,
                identity: exchange.identity.as_deref(),
                catalogue: &config.errors.catalogue,
                language: config.errors.catalogue.choose_language(language),
                fields: OnceCell::new(),
            };
            let deadline = began + route.timeout.unwrap_or(flow.timeout);
            let run = Run { config, calls: &hand, caller: &caller, acted: Cell::new(false) };
            let ended = flow::run(&run, target.flow, given, deadline).await;
            let acted = run.acted.get();
            let told = hand.told;
            exchange.record.upstream = told.upstream.get();
            exchange.record.attempts = told.attempts.get();
            exchange.record.upstream_time = Some(told.waited.get());
            let connect = told.connect.get();
            exchange.record.connect_time = (!connect.is_zero()).then_some(connect);
            match ended.answer {
                Ok(reply) => answer(&reply, flow),
                Err(problem) => Err(self.unrepeatable(problem, acted)),
            }
        })
    }

    /// A failure after something was done: sending the request again would do it twice.
    fn unrepeatable(&self, problem: Problem, acted: bool) -> Problem {
        let status = self.config.errors.catalogue.status(&problem);
        let says = status >= 500 || problem.retryable() == Some(true);
        if acted && says { problem.with_retryable(false) } else { problem }
    }

    /// The client's body, where the flow looks at it.
    async fn given_body(
        &self,
        exchange: &mut Exchange,
        route: &Route,
        flow: &Flow,
        target: &FlowTarget,
        parts: &Parts,
        body: Inflow,
    ) -> Result<Content, Problem> {
        if body.is_end() || !flow::reads_body(flow, &target.captures) {
            return Ok(Content::empty());
        }
        let limit = self.config.server.limits.body;
        let bytes = self.arrived(exchange, route, limit, body).await?;
        let content = Content::received(bytes, parts.headers.get(CONTENT_TYPE).cloned());
        if content.is_json() {
            // Read as strictly as bodies with a schema: two readers must not see two things.
            let bytes = content.bytes(0).unwrap_or_default();
            parameter::read_json(&bytes)
                .map_err(|why| Problem::new(Cause::BadBody).with_detail(why))?;
        }
        Ok(content)
    }
}

/// The reply of a flow. Of a step's fields those go on that describe the body, and no others.
fn answer(reply: &Reply, flow: &Flow) -> Result<Response<Watched>, Problem> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let bodiless = matches!(reply.status, 204 | 205 | 304);
    let bytes = match bodiless {
        true => Default::default(),
        // A step's reply is within the limit, and a result was written within it.
        false => reply.body.bytes(flow.limit).map_err(|what| {
            Problem::new(Cause::FlowValue).with_detail(format_args!("{}: {what}", flow.name))
        })?,
    };
    let length = bytes.len();
    let mut response = Response::new(Watched::full(bytes));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    if let Some(content_type) = reply.body.content_type().filter(|_| !bodiless) {
        fields.insert(CONTENT_TYPE, content_type.clone());
    }
    for name in DESCRIBING {
        if let Some(value) = reply.headers.get(name) {
            fields.insert(name.clone(), value.clone());
        }
    }
    if !bodiless {
        fields.insert(CONTENT_LENGTH, length.into());
    }
    Ok(response)
}

const DESCRIBING: &[HeaderName] =
    &[CONTENT_DISPOSITION, CONTENT_LANGUAGE, CACHE_CONTROL, ETAG, EXPIRES, LAST_MODIFIED];

//! The order of the rooms: gates first, then whatever the route names as its target.

use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::compress::Choice;
use super::connection::Connection;
use super::cors::Crossing;
use super::exchange::Exchange;
use super::stream::Watched;
use super::{Gateway, flow, forward, grpc as calls, headers, redirect};
use crate::base::Inflow;
use crate::config::model::{Respond, Target};
use crate::gate::{self, Entry, Found};
use crate::observe::Shed;
use crate::problem::{Cause, Problem};

impl Gateway {
    /// Answers, or says why not. The order of the gates is argued in [`crate::gate`].
    pub(super) async fn attempt(
        &self,
        exchange: &mut Exchange,
        connection: &Connection,
        parts: &mut Parts,
        mut body: Inflow,
    ) -> Result<Response<Watched>, Problem> {
        if let Some(refusal) = exchange.take_refusal() {
            return Err(refusal);
        }
        if let Some(cause) = connection.refuse {
            return Err(self.turn_away(cause));
        }
        if self.shared.memory.is_short() {
            return Err(self.turn_away(Cause::MemoryLimit));
        }
        if let Some(on_request) = self.on_request {
            on_request(parts);
        }
        let config = &*self.config;
        let limits = &config.server.limits;
        let entry = gate::entry(config, &connection.peer, &parts.headers)?;
        gate::check_head(&parts.method, &parts.uri, parts.version, &exchange.fields, limits)?;
        if exchange.fields.named.has(gate::Seen::VIA) && self.identity.is_loop(&parts.headers) {
            return Err(Cause::Loop.into());
        }
        if parts.uri.path() == "*" {
            return Ok(options(HeaderValue::from_static(EVERY_METHOD)));
        }
        // Taken, so that host and path can be slices of it while the head is edited.
        let uri = std::mem::take(&mut parts.uri);
        let asked = gate::ask(&uri, &exchange.fields)?;
        if entry == Entry::Redirect {
            return redirect::to_https(config, exchange.speech, &asked, &uri);
        }
        if let Some(serves) = &connection.serves
            && !serves(asked.host())
        {
            return Err(Problem::new(Cause::WrongHost));
        }
        if self.preflights
            && parts.method == Method::OPTIONS
            && let Some(answer) = self.preflight(exchange, &asked, &parts.headers)
        {
            return Ok(answer);
        }
        let found = match gate::find(config, &asked, &parts.method)? {
            Found::Route(found) => found,
            Found::Options(allow) => return Ok(options(allow)),
        };
        let route = config.route(found.route);
        exchange.record.routed(found.route);
        exchange.dialect = route.dialect;
        if let Some(cors) = &route.cors {
            exchange.crossing = Some(Crossing::begin(found.route, cors, &parts.headers));
        }
        if let Some(compress) = &route.compress {
            exchange.choice = Some(Choice::make(found.route, compress, &parts.headers));
        }
        if !self.shared.maintenance.is_idle() {
            let record = &exchange.record;
            let maintenance = &self.shared.maintenance;
            maintenance.pass(found.route, &route.name, record.client_ip, record.began)?;
        }
        match &route.grpc {
            None => gate::check_length(body.size_hint().exact(), limits)?,
            Some(_) => exchange.must_speak_grpc()?,
        }
        if !route.limits.is_empty() {
            let waits = self.limit(exchange, found.route, route, &parts.headers)?;
            if let Some(waits) = waits {
                waits.await?;
            }
        }
        if let Some(rule) = &route.auth {
            let shown = gate::Shown {
                headers: &parts.headers,
                method: &parts.method,
                target: &uri,
                host: &asked.authority,
                ip: exchange.record.client_ip,
                peer: &connection.peer,
                now: exchange.record.began,
            };
            if let Some(inquiry) = self.authenticate(exchange, rule, &shown)? {
                self.inquire(exchange, rule, &shown, inquiry).await?;
            }
            let waits = self.limit_caller(exchange, found.route, route, &parts.headers)?;
            if let Some(waits) = waits {
                waits.await?;
            }
        }
        let absent = match &route.params {
            Some(params) => {
                let query = uri.query();
                let headers = &parts.headers;
                match gate::parameters(params, &found.captures, &asked.path, query, headers) {
                    Ok(absent) => absent,
                    Err(wrong) => {
                        let problem = gate::or_method(config, &asked, found.route, wrong);
                        if !route.is_observed {
                            return Err(problem);
                        }
                        exchange.record.would_change = Some(problem.code());
                        None
                    }
                }
            }
            None => None,
        };
        // In place, here and below: a body beside this one would be held for as long as the exchange.
        if self.must_gather(route, &body) {
            body = self.gather(exchange, route, body).await?;
        }
        if let Some(overload) = &self.shared.overload {
            let waits = self.admit(overload, exchange, found.route, route)?;
            if let Some(waits) = waits {
                waits.await?;
            }
        }
        if let Some(rule) = &route.body {
            body = if route.is_observed {
                self.watch(exchange, (route, rule), parts, body).await?
            } else {
                self.examine(exchange, (route, rule), parts, body).await?
            };
        }
        if let Some(graphql) = &route.graphql {
            let whose = (route, &**graphql);
            body = self.judge_operation(exchange, whose, parts, uri.query(), body).await?;
        }
        match &route.target {
            Target::Upstream(id) => {
                let target = forward::target(route, &found, &asked, &uri, absent.as_deref())?;
                if let Some(absent) = absent {
                    absent.fill(&mut parts.headers);
                }
                let host = asked.authority;
                parts.uri = target.unwrap_or(uri);
                let forward = forward::Forward { route, upstream: *id, host };
                self.forward(exchange, connection, forward, parts, body).await
            }
            Target::Flow(target) => {
                let query = uri.query();
                let call = flow::Call { route, target, found: &found, asked: &asked, query };
                self.run_flow(exchange, connection, &call, parts, body).await
            }
            Target::Respond(Respond::Fixed { status, content_type, body }) => {
                calls::must_be_answerable(exchange.speech)?;
                let mut response = Response::new(Watched::full(body.clone()));
                *response.status_mut() = StatusCode::from_u16(*status).unwrap_or(StatusCode::OK);
                response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
                Ok(response)
            }
            Target::Respond(Respond::Problem(code)) => {
                Err(Problem::new(Cause::Configured).with_code(*code))
            }
        }
    }

    #[cold]
    fn turn_away(&self, cause: Cause) -> Problem {
        if cause == Cause::MemoryLimit {
            self.witness.shed(Shed::NoMemory, 1);
        }
        gate::turn_away(cause, self.config.errors.retry_after)
    }
}

fn options(allow: HeaderValue) -> Response<Watched> {
    let mut response = Response::new(Watched::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::ALLOW, allow);
    headers::no_content(&mut response);
    response
}

const EVERY_METHOD: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

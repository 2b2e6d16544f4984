//! Judges the head of an upstream's reply: under 400 it passes untouched, whatever its body;
//! 400 and above becomes a problem, unless the route says otherwise.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;

use super::connection::Connection;
use super::content::Rest;
use super::exchange::Exchange;
use super::limit::Waits;
use super::stream::Watched;
use super::{Gateway, grpc as calls, headers};
use crate::base::UpstreamId;
use crate::base::grpc::GrpcStatus;
use crate::config::model::{Normalise, Route};
use crate::outcome::{Foreign, ruled, translate};
use crate::problem::Problem;
use crate::upstream::Stream;

impl Gateway {
    /// Passes a success on at once; an error is looked into.
    pub(super) async fn normalise(
        &self,
        exchange: &mut Exchange,
        connection: &Connection,
        route: &Route,
        upstream: UpstreamId,
        mut response: Response<Stream>,
    ) -> Result<Response<Watched>, Problem> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(exchange, connection, route, response);
        }
        let success = response.status().as_u16() < 400 || route.normalise == Normalise::Off;
        if success && route.graphql.is_none() {
            if exchange.speech.is_some() {
                self.judge_grpc(exchange, route, &response)?;
            }
            headers::inbound(response.headers_mut());
            return Ok(response.map(Watched::upstream));
        }
        // Boxed, so that healthy exchanges do not carry the room for it.
        let judged = match &route.graphql {
            Some(graphql) => self.judge_reply(exchange, (route, graphql), upstream, response),
            None => self.inspect(exchange, route, upstream, response),
        };
        judged.await
    }

    /// Turns an error into a problem, or only notes that it would be one.
    #[inline(never)]
    fn inspect<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        route: &'a Route,
        upstream: UpstreamId,
        response: Response<Stream>,
    ) -> Waits<'a, Response<Watched>> {
        Box::pin(async move {
            let (parts, stream) = response.into_parts();
            let read = self.read_ahead(stream).await;
            self.conclude(exchange, route, upstream, parts, read)
        })
    }

    /// The same, once so much of it has been read.
    pub(super) fn conclude(
        &self,
        exchange: &mut Exchange,
        route: &Route,
        upstream: UpstreamId,
        mut parts: Parts,
        read: ReadAhead,
    ) -> Result<Response<Watched>, Problem> {
        let body = joined(&read.ahead);
        let foreign = self.foreign(route, upstream, &parts, &body);
        let catalogue = &self.config.errors.catalogue;
        let problem =
            match exchange.speech.filter(|_| GrpcStatus::failure(&parts.headers).is_some()) {
                None => Some(translate(&foreign, catalogue)),
                Some(speech) => match ruled(&foreign, catalogue) {
                    None if route.normalise == Normalise::On => {
                        return Ok(calls::trailers_only(parts, speech));
                    }
                    problem => problem,
                },
            };
        match problem {
            Some(problem) if route.normalise == Normalise::On => return Err(problem),
            problem => exchange.record.would_change = problem.map(|problem| problem.code()),
        }
        headers::inbound(&mut parts.headers);
        Ok(Response::from_parts(parts, Watched::replayed(read.ahead, read.rest)))
    }

    /// A reply as those see it who put it in the words of the vocabulary.
    pub(super) fn foreign<'a>(
        &'a self,
        route: &'a Route,
        upstream: UpstreamId,
        parts: &'a Parts,
        body: &'a [u8],
    ) -> Foreign<'a> {
        Foreign {
            status: parts.status.as_u16(),
            headers: &parts.headers,
            body: body.get(..self.config.errors.inspect).unwrap_or(body),
            inspect: self.config.errors.inspect,
            rules: [&route.errors, &self.config.upstream(upstream).errors],
            identifier: route.identifier.as_deref(),
            keep: &self.config.errors.keep_headers,
        }
    }

    /// Reads at most `errors.inspect` bytes of an error's body, and no longer than a moment: an
    /// upstream that fails slowly must not delay what can already be said.
    pub(super) async fn read_ahead(&self, mut stream: Stream) -> ReadAhead {
        let mut ahead = VecDeque::new();
        let mut length = 0;
        let reading = async {
            while length <= self.config.errors.inspect {
                match stream.frame().await {
                    None => return Some(Rest::Nothing),
                    Some(Err(error)) => return Some(Rest::Broken(Some(error))),
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            length += data.len();
                            ahead.push_back(data);
                        }
                    }
                }
            }
            None
        };
        let rest = tokio::time::timeout(PATIENCE, reading).await.unwrap_or(None);
        ReadAhead { ahead, rest: rest.unwrap_or(Rest::Stream(stream)) }
    }
}

/// The beginning of a body, and what follows.
pub(super) struct ReadAhead {
    pub(super) ahead: VecDeque<Bytes>,
    pub(super) rest: Rest,
}

pub(super) fn joined(ahead: &VecDeque<Bytes>) -> Vec<u8> {
    let mut body = Vec::with_capacity(ahead.iter().map(Bytes::len).sum());
    ahead.iter().for_each(|bytes| body.extend_from_slice(bytes));
    body
}

const PATIENCE: Duration = Duration::from_secs(2);

//! Replies of GraphQL routes: held while they are judged, handed on as they came, and changed only
//! where errors at their root are to be put in the words of the vocabulary.
//!
//! Judged is what answers an operation. Pages, redirections, the parts of a deferred reply and sockets
//! go their usual way; so does an error whose body is no GraphQL. Nothing of it is inlined.

use std::collections::VecDeque;

use bytes::Bytes;
use http::Response;
use http::response::Parts;
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::annotated::{decoded, essence, is_coded};
use super::content::{Content, Rest};
use super::exchange::Exchange;
use super::followed::Followed;
use super::limit::Waits;
use super::normalise::{ReadAhead, joined};
use super::passing::{Passing, outcome, unread};
use super::stream::Watched;
use super::{Gateway, headers};
use crate::base::UpstreamId;
use crate::base::clock::Instant;
use crate::config::model::{Graphql, Normalise, Route};
use crate::observe::Outcome;
use crate::outcome::graphql::judge;
use crate::outcome::no_reply;
use crate::problem::{Cause, Problem};
use crate::upstream::{Stream, UpstreamError};

/// The head of a reply, and whose it is.
pub(super) struct Reply<'a> {
    pub(super) route: &'a Route,
    pub(super) graphql: &'a Graphql,
    pub(super) upstream: UpstreamId,
    pub(super) parts: Parts,
}

impl Reply<'_> {
    pub(super) fn may_be_list(&self) -> bool {
        self.graphql.operations.batch
    }

    /// With a body that was held, as it came.
    pub(super) fn unchanged(self, mut ahead: VecDeque<Bytes>) -> Response<Watched> {
        let body = if ahead.len() > 1 {
            Watched::replayed(ahead, Rest::Nothing)
        } else {
            Watched::full(ahead.pop_front().unwrap_or_default())
        };
        Response::from_parts(self.parts, body)
    }
}

impl Gateway {
    /// Judges a reply.
    ///
    /// # Errors
    /// It breaks off, is no GraphQL, or has errors that leave nothing.
    #[inline(never)]
    pub(super) fn judge_reply<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        (route, graphql): (&'a Route, &'a Graphql),
        upstream: UpstreamId,
        mut response: Response<Stream>,
    ) -> Waits<'a, Response<Watched>> {
        Box::pin(async move {
            headers::inbound(response.headers_mut());
            let status = response.status();
            let media = essence(response.headers());
            let begins = |known: &str| {
                media.get(..known.len()).is_some_and(|front| front.eq_ignore_ascii_case(known))
            };
            let (parted, events) = (begins("multipart/"), begins("text/event-stream"));
            let answers = exchange.record.operations.is_some() && !exchange.is_head();
            let failed = status.as_u16() >= 400;
            let (parts, stream) = response.into_parts();
            if failed && route.normalise != Normalise::Off {
                let read = self.read_ahead(stream).await;
                let reply = Reply { route, graphql, upstream, parts };
                return self.judge_failure(exchange, reply, read, answers);
            }
            if failed || parted || !answers || status.is_redirection() {
                return Ok(Response::from_parts(parts, Watched::upstream(stream)));
            }
            if events {
                let followed = Followed::events(Content::Upstream(stream), self.in_band(exchange));
                return Ok(Response::from_parts(parts, Watched::followed(followed)));
            }
            let whole = self.config.upstream(upstream).timeout.total;
            let end = exchange.record.started + route.timeout.unwrap_or(whole);
            let read = hold(stream, graphql.replies.inspect, end).await?;
            let reply = Reply { route, graphql, upstream, parts };
            match read.rest {
                Rest::Nothing => self.judge_whole(exchange, reply, read.ahead),
                rest @ (Rest::Stream(_) | Rest::Broken(_)) => {
                    self.judge_passing(exchange, reply, ReadAhead { rest, ..read })
                }
            }
        })
    }

    /// A reply with the status of an error. In GraphQL it keeps all of its errors, if they are the
    /// client's to know; anything else is an error like any other.
    fn judge_failure(
        &self,
        exchange: &mut Exchange,
        reply: Reply<'_>,
        read: ReadAhead,
        answers: bool,
    ) -> Result<Response<Watched>, Problem> {
        let whole = answers && matches!(read.rest, Rest::Nothing);
        if whole && reply.parts.status.as_u16() < 500 && reply.route.normalise == Normalise::On {
            let raw = joined(&read.ahead);
            if let Some((annotated, problem)) = self.annotated(exchange, &reply, &raw)
                && !self.is_ruled(&reply, &raw)
            {
                return self.told(exchange, reply, read.ahead, annotated, problem);
            }
        }
        let Reply { route, upstream, parts, .. } = reply;
        self.conclude(exchange, route, upstream, parts, read)
    }

    /// A reply that is there as a whole.
    fn judge_whole(
        &self,
        exchange: &mut Exchange,
        reply: Reply<'_>,
        ahead: VecDeque<Bytes>,
    ) -> Result<Response<Watched>, Problem> {
        let replies = &reply.graphql.replies;
        let (payload, batch) = (&replies.payload, reply.may_be_list());
        let verdict = if is_coded(&reply.parts.headers) {
            let raw = joined(&ahead);
            match decoded(&reply.parts.headers, &raw, replies.inspect) {
                Some(text) => judge([&*text].into_iter(), payload, batch),
                None => {
                    unread(&mut exchange.record, "not decoded, or longer than what is held");
                    return Ok(reply.unchanged(ahead));
                }
            }
        } else {
            judge(ahead.iter().map(|piece| &**piece), payload, batch)
        };
        if verdict.is_graphql && !verdict.root_errors {
            exchange.record.judged = Some(outcome(verdict));
            return Ok(exchange.tell(reply.unchanged(ahead)));
        }
        let raw = joined(&ahead);
        let read = if verdict.is_graphql { self.annotated(exchange, &reply, &raw) } else { None };
        let problem = match &read {
            Some((_, problem)) => problem.clone(),
            None => self.stands_for(&reply, &raw),
        };
        let status = self.config.errors.catalogue.status(&problem);
        if status >= 500 && !verdict.data {
            self.served_nothing(exchange);
        }
        match read {
            _ if reply.route.normalise != Normalise::On => {
                if reply.route.normalise == Normalise::Observe {
                    exchange.record.would_change = Some(problem.code());
                }
                let judged = if status >= 500 { Outcome::Failed } else { Outcome::Refused };
                exchange.record.judged = Some(judged);
                Ok(exchange.tell(reply.unchanged(ahead)))
            }
            Some((annotated, problem)) => self.told(exchange, reply, ahead, annotated, problem),
            None => Err(problem),
        }
    }

    /// A reply of which there is more than can be held: what begins like one goes on, and is judged by
    /// what goes by.
    fn judge_passing(
        &self,
        exchange: &Exchange,
        reply: Reply<'_>,
        read: ReadAhead,
    ) -> Result<Response<Watched>, Problem> {
        let mut bytes = read.ahead.iter().flat_map(|piece| piece.iter());
        let first = bytes.find(|byte| !byte.is_ascii_whitespace());
        let begins = first == Some(&b'{') || first == Some(&b'[') && reply.may_be_list();
        let coded = is_coded(&reply.parts.headers);
        if !begins && !coded && reply.route.normalise == Normalise::On {
            self.served_nothing(exchange);
            return Err(self.stands_for(&reply, &joined(&read.ahead)));
        }
        let passing = Passing::new(self, exchange, &reply);
        let content = Content::Replayed(read.ahead, read.rest);
        let body = Watched::followed(Followed::reply(content, passing));
        Ok(Response::from_parts(reply.parts, body))
    }

    /// The problem that a reply stands for which is no GraphQL.
    fn stands_for(&self, reply: &Reply<'_>, raw: &[u8]) -> Problem {
        let foreign = self.foreign(reply.route, reply.upstream, &reply.parts, raw);
        no_reply(&foreign, &self.config.errors.catalogue)
    }

    /// Tells the upstream's keepers that an answer was none, though it looked like one.
    #[cold]
    fn served_nothing(&self, exchange: &Exchange) {
        if let Some((upstream, Some(endpoint))) = exchange.record.upstream {
            self.upstreams.served_nothing(upstream, endpoint);
        }
    }
}

/// Reads a reply to its end, or until there is more of it than may be held, and no longer than the
/// operation may take. Of one that says so beforehand, only the beginning is read.
async fn hold(mut stream: Stream, most: usize, end: Instant) -> Result<ReadAhead, Problem> {
    let (mut ahead, mut length) = (VecDeque::new(), 0);
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    let is_long = stream.size_hint().lower() > most;
    let reading = async {
        while length <= most && !(is_long && length > 0) {
            let Some(frame) = stream.frame().await else {
                return Ok::<_, UpstreamError>(Some(Rest::Nothing));
            };
            if let Ok(data) = frame?.into_data() {
                length += data.len() as u64;
                ahead.push_back(data);
            }
        }
        Ok(None)
    };
    let read = tokio::time::timeout_at(end, reading).await;
    let rest = read.map_err(|_| Problem::new(Cause::TotalTimeout))?.map_err(Problem::from)?;
    Ok(ReadAhead { ahead, rest: rest.unwrap_or(Rest::Stream(stream)) })
}

//! A GraphQL reply whose errors are put in the words of the vocabulary: what of its head still holds,
//! and when nothing is left of it but a problem.

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use http::Response;
use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
};

use super::exchange::Exchange;
use super::replies::Reply;
use super::rescue::tell_outcome;
use super::stream::Watched;
use super::{Gateway, headers};
use crate::config::model::RootErrors;
use crate::observe::Outcome;
use crate::outcome::graphql::{Annotated, Annotation, Data, annotate};
use crate::outcome::{decode, root_errors};
use crate::problem::{BuiltIn, Dialect, Format, Preferences, Problem};

impl Gateway {
    /// A reply in the words of the vocabulary, and the problem that its worst error is. None if it has no
    /// errors at its root, or cannot be read.
    pub(super) fn annotated(
        &self,
        exchange: &Exchange,
        reply: &Reply<'_>,
        raw: &[u8],
    ) -> Option<(Annotated, Problem)> {
        let catalogue = &self.config.errors.catalogue;
        let replies = &reply.graphql.replies;
        let annotation = Annotation {
            catalogue,
            codes: &replies.codes,
            language: catalogue.choose_language(exchange.fields.accept_language.as_ref()),
            request_id: exchange.request_id.as_str(),
            status: reply.parts.status.as_u16(),
            fatal: replies.root_errors == RootErrors::Fatal,
        };
        let text = decoded(&reply.parts.headers, raw, replies.inspect)?;
        let annotated = annotate(str::from_utf8(&text).ok()?, &annotation)?;
        let foreign = self.foreign(reply.route, reply.upstream, &reply.parts, raw);
        let problem = root_errors(&foreign, &annotated.worst);
        Some((annotated, problem))
    }

    /// Whether a rule of the operator decides about a reply, whatever it says of itself.
    pub(super) fn is_ruled(&self, reply: &Reply<'_>, raw: &[u8]) -> bool {
        let foreign = self.foreign(reply.route, reply.upstream, &reply.parts, raw);
        if foreign.rules.iter().all(|rules| rules.is_empty()) {
            return false;
        }
        let text = decoded(&reply.parts.headers, raw, reply.graphql.replies.inspect);
        let body = text.and_then(|text| serde_json::from_slice(&text).ok());
        let mut rules = foreign.rules.iter().flat_map(|rules| rules.iter());
        rules.any(|rule| rule.matches(foreign.status, body.as_ref()))
    }

    /// What the client gets of a reply with errors at its root, as the route wants it.
    ///
    /// # Errors
    /// The errors leave nothing.
    pub(super) fn told(
        &self,
        exchange: &mut Exchange,
        reply: Reply<'_>,
        ahead: VecDeque<Bytes>,
        annotated: Annotated,
        problem: Problem,
    ) -> Result<Response<Watched>, Problem> {
        let wanted = reply.graphql.replies.root_errors;
        let status = reply.parts.status.as_u16();
        let empty = match annotated.data {
            Data::Absent => status >= 400 || speaks_response(exchange, &reply.parts.headers),
            Data::Null => status >= 400,
            Data::Some => false,
        };
        let nothing = wanted == RootErrors::Fatal || empty && wanted == RootErrors::Annotate;
        if nothing && !annotated.is_batch {
            let own = BuiltIn::for_status(status).is_some_and(|(_, shown)| shown == status);
            let problem = if own { problem.with_status(status) } else { problem };
            return Err(problem.with_errors(annotated.errors, annotated.data > Data::Absent));
        }
        exchange.record.blame(&problem, annotated.worst.status);
        let response = match wanted {
            RootErrors::Pass => reply.unchanged(ahead),
            RootErrors::Annotate | RootErrors::Fatal => rewritten(exchange, reply, annotated),
        };
        Ok(exchange.tell(response))
    }
}

impl Exchange {
    /// Tells how an operation went, where the route wants that.
    pub(super) fn tell(&self, mut response: Response<Watched>) -> Response<Watched> {
        if self.tells_outcome {
            let is_blamed = self.record.cause.is_some();
            let judged = self.record.judged.unwrap_or(Outcome::Success);
            let outcome = if is_blamed { self.record.outcome } else { judged };
            tell_outcome(response.headers_mut(), outcome);
        }
        response
    }
}

/// The reply with another body. A client that asks for `application/graphql-response+json` by name gets
/// it, whatever the upstream knows.
fn rewritten(exchange: &Exchange, reply: Reply<'_>, annotated: Annotated) -> Response<Watched> {
    let mut parts = reply.parts;
    let headers = &mut parts.headers;
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, ACCEPT_RANGES, ETAG] {
        headers.remove(name);
    }
    for name in ["content-digest", "repr-digest", "digest", "content-md5"] {
        headers.remove(name);
    }
    headers::vary(headers, "Accept");
    if asks_for_response(exchange.preferences()) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(RESPONSE));
    }
    Response::from_parts(parts, Watched::full(annotated.body.into()))
}

/// Whether a reply is one that says in its status that nothing was executed (GraphQL over HTTP).
fn speaks_response(exchange: &Exchange, headers: &HeaderMap) -> bool {
    essence(headers).eq_ignore_ascii_case(RESPONSE) || asks_for_response(exchange.preferences())
}

/// Whether a client would rather have `application/graphql-response+json`, and says so by name: those
/// who take anything may not know it.
fn asks_for_response(preferences: Preferences<'_>) -> bool {
    let line = preferences.accept.and_then(|line| line.to_str().ok()).unwrap_or_default();
    line.to_ascii_lowercase().contains(RESPONSE)
        && Format::choose(Dialect::GraphQl, &preferences, Format::Json) == Format::GraphQlResponse
}

/// The media type of a reply, without its parameters.
pub(super) fn essence(headers: &HeaderMap) -> &str {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.unwrap_or_default().split(';').next().unwrap_or_default().trim()
}

/// Whether a body is coded in any way.
pub(super) fn is_coded(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_ENCODING)
}

/// A body as it was before it was coded. None if that is not known, or longer than `most`.
pub(super) fn decoded<'b>(
    headers: &HeaderMap,
    raw: &'b [u8],
    most: usize,
) -> Option<Cow<'b, [u8]>> {
    let mut lines = headers.get_all(CONTENT_ENCODING).iter();
    let text = match (lines.next(), lines.next()) {
        (None, _) => Cow::Borrowed(raw),
        (Some(coding), None) => decode(coding, raw, most.saturating_add(1))?,
        (Some(_), Some(_)) => return None,
    };
    (text.len() <= most || !is_coded(headers)).then_some(text)
}

const RESPONSE: &str = "application/graphql-response+json";

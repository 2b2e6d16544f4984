//! What an upstream answers, beside what the route's OpenAPI document says: only looked at, and never
//! changed, held or delayed for it. The head is judged when it is there, a body in JSON once it has gone
//! by ([`Overheard`]).
//!
//! Judged is what the upstream has sent, also where the client gets something else in its place: an error
//! in the words of the vocabulary, a body made smaller. What guichet answers by itself is not judged.

use std::sync::Arc;

use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body as _;

use super::Gateway;
use super::annotated::essence;
use super::connection::Connection;
use super::content::Rest;
use super::exchange::Exchange;
use super::limit::Waits;
use super::normalise::ReadAhead;
use super::overheard::Overheard;
use super::stream::Watched;
use crate::base::UpstreamId;
use crate::base::media_type::is_json;
use crate::config::model::{Answer, Normalise, ReplyRule, Route};
use crate::observe::{Conformance, Mismatch};
use crate::parameter::{Pair, Schema, Verdict};
use crate::upstream::Stream;

impl Gateway {
    /// Goes on as every answer does, with somebody who listens.
    #[inline(never)]
    pub(super) fn compare<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        connection: &'a Connection,
        (route, rule): (&'a Route, &'a ReplyRule),
        upstream: UpstreamId,
        response: Response<Stream>,
    ) -> Waits<'a, Response<Watched>> {
        Box::pin(async move {
            let status = response.status();
            if status == StatusCode::SWITCHING_PROTOCOLS {
                return self.normalise(exchange, connection, route, upstream, response).await;
            }
            let (parts, stream) = response.into_parts();
            let mut found = Conformance::default();
            let length = stream.size_hint();
            let is_empty = stream.is_end_stream() || length.exact() == Some(0);
            let body = Reply { parts: &parts, is_empty, is_head: exchange.is_head() };
            let mut ear = body.judge(rule, &mut found).and_then(|schema| {
                found.unread = true;
                let fits = length.lower() <= rule.limit;
                fits.then(|| Overheard::new(schema, &parts.headers, rule.limit)).flatten()
            });
            exchange.record.conformance = Some(Box::new(found));
            if status.as_u16() >= 400 && route.normalise != Normalise::Off {
                // Of an error that is looked into, what was read ahead is all that there is to hear.
                let read = self.read_ahead(stream).await;
                if let Some(ear) = &mut ear {
                    ear.hear_all(&read);
                    ear.settle(&mut exchange.record, matches!(read.rest, Rest::Nothing));
                }
                return self.conclude(exchange, route, upstream, parts, read);
            }
            let response = Response::from_parts(parts, stream);
            let passed = self.normalise(exchange, connection, route, upstream, response).await?;
            Ok(match ear {
                Some(ear) => passed.map(|body| body.overheard(ear)),
                None => passed,
            })
        })
    }
}

impl Overheard {
    fn hear_all(&mut self, read: &ReadAhead) {
        read.ahead.iter().for_each(|piece| self.hear(piece));
    }
}

/// What is known of an answer before its body.
struct Reply<'r> {
    parts: &'r Parts,
    is_empty: bool,
    is_head: bool,
}

impl Reply<'_> {
    /// Judges it, and says by which schema its body is to be judged, if there is one.
    fn judge<'a>(&self, rule: &'a ReplyRule, found: &mut Conformance) -> Option<&'a Arc<Schema>> {
        let status = self.parts.status;
        let Some(answer) = answer(rule, status) else {
            if !is_of_protocol(status) {
                found.add(Mismatch::Status, status.as_str());
            }
            return None;
        };
        fields(answer, &self.parts.headers, found);
        let bodiless =
            [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
        if answer.media.is_empty() || bodiless.contains(&status) {
            return None;
        }
        let said = essence(&self.parts.headers);
        let essence = said.to_ascii_lowercase();
        if self.is_head && essence.is_empty() {
            return None;
        }
        if self.is_empty && !self.is_head {
            found.add(Mismatch::Body, "");
            return None;
        }
        let parts = status == StatusCode::PARTIAL_CONTENT;
        if parts && essence.starts_with("multipart/byteranges") {
            return None;
        }
        let Some(media) = answer.media(&essence) else {
            found.add(Mismatch::MediaType, said);
            return None;
        };
        let schema = media.schema.as_ref().filter(|_| !self.is_head && is_json(&essence))?;
        if parts {
            found.unread = true;
            return None;
        }
        Some(schema)
    }
}

/// What the document says of a status. A part of what would have been a 200 is described there.
fn answer(rule: &ReplyRule, status: StatusCode) -> Option<&Answer> {
    let whole = || rule.answer(StatusCode::OK.as_u16());
    let answer = rule.answer(status.as_u16());
    answer.or_else(|| whole().filter(|_| status == StatusCode::PARTIAL_CONTENT))
}

/// Answers to conditions and ranges, which clients may set everywhere (RFC 9110, sections 13 and 14).
fn is_of_protocol(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE)
}

/// Fields that have to be there, and those that are to be of a form, each line by itself.
fn fields(answer: &Answer, headers: &HeaderMap, found: &mut Conformance) {
    for name in answer.required.iter().filter(|name| !headers.contains_key(*name)) {
        found.add(Mismatch::Header, name.as_str());
    }
    let Some(schema) = &answer.schema else { return };
    for (name, said) in &answer.fields {
        let mut lines = headers.get_all(name).iter();
        let is_wrong = lines.any(|line| {
            let text = String::from_utf8_lossy(line.as_bytes());
            let pair = Pair { name: (&**said).into(), text, is_file: false };
            !matches!(schema.judge(&[pair], false, &[]), Verdict::Fine)
        });
        if is_wrong {
            found.add(Mismatch::Header, name.as_str());
        }
    }
}

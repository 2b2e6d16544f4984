//! A reply of a GraphQL route that is too long to be held: judged by what goes by, undone on the way
//! where it is coded, and told of when it is over, with the code of its worst error.
//!
//! Bounds: a window of 8 MiB, 64 KiB of errors, and [`RATIO`] bytes for each that came, beyond what a
//! short reply may have: what wants more goes by unread, and its line in the log says so.

use std::io::{self, Write};
use std::sync::Arc;

use super::Gateway;
use super::exchange::Exchange;
use super::replies::Reply;
use crate::base::{RequestId, RouteId};
use crate::config::model::{Config, Normalise, RootErrors};
use crate::observe::{Outcome, Record};
use crate::outcome::graphql::{Annotation, Payload, ReplySkimmer, Verdict, worst_of};
use crate::outcome::{StreamDecoder, worst};
use crate::problem::{Cause, Language, Problem};
use crate::upstream::Keeper;

/// Who listens to a reply.
#[derive(Debug)]
pub(super) struct Passing {
    ear: Ear,
    config: Arc<Config>,
    route: Option<RouteId>,
    language: Language,
    request_id: RequestId,
    status: u16,
    keeper: Option<Keeper>,
}

#[derive(Debug)]
enum Ear {
    Plain(Skim),
    Coded(Box<StreamDecoder<Skim>>),
    /// Nobody knows what it says, for this reason.
    Deaf(&'static str),
}

/// Reads what was undone.
#[derive(Debug)]
struct Skim {
    skimmer: ReplySkimmer,
    payload: Arc<Payload>,
    /// Bytes that may still come out.
    left: u64,
}

impl Write for Skim {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or(io::ErrorKind::StorageFull)?;
        self.skimmer.read(&self.payload, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Passing {
    /// Somebody who listens to a reply of this head.
    pub(super) fn new(gateway: &Gateway, exchange: &Exchange, reply: &Reply<'_>) -> Self {
        let replies = &reply.graphql.replies;
        let skim = Skim {
            skimmer: ReplySkimmer::keeping(reply.may_be_list()),
            payload: Arc::clone(&replies.payload),
            left: u64::try_from(replies.inspect).unwrap_or(u64::MAX),
        };
        let mut codings = reply.parts.headers.get_all(http::header::CONTENT_ENCODING).iter();
        let ear = match (codings.next(), codings.next()) {
            (None, _) => Ear::Plain(skim),
            (Some(coding), None) => match StreamDecoder::new(coding, skim) {
                Some(decoder) => Ear::Coded(Box::new(decoder)),
                None => Ear::Deaf("coded in a way that is not known here"),
            },
            (Some(_), Some(_)) => Ear::Deaf("coded more than once"),
        };
        let errors = &gateway.config.errors;
        Self {
            ear,
            config: Arc::clone(&gateway.config),
            route: exchange.record.route(),
            language: errors.catalogue.choose_language(exchange.fields.accept_language.as_ref()),
            request_id: exchange.request_id.clone(),
            status: reply.parts.status.as_u16(),
            keeper: exchange.keeper(gateway),
        }
    }

    /// The next piece.
    pub(super) fn hear(&mut self, data: &[u8]) {
        match &mut self.ear {
            Ear::Plain(skim) => skim.skimmer.read(&skim.payload, data),
            Ear::Coded(decoder) => {
                let more = (data.len() as u64).saturating_mul(RATIO);
                decoder
                    .sink()
                    .into_iter()
                    .for_each(|skim| skim.left = skim.left.saturating_add(more));
                if decoder.write(data).is_err() {
                    self.ear = Ear::Deaf("not decoded: damaged, or beyond what is made of it");
                }
            }
            Ear::Deaf(_) => {}
        }
    }

    /// It is over: says how it went.
    pub(super) fn judge(&mut self, record: &mut Record) {
        let skim = match &mut self.ear {
            Ear::Plain(skim) => skim,
            Ear::Coded(decoder) => match decoder.sink() {
                Some(skim) => skim,
                None => return,
            },
            Ear::Deaf(why) => return unread(record, why),
        };
        let (verdict, kept) = (skim.skimmer.verdict(), skim.skimmer.kept());
        if verdict.is_graphql && !verdict.root_errors {
            record.judged = Some(outcome(verdict));
            return;
        }
        let problem = match kept.filter(|_| verdict.is_graphql) {
            Some(errors) => self.worst(&errors, verdict.data),
            None => Problem::new(Cause::GraphqlReply),
        };
        let status = self.config.errors.catalogue.status(&problem);
        if status >= 500 && !verdict.data {
            self.keeper.iter().for_each(Keeper::served_nothing);
        }
        let normalise = self.route.map(|route| self.config.route(route).normalise);
        if normalise == Some(Normalise::On) {
            let shown = record.status;
            record.blame(&problem, status);
            record.status = shown;
            return;
        }
        if normalise == Some(Normalise::Observe) {
            record.would_change = Some(problem.code());
        }
        record.judged = Some(if status >= 500 { Outcome::Failed } else { Outcome::Refused });
    }

    fn worst(&self, errors: &str, has_data: bool) -> Problem {
        let graphql = self.route.and_then(|route| self.config.route(route).graphql.as_deref());
        let read = graphql.and_then(|graphql| {
            let annotation = Annotation {
                catalogue: &self.config.errors.catalogue,
                codes: &graphql.replies.codes,
                language: self.language,
                request_id: self.request_id.as_str(),
                status: self.status,
                fatal: graphql.replies.root_errors == RootErrors::Fatal,
            };
            worst_of(errors, has_data, &annotation)
        });
        // What could not be read is an error all the same.
        read.map_or_else(|| Problem::new(Cause::GraphqlErrors), |read| worst(&read))
    }
}

/// Says of a reply that nobody has read it, and why: its status alone is what it is taken for.
#[cold]
pub(super) fn unread(record: &mut Record, why: &str) {
    record.detail = Some(format!("the reply went on unread: {why}").into());
}

/// How an operation went by what its reply says. Whose fault errors at the root are stands in them, and
/// is read elsewhere.
pub(super) fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict { is_graphql: false, .. } | Verdict { root_errors: true, .. } => Outcome::Failed,
        Verdict { refused: true, .. } => Outcome::Refused,
        Verdict { warned: true, .. } => Outcome::Warning,
        Verdict { .. } => Outcome::Success,
    }
}

/// What texts of JSON come to at most; more is made for no reader.
const RATIO: u64 = 200;

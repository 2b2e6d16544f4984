//! A failure told among the messages of a stream that its client still reads: the events of a
//! subscription, or the frames of a socket.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::Gateway;
use super::exchange::Exchange;
use crate::base::RequestId;
use crate::base::websocket::{LONGEST_REASON, put_close, put_text};
use crate::outcome::graphql::Subscriptions;
use crate::problem::{Catalogue, Cause, Format, Language, Problem, Reply, graphql_error, render};

/// What is needed to tell of a failure in band.
#[derive(Debug)]
pub(super) struct InBand {
    pub(super) catalogue: Arc<Catalogue>,
    language: Language,
    request_id: RequestId,
    retry_after: Duration,
}

impl Gateway {
    pub(super) fn in_band(&self, exchange: &Exchange) -> InBand {
        let errors = &self.config.errors;
        InBand {
            catalogue: Arc::clone(&errors.catalogue),
            language: errors.catalogue.choose_language(exchange.fields.accept_language.as_ref()),
            request_id: exchange.request_id.clone(),
            retry_after: errors.retry_after,
        }
    }
}

impl InBand {
    /// The last two events, as GraphQL over SSE has them: a result that is an error, and the end.
    pub(super) fn events(&self, problem: &Problem) -> Bytes {
        let error = render(problem, &self.reply(), &self.catalogue).body;
        [b"event: next\ndata: ", &*error, b"\n\nevent: complete\ndata:\n\n"].concat().into()
    }

    /// The last frames of a socket: an error for each operation that is open, if a message may begin,
    /// and a close frame. Its reason names the code and the request, which a browser cannot see elsewhere.
    pub(super) fn frames(&self, problem: &Problem, open: Option<&Subscriptions>) -> Bytes {
        let mut frames = Vec::new();
        if let Some(subscriptions) = open {
            let error = graphql_error(problem, &self.reply(), &self.catalogue);
            subscriptions.last_words(&error).for_each(|text| put_text(&mut frames, &text));
        }
        let code = self.catalogue.full_code_text(problem.code());
        let reason = format!("{code} request_id={}", self.request_id.as_str());
        let reason = if reason.len() > LONGEST_REASON { code } else { &reason };
        put_close(&mut frames, self.close_code(problem), reason);
        frames.into()
    }

    /// What a close frame says of it (IANA, WebSocket Close Code Number Registry). 1011, an error of the
    /// server itself, is where clients of GraphQL give up; after the others they connect again.
    fn close_code(&self, problem: &Problem) -> u16 {
        match (problem.cause(), self.catalogue.status(problem)) {
            (Cause::Draining, _) => 1012,
            (_, 503) => 1013,
            (_, 502 | 504) => 1014,
            (_, _) => 1011,
        }
    }

    fn reply(&self) -> Reply<'_> {
        Reply {
            format: Format::GraphQlJson,
            language: self.language,
            request_id: &self.request_id,
            method: &Method::POST,
            retry_after: self.retry_after,
        }
    }
}

#[cfg(test)]
impl InBand {
    /// Words for nobody in particular.
    pub(super) fn alone() -> Self {
        Self {
            catalogue: Catalogue::new("fr.ammy", None, &["en".to_owned()], &[]).unwrap().into(),
            language: Language(0),
            request_id: RequestId::generate_at(0),
            retry_after: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The code and the reason of the close frame that says so.
    fn closes(words: &InBand, cause: Cause) -> (u16, String) {
        let frame = words.frames(&Problem::new(cause), None);
        let (code, reason) = frame[2..].split_first_chunk().unwrap();
        (u16::from_be_bytes(*code), String::from_utf8(reason.to_vec()).unwrap())
    }

    #[test]
    fn clients_connect_again_after_all_codes_but_that_of_a_bug() {
        let words = InBand::alone();
        for (cause, code) in [
            (Cause::Draining, 1012),
            (Cause::Overload, 1013),
            (Cause::Truncated, 1014),
            (Cause::IdleTimeout, 1014),
            (Cause::Panic, 1011),
        ] {
            assert_eq!(closes(&words, cause).0, code, "{cause:?}");
        }
    }

    #[test]
    fn a_reason_is_whole_or_the_code_alone() {
        for (length, fits) in [(90, true), (128, false)] {
            let id = HeaderValue::from_str(&"x".repeat(length)).unwrap();
            let request_id = RequestId::accept(&id).unwrap();
            let words = InBand { request_id, ..InBand::alone() };
            let (_, reason) = closes(&words, Cause::Truncated);
            let whole = format!("fr.ammyBadGateway request_id={id}", id = "x".repeat(length));
            assert_eq!(reason, if fits { &whole } else { "fr.ammyBadGateway" });
        }
    }
}

//! The headers of an error reply (errors.md, section 3).

use http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE,
    RETRY_AFTER, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Format;
use super::facts::Facts;
use super::grpc;
use crate::base::RequestId;

/// All headers of a reply with this status on the wire and a body of this length.
pub(super) fn headers(facts: &Facts<'_>, status: u16, length: usize) -> HeaderMap {
    let room = ROOM + facts.problem.headers().len();
    let mut list = List { facts, out: HeaderMap::with_capacity(room) };
    list.own(CONTENT_TYPE, HeaderValue::from_static(facts.format().content_type()));
    list.own(CONTENT_LENGTH, number(length));
    if let Some(language) = facts.catalogue.content_language(facts.reply.language) {
        list.own(CONTENT_LANGUAGE, language.clone());
    }
    // A list: what the problem adds stands on a line of its own.
    list.own(VARY, HeaderValue::from_static("accept, accept-language"));
    list.default(CACHE_CONTROL, "no-store");
    list.own(ERROR_CODE, facts.catalogue.full_code(facts.problem.code()).clone());
    list.own(RequestId::FIELD, facts.request_id.value().clone());
    if facts.format() == Format::Grpc {
        for (name, value) in grpc::fields(facts) {
            list.own(name, value);
        }
    }
    if let Some(wait) = facts.header_wait {
        list.own(RETRY_AFTER, HeaderValue::from(wait));
    }
    match status {
        401 => list.default(WWW_AUTHENTICATE, "Bearer"),
        426 => {
            list.default(UPGRADE, "TLS/1.2, HTTP/1.1");
            list.default(CONNECTION, "upgrade");
        }
        _ => {}
    }
    list.problems();
    list.out
}

struct List<'a> {
    facts: &'a Facts<'a>,
    out: HeaderMap,
}

impl List<'_> {
    /// Adds a header; none that stands already is taken away.
    fn own(&mut self, name: HeaderName, value: HeaderValue) {
        self.out.append(name, value);
    }

    /// Adds a header unless the problem brings its own.
    fn default(&mut self, name: HeaderName, value: &'static str) {
        if !self.facts.problem.headers().iter().any(|(known, _)| *known == name) {
            self.own(name, HeaderValue::from_static(value));
        }
    }

    /// Adds the problem's headers, all but those that describe this body and this reply: an
    /// upstream's `content-length` would be a lie here.
    fn problems(&mut self) {
        let own = |name: &HeaderName| {
            OWN.contains(name) || name == ERROR_CODE || name == RequestId::FIELD || is_grpc(name)
        };
        for (name, value) in self.facts.problem.headers().iter().filter(|(name, _)| !own(name)) {
            // Appended: several Set-Cookie or WWW-Authenticate lines of an upstream all stay.
            self.own(name.clone(), value.clone());
        }
    }
}

/// One allocation, where the conversion of the `http` crate takes two.
fn number(number: usize) -> HeaderValue {
    // Digits are always a valid header value.
    HeaderValue::from_str(itoa::Buffer::new().format(number)).unwrap_or_else(|_| number.into())
}

fn is_grpc(name: &HeaderName) -> bool {
    matches!(name.as_str(), "grpc-status" | "grpc-message")
}

/// Set by the reply alone. Retry-After is among them because its value has been read already.
const OWN: [HeaderName; 7] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    CONTENT_LANGUAGE,
    CONTENT_ENCODING,
    TRANSFER_ENCODING,
    TRAILER,
    RETRY_AFTER,
];
/// Room for all of them at once, and for what every reply gets later: `date`, `connection`.
const ROOM: usize = 12;
const ERROR_CODE: HeaderName = HeaderName::from_static("error-code");

//! How a reply compares with what its OpenAPI document says of it: what the log tells of one, and how
//! many there were of each kind.
//!
//! A place is a name (a field, a pointer into the body, a media type, a status), never a value. How many
//! are kept, and how much of each, is bounded.

use super::exposition::{Exposition, number_if_any};
use super::json::escaped;
use super::metrics;
use super::text::Page;

/// What may be wrong with a reply, in the order in which it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// The document does not have its status.
    Status,
    /// The document does not have its media type.
    MediaType,
    /// It is no JSON, or not there.
    Body,
    /// It is not as the schema wants it.
    Schema,
    /// A field is missing, or not as its schema wants it.
    Header,
}

impl Mismatch {
    /// The word of the log and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::MediaType => "media_type",
            Self::Body => "body",
            Self::Schema => "schema",
            Self::Header => "header",
        }
    }
}

/// What was found of one reply.
#[derive(Debug, Default)]
pub struct Conformance {
    found: Vec<(Mismatch, Box<str>)>,
    /// Whether it has a body with a schema that nobody could judge.
    pub unread: bool,
}

impl Conformance {
    /// Adds something that is wrong, and where.
    pub fn add(&mut self, what: Mismatch, place: &str) {
        if self.found.len() < MOST {
            let end = place.floor_char_boundary(LONGEST);
            self.found.push((what, place.get(..end).unwrap_or_default().into()));
        }
    }

    /// Which counter it belongs to: each reply has one, that of the first thing that is wrong.
    pub(super) fn number(&self) -> usize {
        match self.found.iter().map(|(what, _)| *what).min() {
            Some(what) => FIRST + what as usize,
            None => usize::from(self.unread),
        }
    }

    /// Appends what is wrong, of a reply that is not fine: `["status 418"]`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (at, (what, place)) in self.found.iter().enumerate() {
            out.push(if at == 0 { b'[' } else { b',' });
            let blank = if place.is_empty() { "" } else { " " };
            let text = [what.as_str(), blank, place].concat();
            escaped(text.as_bytes(), text.len(), out);
        }
        out.push(b']');
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_fine(&self) -> bool {
        self.found.is_empty()
    }

    /// How many counters there are.
    pub(super) const COUNT: usize = RESULTS.len();
}

impl Exposition {
    pub(super) fn conformance(&self, page: &mut Page) {
        page.family(&metrics::OPENAPI_RESPONSES);
        for (place, route) in self.route_names() {
            for (at, result) in RESULTS.iter().enumerate() {
                let sum = self.sum(|it| Some(it.routes.get(place)?.conformance[at].value()));
                let labels = [("route", route), ("result", *result)];
                number_if_any(page, &metrics::OPENAPI_RESPONSES, &labels, sum);
            }
        }
    }
}

/// Things that are told of one reply.
const MOST: usize = 8;
/// Bytes of a place.
const LONGEST: usize = 128;
/// Where those begin that are wrong.
const FIRST: usize = 2;
const RESULTS: [&str; 7] = [
    "conforms",
    "unread",
    Mismatch::Status.as_str(),
    Mismatch::MediaType.as_str(),
    Mismatch::Body.as_str(),
    Mismatch::Schema.as_str(),
    Mismatch::Header.as_str(),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn written(conformance: &Conformance) -> String {
        let mut out = Vec::new();
        conformance.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_reply_counts_once_by_what_is_wrong_first() {
        let mut found = Conformance::default();
        assert_eq!(RESULTS[found.number()], "conforms");
        found.unread = true;
        assert_eq!(RESULTS[found.number()], "unread");
        let order = [Mismatch::Header, Mismatch::Schema, Mismatch::Body, Mismatch::MediaType];
        for what in order.into_iter().chain([Mismatch::Status]) {
            found.add(what, "x");
            assert_eq!(RESULTS[found.number()], what.as_str());
        }
    }

    #[test]
    fn what_is_told_is_bounded_and_cannot_break_a_line() {
        let mut found = Conformance::default();
        found.add(Mismatch::Body, "");
        found.add(Mismatch::Schema, "/a\"\n/é");
        assert_eq!(written(&found), r#"["body","schema /a\"\n/é"]"#);
        for _ in 0..100 {
            found.add(Mismatch::Schema, &"é".repeat(1000));
        }
        assert_eq!(found.found.len(), MOST);
        assert!(found.found.iter().all(|(_, place)| place.len() <= LONGEST));
        assert!(written(&found).len() < MOST * (LONGEST + 20));
    }
}

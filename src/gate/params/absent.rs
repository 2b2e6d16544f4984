//! What a request lacks and has a default: added on its way to the upstream.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::parameter::Fallback;

/// Defaults that a request needs.
#[derive(Debug, Default)]
pub struct Absent {
    query: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    cookies: String,
}

impl Absent {
    pub(super) fn add(&mut self, fallback: &Fallback) {
        match fallback {
            Fallback::Query(pair) => join(&mut self.query, "&", pair),
            Fallback::Cookie(pair) => join(&mut self.cookies, "; ", pair),
            Fallback::Header(name, value) => self.headers.push((name.clone(), value.clone())),
        }
    }

    /// Pairs for the query, percent-encoded.
    pub fn query(&self) -> Option<&str> {
        (!self.query.is_empty()).then_some(self.query.as_str())
    }

    /// Adds the fields. There is one `Cookie` at the end, whatever there was before.
    pub fn fill(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        if self.cookies.is_empty() {
            return;
        }
        let mut line = Vec::new();
        for value in headers.get_all(header::COOKIE) {
            line.extend_from_slice(value.as_bytes());
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(self.cookies.as_bytes());
        if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(line)) {
            headers.insert(header::COOKIE, value);
        }
    }
}

fn join(list: &mut String, separator: &str, member: &str) {
    if !list.is_empty() {
        list.push_str(separator);
    }
    list.push_str(member);
}

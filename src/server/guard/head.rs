//! Reads the head of an HTTP/1 request once, strictly, line by line as it arrives.
//!
//! Every byte is looked at once, however slowly it comes. Nothing is repaired, with three exceptions
//! that RFC 9112 asks for and that leave no doubt: blank lines before the request line are skipped
//! (bounded), a later minor version is read as 1.1, zeros before a length are dropped. What the
//! spine and the upstream see is the one canonical form. Nothing is copied: the fields of a request
//! are slices of the bytes that were read.

use std::ops::Range;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Uri};
use memchr::memchr;

use super::target::{self, Version};
use super::{Fault, Framing};
use crate::base::authority::is_authority;
use crate::base::field::{is_token, split, trim};
use crate::base::field_name;
use crate::problem::Cause;

/// Bounds on a head.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct HeadLimits {
    /// Bytes of the target.
    pub(in crate::server) uri: usize,
    /// Bytes of all field lines together.
    pub(in crate::server) header: usize,
    /// Number of field lines.
    pub(in crate::server) headers: usize,
}

/// Where the reading stands within one head.
#[derive(Debug)]
pub(in crate::server) struct HeadScanner {
    over_tls: bool,
    limits: HeadLimits,
    /// Beginning of the line that is being read.
    line: usize,
    /// Bytes already searched for a line end.
    searched: usize,
    blank_lines: u8,
    fields: usize,
    fields_start: usize,
    request: Option<target::RequestLine>,
    request_start: usize,
    facts: Facts,
    /// Where names and values of the field lines stand; kept from head to head.
    spans: Vec<Span>,
}

/// Where one field line's name and value stand.
#[derive(Clone, Debug)]
struct Span {
    name: Range<usize>,
    value: Range<usize>,
}

/// What the field lines said that matters for framing and refusal.
#[derive(Debug, Default)]
pub(super) struct Facts {
    host: Option<Range<usize>>,
    length: Option<u64>,
    chunked: bool,
    expects: bool,
    closes: bool,
    keeps: bool,
    trailers: bool,
    /// Kept so that a refusal speaks the client's language.
    pub(super) accept: Option<Range<usize>>,
    /// Likewise.
    pub(super) accept_language: Option<Range<usize>>,
}

/// A whole head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Head {
    /// Length of the head in bytes.
    pub(in crate::server) end: usize,
    /// What follows it.
    pub(in crate::server) framing: Framing,
    /// Whether it waits for a word before it sends its body.
    pub(in crate::server) expects: bool,
    /// Whether the connection may carry another request.
    pub(in crate::server) keeps_alive: bool,
    /// Whether the client reads trailers.
    pub(in crate::server) trailers: bool,
}

impl HeadScanner {
    pub(in crate::server) fn new(over_tls: bool, limits: HeadLimits) -> Self {
        Self {
            over_tls,
            limits,
            line: 0,
            searched: 0,
            blank_lines: 0,
            fields: 0,
            fields_start: 0,
            request: None,
            request_start: 0,
            facts: Facts::default(),
            spans: Vec::new(),
        }
    }

    /// Other limits, from here on.
    pub(in crate::server) fn limit(&mut self, limits: HeadLimits) {
        self.limits = limits;
    }

    /// Forgets everything, for the next head.
    pub(in crate::server) fn reset(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        spans.clear();
        *self = Self { spans, ..Self::new(self.over_tls, self.limits) };
    }

    /// Whether a head has begun: blank lines before it do not count.
    pub(in crate::server) fn has_begun(&self, bytes: &[u8]) -> bool {
        bytes.len() > self.line || self.request.is_some()
    }

    /// The request, out of the bytes of a head that [`Self::scan`] has found whole.
    ///
    /// # Errors
    /// The target is one that the HTTP library cannot hold.
    pub(in crate::server) fn request(&self, head: &Bytes) -> Result<Parts, Fault> {
        let bad = |detail| Fault::new(Cause::BadHeader, detail);
        let Some(line) = &self.request else {
            return Err(self.line_fault("a head without a request line"));
        };
        let at = |range: &Range<usize>| {
            head.slice(self.request_start + range.start..self.request_start + range.end)
        };
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(&at(&line.method))
            .map_err(|_| Fault::new(Cause::BadRequestLine, "the method is unreadable"))?;
        *request.uri_mut() = Uri::from_maybe_shared(at(&line.target))
            .map_err(|_| Fault::new(Cause::BadTarget, "the target is unreadable"))?;
        *request.version_mut() = match line.version {
            Version::Http10 => http::Version::HTTP_10,
            Version::Http11 | Version::LaterMinor => http::Version::HTTP_11,
        };
        let mut headers = HeaderMap::with_capacity(self.spans.len() + SPARE);
        for span in &self.spans {
            let name = field_name::read(&head[span.name.clone()])
                .map_err(|_| bad("a field name is unreadable"))?;
            let value = HeaderValue::from_maybe_shared(head.slice(span.value.clone()))
                .map_err(|_| bad("a field value is unreadable"))?;
            headers.try_append(name, value).map_err(|_| bad("too many fields"))?;
        }
        *request.headers_mut() = headers;
        Ok(request.into_parts().0)
    }

    /// The request that stands for a refused one: a target of no meaning, and what is known of how
    /// the client would like to be answered.
    pub(in crate::server) fn stand_in(&self, head: &[u8]) -> Parts {
        let mut request = Request::new(());
        if self.request.as_ref().is_some_and(|request| request.is_head) {
            *request.method_mut() = Method::HEAD;
        }
        let kept = [(ACCEPT, &self.facts.accept), (ACCEPT_LANGUAGE, &self.facts.accept_language)];
        for (name, range) in kept {
            let bytes = range.as_ref().and_then(|range| head.get(range.clone()));
            if let Some(value) = bytes.and_then(|bytes| HeaderValue::from_bytes(bytes).ok()) {
                request.headers_mut().insert(name, value);
            }
        }
        request.into_parts().0
    }

    /// Reads on; `bytes` begins with this head and may have grown since the last call.
    pub(in crate::server) fn scan(&mut self, bytes: &[u8]) -> Result<Option<Head>, Fault> {
        while let Some(found) = memchr(b'\n', &bytes[self.searched..]) {
            let feed = self.searched + found;
            let line = self.line..feed.saturating_sub(1);
            if feed == self.line || bytes[feed - 1] != b'\r' {
                return Err(self.line_fault("a line ends with a bare LF"));
            }
            self.line = feed + 1;
            self.searched = self.line;
            match (&self.request, line.is_empty()) {
                (None, true) => self.skip_blank_line()?,
                (None, false) => self.request_line(bytes, line)?,
                (Some(_), true) => return self.finish(bytes).map(Some),
                (Some(_), false) => self.field_line(bytes, line)?,
            }
        }
        self.searched = bytes.len();
        self.check_unfinished(bytes).map(|()| None)
    }

    fn skip_blank_line(&mut self) -> Result<(), Fault> {
        self.blank_lines += 1;
        if self.blank_lines > MAX_BLANK_LINES {
            return Err(Fault::new(Cause::BadRequestLine, "too many blank lines before a request"));
        }
        Ok(())
    }

    fn request_line(&mut self, bytes: &[u8], line: Range<usize>) -> Result<(), Fault> {
        let request = target::parse(&bytes[line.clone()], self.over_tls, self.limits.uri)?;
        // As for a line that is still to come: the verdict must not depend on how it comes.
        if request.method.len() > MAX_METHOD {
            return Err(self.line_fault("the method does not end"));
        }
        self.request_start = line.start;
        self.fields_start = self.line;
        self.request = Some(request);
        Ok(())
    }

    fn field_line(&mut self, bytes: &[u8], line: Range<usize>) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > self.limits.headers {
            return Err(Fault::new(Cause::HeaderLimit, "more field lines than the limit"));
        }
        if self.line - self.fields_start > self.limits.header {
            return Err(too_large());
        }
        let start = line.start;
        let text = &bytes[line];
        if matches!(text[0], b' ' | b'\t') {
            return Err(Fault::new(Cause::BadHeader, "a field line is folded"));
        }
        let (name, value) = split(text).map_err(|detail| Fault::new(Cause::BadHeader, detail))?;
        let at = value.as_ptr().addr() - bytes.as_ptr().addr();
        let mut value_at = at..at + value.len();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if self.facts.host.is_some() {
                    return Err(Fault::new(Cause::BadHost, "Host stands twice"));
                }
                if !is_authority(value) {
                    return Err(Fault::new(Cause::BadHost, "Host is no valid authority"));
                }
                self.facts.host = Some(value_at.clone());
            }
            6 if name.eq_ignore_ascii_case(b"expect") => {
                if self.facts.expects || !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Fault::new(Cause::BadExpect, "Expect is not 100-continue"));
                }
                self.facts.expects = true;
            }
            6 if name.eq_ignore_ascii_case(b"accept") => {
                self.facts.accept = Some(value_at.clone());
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = parse_length(value)?;
                if self.facts.length.replace(length).is_some() {
                    return Err(framing("Content-Length stands twice"));
                }
                // From here on the length is written in its one canonical form.
                value_at.start += leading_zeros(value);
            }
            2 if name.eq_ignore_ascii_case(b"te") => {
                self.facts.trailers |= has_token(value, b"trailers");
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.facts.closes |= has_token(value, b"close");
                self.facts.keeps |= has_token(value, b"keep-alive");
            }
            15 if name.eq_ignore_ascii_case(b"accept-language") => {
                self.facts.accept_language = Some(value_at.clone());
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                check_coding(value)?;
                if self.facts.chunked {
                    return Err(framing("Transfer-Encoding stands twice"));
                }
                self.facts.chunked = true;
            }
            _ => {}
        }
        self.spans.push(Span { name: start..start + name.len(), value: value_at });
        Ok(())
    }

    fn finish(&self, bytes: &[u8]) -> Result<Head, Fault> {
        let Some(request) = &self.request else {
            return Err(self.line_fault("a head without a request line"));
        };
        let facts = &self.facts;
        match (&facts.host, request.authority) {
            (None, _) if request.version != Version::Http10 => {
                return Err(Fault::new(Cause::BadHost, "Host is missing"));
            }
            (Some(host), Some((start, end))) => {
                let authority = &bytes[self.request_start + start..self.request_start + end];
                if !authority.eq_ignore_ascii_case(&bytes[host.clone()]) {
                    return Err(Fault::new(Cause::BadHost, "Host differs from the target"));
                }
            }
            (None, Some(_)) => {
                return Err(Fault::new(Cause::BadHost, "an absolute target without Host"));
            }
            (None | Some(_), None) => {}
        }
        let framing = match (facts.chunked, facts.length) {
            (true, Some(_)) => return Err(framing("Content-Length beside Transfer-Encoding")),
            (true, None) if request.version == Version::Http10 => {
                return Err(framing("Transfer-Encoding in HTTP/1.0"));
            }
            (true, None) => Framing::Chunked,
            (false, Some(length)) if length > 0 => Framing::Length(length),
            (false, _) => Framing::Empty,
        };
        let keeps_alive = match request.version {
            Version::Http10 => facts.keeps && !facts.closes,
            Version::Http11 | Version::LaterMinor => !facts.closes,
        };
        Ok(Head {
            end: self.line,
            framing,
            expects: facts.expects && request.version != Version::Http10,
            keeps_alive,
            trailers: facts.trailers,
        })
    }

    /// Bounds a line that has not ended yet, and tells early what can never become a head.
    fn check_unfinished(&self, bytes: &[u8]) -> Result<(), Fault> {
        let line = &bytes[self.line..];
        if self.request.is_some() {
            // Half of the line that ends the head is no part of its fields.
            let over = bytes.len() - self.fields_start > self.limits.header && line != b"\r";
            return if over { Err(too_large()) } else { Ok(()) };
        }
        let method_end = line.iter().take(MAX_METHOD + 1).position(|byte| *byte == b' ');
        match method_end {
            None if line.len() > MAX_METHOD => {
                Err(Fault::new(Cause::BadRequestLine, "the method does not end"))
            }
            Some(end) if line.len() - end > self.limits.uri + VERSION_ROOM => {
                Err(Fault::new(Cause::UriLimit, "the request line is longer than the limit"))
            }
            None | Some(_) => Ok(()),
        }
    }

    fn line_fault(&self, detail: &'static str) -> Fault {
        let in_request_line = self.request.is_none();
        Fault::new(if in_request_line { Cause::BadRequestLine } else { Cause::BadHeader }, detail)
    }
}

/// 1*DIGIT and nothing else: no sign, no list, no white space of another kind.
fn parse_length(value: &[u8]) -> Result<u64, Fault> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(value).unwrap_or_default();
    match (digits, text.parse::<u64>()) {
        // No body is that long, and sums of lengths must not overflow.
        (true, Ok(length)) if length <= u64::MAX >> 1 => Ok(length),
        (true | false, _) => Err(framing("Content-Length is no number")),
    }
}

fn leading_zeros(digits: &[u8]) -> usize {
    digits.iter().take_while(|digit| **digit == b'0').count().min(digits.len() - 1)
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|item| trim(item).eq_ignore_ascii_case(token))
}

/// Only `chunked`, once, alone. Other codings are not implemented (RFC 9112, section 6.1); a `chunked` that is
/// not final, has parameters, or hides in a list cannot be framed.
fn check_coding(value: &[u8]) -> Result<(), Fault> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut codings = value.split(|byte| *byte == b',').map(trim).peekable();
    while let Some(coding) = codings.next() {
        let token = !coding.is_empty() && coding.iter().all(|byte| is_token(*byte));
        let misplaced = coding.eq_ignore_ascii_case(b"chunked") && codings.peek().is_some();
        if !token || misplaced {
            return Err(framing("Transfer-Encoding is not chunked"));
        }
    }
    Err(Fault::new(Cause::UnknownTransferCoding, "a transfer coding beside chunked"))
}

fn framing(detail: &'static str) -> Fault {
    Fault::new(Cause::BadFraming, detail)
}

fn too_large() -> Fault {
    Fault::new(Cause::HeaderLimit, "the field lines are larger than the limit")
}

/// RFC 9112, section 2.2 asks to ignore "at least one"; old clients send one or two.
const MAX_BLANK_LINES: u8 = 4;
const MAX_METHOD: usize = 32;
/// Room for two spaces and `HTTP/1.1` beside the target.
const VERSION_ROOM: usize = 16;
/// Fields that the spine will add: room for them now saves a larger map later.
const SPARE: usize = 2;

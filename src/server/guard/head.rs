//! Reads the head of an HTTP/1 request once, strictly, line by line as it arrives.
//!
//! Every byte is looked at once, however slowly it comes. Nothing is repaired, with three exceptions
//! that RFC 9112 asks for and that leave no doubt: blank lines before the request line are skipped
//! (bounded), a later minor version is read as 1.1, zeros before a length are dropped. All three
//! are made in place, so that what hyper and the upstream see is the one canonical form.

use std::ops::Range;

use memchr::memchr;

use super::target::{self, Version};
use super::{Fault, Framing};
use crate::base::field::{is_token, split, trim};
use crate::problem::Cause;

/// Bounds on a head.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadLimits {
    /// Bytes of the target.
    pub(super) uri: usize,
    /// Bytes of all field lines together.
    pub(super) header: usize,
    /// Number of field lines.
    pub(super) headers: usize,
}

/// Where the reading stands within one head.
#[derive(Debug)]
pub(super) struct HeadScanner {
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
}

/// What the field lines said that matters for framing and refusal.
#[derive(Debug, Default)]
pub(super) struct Facts {
    host: Option<Range<usize>>,
    length: Option<u64>,
    chunked: bool,
    expects: bool,
    upgrade: bool,
    /// Kept so that a refusal speaks the client's language.
    pub(super) accept: Option<Range<usize>>,
    /// Likewise.
    pub(super) accept_language: Option<Range<usize>>,
}

/// A whole head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Length of the head in bytes.
    pub(super) end: usize,
    /// What follows it.
    pub(super) framing: Framing,
    /// Whether the client asks to leave HTTP.
    pub(super) upgrade: bool,
}

impl HeadScanner {
    pub(super) fn new(over_tls: bool, limits: HeadLimits) -> Self {
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
        }
    }

    /// Forgets everything, for the next head.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.over_tls, self.limits);
    }

    /// How many bytes of this head have been looked at.
    pub(super) fn seen(&self) -> usize {
        self.searched
    }

    /// What was understood before a fault, for the refusal: whether it was HEAD, and the facts.
    pub(super) fn understood(&self) -> (bool, &Facts) {
        (self.request.as_ref().is_some_and(|request| request.is_head), &self.facts)
    }

    /// Reads on; `bytes` begins with this head and may have grown since the last call.
    pub(super) fn scan(&mut self, bytes: &mut [u8]) -> Result<Option<Head>, Fault> {
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

    fn request_line(&mut self, bytes: &mut [u8], line: Range<usize>) -> Result<(), Fault> {
        let request = target::parse(&bytes[line.clone()], self.over_tls, self.limits.uri)?;
        if request.version == Version::LaterMinor {
            bytes[line.end - 1] = b'1';
        }
        self.request_start = line.start;
        self.fields_start = self.line;
        self.request = Some(request);
        Ok(())
    }

    fn field_line(&mut self, bytes: &mut [u8], line: Range<usize>) -> Result<(), Fault> {
        self.fields += 1;
        if self.fields > self.limits.headers {
            return Err(Fault::new(Cause::HeaderLimit, "more field lines than the limit"));
        }
        if self.line - self.fields_start > self.limits.header {
            return Err(Fault::new(
                Cause::HeaderLimit,
                "the field lines are larger than the limit",
            ));
        }
        let text = &bytes[line];
        if matches!(text[0], b' ' | b'\t') {
            return Err(Fault::new(Cause::BadHeader, "a field line is folded"));
        }
        let (name, value) = split(text).map_err(|detail| Fault::new(Cause::BadHeader, detail))?;
        let at = value.as_ptr().addr() - bytes.as_ptr().addr();
        let value_at = at..at + value.len();
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if self.facts.host.is_some() {
                    return Err(Fault::new(Cause::BadHost, "Host stands twice"));
                }
                if !target::is_host(value) {
                    return Err(Fault::new(Cause::BadHost, "Host is no valid authority"));
                }
                self.facts.host = Some(value_at);
            }
            6 if name.eq_ignore_ascii_case(b"expect") => {
                if self.facts.expects || !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Fault::new(Cause::BadExpect, "Expect is not 100-continue"));
                }
                self.facts.expects = true;
            }
            6 if name.eq_ignore_ascii_case(b"accept") => self.facts.accept = Some(value_at),
            7 if name.eq_ignore_ascii_case(b"upgrade") => self.facts.upgrade = true,
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = parse_length(value)?;
                if self.facts.length.replace(length).is_some() {
                    return Err(framing("Content-Length stands twice"));
                }
                drop_leading_zeros(&mut bytes[value_at]);
            }
            15 if name.eq_ignore_ascii_case(b"accept-language") => {
                self.facts.accept_language = Some(value_at);
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
        Ok(Head { end: self.line, framing, upgrade: facts.upgrade })
    }

    /// Bounds a line that has not ended yet, and tells early what can never become a head.
    fn check_unfinished(&self, bytes: &[u8]) -> Result<(), Fault> {
        let line = &bytes[self.line..];
        if self.request.is_some() {
            return if bytes.len() - self.fields_start > self.limits.header {
                Err(Fault::new(Cause::HeaderLimit, "the field lines are larger than the limit"))
            } else {
                Ok(())
            };
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
        // hyper keeps the two highest values for itself.
        (true, Ok(length)) if length <= u64::MAX >> 1 => Ok(length),
        (true | false, _) => Err(framing("Content-Length is no number")),
    }
}

fn drop_leading_zeros(digits: &mut [u8]) {
    let last = digits.len() - 1;
    for digit in &mut digits[..last] {
        if *digit != b'0' {
            break;
        }
        *digit = b' ';
    }
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

/// RFC 9112, section 2.2 asks to ignore "at least one"; old clients send one or two.
const MAX_BLANK_LINES: u8 = 4;
const MAX_METHOD: usize = 32;
/// Room for two spaces and `HTTP/1.1` beside the target.
const VERSION_ROOM: usize = 16;

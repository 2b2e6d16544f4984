//! Reads the head of an answer (RFC 9112, sections 4 to 6), once and strictly.
//!
//! One liberty is taken, because it leaves no doubt: a line may end with LF alone, as RFC 9112,
//! section 2.2 lets a recipient read it. Folded lines, control characters, other versions and
//! statuses that nobody defined make the answer no answer.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{Response, StatusCode, Version};
use memchr::memchr;

use super::Failure;
use crate::base::chunked::{ChunkLimits, Padding};
use crate::base::{Extent, field_name};
use crate::upstream::check::{self, Reuse};

/// What was read.
pub(super) enum Heard {
    /// An interim answer; another one follows.
    Interim(StatusCode, HeaderMap),
    /// The answer, or a 101.
    Final(Answer),
}

/// The head of a final answer, and what follows it.
pub(super) struct Answer {
    pub(super) head: Response<()>,
    pub(super) extent: Extent,
    pub(super) reuse: Reuse,
}

/// What the fields say of the connection and the body.
#[derive(Default)]
struct Facts {
    lengths: u32,
    /// The last one, if it is a number and nothing else.
    length: Option<u64>,
    codings: u32,
    closes: bool,
    keeps: bool,
}

/// Takes one head off `inbox`, once it is whole. `searched` remembers how far the search for its
/// end has come; `is_head` says that the request was one for a head alone.
pub(super) fn read(
    inbox: &mut BytesMut,
    searched: &mut usize,
    is_head: bool,
) -> Result<Option<Heard>, Failure> {
    let Some(end) = find_end(inbox, searched) else {
        return check_unfinished(inbox).map(|()| None);
    };
    if end > HEAD {
        return Err(Failure::TooLarge);
    }
    let (status, version, headers, facts) = parse(&inbox.split_to(end).freeze())?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Some(Heard::Interim(status, headers)));
    }
    judge(status, version, headers, &facts, is_head).map(|answer| Some(Heard::Final(answer)))
}

/// The length of the head, empty line included.
fn find_end(bytes: &[u8], searched: &mut usize) -> Option<usize> {
    while let Some(found) = memchr(b'\n', &bytes[*searched..]) {
        let next = *searched + found + 1;
        match bytes.get(next..) {
            Some([b'\n', ..]) => return Some(next + 1),
            Some([b'\r', b'\n', ..]) => return Some(next + 2),
            // What stands behind this line end is not there yet.
            Some([] | [b'\r']) | None => {
                *searched = next - 1;
                return None;
            }
            Some(_) => *searched = next,
        }
    }
    *searched = bytes.len();
    None
}

/// Tells early what will never be a head, so that nobody waits for its end.
fn check_unfinished(bytes: &[u8]) -> Result<(), Failure> {
    let beginning = bytes.len().min(PREFIX.len());
    if bytes[..beginning] != PREFIX[..beginning] {
        return Err(Failure::Garbage("what came is not HTTP/1"));
    }
    if bytes.len() > HEAD { Err(Failure::TooLarge) } else { Ok(()) }
}

fn parse(head: &Bytes) -> Result<(StatusCode, Version, HeaderMap, Facts), Failure> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut response = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let parsed = config.parse_response_with_uninit_headers(&mut response, head, &mut fields);
    match parsed {
        Ok(httparse::Status::Complete(length)) if length == head.len() => {}
        Ok(_) => return Err(Failure::Garbage("the head of the answer ends in its middle")),
        Err(httparse::Error::TooManyHeaders) => return Err(Failure::TooLarge),
        Err(error) => return Err(Failure::Garbage(words(error))),
    }
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Failure::Garbage("the status is no number from 100 to 999"))?;
    let version = if response.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
    let mut headers = HeaderMap::with_capacity(response.headers.len() + SPARE);
    let mut facts = Facts::default();
    for field in &*response.headers {
        let name = field_name::read(field.name.as_bytes())
            .map_err(|_| Failure::Garbage("a field name is no token"))?;
        let at = field.value.as_ptr().addr() - head.as_ptr().addr();
        // A slice of what was read: values are never copied.
        let value = HeaderValue::from_maybe_shared(head.slice(at..at + field.value.len()))
            .map_err(|_| Failure::Garbage("a field value holds a control character"))?;
        // It says what most connections say, and is for this hop alone.
        if facts.note(&name, &value) == Noted::Settled {
            continue;
        }
        headers.append(name, value);
    }
    Ok((status, version, headers, facts))
}

/// Whether anybody has to look at a field again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Noted {
    Open,
    Settled,
}

impl Facts {
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) -> Noted {
        if *name == CONTENT_LENGTH {
            self.lengths += 1;
            self.length = number(value);
        } else if *name == TRANSFER_ENCODING {
            self.codings += 1;
        } else if *name == CONNECTION {
            if value == "keep-alive" {
                self.keeps = true;
                return Noted::Settled;
            }
            for item in value.as_bytes().split(|byte| *byte == b',') {
                let item = item.trim_ascii();
                self.closes |= item.eq_ignore_ascii_case(b"close");
                self.keeps |= item.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Noted::Open
    }
}

fn judge(
    status: StatusCode,
    version: Version,
    mut headers: HeaderMap,
    facts: &Facts,
    is_head: bool,
) -> Result<Answer, Failure> {
    let mut reuse = match (facts.closes, version) {
        (true, _) => Reuse::Never,
        (false, Version::HTTP_10) if !facts.keeps => Reuse::Never,
        (false, _) => Reuse::Fine,
    };
    let mut length = facts.length;
    let is_plain =
        facts.codings == 0 && (facts.lengths == 0 || facts.lengths == 1 && length.is_some());
    if status == StatusCode::SWITCHING_PROTOCOLS {
        length = None;
    } else if !is_plain || !(200..600).contains(&status.as_u16()) {
        if version == Version::HTTP_10 && facts.codings > 0 {
            return Err(Failure::Garbage("transfer-encoding in HTTP/1.0"));
        }
        if check::framing(status, version, &mut headers).map_err(Failure::Garbage)? == Reuse::Never
        {
            reuse = Reuse::Never;
        }
        length = headers.get(CONTENT_LENGTH).and_then(number);
        if length.is_none() && headers.contains_key(CONTENT_LENGTH) {
            return Err(Failure::Garbage("a content-length that is no number"));
        }
    }
    let extent = if is_head || has_no_body(status) {
        Extent::Nothing
    } else if facts.codings > 0 {
        Extent::chunked(CHUNKS)
    } else if let Some(length) = length {
        Extent::length(length)
    } else {
        reuse = Reuse::Never;
        Extent::UntilClose
    };
    let mut head = Response::new(());
    *head.status_mut() = status;
    *head.version_mut() = version;
    *head.headers_mut() = headers;
    Ok(Answer { head, extent, reuse })
}

/// Digits and nothing else.
fn number(value: &HeaderValue) -> Option<u64> {
    let digits = value.as_bytes();
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| value.to_str().ok()?.parse().ok()).flatten()
}

/// RFC 9112, section 6.3.
fn has_no_body(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::SWITCHING_PROTOCOLS
    )
}

fn words(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "a field name of the answer is no token",
        httparse::Error::HeaderValue => "a field value of the answer holds a control character",
        httparse::Error::NewLine => "a line of the answer's head does not end",
        httparse::Error::Status => "the answer has no readable status",
        httparse::Error::Version => "the answer is not of HTTP/1.0 or 1.1",
        httparse::Error::Token | httparse::Error::TooManyHeaders => "what came is not HTTP/1",
    }
}

/// Longest head of an answer, in bytes.
const HEAD: usize = check::HEAD;
/// Most fields of an answer.
const FIELDS: usize = check::FIELDS;
/// Fields that the gateway will add: room for them now saves a larger map later.
const SPARE: usize = 1;
/// Bounds of a body in chunks; its length is nobody's business but the client's.
const CHUNKS: ChunkLimits =
    ChunkLimits { body: u64::MAX, bytes: HEAD, fields: FIELDS, padding: Padding::Skipped };
const PREFIX: &[u8] = b"HTTP/1.";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(text: &str) -> Result<Option<Heard>, Failure> {
        read(&mut BytesMut::from(text.as_bytes()), &mut 0, false)
    }

    fn answer(text: &str) -> Answer {
        match heard(text) {
            Ok(Some(Heard::Final(answer))) => answer,
            Ok(_) | Err(_) => panic!("no answer: {text:?}"),
        }
    }

    #[test]
    fn the_end_of_a_head_is_found_however_it_comes() {
        for text in ["HTTP/1.1 204 X\r\nA: 1\r\n\r\nmore", "HTTP/1.1 204 X\nA: 1\n\nmore"] {
            let mut inbox = BytesMut::new();
            let mut searched = 0;
            let mut whole = false;
            for byte in text.bytes() {
                inbox.extend_from_slice(&[byte]);
                whole |= read(&mut inbox, &mut searched, false).unwrap().is_some();
                if whole {
                    break;
                }
            }
            assert!(whole && inbox.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn the_body_is_as_long_as_the_head_says() {
        let is = |text: &str, is_head| {
            let mut inbox = BytesMut::from(text.as_bytes());
            match read(&mut inbox, &mut 0, is_head) {
                Ok(Some(Heard::Final(answer))) => (format!("{:?}", answer.extent), answer.reuse),
                Ok(_) | Err(_) => panic!("{text:?}"),
            }
        };
        let length = "HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(is(length, false), ("Length(5)".into(), Reuse::Fine));
        assert_eq!(is(length, true), ("Nothing".into(), Reuse::Fine));
        let none = "HTTP/1.1 200 X\r\n\r\n";
        assert_eq!(is(none, false), ("UntilClose".into(), Reuse::Never));
        let empty = "HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(is(empty, false), ("Nothing".into(), Reuse::Fine));
        let not_modified = "HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(is(not_modified, false), ("Nothing".into(), Reuse::Fine));
        let old = "HTTP/1.0 200 X\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(is(old, false).1, Reuse::Never);
        let closing = "HTTP/1.1 200 X\r\nConnection: a, Close\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(is(closing, false).1, Reuse::Never);
    }

    #[test]
    fn interim_answers_and_switches_are_told_apart() {
        assert!(matches!(heard("HTTP/1.1 103 X\r\nLink: a\r\n\r\n"), Ok(Some(Heard::Interim(..)))));
        let switch = answer("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!(switch.head.headers()["upgrade"], "websocket");
    }

    #[test]
    fn what_cannot_become_a_head_is_told_early() {
        assert!(matches!(heard("\x15\x03\x03"), Err(Failure::Garbage(_))));
        assert!(matches!(heard("HTTP/2"), Err(Failure::Garbage(_))));
        assert!(matches!(heard("HTTP/1.1 2"), Ok(None)));
        let endless = format!("HTTP/1.1 200 X\r\nA: {}", "a".repeat(HEAD));
        assert!(matches!(heard(&endless), Err(Failure::TooLarge)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b':'), Just(b' '), any::<u8>()], 0..80),
            begun: bool,
        ) {
            let mut inbox = BytesMut::from(if begun { &b"HTTP/1.1 200 "[..] } else { b"" });
            inbox.extend_from_slice(&bytes);
            inbox.extend_from_slice(b"\r\n\r\n");
            let _ = read(&mut inbox, &mut 0, false);
        }
    }
}

//! Interim answers (1xx), read off the wire as they go by.
//!
//! hyper would tell of them through a callback that costs allocations in every request, and hardly
//! any answer has one. So the wire looks at the first bytes of each answer: ten bytes and one
//! comparison, and only what does begin with a 1xx is read here too. hyper reads the same bytes
//! and drops them, so nothing is taken out of the stream.

use std::cell::{Cell, RefCell};
use std::fmt;

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;

use super::Interim;

/// What is known of the interim answers to the request on one connection.
#[derive(Default)]
pub(super) struct Interims {
    awaited: Cell<bool>,
    seen: Cell<u8>,
    tell: RefCell<Option<Interim>>,
    /// The beginning of an answer that may be interim; empty nearly always.
    partial: RefCell<Vec<u8>>,
}

/// More interim answers than anybody needs.
#[derive(Debug)]
pub(super) struct Flood;

impl fmt::Display for Flood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many interim answers")
    }
}

impl std::error::Error for Flood {}

impl Interims {
    /// A request is about to be sent.
    pub(super) fn await_answer(&self, tell: Option<&Interim>) {
        self.awaited.set(true);
        self.seen.set(0);
        *self.tell.borrow_mut() = tell.cloned();
    }

    /// Bytes have come from the upstream.
    ///
    /// # Errors
    /// The upstream floods us.
    pub(super) fn saw(&self, bytes: &[u8]) -> Result<(), Flood> {
        if !self.awaited.get() {
            return Ok(());
        }
        let mut partial = self.partial.borrow_mut();
        if partial.is_empty() && bytes.len() > STATUS && bytes[STATUS] != b'1' {
            self.awaited.set(false);
            return Ok(());
        }
        partial.extend_from_slice(bytes);
        while let Some(length) = self.interim(&partial)? {
            partial.drain(..length);
        }
        if !self.awaited.get() {
            partial.clear();
        }
        Ok(())
    }

    /// Tells of one interim answer at the beginning of `bytes`; its length.
    fn interim(&self, bytes: &[u8]) -> Result<Option<usize>, Flood> {
        let beginning = bytes.len().min(PREFIX.len());
        let is_final = bytes.get(STATUS).is_some_and(|digit| *digit != b'1');
        if bytes[..beginning] != PREFIX[..beginning] || is_final || bytes.len() > LONGEST {
            // The final answer, or something that hyper will judge.
            self.awaited.set(false);
            return Ok(None);
        }
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let length = end + 4;
        let Some((status, headers)) = read(&bytes[..length]) else {
            self.awaited.set(false);
            return Ok(None);
        };
        if status == StatusCode::SWITCHING_PROTOCOLS {
            self.awaited.set(false);
            return Ok(None);
        }
        self.seen.set(self.seen.get() + 1);
        if self.seen.get() > INTERIMS {
            return Err(Flood);
        }
        // 100 is between us and the upstream; the client gets its own.
        if status != StatusCode::CONTINUE
            && let Some(tell) = &*self.tell.borrow()
        {
            tell(status, &headers);
        }
        Ok(Some(length))
    }
}

fn read(head: &[u8]) -> Option<(StatusCode, HeaderMap)> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    response.parse(head).ok().filter(httparse::Status::is_complete)?;
    let status = StatusCode::from_u16(response.code?).ok()?;
    let mut headers = HeaderMap::new();
    for field in response.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    Some((status, headers))
}

const PREFIX: &[u8] = b"HTTP/1.";
/// Where the first digit of the status stands.
const STATUS: usize = 9;
/// Interim answers to one request, at most.
const INTERIMS: u8 = 16;
const FIELDS: usize = 64;
/// Bytes of one interim answer, at most.
const LONGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn told(pieces: &[&[u8]]) -> (Vec<(u16, usize)>, bool) {
        let told: Rc<RefCell<Vec<(u16, usize)>>> = Rc::default();
        let heard = Rc::clone(&told);
        let tell: Interim = Rc::new(move |status, headers| {
            heard.borrow_mut().push((status.as_u16(), headers.len()));
        });
        let interims = Interims::default();
        interims.await_answer(Some(&tell));
        let flooded = pieces.iter().any(|piece| interims.saw(piece).is_err());
        let told = told.borrow().clone();
        (told, flooded)
    }

    #[test]
    fn interim_answers_are_told_and_the_final_one_is_not() {
        let hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        assert_eq!(told(&[hints]), (vec![(103, 1)], false));
        let pieces: Vec<&[u8]> = hints.chunks(1).collect();
        assert_eq!(told(&pieces), (vec![(103, 1)], false));
        let two = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
        assert_eq!(told(&[two]), (vec![(102, 0)], false));
        assert_eq!(told(&[b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 103 X\r\n\r\n"]), (vec![], false));
        assert_eq!(told(&[b"HTTP/1.1 101 X\r\n\r\nHTTP/1.1 103 X\r\n\r\n"]), (vec![], false));
        assert_eq!(told(&[b"\x15\x03\x01"]), (vec![], false));
    }

    #[test]
    fn a_flood_ends_the_connection() {
        let flood = b"HTTP/1.1 102 Processing\r\n\r\n".repeat(17);
        assert!(told(&[&flood]).1);
    }
}

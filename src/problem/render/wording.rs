//! An error as HTTP/1 says it: its fields are lines that were put together once, its body is bytes,
//! and the request's id is filled in on the way to the client. Under attack such a reply costs two
//! copies into the connection's buffer, and no allocation of its own.

use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;

use super::Rendered;
use crate::base::{RequestId, field};

/// A finished error reply, lacking only what every reply gets. It says what [`Rendered`] says.
#[derive(Debug)]
pub struct Wording {
    words: Rc<Words>,
    id: RequestId,
    /// Lines beside those.
    more: Vec<u8>,
}

impl Wording {
    /// These words for the request with this id. It is as long as the one they were rendered with.
    pub(super) fn new(words: Rc<Words>, id: &RequestId) -> Self {
        Self { words, id: id.clone(), more: Vec::new() }
    }

    /// The status on the wire.
    pub fn status(&self) -> StatusCode {
        self.words.reply.status
    }

    /// Bytes of the body.
    pub fn length(&self) -> usize {
        self.words.reply.body.len()
    }

    /// Appends the field lines, `content-length` among them.
    pub fn write_fields(&self, out: &mut Vec<u8>) {
        append(&self.words.lines, &self.words.ids_in_lines, &self.id, out);
        out.extend_from_slice(&self.more);
    }

    /// Takes field lines that follow the others. They must not say how long the body is.
    pub fn more(&mut self) -> &mut Vec<u8> {
        &mut self.more
    }

    /// Appends the body.
    pub fn write_body(&self, out: &mut Vec<u8>) {
        append(&self.words.reply.body, &self.words.ids_in_body, &self.id, out);
    }

    /// The body by itself.
    pub fn body(&self) -> Bytes {
        self.words.body(&self.id)
    }
}

/// What an error says to everybody who hears it, but for the id.
#[derive(Debug)]
pub(super) struct Words {
    /// With the id of the request that it was rendered for.
    reply: Rendered,
    /// Its headers, line by line.
    lines: Vec<u8>,
    /// Where that id stands.
    ids_in_lines: Vec<usize>,
    ids_in_body: Vec<usize>,
}

impl Words {
    /// What a reply says that was rendered for the request with this id.
    pub(super) fn new(reply: Rendered, id: &RequestId) -> Self {
        let mut lines = Vec::with_capacity(LINES);
        for (name, value) in &reply.headers {
            field::write(name, value, &mut lines);
        }
        let (ids_in_lines, ids_in_body) = (places(&lines, id), places(&reply.body, id));
        Self { reply, lines, ids_in_lines, ids_in_body }
    }

    /// The reply to another request.
    pub(super) fn rendered(&self, id: &RequestId) -> Rendered {
        let mut headers = self.reply.headers.clone();
        headers.insert(RequestId::FIELD, id.value().clone());
        Rendered { status: self.reply.status, headers, body: self.body(id) }
    }

    fn body(&self, id: &RequestId) -> Bytes {
        let mut body = Vec::with_capacity(self.reply.body.len());
        append(&self.reply.body, &self.ids_in_body, id, &mut body);
        Bytes::from(body)
    }
}

fn places(text: &[u8], id: &RequestId) -> Vec<usize> {
    memchr::memmem::find_iter(text, id.value().as_bytes()).collect()
}

/// Appends a text, with another id in these places.
fn append(text: &[u8], places: &[usize], id: &RequestId, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(text);
    let id = id.value().as_bytes();
    for at in places {
        if let Some(place) = out.get_mut(start + at..start + at + id.len()) {
            place.copy_from_slice(id);
        }
    }
}

/// What the lines of nearly every error fit in.
const LINES: usize = 384;

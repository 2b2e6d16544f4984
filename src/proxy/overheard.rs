//! The body of an answer, kept beside its way to the client, and judged by the schema of its document
//! once it is over.
//!
//! Nothing waits for it: what goes by is copied, undone where it is coded, and judged when the last byte
//! has been handed on. At most as many bytes are kept as the document's route reads of a body; an answer
//! that is longer, coded in a way that is not known, or broken off is counted as unread.

use std::io::{self, Write};
use std::sync::Arc;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use crate::observe::{Conformance, Mismatch, Record};
use crate::outcome::StreamDecoder;
use crate::parameter::{Schema, Verdict};

/// Who listens to a body.
#[derive(Debug)]
pub(super) struct Overheard {
    schema: Arc<Schema>,
    ear: Ear,
}

#[derive(Debug)]
enum Ear {
    Plain(Kept),
    Coded(Box<StreamDecoder<Kept>>),
    /// There was more than may be kept, or nobody knows what it says.
    Deaf,
}

/// What was said so far.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    most: usize,
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.most - self.bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Overheard {
    /// Somebody who listens to the body of a head; none where it is coded in a way that is not known.
    pub(super) fn new(schema: &Arc<Schema>, headers: &HeaderMap, most: u64) -> Option<Self> {
        let kept = Kept { bytes: Vec::new(), most: usize::try_from(most).unwrap_or(usize::MAX) };
        let codings = headers.get_all(CONTENT_ENCODING).iter();
        let mut codings = codings.filter(|line| !line.as_bytes().eq_ignore_ascii_case(b"identity"));
        let ear = match (codings.next(), codings.next()) {
            (None, _) => Ear::Plain(kept),
            (Some(coding), None) => Ear::Coded(Box::new(StreamDecoder::new(coding, kept)?)),
            (Some(_), Some(_)) => return None,
        };
        Some(Self { schema: Arc::clone(schema), ear })
    }

    /// The next piece.
    pub(super) fn hear(&mut self, data: &[u8]) {
        let heard = match &mut self.ear {
            Ear::Plain(kept) => kept.write_all(data),
            Ear::Coded(decoder) => decoder.write(data),
            Ear::Deaf => Ok(()),
        };
        if heard.is_err() {
            self.ear = Ear::Deaf;
        }
    }

    /// It is over: says how it was, if all of it was heard.
    pub(super) fn settle(&mut self, record: &mut Record, is_complete: bool) {
        let Some(found) = record.conformance.as_deref_mut().filter(|_| is_complete) else { return };
        let heard = match std::mem::replace(&mut self.ear, Ear::Deaf) {
            Ear::Plain(kept) => kept.bytes,
            Ear::Coded(mut decoder) => match decoder.sink() {
                Some(kept) => std::mem::take(&mut kept.bytes),
                None => return,
            },
            Ear::Deaf => return,
        };
        found.unread = false;
        self.judge(&heard, found);
    }

    fn judge(&self, text: &[u8], found: &mut Conformance) {
        match self.schema.judge(text, &[]) {
            Verdict::Fine => {}
            Verdict::Unreadable(_) => found.add(Mismatch::Body, ""),
            Verdict::Wrong(wrong) => {
                wrong.iter().for_each(|one| found.add(Mismatch::Schema, &one.name));
            }
        }
    }
}

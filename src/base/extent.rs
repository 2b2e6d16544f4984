//! What is left of an HTTP/1 body, by the framing that its head has told (RFC 9112, section 6.3).
//!
//! Data is handed on where it was read.

use std::fmt;

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use super::BodyFault;
use super::chunked::{ChunkLimits, ChunkScanner, Piece};

/// What is left of a body.
pub enum Extent {
    /// Nothing.
    Nothing,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks.
    Chunked(Box<ChunkScanner>),
    /// Whatever comes until the connection closes: answers alone.
    UntilClose,
}

impl Extent {
    /// A body of so many bytes.
    pub fn length(length: u64) -> Self {
        if length == 0 { Self::Nothing } else { Self::Length(length) }
    }

    /// A body in chunks.
    pub fn chunked(limits: ChunkLimits) -> Self {
        Self::Chunked(Box::new(ChunkScanner::new(limits)))
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// What is known of the length of what is left.
    pub fn size_hint(&self) -> SizeHint {
        match self {
            Self::Nothing => SizeHint::with_exact(0),
            Self::Length(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::UntilClose => SizeHint::default(),
        }
    }

    /// Takes a frame out of what was read, if there is one.
    ///
    /// # Errors
    /// Chunks that are not well formed, or larger than their limits.
    pub fn take_frame(&mut self, inbox: &mut BytesMut) -> Result<Option<Frame<Bytes>>, BodyFault> {
        while !inbox.is_empty() {
            let count = match self {
                Self::Nothing => return Ok(None),
                Self::UntilClose => inbox.len(),
                Self::Length(left) => {
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(inbox.len());
                    *left -= count as u64;
                    if *left == 0 {
                        *self = Self::Nothing;
                    }
                    count
                }
                Self::Chunked(scanner) => match scanner.next(inbox)? {
                    Piece::Framing(count) => {
                        inbox.advance(count);
                        continue;
                    }
                    Piece::Data(count) => count,
                    Piece::End(count) => {
                        inbox.advance(count);
                        let trailers = scanner.take_trailers();
                        *self = Self::Nothing;
                        return Ok(trailers.map(Frame::trailers));
                    }
                },
            };
            return Ok(Some(Frame::data(inbox.split_to(count).freeze())));
        }
        Ok(None)
    }
}

impl fmt::Debug for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Length(left) => write!(f, "Length({left})"),
            Self::Chunked(_) => f.write_str("Chunked"),
            Self::UntilClose => f.write_str("UntilClose"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunked::Padding;
    use super::*;

    const LIMITS: ChunkLimits =
        ChunkLimits { body: 100, bytes: 100, fields: 4, padding: Padding::Refused };

    /// The data and the trailers of a body, and what is left behind it.
    fn read(mut extent: Extent, bytes: &str) -> (String, usize, String, bool) {
        let mut inbox = BytesMut::from(bytes);
        let (mut data, mut trailers) = (String::new(), 0);
        while let Some(frame) = extent.take_frame(&mut inbox).unwrap() {
            match frame.into_data() {
                Ok(bytes) => data.push_str(std::str::from_utf8(&bytes).unwrap()),
                Err(frame) => trailers = frame.into_trailers().unwrap().len(),
            }
        }
        (data, trailers, String::from_utf8(inbox.to_vec()).unwrap(), extent.is_over())
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        let told = |data: &str, trailers, rest: &str, over| {
            (data.to_owned(), trailers, rest.to_owned(), over)
        };
        assert_eq!(read(Extent::length(3), "abcdef"), told("abc", 0, "def", true));
        assert_eq!(read(Extent::length(3), "ab"), told("ab", 0, "", false));
        assert_eq!(read(Extent::length(0), "ab"), told("", 0, "ab", true));
        assert_eq!(read(Extent::UntilClose, "ab"), told("ab", 0, "", false));
        let chunks = "2\r\nab\r\n1\r\nc\r\n0\r\nX: 1\r\n\r\nGET";
        assert_eq!(read(Extent::chunked(LIMITS), chunks), told("abc", 1, "GET", true));
    }

    #[test]
    fn a_broken_chunk_is_an_error() {
        let mut inbox = BytesMut::from("zz\r\n");
        assert!(Extent::chunked(LIMITS).take_frame(&mut inbox).is_err());
    }
}

//! Error bodies that are content-encoded, decoded within a bound.
//!
//! A bomb stops at the bound. A body that was cut gives what could be decoded of it, because even
//! half a page tells the log something; brotli gives whole blocks only.

mod stream;

use std::borrow::Cow;
use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderValue;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

pub use self::stream::StreamDecoder;

/// Undoes the content codings of a body: `gzip`, `deflate`, `br`, `zstd` and `identity`, at most
/// two that change anything, applied in the listed order (RFC 9110, section 8.4). At most `limit`
/// bytes come out, of each coding.
///
/// None if a coding is unknown, there are too many, or nothing could be decoded. A body without
/// coding is lent back.
pub fn decode<'a>(encoding: &HeaderValue, body: &'a [u8], limit: usize) -> Option<Cow<'a, [u8]>> {
    let names = encoding.to_str().ok()?;
    let mut codings = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let coding = Coding::named(name)?;
        if coding == Coding::Identity {
            continue;
        }
        if codings.len() == MOST_CODINGS {
            return None;
        }
        codings.push(coding);
    }
    let mut decoded = Cow::Borrowed(body.get(..limit).unwrap_or(body));
    if let [.., last] = codings[..] {
        // The outermost coding reads the body as it came, however long that is.
        decoded = Cow::Owned(last.decode(body, limit)?);
    }
    for coding in codings.iter().rev().skip(1) {
        decoded = Cow::Owned(coding.decode(&decoded, limit)?);
    }
    Some(decoded)
}

#[derive(Clone, Copy, PartialEq)]
enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        const NAMES: [(&str, Coding); 6] = [
            ("identity", Coding::Identity),
            ("gzip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("deflate", Coding::Deflate),
            ("br", Coding::Brotli),
            ("zstd", Coding::Zstd),
        ];
        NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, coding)| *coding)
    }

    fn decode(self, body: &[u8], limit: usize) -> Option<Vec<u8>> {
        match self {
            Self::Identity => Some(body.get(..limit).unwrap_or(body).to_vec()),
            Self::Gzip => drain(MultiGzDecoder::new(body), limit),
            Self::Deflate if is_zlib(body) => drain(ZlibDecoder::new(body), limit),
            Self::Deflate => drain(DeflateDecoder::new(body), limit),
            Self::Brotli => drain(Decompressor::new(body, BUFFER), limit),
            Self::Zstd => zstd(body, limit),
        }
    }
}

/// Reads up to `limit` bytes, and keeps what came before an error.
fn drain(mut source: impl Read, limit: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut buffer = [0; BUFFER];
    while out.len() < limit {
        let room = buffer.len().min(limit - out.len());
        match source.read(buffer.get_mut(..room)?) {
            Ok(0) => return Some(out),
            Ok(length) => out.extend_from_slice(buffer.get(..length)?),
            Err(_) if out.is_empty() => return None,
            Err(_) => return Some(out),
        }
    }
    Some(out)
}

/// "deflate" means zlib (RFC 9110, section 8.4.1.2), but some servers send bare deflate. The zlib
/// header has a checksum of its own (RFC 1950, section 2.2).
fn is_zlib(body: &[u8]) -> bool {
    match *body {
        [method, flags, ..] => {
            method & 0x0f == 8 && u16::from_be_bytes([method, flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

/// Decodes the first frame. The decoder gives out nothing that it may still need as a window, so
/// a frame that stops early, or at the limit, is closed with an empty last block.
fn zstd(mut body: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut decoder = FrameDecoder::new();
    decoder.init(&mut body).ok()?;
    let whole = decoder.decode_blocks(&mut body, BlockDecodingStrategy::UptoBytes(limit));
    if !decoder.is_finished() {
        let _ = decoder.decode_blocks(CLOSING, BlockDecodingStrategy::All);
    }
    let mut out = decoder.collect().unwrap_or_default();
    if out.is_empty() && whole.is_err() {
        return None;
    }
    out.truncate(limit);
    Some(out)
}

/// Codings that change something; a third one is only ever an attack.
const MOST_CODINGS: usize = 2;

const BUFFER: usize = 4096;

/// A last, raw, empty block (RFC 8878, section 3.1.1.2), and room for a checksum that nobody reads.
const CLOSING: &[u8] = &[1, 0, 0, 0, 0, 0, 0];

#[cfg(test)]
mod tests;

//! Writes the chunked coding (RFC 9112, section 7.1), for both directions.

use http::HeaderMap;
use http::header::{CONTENT_LENGTH, HOST, TRAILER, TRANSFER_ENCODING};

use super::field;

/// Appends the line that begins a chunk of `size` bytes; [`END`] goes behind its data.
pub fn begin(size: usize, out: &mut Vec<u8>) {
    let digits = (usize::BITS - size.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(size >> (4 * place)) & 15]);
    }
    out.extend_from_slice(END);
}

/// Appends the last chunk and the trailers.
pub fn last(trailers: Option<&HeaderMap>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        // Framing and routing have no business in trailers (RFC 9110, section 6.5.1).
        if ![CONTENT_LENGTH, TRANSFER_ENCODING, HOST, TRAILER].contains(name) {
            field::write(name, value, out);
        }
    }
    out.extend_from_slice(END);
}

/// What ends the data of a chunk.
pub const END: &[u8] = b"\r\n";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn sizes_are_hexadecimal() {
        for (size, text) in [(0, "0\r\n"), (1, "1\r\n"), (16, "10\r\n"), (0xabcd, "abcd\r\n")] {
            let mut out = Vec::new();
            begin(size, &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn trailers_hold_no_framing() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        trailers.insert("content-length", HeaderValue::from_static("7"));
        let mut out = Vec::new();
        last(Some(&trailers), &mut out);
        assert_eq!(out, b"0\r\nx-sum: 7\r\n\r\n");
    }
}

//! The characters of field lines (RFC 9110, sections 5.1, 5.5 and 5.6.2), and nothing more lenient.
//! Requests, their chunks' trailers and those of answers are all read by these rules.

use http::{HeaderName, HeaderValue};

/// Whether `byte` may stand in a token: a method, a field name, a chunk extension.
pub const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Splits a field line into its name and its value without the white space around it.
///
/// # Errors
/// A sentence for the log.
pub fn split(line: &[u8]) -> Result<(&[u8], &[u8]), &'static str> {
    let colon = line.iter().position(|byte| !is_token(*byte)).ok_or("a field line has no colon")?;
    if line[colon] != b':' {
        return Err("a field name holds a character that is no token");
    }
    if colon == 0 {
        return Err("a field line has no name");
    }
    let value = &line[colon + 1..];
    // Looked at to the end, without a branch for each byte: values are nearly always clean.
    if value.iter().fold(false, |bad, byte| bad | !is_value(*byte)) {
        return Err("a field value holds a control character");
    }
    Ok((&line[..colon], trim(value)))
}

/// Appends a field line.
pub fn write(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    write_text(name, value.as_bytes(), out);
}

/// Appends a field line with a value that was written here.
pub fn write_text(name: &HeaderName, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Cuts the optional white space (SP and HTAB) around a value; VT and FF are not white space here.
pub fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

const fn is_value(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || byte == b'\t'
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let char = byte as char;
        table[byte as usize] = char.is_ascii_alphanumeric()
            || matches!(
                char,
                '!' | '#'
                    | '$'
                    | '%'
                    | '&'
                    | '\''
                    | '*'
                    | '+'
                    | '-'
                    | '.'
                    | '^'
                    | '_'
                    | '`'
                    | '|'
                    | '~'
            );
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_line_is_a_token_a_colon_and_a_value() {
        assert_eq!(split(b"X-A: \t 1 \t "), Ok((&b"X-A"[..], &b"1"[..])));
        assert_eq!(split(b"X-A:"), Ok((&b"X-A"[..], &b""[..])));
        assert_eq!(split(b"X-A: caf\xe9"), Ok((&b"X-A"[..], &b"caf\xe9"[..])));
    }

    #[test]
    fn nothing_is_repaired() {
        for line in [
            &b"X-A : 1"[..],
            b": 1",
            b"XAnoColon",
            b" X-A: 1",
            b"X\0A: 1",
            b"X-A: a\0b",
            b"X-A: a\x01",
            b"X-A: a\rb",
            b"X-A: a\x7f",
            b"X\xe9: 1",
            b"\tfold",
            b"X(A): 1",
        ] {
            assert!(split(line).is_err(), "{}", line.escape_ascii());
        }
    }
}

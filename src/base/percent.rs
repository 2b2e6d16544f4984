//! Percent-encoding (RFC 3986, section 2.1), and what forms add to it: `+` for a blank.

use std::borrow::Cow;

/// The text is not rightly encoded, or what it encodes is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// Decodes a part of a path. Without `%`, which is nearly always, it is lent back.
///
/// # Errors
/// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
pub fn decoded(text: &str) -> Result<Cow<'_, str>, Unreadable> {
    decode(text, false)
}

/// The same for a name or a value of a query or a form, where `+` is a blank.
///
/// # Errors
/// See [`decoded`].
pub fn form_decoded(text: &str) -> Result<Cow<'_, str>, Unreadable> {
    decode(text, true)
}

/// What stands there once its percent-encoding is undone. What is not properly encoded stays as it is.
pub fn lenient(encoded: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut left = encoded;
    while let Some((&first, rest)) = left.split_first() {
        let digits = rest
            .first_chunk::<2>()
            .filter(|digits| first == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let decoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(decoded.unwrap_or(first));
        left = if decoded.is_some() { rest.get(2..).unwrap_or_default() } else { rest };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decode(text: &str, form: bool) -> Result<Cow<'_, str>, Unreadable> {
    let encoded = |byte: &u8| *byte == b'%' || form && *byte == b'+';
    let Some(first) = text.as_bytes().iter().position(encoded) else {
        return Ok(Cow::Borrowed(text));
    };
    let (plain, mut rest) = text.as_bytes().split_at(first);
    let mut out = Vec::with_capacity(text.len());
    out.extend_from_slice(plain);
    loop {
        rest = match rest {
            [] => break,
            [b'%', high, low, rest @ ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let byte = digit(*high).zip(digit(*low)).ok_or(Unreadable)?;
                out.push(u8::try_from(byte.0 * 16 + byte.1).map_err(|_| Unreadable)?);
                rest
            }
            [b'%', ..] => return Err(Unreadable),
            [b'+', rest @ ..] if form => {
                out.push(b' ');
                rest
            }
            [byte, rest @ ..] => {
                out.push(*byte);
                rest
            }
        };
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|_| Unreadable)
}

/// Encodes all but the unreserved characters (RFC 3986, section 2.3), so that what comes out can
/// stand anywhere in a URL.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        assert_eq!(form_decoded("a+b%20c%2B").as_deref(), Ok("a b c+"));
        assert_eq!(decoded("a+b%20c").as_deref(), Ok("a+b c"));
        assert_eq!(decoded("%C3%a9").as_deref(), Ok("é"));
        assert!(matches!(form_decoded("plain"), Ok(Cow::Borrowed("plain"))));
        for wrong in ["%", "%1", "%g0", "%ff", "%c3", "a%", "%%41"] {
            assert_eq!(decoded(wrong), Err(Unreadable), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_properly_encoded_is_left_as_it_is() {
        for (encoded, decoded) in [
            ("http%3A%2f%2F[::1]:80", "http://[::1]:80"),
            ("%2525", "%25"),
            ("%+1%zz%4", "%+1%zz%4"),
            ("caf%C3%A9", "café"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(lenient(encoded.as_bytes()), decoded);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".*") {
            let there = encoded(&text);
            prop_assert!(there.is_ascii());
            prop_assert!(decoded(&there).is_ok_and(|back| back == text));
            prop_assert!(form_decoded(&there).is_ok_and(|back| back == text));
        }

        #[test]
        fn nothing_panics_and_nothing_grows(text in "[%+a-fA-F0-9é]{0,40}") {
            for read in [decoded(&text), form_decoded(&text)].into_iter().flatten() {
                prop_assert!(read.len() <= text.len());
            }
        }
    }
}

//! Percent-encoding (RFC 3986, section 2.1), undone.

/// What stands there once its percent-encoding is undone. What is not properly encoded stays as it is.
pub fn decode(encoded: &[u8]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_properly_encoded_is_decoded_once() {
        for (encoded, decoded) in [
            ("http%3A%2f%2F[::1]:80", "http://[::1]:80"),
            ("%2525", "%25"),
            ("%+1%zz%4", "%+1%zz%4"),
            ("caf%C3%A9", "café"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decode(encoded.as_bytes()), decoded);
        }
    }
}

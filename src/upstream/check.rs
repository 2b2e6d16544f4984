//! What the head of an answer may say of its framing, and how a 101 must look.
//!
//! Whatever two readers could understand in two ways is refused here, or made unambiguous before
//! anybody else sees it.

use aws_lc_rs::digest;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, TRANSFER_ENCODING, UPGRADE,
};
use http::{StatusCode, Version};

use super::error::Kind;

/// Whether a connection may carry another request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    /// If the body ends cleanly.
    Fine,
    /// In no case.
    Never,
}

/// Judges the head of a final answer over HTTP/2.
///
/// # Errors
/// What is wrong, also in words for the log.
pub(super) fn head(
    status: StatusCode,
    version: Version,
    headers: &mut HeaderMap,
) -> Result<Reuse, (Kind, &'static str)> {
    if is_too_large(headers) {
        return Err((Kind::HeadLimit, "more than 100 fields or 64 KiB"));
    }
    framing(status, version, headers).map_err(|why| (Kind::BadResponse, why))
}

/// Judges status and framing, and takes what is ambiguous out of the fields.
///
/// # Errors
/// What is wrong, in words for the log.
pub(super) fn framing(
    status: StatusCode,
    version: Version,
    headers: &mut HeaderMap,
) -> Result<Reuse, &'static str> {
    // RFC 9110, section 15: there are five classes, and 1xx is not final.
    if !(200..600).contains(&status.as_u16()) {
        return Err("the status is not a final one from 200 to 599");
    }
    let reuse = match headers.get(TRANSFER_ENCODING) {
        // h2 refuses connection-specific fields by itself.
        Some(_) if version == Version::HTTP_2 => return Err("transfer-encoding over HTTP/2"),
        Some(_) => transfer_encoding(headers)?,
        None => Reuse::Fine,
    };
    if headers.contains_key(CONTENT_LENGTH) {
        content_length(headers)?;
    }
    Ok(reuse)
}

/// What a request asks to switch to.
pub(super) struct Asked {
    token: Box<str>,
    accept: Option<String>,
}

impl Asked {
    /// Notes what the answer must confirm.
    pub(super) fn new(token: &str, headers: &HeaderMap) -> Self {
        let is_websocket = token.eq_ignore_ascii_case("websocket");
        let key = headers.get(SEC_WEBSOCKET_KEY).filter(|_| is_websocket);
        // A WebSocket request without a key cannot be confirmed by any answer.
        let accept = is_websocket.then(|| key.map_or_else(String::new, websocket_accept));
        Self { token: token.into(), accept }
    }

    /// Whether a 101 switches to what was asked (RFC 9110, section 7.8; RFC 6455, section 4.1).
    ///
    /// # Errors
    /// What is wrong, for the log.
    pub(super) fn confirm(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let mut connection = headers.get_all(CONNECTION).iter().flat_map(items);
        if !connection.any(|item| item.eq_ignore_ascii_case(b"upgrade")) {
            return Err("a 101 without connection: upgrade");
        }
        let mut upgrade = headers.get_all(UPGRADE).iter().flat_map(items);
        let same = upgrade.next().is_some_and(|t| t.eq_ignore_ascii_case(self.token.as_bytes()));
        if !same || upgrade.next().is_some() {
            return Err("a 101 to another protocol than asked");
        }
        let Some(expected) = &self.accept else { return Ok(()) };
        let mut accepts = headers.get_all(SEC_WEBSOCKET_ACCEPT).iter();
        let right = accepts.next().is_some_and(|value| value.as_bytes() == expected.as_bytes());
        if expected.is_empty() || !right || accepts.next().is_some() {
            return Err("a 101 with a wrong sec-websocket-accept");
        }
        Ok(())
    }
}

/// h2 refuses heads that are too large like any other mistake, so it is allowed more than we are,
/// and this is where the line is. Octets count as RFC 9113, section
/// 6.5.2 counts them.
fn is_too_large(headers: &HeaderMap) -> bool {
    let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len() + 32;
    headers.len() > FIELDS || headers.iter().map(size).sum::<usize>() > HEAD
}

/// RFC 9112, section 6.1: chunked is the one transfer coding that we read. Beside it a length is
/// a trap, so it goes, and with it the trust in the connection.
fn transfer_encoding(headers: &mut HeaderMap) -> Result<Reuse, &'static str> {
    let mut values = headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked =
        values.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !is_chunked || values.next().is_some() {
        return Err("a transfer-encoding other than chunked");
    }
    match headers.remove(CONTENT_LENGTH) {
        Some(_) => Ok(Reuse::Never),
        None => Ok(Reuse::Fine),
    }
}

/// RFC 9110, section 8.6: digits; and said twice, even alike, it is said once from here on.
fn content_length(headers: &mut HeaderMap) -> Result<(), &'static str> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter().flat_map(items);
    let first = values.next().unwrap_or_default();
    if first.is_empty() || !first.iter().all(u8::is_ascii_digit) {
        return Err("a content-length that is no number");
    }
    let mut repeated = false;
    for other in values {
        if other != first {
            return Err("two different content-lengths");
        }
        repeated = true;
    }
    if repeated {
        let once =
            HeaderValue::from_bytes(first).map_err(|_| "a content-length that is no number")?;
        headers.insert(CONTENT_LENGTH, once);
    }
    Ok(())
}

fn items(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn websocket_accept(key: &HeaderValue) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(WEBSOCKET_GUID);
    base64(hash.finish().as_ref())
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bits);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Longest head of an answer, in bytes.
pub(super) const HEAD: usize = 64 * 1024;

/// Most fields of an answer.
pub(super) const FIELDS: usize = 100;

/// RFC 6455, section 1.3.
const WEBSOCKET_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        fields.iter().map(field).collect()
    }

    fn judge(status: u16, fields: &[(&'static str, &str)]) -> Result<Reuse, (Kind, &'static str)> {
        head(StatusCode::from_u16(status).unwrap(), Version::HTTP_11, &mut map(fields))
    }

    #[test]
    fn only_final_statuses_of_the_known_classes_pass() {
        for status in [200, 204, 299, 301, 404, 418, 599] {
            assert_eq!(judge(status, &[]), Ok(Reuse::Fine), "{status}");
        }
        for status in [100, 101, 199, 600, 999] {
            assert!(judge(status, &[]).is_err(), "{status}");
        }
    }

    #[test]
    fn chunked_is_the_only_transfer_coding() {
        assert_eq!(judge(200, &[("transfer-encoding", "Chunked")]), Ok(Reuse::Fine));
        for value in ["xchunked", "gzip, chunked", "chunked, chunked", "identity", ""] {
            assert!(judge(200, &[("transfer-encoding", value)]).is_err(), "{value}");
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert!(judge(200, &twice).is_err());
        let mut headers = map(&twice[..1]);
        assert!(head(StatusCode::OK, Version::HTTP_2, &mut headers).is_err());
    }

    #[test]
    fn heads_of_http2_have_a_size() {
        let long = |length| {
            let mut headers = map(&[("x", &"a".repeat(length))]);
            head(StatusCode::OK, Version::HTTP_2, &mut headers).map_err(|(kind, _)| kind)
        };
        assert_eq!(long(HEAD - 33), Ok(Reuse::Fine));
        assert_eq!(long(HEAD - 32), Err(Kind::HeadLimit));
        let mut headers = map(&[("x", "1"); 101]);
        assert!(head(StatusCode::OK, Version::HTTP_2, &mut headers).is_err());
    }

    #[test]
    fn a_length_beside_chunked_goes_and_takes_the_connection_along() {
        let mut headers = map(&[("content-length", "3"), ("transfer-encoding", "chunked")]);
        let reuse = head(StatusCode::OK, Version::HTTP_11, &mut headers);
        assert_eq!(reuse, Ok(Reuse::Never));
        assert!(!headers.contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn lengths_are_numbers_and_said_once() {
        for value in ["-1", "+1", "5x", "", "5, 6", "5,", "0x5"] {
            assert!(judge(200, &[("content-length", value)]).is_err(), "{value}");
        }
        for fields in [&[("content-length", "5, 5")][..], &[("content-length", "5"); 2]] {
            let mut headers = map(fields);
            assert_eq!(head(StatusCode::OK, Version::HTTP_11, &mut headers), Ok(Reuse::Fine));
            assert_eq!(headers.get_all(CONTENT_LENGTH).iter().collect::<Vec<_>>(), ["5"]);
        }
    }

    #[test]
    fn a_switch_must_be_to_what_was_asked() {
        let asked = Asked::new("chat", &HeaderMap::new());
        let confirm = |fields: &[_]| asked.confirm(&map(fields)).is_ok();
        assert!(confirm(&[("connection", "keep-alive, Upgrade"), ("upgrade", "Chat")]));
        assert!(!confirm(&[("upgrade", "chat")]));
        assert!(!confirm(&[("connection", "upgrade")]));
        assert!(!confirm(&[("connection", "upgrade"), ("upgrade", "websocket")]));
        assert!(!confirm(&[("connection", "upgrade"), ("upgrade", "chat, h2c")]));
    }

    #[test]
    fn a_websocket_must_prove_that_it_read_the_key() {
        // The example of RFC 6455, section 1.3.
        let asked =
            Asked::new("websocket", &map(&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]));
        let confirm = |accept: &[(&'static str, &str)]| {
            let head = [&[("connection", "upgrade"), ("upgrade", "websocket")], accept].concat();
            asked.confirm(&map(&head)).is_ok()
        };
        let right = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(confirm(&[right]));
        assert!(!confirm(&[]));
        assert!(!confirm(&[right, right]));
        assert!(!confirm(&[("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=")]));
        let keyless = Asked::new("WebSocket", &HeaderMap::new());
        let head = [("connection", "upgrade"), ("upgrade", "websocket")];
        assert!(keyless.confirm(&map(&head)).is_err());
        let empty = [head[0], head[1], ("sec-websocket-accept", "")];
        assert!(keyless.confirm(&map(&empty)).is_err());
    }

    #[test]
    fn base64_pads() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}

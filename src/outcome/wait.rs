//! How long a client is told to wait: what an upstream says, bounded to a day.

use std::time::Duration;

use http::{HeaderMap, header};
use jiff::fmt::rfc2822::DateTimeParser;

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). A date that has passed means
/// no wait; what cannot be read, or stands twice, is left out.
pub(super) fn retry_after(headers: &HeaderMap, now_unix_millis: u64) -> Option<Duration> {
    let mut values = headers.get_all(header::RETRY_AFTER).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let text = value.to_str().ok()?.trim();
    if let Some(seconds) = seconds(text) {
        return Some(seconds);
    }
    let at = PARSER.parse_timestamp(text).ok()?.as_millisecond();
    let now = i64::try_from(now_unix_millis).ok()?;
    let millis = u64::try_from(at.saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_millis(millis).min(LONGEST))
}

/// Reads whole seconds, as headers and bodies carry them. What is longer than a day is a day.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // All digits, so the only way to fail is to be too large.
    let seconds = text.parse().unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// Reads a JSON number of seconds, rounded up, or the same as text.
pub(super) fn from_json(value: &serde_json::Value) -> Option<Duration> {
    if let Some(text) = value.as_str() {
        return seconds(text.trim());
    }
    let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0)?;
    Some(Duration::try_from_secs_f64(seconds.ceil()).map_or(LONGEST, |wait| wait.min(LONGEST)))
}

static PARSER: DateTimeParser = DateTimeParser::new();

/// Nobody waits longer, and nothing is gained by saying so.
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn read(text: &[u8]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_bytes(text).unwrap());
        // Sun, 06 Nov 1994 08:49:37 GMT.
        retry_after(&headers, 784_111_777_000).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates() {
        assert_eq!(read(b"120"), Some(120));
        assert_eq!(read(b" 0 "), Some(0));
        assert_eq!(read(b"Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(read(b"Sun, 06 Nov 1994 08:49:36 GMT"), Some(0));
        assert_eq!(read(b"Mon, 06 Nov 2034 08:49:36 GMT"), Some(86_400));
        assert_eq!(read(b"99999999999999999999999"), Some(86_400));
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        for text in [&b""[..], b"-1", b"1.5", b"+3", b"soon", b"5s", b"\xff"] {
            assert_eq!(read(text), None, "{text:?}");
        }
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers, 0), None);
        headers.append(header::RETRY_AFTER, HeaderValue::from_static("1"));
        headers.append(header::RETRY_AFTER, HeaderValue::from_static("2"));
        assert_eq!(retry_after(&headers, 0), None);
    }

    #[test]
    fn json_numbers_and_texts() {
        let read = |json| from_json(&json).map(|wait| wait.as_secs());
        assert_eq!(read(serde_json::json!(30)), Some(30));
        assert_eq!(read(serde_json::json!(1.2)), Some(2));
        assert_eq!(read(serde_json::json!("30")), Some(30));
        assert_eq!(read(serde_json::json!(1e300)), Some(86_400));
        for json in [serde_json::json!(-1), serde_json::json!("x"), serde_json::json!(null)] {
            assert_eq!(read(json), None);
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[ -~]*", number in proptest::num::f64::ANY, now in any::<u64>()) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_str(&text).unwrap());
            let wait = retry_after(&headers, now);
            prop_assert!(wait.is_none_or(|wait| wait <= LONGEST));
            let _ = from_json(&serde_json::json!(number));
        }
    }
}

//! Credentials as they stand in a request: `Authorization` (RFC 9110, section 11.6.2) and the query.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};

use super::said::Refusal;
use crate::problem::Cause;

/// What `Authorization` carries for a scheme; none where it is not there, or for another scheme.
///
/// # Errors
/// There are several: nobody can tell which one is meant, and the upstream may take another.
pub(super) fn of_scheme<'a>(
    headers: &'a HeaderMap,
    scheme: &str,
) -> Result<Option<&'a [u8]>, Refusal> {
    let Some(value) = only(headers, &AUTHORIZATION)? else { return Ok(None) };
    let value = value.as_bytes();
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (name, rest) = value.split_at(end);
    Ok(name.eq_ignore_ascii_case(scheme.as_bytes()).then(|| rest.trim_ascii()))
}

/// The one value of a field.
///
/// # Errors
/// There are several.
pub(super) fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Refusal::new(Cause::AuthMalformed, "credentials stand there twice")),
    }
}

/// The one value of a parameter of the query, percent-decoded.
///
/// # Errors
/// There are several, or it is not decoded without loss.
pub(super) fn parameter<'a>(
    query: Option<&'a str>,
    name: &str,
) -> Result<Option<Cow<'a, [u8]>>, Refusal> {
    let mut values = query.unwrap_or_default().split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        is_named(key, name).then_some(value)
    });
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let broken = || Refusal::new(Cause::AuthMalformed, "the parameter cannot be decoded");
            decoded(value).map(Some).ok_or_else(broken)
        }
        (None, _) => Ok(None),
        (Some(_), Some(_)) => {
            Err(Refusal::new(Cause::AuthMalformed, "credentials stand there twice"))
        }
    }
}

/// The query without a parameter; none where nothing is left.
pub(super) fn without(query: &str, name: &str) -> Option<String> {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !is_named(pair.split_once('=').map_or(*pair, |(key, _)| key), name))
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// Upstreams decode names, so a key that is written in another way is the same key.
fn is_named(key: &str, name: &str) -> bool {
    key == name || (key.contains('%') && decoded(key).is_some_and(|key| *key == *name.as_bytes()))
}

fn decoded(text: &str) -> Option<Cow<'_, [u8]>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                high << 4 | low
            }
            plain => plain,
        });
    }
    Some(Cow::Owned(out))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    #[test]
    fn a_scheme_is_found_in_any_case_and_only_where_it_is_the_one() {
        let of = |line: &str| {
            of_scheme(&headers(&[line.as_bytes()]), "Bearer")
                .map(|found| found.map(<[u8]>::to_vec))
                .unwrap()
        };
        assert_eq!(of("bEARER  abc "), Some(b"abc".to_vec()));
        assert_eq!(of("Bearer"), Some(Vec::new()));
        assert_eq!((of("Bearerabc"), of("Basic abc"), of("")), (None, None, None));
        let twice = headers(&[b"Bearer a", b"Bearer b"]);
        assert_eq!(of_scheme(&twice, "Bearer").unwrap_err().cause, Cause::AuthMalformed);
    }

    #[test]
    fn a_parameter_is_found_decoded_and_taken_out() {
        let of = |query| parameter(Some(query), "key").map(|it| it.map(Cow::into_owned));
        assert_eq!(of("a=1&key=x%2By&b=2").unwrap(), Some(b"x+y".to_vec()));
        assert_eq!(of("k%65y=x").unwrap(), Some(b"x".to_vec()));
        assert_eq!(of("key").unwrap(), Some(Vec::new()));
        assert_eq!(of("keys=1").unwrap(), None);
        assert!(of("key=1&k%65y=2").is_err() && of("key=%zz").is_err() && of("key=%4").is_err());
        assert_eq!(without("a=1&key=x&b=2", "key").as_deref(), Some("a=1&b=2"));
        assert_eq!(without("k%65y=x", "key"), None);
    }

    proptest! {
        #[test]
        fn any_field_and_any_query_are_read_without_a_panic(
            line in prop::collection::vec(0x20_u8..0x7f, 0..80),
            query in "[ -~]{0,80}",
        ) {
            let _ = of_scheme(&headers(&[&line]), "Bearer");
            let _ = parameter(Some(&query), "key");
            let left = without(&query, "key");
            prop_assert!(parameter(left.as_deref(), "key").unwrap().is_none());
        }
    }
}

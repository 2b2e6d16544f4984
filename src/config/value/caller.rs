//! Values that say who callers are and where their credentials stand.

use http::HeaderName;
use http::uri::PathAndQuery;

use super::{EndpointUrl, endpoint};

/// A realm, as it stands between quotes in `WWW-Authenticate`.
pub(crate) fn realm(text: &str) -> Result<(), String> {
    let fits = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b"\"\\".contains(&byte));
    if fits { Ok(()) } else { Err("a realm has visible ASCII without quotes, at most 128".into()) }
}

/// A scope (RFC 6749, section 3.3).
pub(crate) fn scope(text: &str) -> Result<(), String> {
    let fits = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| (b'!'..=b'~').contains(&byte) && !b"\"\\".contains(&byte));
    if fits { Ok(()) } else { Err("a scope is one word of visible ASCII without quotes".into()) }
}

/// What a caller is called: it becomes a header of requests.
pub(crate) fn consumer(text: &str) -> Result<(), String> {
    let fits = (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(())
    } else {
        Err("a caller's name has visible ASCII without blanks, at most 128".into())
    }
}

/// A field of GraphQL (October 2021, section 2.1.9).
pub(crate) fn field(text: &str) -> Result<(), String> {
    let fits = text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if fits {
        Ok(())
    } else {
        Err("a field has letters, digits and `_`, at most 64, and begins with no digit".into())
    }
}

/// What a server writes into `extensions.code`.
pub(crate) fn spelling(text: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(())
    } else {
        Err("a server's code has visible ASCII without blanks, at most 64".into())
    }
}

/// A header that carries credentials: not one that says how the message is framed.
pub(crate) fn credential_header(text: &str) -> Result<HeaderName, String> {
    let header: HeaderName =
        text.parse().map_err(|_| "a header name has letters, digits and `-`".to_owned())?;
    let framing = ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade"];
    if framing.contains(&header.as_str()) {
        return Err("this header says how the message is framed, not who sends it".into());
    }
    Ok(header)
}

/// The name of a parameter of the query, which stands there as it is written here.
pub(crate) fn query_name(text: &str) -> Result<(), String> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.~-".contains(&byte));
    if fits {
        Ok(())
    } else {
        Err("letters, digits, `_`, `.`, `~` and `-` need no encoding".into())
    }
}

/// A URL that is fetched: where, and what for.
pub(crate) fn fetched(text: &str) -> Result<(EndpointUrl, PathAndQuery), String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let start = text.len() - rest.len();
    let end = rest.find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    let place = endpoint(text.get(..end).unwrap_or_default())?;
    let path = match text.get(end..).unwrap_or_default() {
        "" => PathAndQuery::from_static("/"),
        path => path.parse().map_err(|_| "this is not the path of a URL".to_owned())?,
    };
    Ok((place, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_falls_into_its_place_and_its_path() {
        let (place, path) = fetched("https://id.test/a/jwks.json?x=1").unwrap();
        assert!(place.tls && path == "/a/jwks.json?x=1");
        assert_eq!(place.authority, "id.test");
        assert_eq!(fetched("http://127.0.0.1:80").unwrap().1, "/");
        for wrong in ["id.test/a", "ftp://id.test/a", "https://", "https://a b/c", "https://u@h/"] {
            assert!(fetched(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_that_go_into_headers_cannot_break_them() {
        for wrong in ["", "a\"b", "a\\b", "a\nb", "é"] {
            assert!(realm(wrong).is_err() && scope(wrong).is_err(), "{wrong:?}");
        }
        assert!(consumer("a b").is_err() && consumer("a\r").is_err() && consumer("acme").is_ok());
        assert!(credential_header("Content-Length").is_err());
        assert!(query_name("a&b").is_err());
    }
}

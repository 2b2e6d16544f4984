//! The request line: method, target, version (RFC 9112, section 3).

use std::ops::Range;

use super::Fault;
use crate::base::field::is_token;
use crate::problem::Cause;

/// What a well-formed request line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    /// Where the method stands in the line.
    pub(super) method: Range<usize>,
    /// Where the target stands in the line.
    pub(super) target: Range<usize>,
    /// HEAD, whose answer has no body.
    pub(super) is_head: bool,
    /// Where the authority of an absolute-form target stands in the line.
    pub(super) authority: Option<(usize, usize)>,
    /// The version.
    pub(super) version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http10,
    Http11,
    /// A later minor version, to be treated as 1.1 (RFC 9110, section 2.5).
    LaterMinor,
}

/// Reads a request line, without its line end.
pub(super) fn parse(line: &[u8], over_tls: bool, uri_limit: usize) -> Result<RequestLine, Fault> {
    let bad = |detail| Fault::new(Cause::BadRequestLine, detail);
    let method_end = line
        .iter()
        .position(|byte| !is_token(*byte))
        .ok_or_else(|| bad("the request line ends within the method"))?;
    if method_end == 0 || line[method_end] != b' ' {
        return Err(bad("the method is no token followed by one space"));
    }
    let method = &line[..method_end];
    let start = method_end + 1;
    let length = line[start..]
        .iter()
        .position(|byte| *byte == b' ')
        .ok_or_else(|| bad("the request line has no version"))?;
    let target = &line[start..start + length];
    if target.is_empty() {
        return Err(bad("the request line has no target, or two spaces before it"));
    }
    let version = version(&line[start + length + 1..])?;
    if target.len() > uri_limit {
        return Err(Fault::new(Cause::UriLimit, "the target is longer than the limit"));
    }
    let authority = check_target(method, target, over_tls)?.map(|(a, b)| (start + a, start + b));
    Ok(RequestLine {
        method: 0..method_end,
        target: start..start + length,
        is_head: method == b"HEAD",
        authority,
        version,
    })
}

fn version(text: &[u8]) -> Result<Version, Fault> {
    match text {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Ok(Version::LaterMinor),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(Fault::new(Cause::BadVersion, "the major version is not 1"))
        }
        _ => Err(Fault::new(Cause::BadRequestLine, "the version is not HTTP/digit.digit")),
    }
}

/// Checks the target and finds the authority of an absolute form within it.
fn check_target(
    method: &[u8],
    target: &[u8],
    over_tls: bool,
) -> Result<Option<(usize, usize)>, Fault> {
    let bad = |detail| Fault::new(Cause::BadTarget, detail);
    if method == b"CONNECT" {
        return Err(Fault::new(Cause::TunnelRefused, "CONNECT asks for a tunnel"));
    }
    if target == b"*" {
        return if method == b"OPTIONS" {
            Ok(None)
        } else {
            Err(bad("the asterisk form is for OPTIONS alone"))
        };
    }
    if target[0] == b'/' {
        check_path(target)?;
        return Ok(None);
    }
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| starts_ignoring_case(target, scheme))
        .ok_or_else(|| bad("the target is neither a path nor an http URL"))?;
    // A TLS connection may be asked for http:// by an old proxy; the reverse would pretend safety.
    if scheme.len() == 8 && !over_tls {
        return Err(bad("an https target on a plain connection"));
    }
    let start = scheme.len();
    let end = target[start..]
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .map_or(target.len(), |found| start + found);
    check_path(&target[end..])?;
    Ok(Some((start, end)))
}

fn check_path(path: &[u8]) -> Result<(), Fault> {
    let bad = |detail| Fault::new(Cause::BadTarget, detail);
    let mut in_query = false;
    for byte in path {
        match TARGET[usize::from(*byte)] {
            Class::Both => {}
            Class::Query if in_query => {}
            Class::Mark => in_query = true,
            Class::Query => return Err(bad("the path holds a character that must be encoded")),
            Class::Never => {
                return Err(bad("the target holds a character that no URL can hold"));
            }
        }
    }
    Ok(())
}

fn starts_ignoring_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// Where a byte may stand in a target.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Never,
    /// In a query alone: browsers send these unencoded.
    Query,
    Both,
    /// `?`, the beginning of the query.
    Mark,
}

const TARGET: [Class; 256] = {
    let mut table = [Class::Never; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7f {
        table[byte as usize] = match byte {
            b'?' => Class::Mark,
            b'#' | b'<' | b'>' | b'"' | b'\\' | b'^' | b'`' => Class::Never,
            b'{' | b'}' | b'|' => Class::Query,
            _ => Class::Both,
        };
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(line: &str) -> Option<Cause> {
        parse(line.as_bytes(), true, 8192).err().map(|fault| fault.cause)
    }

    #[test]
    fn ordinary_lines_pass() {
        for line in
            ["GET / HTTP/1.1", "FOO /a?b={c}|d HTTP/1.0", "OPTIONS * HTTP/1.1", "GET /x HTTP/1.2"]
        {
            assert_eq!(cause(line), None, "{line}");
        }
        let absolute = parse(b"GET http://gw.test/a HTTP/1.1", false, 100).unwrap();
        assert_eq!(absolute.authority, Some((11, 18)));
    }

    #[test]
    fn each_fault_has_its_cause() {
        for (line, expected) in [
            ("GET  / HTTP/1.1", Cause::BadRequestLine),
            ("GET\t/\tHTTP/1.1", Cause::BadRequestLine),
            (" GET / HTTP/1.1", Cause::BadRequestLine),
            ("GET HTTP/1.1", Cause::BadRequestLine),
            ("GET /", Cause::BadRequestLine),
            ("GET / HTTP/1.01", Cause::BadRequestLine),
            ("GET / http/1.1", Cause::BadRequestLine),
            ("GET / HTTP/1.1 ", Cause::BadRequestLine),
            ("PRI * HTTP/2.0", Cause::BadVersion),
            ("GET / HTTP/9.9", Cause::BadVersion),
            ("GET * HTTP/1.1", Cause::BadTarget),
            ("GET /a#b HTTP/1.1", Cause::BadTarget),
            ("GET /caf\u{e9} HTTP/1.1", Cause::BadTarget),
            ("GET /a\\b HTTP/1.1", Cause::BadTarget),
            ("GET ftp://gw.test/ HTTP/1.1", Cause::BadTarget),
            ("GET path HTTP/1.1", Cause::BadTarget),
            ("CONNECT 127.0.0.1:22 HTTP/1.1", Cause::TunnelRefused),
        ] {
            assert_eq!(cause(line), Some(expected), "{line}");
        }
        assert!(parse(b"GET https://a/ HTTP/1.1", false, 100).is_err());
        assert_eq!(parse(b"GET /123456 HTTP/1.1", true, 6).unwrap_err().cause, Cause::UriLimit);
    }

    #[test]
    fn whatever_passes_here_is_readable_for_the_http_library() {
        for byte in 0x21..0x7f_u8 {
            for target in [format!("/a{}", char::from(byte)), format!("/?a{}", char::from(byte))] {
                if check_path(target.as_bytes()).is_ok() {
                    assert!(target.parse::<http::Uri>().is_ok(), "{target}");
                }
            }
        }
    }
}

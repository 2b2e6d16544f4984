//! Writes the head of a request (RFC 9112, sections 2 and 3).

use http::header::{CONTENT_LENGTH, HOST, HeaderValue, TE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{Method, Uri};

use crate::base::{RequestId, field};
use crate::upstream::Stamp;

/// How a request's body is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// What is known of a body before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    None,
    Exact(u64),
    Unknown,
}

/// Appends the head to `out` and says how the body is to be framed. The fields are as the spine
/// left them: end-to-end, with no framing but the length that the client gave.
pub(super) fn head(
    parts: &Parts,
    host: &HeaderValue,
    stamp: Option<&Stamp<'_>>,
    body: Body,
    out: &mut Vec<u8>,
) -> Framing {
    out.extend_from_slice(parts.method.as_str().as_bytes());
    out.push(b' ');
    target(&parts.uri, out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    field::write(&HOST, host, out);
    let (mut length, mut te) = (None, false);
    for (name, value) in &parts.headers {
        if *name == HOST || *name == TRANSFER_ENCODING {
            continue;
        }
        if *name == CONTENT_LENGTH {
            length = Some(value);
        }
        te |= *name == TE;
        field::write(name, value, out);
    }
    if let Some(stamp) = stamp {
        out.extend_from_slice(stamp.lines);
        field::write(&RequestId::FIELD, stamp.request_id.value(), out);
        out.extend_from_slice(b"traceparent: ");
        out.extend_from_slice(&stamp.trace.text());
        out.extend_from_slice(b"\r\n");
    }
    if te {
        // `te` is for this hop, so `connection` has to name it (RFC 9110, section 10.1.4).
        out.extend_from_slice(b"connection: te\r\n");
    }
    let framing = framing(&parts.method, body, length, out);
    out.extend_from_slice(b"\r\n");
    framing
}

fn framing(method: &Method, body: Body, given: Option<&HeaderValue>, out: &mut Vec<u8>) -> Framing {
    let framing = match (body, given) {
        (Body::None, _) => Framing::None,
        // A length that the client gave was checked when its body was framed by it.
        (Body::Exact(length), _) => Framing::Length(length),
        (Body::Unknown, Some(value)) => match value.to_str().ok().and_then(|t| t.parse().ok()) {
            Some(length) => Framing::Length(length),
            None => Framing::Chunked,
        },
        (Body::Unknown, None) => Framing::Chunked,
    };
    match (framing, given) {
        (Framing::Chunked, _) => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        (Framing::Length(length), None) => {
            out.extend_from_slice(b"content-length: ");
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        // Methods that usually have a body say that there is none (RFC 9110, section 8.6).
        (Framing::None, None) if expects_body(method) => {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
        (Framing::Length(_) | Framing::None, _) => {}
    }
    framing
}

fn target(uri: &Uri, out: &mut Vec<u8>) {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    // `OPTIONS *` keeps its star; anything else begins with a slash.
    if !path.starts_with(['/', '*']) {
        out.push(b'/');
    }
    out.extend_from_slice(path.as_bytes());
}

fn expects_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn written(request: http::request::Builder, body: Body) -> (String, Framing) {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        let framing = head(&parts, &HeaderValue::from_static("x.test"), None, body, &mut out);
        (String::from_utf8(out).unwrap(), framing)
    }

    #[test]
    fn a_head_is_its_line_its_host_and_its_fields() {
        let request = Request::get("http://ignored/a?b=c").header("host", "old").header("x-a", "1");
        let (text, framing) = written(request, Body::None);
        assert_eq!(text, "GET /a?b=c HTTP/1.1\r\nhost: x.test\r\nx-a: 1\r\n\r\n");
        assert_eq!(framing, Framing::None);
        let (text, _) = written(Request::options("*"), Body::None);
        assert_eq!(text, "OPTIONS * HTTP/1.1\r\nhost: x.test\r\n\r\n");
        let (text, _) = written(Request::get("/").header("te", "trailers"), Body::None);
        assert!(text.ends_with("te: trailers\r\nconnection: te\r\n\r\n"));
    }

    #[test]
    fn the_body_is_framed_by_what_is_known_of_it() {
        let post = || Request::post("/");
        for (request, body, expected, end) in [
            (post(), Body::None, Framing::None, "content-length: 0\r\n\r\n"),
            (post(), Body::Exact(7), Framing::Length(7), "content-length: 7\r\n\r\n"),
            (post(), Body::Unknown, Framing::Chunked, "transfer-encoding: chunked\r\n\r\n"),
            (
                post().header("content-length", "5"),
                Body::Exact(5),
                Framing::Length(5),
                "\r\ncontent-length: 5\r\n\r\n",
            ),
            (
                post().header("content-length", "0"),
                Body::None,
                Framing::None,
                "\r\ncontent-length: 0\r\n\r\n",
            ),
            (Request::get("/"), Body::Exact(2), Framing::Length(2), "content-length: 2\r\n\r\n"),
        ] {
            let (text, framing) = written(request, body);
            assert_eq!(framing, expected);
            assert!(text.ends_with(end), "{text}");
            assert!(text.matches("content-length").count() <= 1);
        }
    }
}

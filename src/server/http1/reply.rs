//! Writes the head of a reply and frames its body (RFC 9112, section 6).

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::response::Parts;
use http::{StatusCode, Version};
use http_body::Body;

use crate::base::{Outbox, chunks, date, field};
use crate::problem::Wording;

/// What the request has said of its reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) version: Version,
    /// HEAD: no body.
    pub(super) is_head: bool,
    /// The connection may carry another request.
    pub(super) keeps_alive: bool,
    /// Trailers are read.
    pub(super) trailers: bool,
}

/// A reply under way.
#[derive(Debug)]
pub(super) struct Reply {
    framing: Framing,
    trailers: bool,
    /// Whether the connection may carry another request after it.
    pub(super) keeps_alive: bool,
    /// Whether all of it was handed over.
    pub(super) done: bool,
    /// Whether it cannot be brought to its end.
    pub(super) broken: bool,
    /// Whether it ends HTTP.
    pub(super) switches: bool,
}

/// The body is not what the head has promised.
#[derive(Debug)]
pub(super) struct Mismatch;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    None,
    Length(u64),
    Chunked,
    UntilClose,
}

/// What the fields of a head have said.
#[derive(Default)]
struct Said {
    length: Option<u64>,
    dated: bool,
    closes: bool,
}

impl Reply {
    /// Whether nothing follows it but the end of the connection.
    pub(super) fn ends_connection(&self) -> bool {
        !self.keeps_alive && !self.switches
    }

    /// Writes the head, and the fields of an error that are ready to be written.
    pub(super) fn begin<B: Body>(
        head: &Parts,
        error: Option<&Wording>,
        asked: Asked,
        body: &B,
        out: &mut Vec<u8>,
    ) -> Self {
        status_line(head.status, out);
        let mut said = Said::default();
        if let Some(error) = error {
            error.write_fields(out);
            said.length = Some(error.length() as u64);
        }
        fields(head, &mut said, out);
        let framing = framing(head.status, asked, &said, body, out);
        let keeps_alive = asked.keeps_alive && !said.closes && framing != Framing::UntilClose;
        if !said.dated {
            out.extend_from_slice(b"date: ");
            date::write(out);
            out.extend_from_slice(b"\r\n");
        }
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            if !keeps_alive {
                out.extend_from_slice(b"connection: close\r\n");
            } else if asked.version == Version::HTTP_10 {
                out.extend_from_slice(b"connection: keep-alive\r\n");
            }
        }
        out.extend_from_slice(b"\r\n");
        let done = matches!(framing, Framing::None | Framing::Length(0));
        let (trailers, broken, switches) = (asked.trailers, false, false);
        Self { framing, trailers, keeps_alive, done, broken, switches }
    }

    /// Frames data.
    pub(super) fn data(&mut self, data: Bytes, outbox: &mut Outbox) -> Result<(), Mismatch> {
        match &mut self.framing {
            Framing::None => {}
            Framing::UntilClose => outbox.data(data),
            Framing::Length(left) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Mismatch)?;
                outbox.data(data);
            }
            Framing::Chunked if data.is_empty() => {}
            Framing::Chunked => {
                outbox.frame(|out| chunks::begin(data.len(), out));
                outbox.data(data);
                outbox.frame(|out| out.extend_from_slice(chunks::END));
            }
        }
        Ok(())
    }

    /// Ends the body.
    pub(super) fn end(
        &mut self,
        trailers: Option<&HeaderMap>,
        outbox: &mut Outbox,
    ) -> Result<(), Mismatch> {
        match self.framing {
            Framing::Length(1..) => return Err(Mismatch),
            Framing::Chunked => {
                outbox.frame(|out| chunks::last(trailers.filter(|_| self.trailers), out));
            }
            Framing::None | Framing::Length(0) | Framing::UntilClose => {}
        }
        self.done = true;
        Ok(())
    }
}

fn status_line(status: StatusCode, out: &mut Vec<u8>) {
    if status == StatusCode::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn fields(head: &Parts, said: &mut Said, out: &mut Vec<u8>) {
    for (name, value) in &head.headers {
        if *name == TRANSFER_ENCODING {
            continue;
        }
        // The upstream's was taken out; what stands here is the spine's own word.
        if *name == CONNECTION && value == "close" {
            said.closes = true;
            continue;
        }
        if *name == CONTENT_LENGTH {
            // RFC 9110, section 8.6.
            if head.status == StatusCode::NO_CONTENT || head.status.is_informational() {
                continue;
            }
            said.length = number(value);
        }
        said.dated |= *name == DATE;
        field::write(name, value, out);
    }
}

fn framing<B: Body>(
    status: StatusCode,
    asked: Asked,
    said: &Said,
    body: &B,
    out: &mut Vec<u8>,
) -> Framing {
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if asked.is_head || bodiless || status.is_informational() {
        return Framing::None;
    }
    if let Some(length) = said.length {
        return Framing::Length(length);
    }
    if let Some(length) = body.size_hint().exact() {
        out.extend_from_slice(b"content-length: ");
        out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        out.extend_from_slice(b"\r\n");
        return Framing::Length(length);
    }
    if asked.version == Version::HTTP_10 {
        return Framing::UntilClose;
    }
    out.extend_from_slice(b"transfer-encoding: chunked\r\n");
    Framing::Chunked
}

fn number(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::io::IoSlice;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use std::time::Duration;

    use http::{Method, Response};
    use http_body::{Frame, SizeHint};

    use super::*;
    use crate::base::RequestId;
    use crate::problem::{self, Catalogue, Cause, Format, Language, Problem, Shelf};

    const ASKED: Asked =
        Asked { version: Version::HTTP_11, is_head: false, keeps_alive: true, trailers: false };

    /// A body of which no more is known than its length.
    struct Long(Option<u64>);

    impl Body for Long {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(None)
        }

        fn size_hint(&self) -> SizeHint {
            self.0.map_or_else(SizeHint::default, SizeHint::with_exact)
        }
    }

    fn begun(
        status: u16,
        fields: &[(&'static str, &str)],
        asked: Asked,
        length: Option<u64>,
    ) -> (Reply, String) {
        let mut response = Response::builder().status(status).header("date", "x");
        for (name, value) in fields {
            response = response.header(*name, *value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        let reply = Reply::begin(&head, None, asked, &Long(length), &mut out);
        (reply, String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_body_is_framed_by_what_is_known_of_it() {
        let old = Asked { version: Version::HTTP_10, ..ASKED };
        let head = Asked { is_head: true, ..ASKED };
        let length = &[("content-length", "7")][..];
        for (status, fields, asked, known, framing, end) in [
            (200, length, ASKED, None, Framing::Length(7), "content-length: 7\r\n"),
            (200, &[], ASKED, Some(3), Framing::Length(3), "content-length: 3\r\n"),
            (200, &[], ASKED, None, Framing::Chunked, "transfer-encoding: chunked\r\n"),
            (200, &[], old, None, Framing::UntilClose, "connection: close\r\n"),
            (200, length, old, None, Framing::Length(7), "connection: keep-alive\r\n"),
            (200, length, head, None, Framing::None, "content-length: 7\r\n"),
            (204, length, ASKED, None, Framing::None, "date: x\r\n"),
            (304, length, ASKED, None, Framing::None, "content-length: 7\r\n"),
        ] {
            let (reply, text) = begun(status, fields, asked, known);
            assert_eq!(reply.framing, framing, "{text}");
            assert!(text.ends_with(&format!("{end}\r\n")), "{text}");
            assert_eq!(reply.keeps_alive, framing != Framing::UntilClose);
        }
    }

    #[test]
    fn an_error_brings_its_own_fields_and_says_once_how_long_it_is() {
        let catalogue = Catalogue::new("fr.ammy", None, &["en".into()], &[]).unwrap();
        let id = RequestId::generate();
        let said = problem::Reply {
            format: Format::Json,
            language: Language(0),
            request_id: &id,
            method: &Method::GET,
            retry_after: Duration::from_secs(5),
        };
        let error = Shelf::default().word(&Problem::new(Cause::NoRoute), &said, &catalogue);
        let length = error.length() as u64;
        let mut response = Response::new(());
        *response.status_mut() = error.status();
        response.headers_mut().insert("connection", HeaderValue::from_static("close"));
        let (head, ()) = response.into_parts();
        let mut out = Vec::new();
        let reply = Reply::begin(&head, Some(&error), ASKED, &Long(None), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\n"));
        assert_eq!(text.matches(&format!("content-length: {length}\r\n")).count(), 1, "{text}");
        assert_eq!(text.matches(&format!("x-request-id: {}\r\n", id.as_str())).count(), 1);
        assert!(text.ends_with("connection: close\r\n\r\n") && !reply.keeps_alive);
        assert_eq!(reply.framing, Framing::Length(length));
    }

    #[test]
    fn a_connection_that_ends_says_so() {
        let (reply, text) = begun(400, &[("connection", "close")], ASKED, Some(0));
        assert!(!reply.keeps_alive && text.matches("connection: close").count() == 1, "{text}");
        let (_, text) = begun(426, &[("connection", "upgrade")], ASKED, Some(0));
        assert!(text.contains("connection: upgrade\r\n"), "{text}");
        let closing = Asked { keeps_alive: false, ..ASKED };
        let (_, text) = begun(200, &[], closing, Some(0));
        assert!(text.ends_with("connection: close\r\n\r\n"), "{text}");
    }

    #[test]
    fn a_body_that_breaks_its_promise_is_a_mismatch() {
        let mut outbox = Outbox::default();
        let (mut reply, _) = begun(200, &[("content-length", "3")], ASKED, None);
        assert!(reply.data(Bytes::from_static(b"ab"), &mut outbox).is_ok());
        assert!(reply.end(None, &mut outbox).is_err(), "too short");
        assert!(reply.data(Bytes::from_static(b"cd"), &mut outbox).is_err(), "too long");
    }

    #[test]
    fn trailers_go_to_who_reads_them() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        for (asks, expected) in [(true, "0\r\nx-sum: 7\r\n\r\n"), (false, "0\r\n\r\n")] {
            let mut outbox = Outbox::default();
            let (mut reply, _) = begun(200, &[], Asked { trailers: asks, ..ASKED }, None);
            reply.end(Some(&trailers), &mut outbox).unwrap();
            let mut slices = [IoSlice::new(&[])];
            assert_eq!(outbox.slices(&mut slices), 1);
            assert_eq!(&*slices[0], expected.as_bytes());
        }
    }
}

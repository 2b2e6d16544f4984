mod cost;
mod differential;
mod reference;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const LIMITS: HeadLimits = HeadLimits { uri: 256, header: 1024, headers: 20 };

/// Reads a head that comes in these pieces: what it says and the request, or why it is refused.
fn read(pieces: &[&[u8]]) -> Result<Option<(Head, http::request::Parts)>, Cause> {
    let mut scanner = HeadScanner::new(false, LIMITS);
    let mut bytes = Vec::new();
    for piece in pieces {
        bytes.extend_from_slice(piece);
        if let Some(head) = scanner.scan(&bytes).map_err(|fault| fault.cause)? {
            let whole = Bytes::copy_from_slice(&bytes[..head.end]);
            let parts = scanner.request(&whole).map_err(|fault| fault.cause)?;
            return Ok(Some((head, parts)));
        }
    }
    Ok(None)
}

fn cause_of(raw: &str) -> Option<Cause> {
    read(&[raw.as_bytes()]).err()
}

#[test]
fn a_clean_head_says_what_follows_it() {
    for (raw, framing, keeps_alive) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Framing::Empty, true),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", Framing::Empty, false),
        ("GET / HTTP/1.0\r\n\r\n", Framing::Empty, false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Framing::Empty, true),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", Framing::Length(5), true),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", Framing::Empty, true),
        (
            "POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
            Framing::Chunked,
            true,
        ),
    ] {
        let (head, _) = read(&[raw.as_bytes()]).unwrap().unwrap();
        assert_eq!((head.end, head.framing, head.keeps_alive), (raw.len(), framing, keeps_alive));
    }
}

#[test]
fn the_request_is_in_its_one_canonical_form() {
    let raw =
        b"\r\nPOST http://a/x?y HTTP/1.7\r\nHost: a\r\nContent-Length: 0005\r\nX-A: \t1 \r\n\r\n";
    let (_, parts) = read(&[raw]).unwrap().unwrap();
    assert_eq!((parts.method.as_str(), parts.version), ("POST", http::Version::HTTP_11));
    assert_eq!(parts.uri, "http://a/x?y");
    assert_eq!(parts.headers["content-length"], "5");
    assert_eq!(parts.headers["x-a"], "1");
}

#[test]
fn each_refusal_has_its_cause() {
    let long_uri = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(300));
    let long_method = format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(33));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(30));
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(2000));
    let unfinished = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(2000));
    let post = |fields: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    for (raw, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", Cause::BadHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Cause::BadHost),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Cause::BadHost),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Cause::BadHost),
        ("GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n", Cause::BadHeader),
        ("GET / HTTP/1.1\nHost: a\n\n", Cause::BadRequestLine),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", Cause::BadRequestLine),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", Cause::BadHeader),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Cause::BadHeader),
        ("GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n", Cause::BadHeader),
        (&post("Content-Length: -5"), Cause::BadFraming),
        (&post("Content-Length: +5"), Cause::BadFraming),
        (&post("Content-Length: 5, 5"), Cause::BadFraming),
        (&post("Content-Length:\r\nContent-Length: 5"), Cause::BadFraming),
        (&post("Content-Length: 5\r\nContent-Length: 5"), Cause::BadFraming),
        (&post("Content-Length: 5\r\nTransfer-Encoding: chunked"), Cause::BadFraming),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Cause::BadFraming),
        (&post("Transfer-Encoding: chunked, gzip"), Cause::BadFraming),
        (&post("Transfer-Encoding: ,chunked"), Cause::BadFraming),
        (&post("Transfer-Encoding: gzip, chunked"), Cause::UnknownTransferCoding),
        (&post("Transfer-Encoding: \x0cchunked"), Cause::BadHeader),
        (&post("Expect: y 100-continue"), Cause::BadExpect),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Cause::TunnelRefused),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Cause::BadVersion),
        ("\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::BadRequestLine),
        (&long_uri, Cause::UriLimit),
        (&long_method, Cause::BadRequestLine),
        (&many, Cause::HeaderLimit),
        (&large, Cause::HeaderLimit),
        (&unfinished, Cause::HeaderLimit),
    ] {
        assert_eq!(cause_of(raw), Some(expected), "{raw:?}");
    }
}

#[test]
fn fields_of_exactly_the_limit_pass_however_they_come() {
    let room = LIMITS.header - "Host: a\r\nX: \r\n".len();
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(room));
    let (all_but_one, last) = head.as_bytes().split_at(head.len() - 1);
    assert!(read(&[all_but_one, last]).unwrap().is_some());
}

#[test]
fn a_refusal_keeps_the_language_and_the_method() {
    let raw = b"HEAD / HTTP/1.1\r\nAccept-Language: en\r\nAccept: text/html\r\nHost: a b\r\n\r\n";
    let mut scanner = HeadScanner::new(false, LIMITS);
    assert!(scanner.scan(raw).is_err());
    let parts = scanner.stand_in(raw);
    assert_eq!((parts.method.as_str(), parts.uri.path()), ("HEAD", "/"));
    assert_eq!(parts.headers["accept"], "text/html");
    assert_eq!(parts.headers["accept-language"], "en");
    assert_eq!(parts.headers.len(), 2);
}

#[test]
fn blank_lines_are_no_beginning() {
    let mut scanner = HeadScanner::new(false, LIMITS);
    assert_eq!(scanner.scan(b"\r\n"), Ok(None));
    assert!(!scanner.has_begun(b"\r\n"));
    assert_eq!(scanner.scan(b"\r\nG"), Ok(None));
    assert!(scanner.has_begun(b"\r\nG"));
}

#[test]
fn a_scanner_forgets_one_head_before_the_next() {
    let mut scanner = HeadScanner::new(false, LIMITS);
    for raw in [
        &b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"[..],
        b"GET /2 HTTP/1.1\r\nHost: b\r\n\r\n",
    ] {
        let head = scanner.scan(raw).unwrap().unwrap();
        let parts = scanner.request(&Bytes::copy_from_slice(raw)).unwrap();
        assert_eq!(parts.headers.len(), if head.framing == Framing::Empty { 1 } else { 2 });
        scanner.reset();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_passes_has_one_reading(
        text in proptest::collection::vec(prop_oneof![
            Just("GET / HTTP/1.1\r\n".to_owned()), Just("Host: a\r\n".to_owned()), Just("\r\n".to_owned()),
            Just("Content-Length: 3\r\n".to_owned()), Just("Transfer-Encoding: chunked\r\n".to_owned()),
            Just("abc".to_owned()), Just("\n".to_owned()), Just(" ".to_owned()), "[ -~]{0,6}",
        ], 0..12),
        cut in 0usize..80,
    ) {
        let raw = text.concat().into_bytes();
        let cut = cut.min(raw.len());
        let told = |read: Result<Option<(Head, http::request::Parts)>, Cause>| {
            read.map(|read| read.map(|(head, parts)| (head, parts.headers)))
        };
        let whole = told(read(&[&raw]));
        prop_assert_eq!(&whole, &told(read(&[&raw[..cut], &raw[cut..]])));
        // A head that passed is one that the strict half of the world reads alike.
        if let Ok(Some((head, headers))) = whole {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut fields);
            let parsed = request.parse(&raw[..head.end]);
            prop_assert!(parsed.is_ok_and(|status| status.is_complete()));
            prop_assert_eq!(request.headers.len(), headers.len());
        }
    }
}

//! The guard against two other readers: what it accepts, httparse accepts with the same fields; and
//! it accepts exactly what the plain [`reference`](super::reference) does, however the bytes come.

use bytes::Bytes;
use http::request::Parts;

use super::super::{Fault, Framing, Head, HeadLimits, HeadScanner};
use super::reference::{self, Reading};
use crate::server::corpus::Target;

#[test]
fn fuzz_guard() {
    let target = Target {
        name: "guard",
        words: &[
            b"\r\n",
            b"\r",
            b"\n",
            b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n",
            b"Host: a\r\n",
            b"Host:",
            b": ",
            b"Content-Length: 3\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Expect: 100-continue\r\n",
            b"Connection: close\r\n",
            b"keep-alive",
            b"Upgrade: x\r\n",
            b"TE: trailers\r\n",
            b"HTTP/1.0",
            b"HTTP/1.2",
            b"http://",
            b"https://",
            b"http://a/",
            b"*",
            b"OPTIONS",
            b"CONNECT",
            b"?",
            b"#",
            b"[::1]",
            b":80",
            b" ",
            b"\t",
            b"\x0b",
            b"\0",
            b"\x80",
            b",",
            b"0",
            b"+",
            b"_",
            b"\x7f",
        ],
        longest: 1500,
        inputs: 15_000,
    };
    target.run(|input| {
        let over_tls = input.len().is_multiple_of(2);
        let whole = read(input, input.len(), over_tls);
        let cut = read(input, 1, over_tls);
        match (&whole, &cut) {
            (Ok(whole), Ok(cut)) => assert_eq!(told(whole.as_ref()), told(cut.as_ref())),
            // Early and late, a fault may have another name; it is a fault.
            (Err(_), Err(_)) => {}
            (Ok(_), Err(fault)) | (Err(fault), Ok(_)) => panic!("pieces matter: {fault:?}"),
        }
        let expected = reference::read(input, over_tls, LIMITS);
        match (whole, expected) {
            (Ok(Some((head, parts))), Some(expected)) => {
                same(&head, &parts, &expected);
                as_httparse(input, &expected);
                let fields = expected.fields.len().min(3);
                let length = matches!(head.framing, Framing::Length(_));
                let chunked = head.framing == Framing::Chunked;
                let facts = [head.expects, head.keeps_alive, head.trailers];
                ("passes", Some((facts, length, chunked, fields, expected.is_old)))
            }
            (Ok(Some((head, _))), None) => panic!("a head that is none passes: {head:?}"),
            (Ok(None), Some(expected)) => panic!("a whole head is waited for: {expected:?}"),
            (Err(fault), Some(expected)) => panic!("{fault:?} is refused: {expected:?}"),
            (Ok(None), None) => ("more", None),
            (Err(fault), None) => (fault.detail, None),
        }
    });
}

type Whole = (Head, Parts);

/// Reads a head of which so many bytes come at a time.
fn read(input: &[u8], step: usize, over_tls: bool) -> Result<Option<Whole>, Fault> {
    let mut scanner = HeadScanner::new(over_tls, LIMITS);
    let mut come = 0;
    while come < input.len() {
        come = input.len().min(come + step);
        match scanner.scan(&input[..come]) {
            Ok(Some(head)) => {
                let bytes = Bytes::copy_from_slice(&input[..head.end]);
                return scanner.request(&bytes).map(|parts| Some((head, parts)));
            }
            Ok(None) => {}
            Err(fault) => {
                let _ = scanner.stand_in(&input[..come]);
                return Err(fault);
            }
        }
    }
    Ok(None)
}

fn told(whole: Option<&Whole>) -> Option<(Head, String)> {
    whole.map(|(head, parts)| (*head, format!("{parts:?}")))
}

fn same(head: &Head, parts: &Parts, expected: &Reading) {
    assert_eq!(parts.method.as_str(), expected.method);
    assert_eq!(parts.version == http::Version::HTTP_10, expected.is_old);
    let sent = expected.target.to_ascii_lowercase();
    let kept = parts.uri.to_string().to_ascii_lowercase();
    // `http://a` and `http://a?b` are written with the slash that they lack.
    assert!(kept == sent || kept.replacen('/', "", 3) == sent.replacen('/', "", 2), "{kept}");
    let mut fields = expected.fields.clone();
    let mut found: Vec<_> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
        .collect();
    // A map of fields keeps the order of equal names alone.
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(found, fields);
    let (Head { end, framing, expects, keeps_alive, trailers }, e) = (*head, expected);
    assert_eq!((end, framing), (e.end, e.framing));
    assert_eq!((expects, keeps_alive, trailers), (e.expects, e.keeps_alive, e.trailers));
}

fn as_httparse(input: &[u8], expected: &Reading) {
    let mut head = input[..expected.end].to_vec();
    // httparse knows no later minor version.
    head[expected.minor_at] = head[expected.minor_at].min(b'1');
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    assert_eq!(request.parse(&head), Ok(httparse::Status::Complete(head.len())));
    assert_eq!(request.method, Some(expected.method.as_str()));
    assert_eq!(request.path, Some(expected.target.as_str()));
    assert_eq!(request.headers.len(), expected.fields.len());
    for (field, (name, value)) in request.headers.iter().zip(&expected.fields) {
        assert_eq!(field.name.to_ascii_lowercase(), *name);
        let zeros = field.value.len() - value.len();
        assert_eq!(&field.value[zeros..], value.as_slice());
        assert!(name == "content-length" || zeros == 0);
    }
}

/// Narrow, so that heads reach them.
const LIMITS: HeadLimits = HeadLimits { uri: 256, header: 1024, headers: 20 };

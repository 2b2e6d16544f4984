use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;

const LIMITS: Limits = Limits {
    header: 1024,
    headers: 20,
    uri: 256,
    body: 1 << 20,
    header_time: Duration::from_secs(10),
    body_idle: Duration::from_secs(30),
    idle: Duration::from_secs(60),
    connections: 10,
};

/// What hyper would see, and the cause of the refusal if there is one.
async fn through(pieces: &[&[u8]]) -> (Vec<u8>, Option<Cause>, Option<BodyFault>) {
    let (mut client, socket) = tokio::io::duplex(1 << 16);
    let wire = Rc::new(Wire::default());
    let mut guard = Guard::new(socket, Rc::clone(&wire), false, &LIMITS);
    let send = async {
        for piece in pieces {
            client.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        client.shutdown().await.unwrap();
    };
    tokio::join!(send, read_all(&mut guard, &wire)).1
}

/// Plays hyper and the spine: reads to the end, and answers every request at once.
async fn read_all(
    guard: &mut Guard<DuplexStream>,
    wire: &Rc<Wire>,
) -> (Vec<u8>, Option<Cause>, Option<BodyFault>) {
    let mut bytes = Vec::new();
    let mut cause = None;
    loop {
        let read = guard.read_buf(&mut bytes).await;
        while wire.has_unbegun() {
            let (_exchange, refusal) = wire.begin();
            cause = refusal.map(|problem| problem.cause());
        }
        match read {
            Ok(0) => return (bytes, cause, None),
            Ok(_) => {}
            Err(error) => {
                let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<BodyFault>());
                return (bytes, cause, fault.copied());
            }
        }
    }
}

async fn cause_of(raw: &[u8]) -> Option<Cause> {
    let (_, cause, _) = through(&[raw]).await;
    cause
}

#[tokio::test]
async fn clean_requests_pass_byte_for_byte() {
    for raw in [
        &b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n"[..],
        b"POST /a?b HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nhost: gw.test\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: gw.test\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
    ] {
        let (seen, cause, fault) = through(&[raw]).await;
        assert_eq!((seen.as_slice(), cause, fault), (raw, None, None), "{}", raw.escape_ascii());
    }
}

#[tokio::test]
async fn the_one_canonical_form_is_made_in_place() {
    let (seen, ..) =
        through(&[b"GET / HTTP/1.7\r\nHost: a\r\nContent-Length: 0005\r\n\r\nhello"]).await;
    assert_eq!(seen, b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length:    5\r\n\r\nhello");
}

#[tokio::test]
async fn each_refusal_has_its_cause_and_hides_the_bytes() {
    let long_uri = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(300));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(30));
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(2000));
    let unfinished = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(2000));
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
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", Cause::BadFraming),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", Cause::BadFraming),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", Cause::BadFraming),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\nContent-Length: 5\r\n\r\n",
            Cause::BadFraming,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            Cause::BadFraming,
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            Cause::BadFraming,
        ),
        ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", Cause::BadFraming),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
            Cause::BadFraming,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,chunked\r\n\r\n", Cause::BadFraming),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            Cause::UnknownTransferCoding,
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0cchunked\r\n\r\n", Cause::BadHeader),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: y 100-continue\r\n\r\n", Cause::BadExpect),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Cause::TunnelRefused),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Cause::BadVersion),
        ("GET / HTTP/1.1\r\nHost: a", Cause::BadRequestLine),
        ("\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Cause::BadRequestLine),
        (&long_uri, Cause::UriLimit),
        (&many, Cause::HeaderLimit),
        (&large, Cause::HeaderLimit),
        (&unfinished, Cause::HeaderLimit),
    ] {
        let (seen, cause, _) = through(&[raw.as_bytes()]).await;
        assert_eq!(cause, Some(expected), "{raw:?}");
        assert!(seen.ends_with(b"\r\nconnection: close\r\n\r\n"), "{raw:?}");
    }
}

#[tokio::test]
async fn nothing_behind_a_refused_head_is_ever_seen() {
    let raw = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost : a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    let (seen, cause, _) = through(&[raw]).await;
    let text = String::from_utf8(seen).unwrap();
    assert!(text.starts_with("GET /1 "), "{text}");
    assert!(!text.contains("/2") && !text.contains("/3"), "{text}");
    assert_eq!(cause, Some(Cause::BadHeader));
}

#[tokio::test]
async fn a_refusal_keeps_the_language_and_the_method() {
    let raw = b"HEAD / HTTP/1.1\r\nAccept-Language: en\r\nAccept: text/html\r\nHost: a b\r\n\r\n";
    let (seen, ..) = through(&[raw]).await;
    let text = String::from_utf8(seen).unwrap();
    assert!(text.starts_with("HEAD / "), "{text}");
    assert!(text.contains("accept: text/html\r\naccept-language: en\r\n"), "{text}");
}

#[tokio::test]
async fn a_broken_body_fails_the_read_and_not_the_head() {
    let raw =
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n";
    let (seen, cause, fault) = through(&[raw]).await;
    assert!(seen.starts_with(b"POST / HTTP/1.1"));
    assert_eq!((cause, fault), (None, Some(BodyFault::Syntax)));
    let cut = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";
    let (_, cause, fault) = through(&[cut]).await;
    assert_eq!((cause, fault), (None, Some(BodyFault::Left)));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_where_the_deadlines_say() {
    for (sent, cause, after) in [
        (&b"GET / HTTP/1.1\r\nX: "[..], Some(Cause::HeaderTimeout), LIMITS.header_time),
        (b"", None, LIMITS.idle),
    ] {
        let (mut client, socket) = tokio::io::duplex(1024);
        let wire = Rc::new(Wire::default());
        let mut guard = Guard::new(socket, Rc::clone(&wire), false, &LIMITS);
        client.write_all(sent).await.unwrap();
        let begun = crate::base::clock::now();
        let (_, refused, _) = read_all(&mut guard, &wire).await;
        let took = crate::base::clock::now() - begun;
        assert!(took >= after && took < after + Duration::from_secs(1), "{took:?}");
        assert_eq!(refused, cause);
    }
}

#[tokio::test]
async fn hand_made_pieces_change_nothing() {
    let raw = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for cut in 1..raw.len() {
        let (seen, cause, fault) = through(&[&raw[..cut], &raw[cut..]]).await;
        assert_eq!((seen.as_slice(), cause, fault), (&raw[..], None, None), "cut at {cut}");
    }
    let single: Vec<&[u8]> = raw.chunks(1).collect();
    assert_eq!(through(&single).await.0, raw);
    assert_eq!(cause_of(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn whatever_passes_has_one_reading(
        text in proptest::collection::vec(prop_oneof![
            Just("GET / HTTP/1.1\r\n".to_owned()), Just("Host: a\r\n".to_owned()), Just("\r\n".to_owned()),
            Just("Content-Length: 3\r\n".to_owned()), Just("Transfer-Encoding: chunked\r\n".to_owned()),
            Just("3\r\nabc\r\n".to_owned()), Just("0\r\n\r\n".to_owned()), Just("abc".to_owned()),
            Just("\n".to_owned()), Just(" ".to_owned()), "[ -~]{0,6}",
        ], 0..12),
        cut in 0usize..80,
    ) {
        let raw = text.concat().into_bytes();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let whole = runtime.block_on(through(&[&raw]));
        let cut = cut.min(raw.len());
        let pieces = runtime.block_on(through(&[&raw[..cut], &raw[cut..]]));
        prop_assert_eq!(&whole, &pieces);
        // The first head, if it passed, is one that the strict half of the world reads alike.
        let stand_in = whole.0.starts_with(b"GET / HTTP/1.1\r\nhost: refused.invalid");
        if !whole.0.is_empty() && !stand_in {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut fields);
            prop_assert!(request.parse(&whole.0).is_ok_and(|status| status.is_complete()));
        }
    }
}

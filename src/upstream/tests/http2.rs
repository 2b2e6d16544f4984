//! HTTP/2 upstreams, frame by frame.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::super::{CallOptions, Kind, Sent, Stage, Upgrade};
use super::origin::Step::{Drain, Frame, Hang, Sleep};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, request, settings, upload};
use super::run;
use crate::base::Body;
use crate::config::model::{HostPolicy, UpstreamProtocol};

const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// `:status: 200` in HPACK's static table.
pub(super) const STATUS_200: &[u8] = &[0x88];

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Step {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    Step::Send(bytes)
}

pub(super) fn preface() -> Step {
    frame(SETTINGS, 0, 0, &[])
}

fn reset(stream: u32, reason: u32) -> Step {
    frame(RST_STREAM, 0, stream, &reason.to_be_bytes())
}

/// A whole answer on a stream.
pub(super) fn hello(stream: u32) -> [Step; 2] {
    [frame(HEADERS, END_HEADERS, stream, STATUS_200), frame(DATA, END_STREAM, stream, b"hello")]
}

fn rig(origin: &Origin) -> Rig {
    let mut upstream = settings(vec![plain(origin.address)]);
    upstream.protocol = UpstreamProtocol::H2c;
    Rig::new(upstream)
}

fn script(parts: &[&[Step]]) -> Vec<Step> {
    parts.concat()
}

#[test]
fn one_connection_carries_request_after_request() {
    run(async {
        let origin = Origin::new(&script(&[
            &[preface(), Frame(HEADERS)],
            &hello(1),
            &[Frame(HEADERS)],
            &hello(3),
            &[Drain],
        ]))
        .await;
        let rig = rig(&origin);
        for reused in [false, true] {
            let answer = rig.get("/").await.unwrap();
            assert_eq!((answer.body.as_str(), answer.end), ("hello", Ok(())));
            assert_eq!(answer.tally.reused, reused);
        }
        assert_eq!((origin.connections(), rig.gauge()), (1, (1, 0)));
    });
}

#[test]
fn trailers_arrive() {
    run(async {
        let trailer = [&[0, 5], b"x-sum".as_slice(), &[1], b"7"].concat();
        let origin = Origin::new(&[
            preface(),
            Frame(HEADERS),
            frame(HEADERS, END_HEADERS, 1, STATUS_200),
            frame(DATA, 0, 1, b"hello"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailer),
            Drain,
        ])
        .await;
        let answer = rig(&origin).get("/").await.unwrap();
        assert_eq!(answer.trailers.unwrap()["x-sum"], "7");
    });
}

#[test]
fn a_server_that_speaks_something_else_is_told_apart() {
    for wrong in [
        &[send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), Hang][..],
        &[send("SSH-2.0-x\r\n")],
        &[Sleep(1)],
    ] {
        run(async {
            let origin = Origin::new(wrong).await;
            let error = rig(&origin).post("x").await.unwrap_err();
            assert_eq!((error.kind, error.stage), (Kind::ProtocolMismatch, Stage::Handshake));
            assert_eq!((error.sent, error.retryable), (Sent::Nothing, Some(true)));
        });
    }
}

#[test]
fn a_reset_before_the_head_is_a_reset_and_after_it_a_cut() {
    run(async {
        let cut = [
            preface(),
            Frame(HEADERS),
            frame(HEADERS, END_HEADERS, 1, STATUS_200),
            frame(DATA, 0, 1, b"hel"),
            Sleep(10),
            reset(1, 2),
            Frame(HEADERS),
            reset(3, 2),
            Drain,
        ];
        let origin = Origin::new(&cut).await;
        let rig = rig(&origin);
        let answer = rig.get("/").await.unwrap();
        assert_eq!((answer.body.as_str(), answer.end.unwrap_err().kind), ("hel", Kind::Truncated));
        let error = rig.get("/").await.unwrap_err();
        assert_eq!((error.kind, error.reused), (Kind::Reset, true));
        assert_eq!(origin.connections(), 1, "a reset stream says nothing of its connection");
    });
}

#[test]
fn what_was_not_processed_is_sent_again_whatever_the_method() {
    let goaway = frame(GOAWAY, 0, 0, &[0; 8]);
    for refusal in [reset(1, 7), goaway] {
        for method in [Method::GET, Method::POST] {
            run(async {
                let first = [preface(), Frame(HEADERS), refusal.clone(), Drain];
                let second = script(&[&[preface(), Frame(HEADERS)], &hello(1), &[Drain]]);
                let origin = Origin::scripts(&[&first, &second]).await;
                let answer = rig(&origin).call(request(method.clone(), "/")).await.unwrap();
                assert_eq!((answer.body.as_str(), answer.tally.attempts), ("hello", 2));
                assert_eq!(origin.carriers(), [0, 1]);
            });
        }
    }
}

#[test]
fn what_is_refused_twice_is_reported() {
    run(async {
        let origin = Origin::new(&[preface(), Frame(HEADERS), reset(1, 7), Drain]).await;
        let error = rig(&origin).get("/").await.unwrap_err();
        assert_eq!((error.kind, error.sent), (Kind::Reset, Sent::Nothing));
        assert_eq!(origin.connections(), 2);
    });
}

#[test]
fn a_get_that_meets_the_end_of_a_kept_connection_is_repeated() {
    run(async {
        let first = script(&[&[preface(), Frame(HEADERS)], &hello(1), &[Frame(HEADERS)]]);
        let second = script(&[&[preface(), Frame(HEADERS)], &hello(1), &[Drain]]);
        let origin = Origin::scripts(&[&first, &second]).await;
        let rig = rig(&origin);
        rig.get("/").await.unwrap();
        assert_eq!(rig.get("/").await.unwrap().body, "hello");
        assert_eq!(origin.carriers(), [0, 0, 1]);

        let origin = Origin::scripts(&[&first, &second]).await;
        let rig = self::rig(&origin);
        rig.get("/").await.unwrap();
        assert_eq!(rig.call(request(Method::POST, "/")).await.unwrap_err().kind, Kind::Reset);
    });
}

#[test]
fn dropping_a_body_or_a_call_resets_its_stream() {
    run(async {
        let origin = Origin::new(&[
            preface(),
            Frame(HEADERS),
            frame(HEADERS, END_HEADERS, 1, STATUS_200),
            Frame(RST_STREAM),
            Frame(HEADERS),
            Frame(RST_STREAM),
            Drain,
        ])
        .await;
        let rig = rig(&origin);
        drop(rig.send(request(Method::GET, "/")).await.unwrap());
        origin.heard(2).await;
        let mut call = Box::pin(rig.get("/"));
        tokio::select! {
            _ = &mut call => panic!("there is no answer"),
            () = origin.heard(3) => {}
        }
        drop(call);
        origin.heard(4).await;
        assert_eq!(origin.requests()[1], "frame 3 on 1");
        assert_eq!(origin.requests()[3], "frame 3 on 3");
        assert_eq!(rig.gauge(), (1, 0), "the connection itself is kept");
    });
}

#[test]
fn many_requests_share_one_opening_and_its_failure() {
    run(async {
        let origin =
            Origin::new(&[Sleep(20), send("HTTP/1.1 400 Bad Request\r\n\r\n"), Hang]).await;
        let rig = rig(&origin);
        let (a, b, c) = tokio::join!(rig.get("/"), rig.get("/"), rig.get("/"));
        for error in [a, b, c].map(Result::unwrap_err) {
            assert_eq!(error.kind, Kind::ProtocolMismatch);
        }
        assert_eq!(origin.connections(), 1);
    });
}

#[test]
fn whoever_opens_may_leave_and_another_goes_on() {
    run(async {
        let slow = script(&[&[Sleep(60), preface(), Frame(HEADERS)], &hello(1), &[Drain]]);
        let origin = Origin::new(&slow).await;
        let rig = rig(&origin);
        let leaves = tokio::time::timeout(Duration::from_millis(10), rig.get("/a"));
        let (left, stays) = tokio::join!(leaves, rig.get("/b"));
        assert!(left.is_err());
        assert_eq!(stays.unwrap().body, "hello");
        assert_eq!(origin.connections(), 2);
    });
}

#[test]
fn a_full_connection_gets_a_companion() {
    run(async {
        let one_at_a_time = frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 1]);
        let answer = [&[Sleep(50)][..], &hello(1), &[Drain]].concat();
        let both = script(&[&[one_at_a_time, Frame(HEADERS)], &answer]);
        let origin = Origin::new(&both).await;
        let rig = rig(&origin);
        let second = async {
            origin.heard(1).await;
            rig.get("/").await
        };
        let (one, two) = tokio::join!(rig.get("/"), second);
        assert_eq!((one.unwrap().body.as_str(), two.unwrap().body.as_str()), ("hello", "hello"));
        assert_eq!(origin.connections(), 2);
    });
}

#[test]
fn a_connection_that_fell_silent_carries_nothing_new() {
    run(async {
        let second = script(&[&[preface(), Frame(HEADERS)], &hello(1), &[Drain]]);
        let origin = Origin::scripts(&[&[preface(), Frame(HEADERS), Hang], &second]).await;
        let rig = rig(&origin);
        let options = CallOptions { first_byte: Some(Duration::from_millis(40)), ..rig.options() };
        let error = rig.call_with(request(Method::GET, "/"), options).await.unwrap_err();
        assert_eq!(error.kind, Kind::FirstByteTimeout);
        assert_eq!(rig.get("/").await.unwrap().body, "hello");
        assert_eq!(origin.connections(), 2);
    });
}

#[test]
fn a_head_that_is_too_large_is_told() {
    // Five fields of 16,000 octets, in HPACK's literal form: 16,000 is 127 + 15,873.
    let mut field = [&[0, 1], b"x".as_slice(), &[127, 0x81, 0x7c]].concat();
    field.extend(std::iter::repeat_n(b'a', 16_000));
    run(async {
        let mut steps = vec![preface(), Frame(HEADERS), frame(HEADERS, 0, 1, STATUS_200)];
        steps.extend(std::iter::repeat_n(frame(CONTINUATION, 0, 1, &field), 5));
        steps.extend([frame(CONTINUATION, END_HEADERS, 1, &[]), Drain]);
        let origin = Origin::new(&steps).await;
        let error = rig(&origin).get("/").await.unwrap_err();
        assert_eq!(error.kind, Kind::HeadLimit, "{error}");
    });
}

#[test]
fn frames_that_break_the_protocol_are_a_bad_answer() {
    run(async {
        let origin =
            Origin::new(&[preface(), Frame(HEADERS), frame(DATA, 0, 1, b"no head"), Drain]).await;
        assert_eq!(rig(&origin).get("/").await.unwrap_err().kind, Kind::BadResponse);
    });
}

/// Serves one connection politely: every answer is 200 with the body and the trailers it was sent.
async fn echo(
    heads: tokio::sync::mpsc::UnboundedSender<http::request::Parts>,
) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn_local(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let heads = heads.clone();
            spawn_local(async move {
                let (head, mut body) = request.into_parts();
                heads.send(head).unwrap();
                let mut answer = respond.send_response(http::Response::new(()), false).unwrap();
                while let Some(Ok(data)) = body.data().await {
                    let _ = body.flow_control().release_capacity(data.len());
                    answer.send_data(data, false).unwrap();
                }
                let trailers = body.trailers().await.unwrap().unwrap_or_else(HeaderMap::new);
                answer.send_trailers(trailers).unwrap();
            });
        }
    });
    address
}

#[test]
fn a_request_is_dressed_for_http2() {
    for policy in [HostPolicy::Preserve, HostPolicy::Fixed(HeaderValue::from_static("fixed.test"))]
    {
        run(async {
            let (heads, mut seen) = tokio::sync::mpsc::unbounded_channel();
            let mut upstream = settings(vec![plain(echo(heads).await)]);
            upstream.protocol = UpstreamProtocol::H2c;
            upstream.host = policy.clone();
            let rig = Rig::new(upstream);
            let mut request = request(Method::POST, "/a/b?c=d");
            for (name, value) in
                [("connection", "upgrade"), ("upgrade", "websocket"), ("te", "trailers")]
            {
                request.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            *request.body_mut() = Body::Full(Some(Bytes::from_static(b"hello")));
            let upgrade = Upgrade::Requested("websocket");
            let options = CallOptions { upgrade, ..rig.options() };
            assert_eq!(rig.call_with(request, options).await.unwrap().body, "hello");
            let head = seen.recv().await.unwrap();
            let host = if policy == HostPolicy::Preserve { "client.test" } else { "fixed.test" };
            assert_eq!(head.uri.to_string(), format!("http://{host}/a/b?c=d"));
            assert_eq!(head.headers["te"], "trailers");
            for name in ["host", "connection", "upgrade"] {
                assert!(!head.headers.contains_key(name), "{name}");
            }
        });
    }
}

#[test]
fn bodies_and_trailers_flow_both_ways() {
    run(async {
        let (heads, _seen) = tokio::sync::mpsc::unbounded_channel();
        let mut upstream = settings(vec![plain(echo(heads).await)]);
        upstream.protocol = UpstreamProtocol::H2c;
        let rig = Rig::new(upstream);
        let (request, _meter, mut client) = upload(None).await;
        let mut body = rig.send(request).await.unwrap().into_body();
        client.write_all(b"5\r\nfirst\r\n").await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
        client.write_all(b"6\r\nsecond\r\n0\r\nx-sum: 9\r\n\r\n").await.unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "second");
        assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap()["x-sum"], "9");
        assert!(body.frame().await.is_none());
    });
}

#[test]
fn an_early_answer_stops_the_upload() {
    run(async {
        let early = script(&[&[preface(), Frame(HEADERS)], &hello(1), &[Frame(RST_STREAM), Drain]]);
        let origin = Origin::new(&early).await;
        let (request, _meter, mut client) = upload(Some(1000)).await;
        client.write_all(b"some").await.unwrap();
        let rig = rig(&origin);
        assert_eq!(rig.call(request).await.unwrap().body, "hello");
        origin.heard(2).await;
        assert_eq!(rig.gauge(), (1, 0));
    });
}

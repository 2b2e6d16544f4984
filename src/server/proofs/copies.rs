//! No byte of a body is copied by guichet: it leaves from where it was read.
//!
//! A body is followed byte by byte from the socket that it is read from to the socket that it is
//! written to, both ways, in every pair of framings. Where HTTP/2 comes in it is followed from the
//! frame that hyper hands over, whose own buffer guichet never sees.
//!
//! Two exceptions, both bounded and both held here:
//! - the first read of a connection, and the first after a rest, is copied once into a buffer that
//!   an idle connection does not hold (`Inbox`): 4 KiB at most, head included;
//! - h2 puts the first 247 bytes of a DATA frame behind the nine of its head, so that no write is
//!   tiny.
//!
//! What no address can show: TLS makes plain bytes out of others, so it writes them anew, and a
//! plain client's very first bytes are looked at before (`Prefixed`, 4 KiB at most).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::{client, server, service};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::rig::{Traced, run, stage};
use crate::base::trail::{self, Place, Sight};
use crate::server::executor::Local;
use crate::server::stage::Stage;

/// How a body is framed on one side of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    Http2,
}
use Framing::{Chunked, Http2, Length};

/// Which way a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Down,
    Up,
}

#[test]
fn answers_leave_from_where_they_were_read() {
    for from in [Length, Chunked, Http2] {
        // A client is told the framing that the upstream chose, in its own protocol.
        for to in [if from == Length { Length } else { Chunked }, Http2] {
            run(follow(Way::Down, from, to));
        }
    }
}

#[test]
fn uploads_leave_from_where_they_were_read() {
    for from in [Length, Chunked, Http2] {
        for to in [if from == Length { Length } else { Chunked }, Http2] {
            run(follow(Way::Up, from, to));
        }
    }
}

/// Two exchanges on the same connections.
async fn follow(way: Way, from: Framing, to: Framing) {
    let (upstream, client) = if way == Way::Down { (from, to) } else { (to, from) };
    let port = origin(upstream, way).await;
    let protocol = if upstream == Http2 { "h2c" } else { "http/1.1" };
    let stage = stage(&format!(
        r#"
        version = 1
        [listen.plain]
        bind = ["127.0.0.1:0"]
        plain = "allow"
        [upstream.app]
        endpoints = ["http://127.0.0.1:{port}"]
        protocol = "{protocol}"
        [[route]]
        name = "all"
        match = "/"
        upstream = "app"
        [observe]
        access_log = false
        "#
    ));
    let mut ask = connect(&stage, client).await;
    for allowed in [FIRST, 0] {
        trail::follow();
        let sent = if way == Way::Up { Pieces::new(client) } else { Pieces::default() };
        let got = ask.send(Request::post("/").header("host", "a.test").body(sent).unwrap()).await;
        assert_eq!(got.len(), if way == Way::Up { 0 } else { LENGTH }, "{way:?} {from:?} {to:?}");
        let (came, left) = match (way, from) {
            (Way::Down, Http2) => (Place::UpstreamFrame, Place::ClientWrite),
            (Way::Down, _) => (Place::UpstreamRead, Place::ClientWrite),
            (Way::Up, Http2) => (Place::ClientFrame, Place::UpstreamWrite),
            (Way::Up, _) => (Place::ClientRead, Place::UpstreamWrite),
        };
        let came = match from {
            Http2 => trail::seen(came),
            Length | Chunked => body(&trail::seen(came), from),
        };
        let (left, gathered) = (body(&trail::seen(left), to), gathered(&trail::seen(left), to));
        let bytes = |sights: &[Sight]| sights.iter().map(|(byte, _)| *byte).collect::<Vec<_>>();
        assert!(bytes(&came) == content(), "{way:?} {from:?} {to:?}: not followed at its begin");
        assert!(bytes(&left) == content(), "{way:?} {from:?} {to:?}: not followed at its end");
        let moved = |(at, came): (usize, &Sight)| came.1 != left[at].1 && !gathered[at];
        let moved = came.iter().enumerate().filter(|at| moved(*at)).count();
        let allowed = if from == Http2 { 0 } else { allowed };
        println!("{way:?} {from:?} to {to:?}: {moved} of {LENGTH} bytes copied, {allowed} allowed");
        assert!(moved <= allowed, "{way:?} {from:?} to {to:?}: {moved} bytes were copied");
    }
}

/// The data of one message, without its framing.
fn body(raw: &[Sight], framing: Framing) -> Vec<Sight> {
    let mut data = Vec::new();
    match framing {
        Http2 => frames(raw, |frame| data.extend_from_slice(frame)),
        Length => data.extend_from_slice(after_line(raw, b"\r\n\r\n").1),
        Chunked => {
            let mut rest = after_line(raw, b"\r\n\r\n").1;
            loop {
                let (line, after) = after_line(rest, b"\r\n");
                let size: String = line.iter().map(|(byte, _)| char::from(*byte)).collect();
                let size = usize::from_str_radix(&size, 16).unwrap();
                if size == 0 {
                    break;
                }
                data.extend_from_slice(&after[..size]);
                rest = &after[size + 2..];
            }
        }
    }
    data
}

/// What stands before a line end, and what behind it.
fn after_line<'s>(raw: &'s [Sight], end: &[u8]) -> (&'s [Sight], &'s [Sight]) {
    let is_end = |at: &[Sight]| at.iter().map(|(byte, _)| byte).eq(end);
    let at = raw.windows(end.len()).position(is_end).expect("a line end");
    (&raw[..at], &raw[at + end.len()..])
}

/// Every DATA frame of one direction of an HTTP/2 connection.
fn frames(raw: &[Sight], mut each: impl FnMut(&[Sight])) {
    let is_preface = raw.iter().take(3).map(|(byte, _)| *byte).eq(*b"PRI");
    let mut rest = &raw[if is_preface { PREFACE } else { 0 }..];
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = head[..3].iter().fold(0, |sum, (byte, _)| sum << 8 | usize::from(*byte));
        if head[3].0 == DATA {
            each(&after[..length]);
        }
        rest = &after[length..];
    }
}

/// Which bytes of a body h2 may have put together with the heads of their frames.
fn gathered(raw: &[Sight], framing: Framing) -> Vec<bool> {
    let mut all = Vec::new();
    if framing == Http2 {
        frames(raw, |frame| all.extend((0..frame.len()).map(|at| at < GATHERED)));
        return all;
    }
    vec![false; raw.len()]
}

/// An origin that speaks HTTP/1 or HTTP/2; it takes whatever comes, and gives the content where the
/// body goes down.
async fn origin(framing: Framing, way: Way) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn_local(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let answer = service::service_fn(move |request: Request<Incoming>| async move {
            request.into_body().collect().await.unwrap();
            let body = if way == Way::Down { Pieces::new(framing) } else { Pieces::default() };
            Ok::<_, Infallible>(Response::new(body))
        });
        let socket = TokioIo::new(socket);
        let _ = match framing {
            Http2 => {
                server::conn::http2::Builder::new(Local).serve_connection(socket, answer).await
            }
            Length | Chunked => {
                server::conn::http1::Builder::new().serve_connection(socket, answer).await
            }
        };
    });
    port
}

/// A client of either protocol.
enum Client {
    Http1(client::conn::http1::SendRequest<Pieces>),
    Http2(client::conn::http2::SendRequest<Pieces>),
}

async fn connect(stage: &Stage, framing: Framing) -> Client {
    let (near, far) = tokio::io::duplex(1 << 20);
    let near = TokioIo::new(near);
    if framing == Http2 {
        spawn_local(stage.serve_http2(Traced(far)));
        let (client, driven) = client::conn::http2::handshake(Local, near).await.unwrap();
        spawn_local(driven);
        return Client::Http2(client);
    }
    spawn_local(stage.serve_http1(Traced(far)));
    let (client, driven) = client::conn::http1::handshake(near).await.unwrap();
    spawn_local(driven);
    Client::Http1(client)
}

impl Client {
    async fn send(&mut self, request: Request<Pieces>) -> Bytes {
        let answer = match self {
            Self::Http1(client) => {
                client.ready().await.unwrap();
                client.send_request(request).await
            }
            Self::Http2(client) => client.send_request(request).await,
        };
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.unwrap().to_bytes()
    }
}

/// A body in pieces of many lengths, of which the whole length is told or not.
#[derive(Default)]
struct Pieces {
    left: VecDeque<Bytes>,
    told: bool,
}

impl Pieces {
    fn new(framing: Framing) -> Self {
        let mut left = VecDeque::new();
        let mut rest = Bytes::from(content());
        for length in [1, 300, 5_000, 70_000, 16_384, 20].into_iter().cycle() {
            left.push_back(rest.split_to(length.min(rest.len())));
            if rest.is_empty() {
                break;
            }
        }
        Self { left, told: framing == Length }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.left.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if self.told || self.left.is_empty() {
            return SizeHint::with_exact(self.left.iter().map(|piece| piece.len() as u64).sum());
        }
        SizeHint::default()
    }
}

/// No two stretches of it look alike.
fn content() -> Vec<u8> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..LENGTH).map(|_| next()).collect()
}

const LENGTH: usize = 400_000;
/// Of the first read: `Inbox` has its own constant for it.
const FIRST: usize = 4 * 1024;
/// Of each DATA frame: h2 fills its own buffer up to 256 bytes before it writes from elsewhere.
const GATHERED: usize = 256 - 9;
const PREFACE: usize = 24;
const DATA: u8 = 0;

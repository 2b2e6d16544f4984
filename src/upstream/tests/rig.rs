//! Upstreams to an origin, and calls in one line.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::super::{
    Boards, CallOptions, Credentials, Names, Stream, Tally, Upgrade, UpstreamError, Upstreams,
};
use crate::base::body::{Capped, Meter};
use crate::base::{Body, EndpointId, Inflow, UpstreamId, clock};
use crate::config::model::{
    Balance, Endpoint, EndpointAddress, HostPolicy, Pool, Upstream, UpstreamProtocol,
    UpstreamTimeouts, UpstreamTls,
};
use crate::observe::UpstreamStates as _;

/// One upstream, ready to be called.
pub(super) struct Rig {
    pub(super) upstreams: Upstreams,
    pub(super) boards: Boards,
    pub(super) deadline: Duration,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) end: Result<(), UpstreamError>,
    pub(super) tally: Tally,
}

/// An endpoint in plain HTTP.
pub(in crate::upstream) fn plain(address: SocketAddr) -> Endpoint {
    Endpoint {
        address: EndpointAddress::Socket(address),
        tls: false,
        authority: HeaderValue::from_str(&address.to_string()).unwrap(),
        weight: 1,
        url: format!("http://{address}"),
    }
}

/// Settings with limits that no healthy test comes near, and failing ones do not wait long for.
pub(in crate::upstream) fn settings(endpoints: Vec<Endpoint>) -> Upstream {
    Upstream {
        in_flight: None,
        name: "origin".into(),
        endpoints,
        protocol: UpstreamProtocol::Negotiate,
        balance: Balance::RoundRobin,
        timeout: UpstreamTimeouts {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            total: Duration::from_secs(10),
        },
        pool: Pool { idle: 8, idle_time: Duration::from_secs(60) },
        tls: UpstreamTls::default(),
        host: HostPolicy::Preserve,
        errors: Vec::new(),
        slow_start: Duration::ZERO,
        deadline: None,
        retry: None,
        health: None,
        eject: None,
        breaker: None,
    }
}

impl Rig {
    pub(super) fn new(upstream: Upstream) -> Self {
        Self::with_names(upstream, Names::scripted().0)
    }

    pub(super) fn with_names(upstream: Upstream, names: Names) -> Self {
        let boards = Boards::new(std::slice::from_ref(&upstream), 2);
        Self::of(&[upstream], &names, &boards, 0)
    }

    /// Two workers of one process.
    pub(super) fn pair(upstream: Upstream) -> [Self; 2] {
        let boards = Boards::new(std::slice::from_ref(&upstream), 2);
        let all = [upstream];
        [0, 1].map(|worker| Self::of(&all, &Names::scripted().0, &boards, worker))
    }

    /// A worker, and what a prober needs beside.
    pub(super) fn with_credentials(all: &[Upstream]) -> (Self, Credentials) {
        let rig = Self::of(all, &Names::scripted().0, &Boards::new(all, 1), 0);
        (rig, Credentials::load(all, &|_| None, None).unwrap())
    }

    fn of(all: &[Upstream], names: &Names, boards: &Boards, worker: usize) -> Self {
        let credentials = Credentials::load(all, &|_| None, None).unwrap();
        let upstreams = Upstreams::new(all, &credentials, names, boards, worker, None).unwrap();
        Self { upstreams, boards: boards.clone(), deadline: Duration::from_secs(10) }
    }

    /// What the metrics would say of an endpoint.
    pub(super) fn board_says_up(&self, endpoint: EndpointId) -> bool {
        self.boards.is_up(UpstreamId(0), endpoint)
    }

    /// To one plain endpoint.
    pub(super) fn to(address: SocketAddr) -> Self {
        Self::new(settings(vec![plain(address)]))
    }

    pub(super) fn options(&self) -> CallOptions<'static> {
        CallOptions {
            started: clock::now(),
            deadline: clock::now() + self.deadline,
            client_deadline: None,
            is_grpc: false,
            first_byte: None,
            interim: None,
            upgrade: Upgrade::No,
            stamp: None,
        }
    }

    pub(super) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Stream>, UpstreamError> {
        self.send_with(request, self.options(), &mut Tally::default()).await
    }

    pub(super) async fn send_with(
        &self,
        request: Request<Body>,
        options: CallOptions<'_>,
        tally: &mut Tally,
    ) -> Result<Response<Stream>, UpstreamError> {
        let (mut head, body) = request.into_parts();
        self.upstreams.call(UpstreamId(0), &mut head, body, &options, tally).await
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn call(&self, request: Request<Body>) -> Result<Answer, UpstreamError> {
        self.call_with(request, self.options()).await
    }

    pub(super) async fn call_with(
        &self,
        request: Request<Body>,
        options: CallOptions<'_>,
    ) -> Result<Answer, UpstreamError> {
        let mut tally = Tally::default();
        let response = self.send_with(request, options, &mut tally).await?;
        let (head, mut stream) = response.into_parts();
        let mut answer = Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::new(),
            trailers: None,
            end: Ok(()),
            tally,
        };
        while let Some(frame) = stream.frame().await {
            match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => answer.body.push_str(&String::from_utf8_lossy(&data)),
                Ok(Err(frame)) => answer.trailers = frame.into_trailers().ok(),
                Err(error) => answer.end = Err(error),
            }
        }
        Ok(answer)
    }

    /// Idle and active connections.
    pub(super) fn gauge(&self) -> (usize, usize) {
        let gauge = self.upstreams.connections(UpstreamId(0));
        (gauge.idle, gauge.active)
    }

    pub(super) async fn get(&self, path: &str) -> Result<Answer, UpstreamError> {
        self.call(request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, body: &'static str) -> Result<Answer, UpstreamError> {
        let mut request = request(Method::POST, "/");
        *request.body_mut() = Body::Full(Some(Bytes::from_static(body.as_bytes())));
        self.call(request).await
    }
}

/// A request without a body.
pub(super) fn request(method: Method, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "client.test");
    request.body(Body::Empty).unwrap()
}

/// A client that streams a body of `length` bytes, or chunks where there is none: the request, what
/// was counted of it, and the client's end of the line, which sends what is written to it.
pub(super) async fn upload(length: Option<usize>) -> (Request<Body>, Rc<Meter>, DuplexStream) {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let (give, take) = tokio::sync::oneshot::channel();
    let give = std::cell::Cell::new(Some(give));
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        give.take().unwrap().send(request).unwrap();
        std::future::pending::<Result<Response<String>, std::convert::Infallible>>()
    });
    let serve = hyper::server::conn::http1::Builder::new();
    tokio::task::spawn_local(async move {
        let _ = serve.serve_connection(TokioIo::new(server), service).await;
    });
    let framing = match length {
        Some(length) => format!("content-length: {length}"),
        None => "transfer-encoding: chunked".into(),
    };
    let head = format!("POST /upload HTTP/1.1\r\nhost: client.test\r\n{framing}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut head, body) = take.await.unwrap().into_parts();
    head.headers.remove("transfer-encoding");
    let meter = Rc::new(Meter::default());
    let body = Body::Capped(Capped::new(Inflow::Http2(body), 64 << 20, Rc::clone(&meter)));
    (Request::from_parts(head, body), meter, client)
}

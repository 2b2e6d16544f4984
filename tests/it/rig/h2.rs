//! HTTP/2 on both sides, over hyper: a polite client, and an origin that answers by path.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::client::{Ending, Reply};
use super::http::Head;
use super::{PATIENCE, tls};

/// A body made of frames that are known beforehand.
#[derive(Debug, Default)]
pub struct Frames(VecDeque<Result<Frame<Bytes>, io::Error>>);

impl Frames {
    /// One piece of data, or nothing at all.
    pub fn data(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let frames = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes)));
        Self(frames.into_iter().collect())
    }

    /// Trailers at the end.
    pub fn trailers(mut self, fields: &[(&'static str, &'static str)]) -> Self {
        self.0.push_back(Ok(Frame::trailers(map(fields))));
        self
    }

    /// A failure in place of an end: the stream is reset.
    pub fn broken(mut self) -> Self {
        self.0.push_back(Err(io::Error::other("broken on purpose")));
        self
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(self.0.pop_front())
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}

/// One HTTP/2 connection of a client.
pub struct H2Client {
    runtime: Runtime,
    send: RefCell<SendRequest<Frames>>,
}

impl H2Client {
    /// By prior knowledge, in the clear.
    pub fn plain(address: SocketAddr) -> Self {
        let runtime = runtime();
        let send = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.expect("the gateway listens");
            begin(stream).await.expect("HTTP/2 is spoken here")
        });
        Self { runtime, send: RefCell::new(send) }
    }

    /// By ALPN.
    pub fn tls(address: SocketAddr) -> Self {
        let runtime = runtime();
        let send = runtime.block_on(async {
            let stream = TcpStream::connect(address).await.expect("the gateway listens");
            let connector = TlsConnector::from(tls::trusting_client(&["h2"]));
            let name = ServerName::try_from("localhost").unwrap();
            let stream = connector.connect(name, stream).await.expect("a handshake");
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            begin(stream).await.expect("HTTP/2 is spoken here")
        });
        Self { runtime, send: RefCell::new(send) }
    }

    /// A GET of this path.
    pub fn get(&self, path: &str) -> Reply {
        self.ask(request("GET", path), Frames::default())
    }

    /// One request and its whole answer.
    #[track_caller]
    pub fn ask(&self, request: http::request::Builder, body: Frames) -> Reply {
        self.ask_all(vec![(request, body)]).pop().flatten().expect("an answer")
    }

    /// Requests side by side; none stands for a stream that was reset before its answer.
    pub fn ask_all(&self, requests: Vec<(http::request::Builder, Frames)>) -> Vec<Option<Reply>> {
        let mut send = self.send.borrow_mut();
        let all = async {
            let mut answers = Vec::new();
            for (request, body) in requests {
                send.ready().await.expect("the connection lives");
                let answer = send.send_request(request.body(body).unwrap());
                answers.push(local(async { collect(answer.await.ok()?).await.into() }));
            }
            let mut replies = Vec::new();
            for answer in answers {
                replies.push(answer.await.unwrap());
            }
            replies
        };
        self.runtime.block_on(async { tokio::time::timeout(PATIENCE, all).await.expect("in time") })
    }

    /// A GET whose failure is an answer, too.
    pub fn try_get(&self, path: &str) -> Result<Reply, Failed> {
        let mut send = self.send.borrow_mut();
        let asked = async {
            send.ready().await.map_err(|_| Failed::NotTaken)?;
            let request = request("GET", path).body(Frames::default()).unwrap();
            Ok(collect(send.send_request(request).await.map_err(|error| Failed::of(&error))?).await)
        };
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, asked).await.expect("in time") })
    }

    /// Sends heads only and forgets them: the streams are reset.
    pub fn ask_and_leave(&self, request: http::request::Builder) {
        let mut send = self.send.borrow_mut();
        self.runtime.block_on(async {
            send.ready().await.expect("the connection lives");
            let answer = send.send_request(request.body(Frames::default()).unwrap());
            let short = std::time::Duration::from_millis(100);
            let _ = tokio::time::timeout(short, answer).await;
            // The connection's own task writes the reset, and it runs only while this one waits.
            tokio::time::sleep(short).await;
        });
    }

    /// Waits until the gateway has ended the connection.
    pub fn is_closed(&self) {
        self.runtime.block_on(async {
            let gone = async {
                while !self.send.borrow().is_closed() {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(PATIENCE, gone).await.expect("the connection ends");
        });
    }
}

/// Why a request has no answer.
#[derive(Debug)]
pub enum Failed {
    /// The other side has said that it does not take it: it can be sent again elsewhere.
    NotTaken,
    /// It was lost.
    Lost(String),
}

impl Failed {
    fn of(error: &hyper::Error) -> Self {
        let source = std::error::Error::source(error);
        let of_h2 = source.and_then(|source| source.downcast_ref::<h2::Error>());
        // A GOAWAY names the last stream that is taken; this one was a later one.
        let refused = of_h2.is_some_and(|error| {
            error.is_go_away() && error.is_remote()
                || error.reason() == Some(h2::Reason::REFUSED_STREAM)
        });
        if refused || error.is_canceled() {
            Self::NotTaken
        } else {
            Self::Lost(format!("{error:?}"))
        }
    }
}

/// A request for the tests' host.
pub fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("https://localhost{path}"))
}

async fn begin<S>(stream: S) -> hyper::Result<SendRequest<Frames>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(stream);
    let (send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
    local(async {
        // It ends with the test or with the gateway; both are judged elsewhere.
        let _ = connection.await;
    });
    Ok(send)
}

async fn collect(response: Response<Incoming>) -> Reply {
    let (parts, mut incoming) = response.into_parts();
    let mut reply = Reply {
        head: Head {
            line: format!("HTTP/2 {} ", parts.status.as_u16()),
            fields: pairs(&parts.headers),
        },
        body: Vec::new(),
        trailers: Vec::new(),
        ending: Ending::Complete,
        interim: Vec::new(),
    };
    while let Some(frame) = incoming.frame().await {
        match frame {
            Err(_) => {
                reply.ending = Ending::Cut;
                return reply;
            }
            Ok(frame) => match frame.into_data() {
                Ok(data) => reply.body.extend_from_slice(&data),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    reply.trailers.extend(pairs(&trailers));
                }
            },
        }
    }
    reply
}

/// What an HTTP/2 origin was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub uri: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: HeaderMap,
}

/// An origin that speaks HTTP/2 and answers by path: `/trailers`, `/grpc`, `/unsaid`, `/cut`, `/stall`,
/// `/status/NNN`; everything else gets its own body back.
pub struct H2Origin {
    address: SocketAddr,
    secure: bool,
    asked: Arc<Mutex<Vec<Asked>>>,
    _end: oneshot::Sender<()>,
}

impl H2Origin {
    /// By prior knowledge, in the clear.
    pub fn plain() -> Self {
        Self::start(None)
    }

    /// By ALPN.
    pub fn tls(identity: &tls::Identity) -> Self {
        Self::start(Some(identity.server_config(&[b"h2"])))
    }

    fn start(security: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = oneshot::channel::<()>();
        let (secure, theirs) = (security.is_some(), Arc::clone(&asked));
        thread::spawn(move || {
            runtime().block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let serving = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        let (asked, security) = (Arc::clone(&theirs), security.clone());
                        local(async move {
                            match security {
                                None => serve(stream, asked).await,
                                Some(config) => {
                                    let accepted = TlsAcceptor::from(config).accept(stream).await;
                                    if let Ok(stream) = accepted {
                                        serve(stream, asked).await;
                                    }
                                }
                            }
                        });
                    }
                };
                tokio::select! { () = serving => {} _ = ended => {} }
            });
        });
        Self { address, secure, asked, _end: end }
    }

    /// The endpoint as a configuration names it.
    pub fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve<S>(stream: S, asked: Arc<Mutex<Vec<Asked>>>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let asked = Arc::clone(&asked);
        async move { Ok::<_, Infallible>(respond(request, &asked).await) }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(request: Request<Incoming>, asked: &Mutex<Vec<Asked>>) -> Response<Frames> {
    let (parts, mut incoming) = request.into_parts();
    let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(Ok(frame)) = incoming.frame().await {
        match frame.into_data() {
            Ok(data) => body.extend_from_slice(&data),
            Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
        }
    }
    asked.lock().unwrap().push(Asked {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers,
        body: body.clone(),
        trailers,
    });
    let path = parts.uri.path();
    let mut response = Response::builder();
    if let Some(status) = path.strip_prefix("/status/") {
        let status: u16 = status.parse().unwrap();
        return response.status(status).body(Frames::data("as asked")).unwrap();
    }
    let frames = match path {
        "/trailers" => Frames::data("hello").trailers(&[("x-checksum", "abc")]),
        "/grpc" => {
            response = response.header("content-type", "application/grpc");
            Frames::data(&b"\0\0\0\0\0"[..]).trailers(&[("grpc-status", "0")])
        }
        "/unsaid" => {
            response = response.header("content-type", "application/grpc");
            Frames::data(&b"\0\0\0\0\0"[..])
        }
        "/cut" => Frames::data("half").broken(),
        "/stall" => std::future::pending().await,
        _ => Frames::data(body),
    };
    response.body(frames).unwrap()
}

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), http::HeaderValue::from_static(value)))
        .map(|(name, value): (http::HeaderName, _)| (name, value))
        .collect()
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[allow(clippy::disallowed_methods, reason = "the rig's runtimes are not guichet's workers")]
fn local<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}

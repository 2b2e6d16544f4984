//! A service whose messages say what it does: each is a line of steps, separated by `|`. `say TEXT`,
//! `status NUMBER TEXT`, `die` (the connection ends under the call), `hang` (nothing more comes). A method
//! `Raw` gives back the bytes that it got.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_stream::Stream;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Response, Status, Streaming};

use super::{Plain, runtime, text};

/// A service that does as it is told.
pub struct Steps {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<HeaderMap>>>,
    _end: oneshot::Sender<()>,
}

impl Steps {
    /// By prior knowledge, in the clear.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = oneshot::channel::<()>();
        let theirs = Arc::clone(&asked);
        thread::spawn(move || {
            runtime().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let serving = async {
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, Arc::clone(&theirs)));
                    }
                };
                tokio::select! { () = serving => {} _ = ended => {} }
            });
        });
        Self { address, asked, _end: end }
    }

    /// The endpoint as a configuration names it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The head of every call so far.
    pub fn calls(&self) -> Vec<HeaderMap> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(stream: tokio::net::TcpStream, asked: Arc<Mutex<Vec<HeaderMap>>>) {
    let death = Arc::new(Notify::new());
    let dying = Arc::clone(&death);
    let service = service_fn(move |request: http::Request<Incoming>| {
        asked.lock().unwrap().push(request.headers().clone());
        let death = Arc::clone(&death);
        async move { Ok::<_, Infallible>(answer(request, death).await) }
    });
    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! { _ = connection => {} () = dying.notified() => {} }
}

async fn answer(
    request: http::Request<Incoming>,
    death: Arc<Notify>,
) -> http::Response<tonic::body::Body> {
    if request.uri().path().ends_with("/Raw") {
        return raw(request).await;
    }
    let mut grpc = tonic::server::Grpc::new(Plain).max_decoding_message_size(64 << 20);
    let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
    match &*method {
        "Unary" => {
            let service = tower::service_fn(|asked: Request<Bytes>| {
                let told = told(asked.metadata());
                let mut steps = Taken::new(&asked.into_inner(), &death);
                async move {
                    let message = std::future::poll_fn(|cx| steps.poll_step(cx)).await;
                    Ok(respond(message.unwrap_or_else(|| Ok(Bytes::new()))?, told))
                }
            });
            grpc.unary(service, request).await
        }
        "Download" => {
            let service = tower::service_fn(|asked: Request<Bytes>| {
                let told = told(asked.metadata());
                let steps = Taken::new(&asked.into_inner(), &death);
                async move { Ok::<_, Status>(respond(steps, told)) }
            });
            grpc.server_streaming(service, request).await
        }
        "Upload" => {
            let service = tower::service_fn(|asked: Request<Streaming<Bytes>>| async move {
                let mut messages = asked.into_inner();
                let (mut count, mut bytes) = (0, 0);
                while let Some(message) = messages.message().await? {
                    count += 1;
                    bytes += message.len();
                }
                Ok::<_, Status>(Response::new(Bytes::from(format!("{count} {bytes}"))))
            });
            grpc.client_streaming(service, request).await
        }
        "Chat" => {
            let service = tower::service_fn(|asked: Request<Streaming<Bytes>>| {
                let death = Arc::clone(&death);
                async move {
                    let (say, said) = mpsc::unbounded_channel();
                    tokio::spawn(converse(asked.into_inner(), say, death));
                    Ok::<_, Status>(Response::new(UnboundedReceiverStream::new(said)))
                }
            });
            grpc.streaming(service, request).await
        }
        _ => Status::unimplemented("no such method").into_http(),
    }
}

/// The bytes of the call as they came, in the same coding, and its trailers after them.
async fn raw(request: http::Request<Incoming>) -> http::Response<tonic::body::Body> {
    let coding = request.headers().get("grpc-encoding").cloned();
    let body = request.into_body().collect().await.unwrap();
    let mut trailers = body.trailers().cloned().unwrap_or_default();
    trailers.insert("grpc-status", 0.into());
    let frames = [Frame::data(body.to_bytes()), Frame::trailers(trailers)];
    let body = StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, Infallible>)));
    let mut answer = http::Response::new(tonic::body::Body::new(body));
    answer.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    if let Some(coding) = coding {
        answer.headers_mut().insert("grpc-encoding", coding);
    }
    answer
}

async fn converse(
    mut asked: Streaming<Bytes>,
    say: mpsc::UnboundedSender<Result<Bytes, Status>>,
    death: Arc<Notify>,
) {
    while let Ok(Some(line)) = asked.message().await {
        let mut steps = Taken::new(&line, &death);
        while let Some(step) = std::future::poll_fn(|cx| steps.poll_step(cx)).await {
            let _ = say.send(step);
        }
    }
}

/// Steps that are taken one by one.
struct Taken {
    steps: std::iter::Peekable<std::vec::IntoIter<String>>,
    death: Arc<Notify>,
    turns: usize,
}

impl Taken {
    fn new(line: &Bytes, death: &Arc<Notify>) -> Self {
        let steps: Vec<_> = text(line).split('|').map(str::to_owned).collect();
        Self { steps: steps.into_iter().peekable(), death: Arc::clone(death), turns: 0 }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        let moves = |step: &String| !matches!(&**step, "die" | "hang");
        let Some(step) = self.steps.next_if(moves) else {
            if self.steps.peek().is_none() {
                return Poll::Ready(None);
            }
            self.stand_still(cx);
            return Poll::Pending;
        };
        let (word, rest) = step.split_once(' ').unwrap_or((&step, ""));
        match word {
            "say" => Poll::Ready(Some(Ok(Bytes::from(rest.to_owned())))),
            "status" => {
                let (number, words) = rest.split_once(' ').unwrap_or((rest, ""));
                Poll::Ready(Some(Err(status(number.parse().unwrap(), words))))
            }
            _ => panic!("no such step: {step}"),
        }
    }

    /// What was said before has to leave first, which takes the connection a few turns.
    fn stand_still(&mut self, cx: &Context<'_>) {
        if self.steps.peek().is_some_and(|step| step == "die") {
            self.turns += 1;
            if self.turns == TURNS {
                self.death.notify_one();
            } else {
                cx.waker().wake_by_ref();
            }
        }
    }
}

impl Stream for Taken {
    type Item = Result<Bytes, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_step(cx)
    }
}

/// A status with details and metadata, as services send them.
fn status(number: i32, words: &str) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-why", "because".parse().unwrap());
    let details = Bytes::from_static(DETAILS);
    Status::with_details_and_metadata(Code::from_i32(number), words, details, metadata)
}

/// What the metadata of a call said, sent back.
fn told(asked: &MetadataMap) -> MetadataMap {
    let mut told = MetadataMap::new();
    for value in asked.get_all("x-ask") {
        told.append("x-told", value.clone());
    }
    if let Some(value) = asked.get_bin("x-ask-bin") {
        let bytes = value.to_bytes().unwrap();
        told.insert_bin("x-told-bin", MetadataValue::from_bytes(&bytes));
    }
    told
}

fn respond<T>(message: T, head: MetadataMap) -> Response<T> {
    Response::from_parts(head, message, tonic::Extensions::default())
}

/// `grpc-status-details-bin` of every status: nothing that a gateway could read.
pub const DETAILS: &[u8] = b"\x08\x05\x12\x04deep\0\xff";

const TURNS: usize = 100;

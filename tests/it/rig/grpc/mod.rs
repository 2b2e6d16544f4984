//! gRPC on both sides, by tonic: a client, and a service that does what the messages say. Messages
//! are plain text, so that nothing has to be generated.

pub mod service;

use std::net::SocketAddr;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::uri::PathAndQuery;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status, Streaming};

use super::PATIENCE;

/// The service's name.
pub const SERVICE: &str = "guichet.test.Steps";

/// Messages as they are.
#[derive(Clone, Copy, Debug, Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// What came of a stream: its messages, and how it ended.
#[derive(Debug)]
pub struct Heard {
    pub head: MetadataMap,
    pub messages: Vec<String>,
    pub end: Result<(), Status>,
}

/// A client over one connection.
pub struct Caller {
    runtime: Runtime,
    channel: Channel,
}

impl Caller {
    /// By prior knowledge, in the clear.
    pub fn plain(address: SocketAddr) -> Self {
        let runtime = runtime();
        let channel = {
            let _entered = runtime.enter();
            Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
        };
        Self { runtime, channel }
    }

    /// One message, one answer.
    pub fn unary(&self, message: impl Asks) -> Result<Response<Bytes>, Status> {
        self.unary_of("Unary", message)
    }

    /// The same of another method.
    pub fn unary_of(&self, method: &str, message: impl Asks) -> Result<Response<Bytes>, Status> {
        let path = path(method);
        self.run(async {
            let mut grpc = self.ready().await;
            grpc.unary(message.request(), path, Plain).await
        })
    }

    /// One message, many answers.
    pub fn download(&self, message: impl Asks) -> Result<Heard, Status> {
        self.run(async {
            let mut grpc = self.ready().await;
            let answer = grpc.server_streaming(message.request(), path("Download"), Plain).await?;
            Ok(hear(answer).await)
        })
    }

    /// Many messages, one answer.
    pub fn upload(&self, messages: Vec<Bytes>) -> Result<Response<Bytes>, Status> {
        self.run(async {
            let mut grpc = self.ready().await;
            let messages = Request::new(tokio_stream::iter(messages));
            grpc.client_streaming(messages, path("Upload"), Plain).await
        })
    }

    /// A conversation, by turns: each line is said once the line before has been answered.
    pub fn chat(&self, lines: &[&'static str]) -> Result<Heard, Status> {
        self.run(async {
            let mut grpc = self.ready().await;
            let (say, said) = mpsc::unbounded_channel();
            let mut lines = lines.iter();
            let mut next = move || lines.next().map(|line| say.send(Bytes::from(*line)).unwrap());
            next();
            let said = Request::new(UnboundedReceiverStream::new(said));
            let answer = grpc.streaming(said, path("Chat"), Plain).await?;
            let (head, mut stream, _) = answer.into_parts();
            let mut messages = Vec::new();
            let mut next = Some(next);
            let end = loop {
                match stream.message().await {
                    Ok(Some(message)) => messages.push(text(&message)),
                    Ok(None) => break Ok(()),
                    Err(status) => break Err(status),
                }
                // With the last line the client's side ends.
                if next.as_mut().is_some_and(|next| next().is_none()) {
                    next = None;
                }
            };
            Ok(Heard { head, messages, end })
        })
    }

    async fn ready(&self) -> tonic::client::Grpc<Channel> {
        let mut grpc = tonic::client::Grpc::new(self.channel.clone());
        grpc.ready().await.expect("the gateway listens");
        grpc
    }

    fn run<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, call).await.expect("in time") })
    }
}

/// What a call carries.
pub trait Asks {
    fn request(self) -> Request<Bytes>;
}

impl Asks for &str {
    fn request(self) -> Request<Bytes> {
        Request::new(Bytes::from(self.to_owned()))
    }
}

impl Asks for Request<Bytes> {
    fn request(self) -> Self {
        self
    }
}

async fn hear(answer: Response<Streaming<Bytes>>) -> Heard {
    let (head, mut stream, _) = answer.into_parts();
    let mut messages = Vec::new();
    let end = loop {
        match stream.message().await {
            Ok(Some(message)) => messages.push(text(&message)),
            Ok(None) => break Ok(()),
            Err(status) => break Err(status),
        }
    };
    Heard { head, messages, end }
}

fn path(method: &str) -> PathAndQuery {
    let path =
        if method.starts_with('/') { method.to_owned() } else { format!("/{SERVICE}/{method}") };
    path.parse().unwrap()
}

pub fn text(message: &Bytes) -> String {
    String::from_utf8_lossy(message).into_owned()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

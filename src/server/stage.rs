//! A gateway as one worker has it, without threads and listeners: connections are given to it.
//!
//! Proofs and benches stand on it (`proofs`, `benches/fast_path`), which is why it is public; nobody
//! else needs it.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::request::Parts as Head;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Handle, LocalOptions, LocalRuntime};

use super::StartOptions;
use super::closing::Farewell;
use super::generation::{Generation, Plan};
use super::guard::{HeadLimits, HeadScanner};
use super::http1::Http1;
use super::http2;
use super::logs::Logs;
use super::parts::Parts;
use super::presence::Presence;
use super::shared::{Admission, Shared};
use super::tenant::Tenant;
use super::worker::Worker;
use crate::base::{ListenerId, Peer};
use crate::config::model::Config;
use crate::proxy::{Connection, Gateway, Protocol, Service, Wire};
use crate::upstream;

/// A worker that nobody connects to, and the writer of its log.
pub struct Stage {
    worker: Rc<Worker>,
    _logs: Logs,
}

/// A runtime like a worker's.
///
/// # Errors
/// What the operating system says.
pub fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}

impl Stage {
    /// The gateway of a configuration, on the runtime that this is called on.
    ///
    /// # Errors
    /// What an instance would not start for.
    pub fn new(config: &Arc<Config>) -> io::Result<Self> {
        let parts =
            Parts::new(config, 1, &StartOptions::new(&|_| None)).map_err(io::Error::other)?;
        let logs = Logs::default();
        logs.turn(logs.open(config).map_err(io::Error::other)?);
        let names = upstream::Names::spawn(&Handle::current());
        let parts = parts.of_worker(0, logs.handle(None), &names);
        let generation = Generation::build(Plan { number: 1, tls: Vec::new(), parts }, None)?;
        let worker = Worker::new(Shared::new(Arc::clone(config)), generation);
        Ok(Self { worker, _logs: logs })
    }

    /// The gateway.
    pub fn gateway(&self) -> Rc<Gateway> {
        Rc::clone(self.worker.generation().gateway())
    }

    /// A client's connection on the first listener, in the clear.
    pub fn connection(&self, wire: Rc<Wire>, protocol: Protocol) -> Connection {
        let address = ([127, 0, 0, 1], 49_152).into();
        let listener = ListenerId(0);
        let peer = Peer { address, listener, tls: None, trusted: false };
        Connection::new(Rc::new(peer), wire, protocol)
    }

    /// Serves HTTP/1 on a socket, until it ends.
    pub fn serve_http1<S>(&self, socket: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let wire = Rc::default();
        let mut tenant = self.tenant(&wire, Protocol::Http1);
        let draining = self.worker.draining();
        let mut connection = Http1::new(Present(socket), wire, false, tenant.limits(), draining);
        async move {
            connection.serve(&mut tenant).await;
        }
    }

    /// Serves HTTP/2 on a socket, until it ends.
    pub fn serve_http2<S>(&self, socket: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let wire = Rc::new(Wire::timed());
        let tenant = self.tenant(&wire, Protocol::Http2);
        let draining = self.worker.draining();
        async move {
            http2::serve(socket, tenant, &wire, draining, Admission::Open).await;
        }
    }

    fn tenant(&self, wire: &Rc<Wire>, protocol: Protocol) -> Tenant {
        let connection = Rc::new(self.connection(Rc::clone(wire), protocol));
        let (generation, remote) = (self.worker.generation(), connection.peer.ip());
        let service = Service::new(Rc::clone(generation.gateway()), connection);
        Tenant::new(Rc::clone(&self.worker), generation, service, remote)
    }
}

/// What the guard makes of one head after the other.
pub struct Guard(HeadScanner);

impl Guard {
    /// A guard with the limits of a configuration.
    pub fn new(config: &Config) -> Self {
        let limits = &config.server.limits;
        let limits = HeadLimits { uri: limits.uri, header: limits.header, headers: limits.headers };
        Self(HeadScanner::new(false, limits))
    }

    /// Whether a whole head is clean.
    pub fn passes(&mut self, head: &[u8]) -> bool {
        let passes = matches!(self.0.scan(head), Ok(Some(_)));
        self.0.reset();
        passes
    }

    /// The request of a clean head.
    pub fn request(&mut self, head: &Bytes) -> Option<Head> {
        let found = self.0.scan(head).ok().flatten();
        let request = found.and_then(|_| self.0.request(head).ok());
        self.0.reset();
        request
    }
}

/// A socket whose client is there for as long as it can be read.
struct Present<S>(S);

impl<S> Farewell for Present<S> {}

impl<S> Presence for Present<S> {
    fn has_left(&self) -> bool {
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Present<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Present<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

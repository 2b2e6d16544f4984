//! A gateway as one worker has it, between a client's socket that tells what it sees and an origin.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Handle, LocalOptions, LocalRuntime};

use crate::base::trail::{self, Place};
use crate::base::{ListenerId, Peer};
use crate::config::model::Limits;
use crate::proxy::{Connection, Gateway, Protocol, Service, Wire};
use crate::server::StartOptions;
use crate::server::drain::Drain;
use crate::server::http1::Http1;
use crate::server::http2;
use crate::server::parts::{Parts, open_log};
use crate::server::presence::Presence;
use crate::server::shared::Admission;
use crate::{config, upstream};

/// A gateway, and what the connections to it are bound by.
pub(super) struct Stage {
    gateway: Rc<Gateway>,
    limits: Limits,
    /// Never begun.
    drain: Rc<Drain>,
}

impl Stage {
    /// The gateway of a configuration; on a runtime.
    pub(super) fn new(text: &str) -> Self {
        let config = match config::load_text("stage.toml", text, &|_| None) {
            Ok(loaded) => Arc::new(loaded.config),
            Err(refused) => panic!("{}", refused.human(config::Colour::Never)),
        };
        let parts = Parts::new(&config, 1, &StartOptions::new(&|_| None)).unwrap();
        let log = open_log(&config).unwrap();
        let names = upstream::Names::spawn(&Handle::current());
        let gateway = parts.of_worker(0, log.as_ref(), &names).build().unwrap();
        Self { gateway: Rc::new(gateway), limits: config.server.limits, drain: Rc::default() }
    }

    /// Serves HTTP/1 on a socket, until it ends.
    pub(super) fn serve_http1<S>(&self, socket: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let wire = Rc::default();
        let service = self.service(&wire, Protocol::Http1);
        let socket = Traced(socket);
        let mut connection = Http1::new(socket, wire, false, &self.limits, self.drain.watch());
        async move {
            connection.serve(&service).await;
        }
    }

    /// Serves HTTP/2 on a socket, until it ends.
    pub(super) fn serve_http2<S>(&self, socket: S) -> impl Future<Output = ()> + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let wire = Rc::new(Wire::timed());
        let service = self.service(&wire, Protocol::Http2);
        let (limits, draining) = (self.limits, self.drain.watch());
        async move {
            let socket = Traced(socket);
            http2::serve(socket, service, &wire, &limits, draining, Admission::Open).await;
        }
    }

    fn service(&self, wire: &Rc<Wire>, protocol: Protocol) -> Service {
        let address = ([127, 0, 0, 1], 49_152).into();
        let (local, listener) = (address, ListenerId(0));
        let peer = Rc::new(Peer { address, local, listener, tls: None, trusted: false });
        let connection = Connection::new(peer, Rc::clone(wire), protocol);
        Service::new(Rc::clone(&self.gateway), Rc::new(connection))
    }
}

/// A runtime like a worker's.
pub(super) fn runtime() -> LocalRuntime {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default()).unwrap()
}

/// Runs one test on it, with an end to all patience.
pub(super) fn run<F: Future>(test: F) -> F::Output {
    let limited = async { tokio::time::timeout(Duration::from_secs(20), test).await };
    runtime().block_on(limited).expect("the test hangs")
}

/// A client's socket that tells where what it carries lies.
struct Traced<S>(S);

impl<S> Presence for Traced<S> {
    fn has_left(&self) -> bool {
        false
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Traced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.0).poll_read(cx, buf));
        trail::saw(Place::ClientRead, &buf.filled()[before..]);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Traced<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.0).poll_write_vectored(cx, slices))?;
        trail::wrote(Place::ClientWrite, slices, count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

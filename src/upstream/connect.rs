//! The only maker of connections: name, socket, TLS, and the beginning of HTTP.
//!
//! An HTTP/1 connection belongs to the exchange that uses it, and dropping it closes the socket. An
//! HTTP/2 connection is shared and driven by a task of its own on this worker; dropping its last
//! handle lets its streams finish.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::spawn_local;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::blame;
use super::error::{Kind, Stage, UpstreamError};
use super::http1::Http1;
use super::line::{Line, Opening};
use super::target::{Address, Target};
use super::upload::Outgoing;
use super::wire::{Io, Plain, Wire};
use crate::base::clock;

/// A connection to one target.
pub(super) enum Connection {
    /// For one request at a time.
    Http1(Box<Http1>),
    /// For many.
    Http2(Rc<Http2>),
}

/// An HTTP/2 connection, shared.
pub(super) struct Http2 {
    pub(super) sender: http2::SendRequest<Outgoing>,
    pub(super) line: Rc<Line>,
    pub(super) active: Cell<u32>,
    pub(super) idle_since: Cell<Instant>,
    /// Set when it should carry nothing new.
    pub(super) retired: Cell<bool>,
    /// Where it goes, to notice that a name has moved.
    pub(super) address: Option<IpAddr>,
    /// Gone once the connection has ended: hyper takes requests for as long as this lives.
    driven: Rc<RefCell<Option<Driven>>>,
    _open: Open,
}

/// Counts open connections of a target.
pub(super) struct Open(Rc<Cell<usize>>);

/// Which versions of HTTP a request can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// What the upstream's configuration says.
    Usual,
    /// HTTP/1.1 only: the request asks for an upgrade.
    Http1,
}

/// Opens a connection. The caller bounds the time; `deadline` is only shared out among addresses.
pub(super) async fn connect(
    target: &Target,
    want: Want,
    deadline: Instant,
) -> Result<Connection, UpstreamError> {
    let (socket, address) = open(target, deadline).await?;
    let Some(secure) = &target.tls else {
        let io = Io::Plain(socket);
        return if target.insists_on_http2() {
            http2(target, io, address).await
        } else {
            Ok(http1(target, io))
        };
    };
    let config = match want {
        Want::Usual => &secure.tls.usual,
        Want::Http1 => &secure.tls.http1,
    };
    let stream = handshake(config, secure.name.clone(), socket).await?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = Io::Tls(Box::new(stream));
    if is_http2 {
        return http2(target, io, address).await;
    }
    if target.insists_on_http2() && want == Want::Usual {
        return Err(UpstreamError::unsent(Stage::Handshake, Kind::ProtocolMismatch)
            .with_detail("the upstream did not choose h2 by ALPN"));
    }
    Ok(http1(target, io))
}

impl Http2 {
    /// Whether a new stream would begin at once.
    pub(super) fn has_room(&self) -> bool {
        let driven = self.driven.borrow();
        let room = driven.as_ref().map_or(0, |driven| driven.0.current_max_send_streams());
        (self.active.get() as usize) < room
    }

    /// Whether it can take another stream at all.
    pub(super) fn is_usable(&self) -> bool {
        !self.retired.get() && !self.sender.is_closed() && self.driven.borrow().is_some()
    }
}

async fn open(
    target: &Target,
    deadline: Instant,
) -> Result<(Plain, Option<IpAddr>), UpstreamError> {
    let addresses = match &target.address {
        Address::Unix(path) => {
            let socket = UnixStream::connect(path).await.map_err(|error| {
                UpstreamError::unsent(Stage::Connect, blame::connect(&error)).with_detail(error)
            })?;
            return Ok((Plain::Unix(socket), None));
        }
        Address::Socket(address) => vec![*address],
        Address::Name(known, port) => {
            let known = known.addresses(clock::now()).await.map_err(|error| {
                UpstreamError::unsent(Stage::Resolve, Kind::Dns).with_detail(error)
            })?;
            // Another one first each time, so that a name with many addresses is a small balancer.
            let start = target.turn.get();
            target.turn.set(start.wrapping_add(1));
            let order = (0..known.len()).map(|place| (start.wrapping_add(place)) % known.len());
            order.map(|place| SocketAddr::new(known[place], *port)).collect()
        }
    };
    let socket = dial(&addresses, deadline).await?;
    let address = socket.peer_addr().ok().map(|address| address.ip());
    // Without it small requests wait for acknowledgements of earlier ones. A socket that refuses
    // the option works all the same.
    let _ = socket.set_nodelay(true);
    Ok((Plain::Tcp(socket), address))
}

/// Tries the addresses in turn; each gets its share of what is left of the time.
async fn dial(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, UpstreamError> {
    let mut failure = UpstreamError::unsent(Stage::Connect, Kind::Unreachable);
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    for address in addresses {
        let now = clock::now();
        let share = now + deadline.saturating_duration_since(now) / left.max(1);
        left -= 1;
        failure = match timeout_at(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => UpstreamError::unsent(Stage::Connect, blame::connect(&error))
                .with_detail(format_args!("{address}: {error}")),
            Err(_) => UpstreamError::unsent(Stage::Connect, Kind::ConnectTimeout)
                .with_detail(format_args!("{address} did not answer")),
        };
    }
    Err(failure)
}

async fn handshake(
    config: &Arc<ClientConfig>,
    name: ServerName<'static>,
    socket: Plain,
) -> Result<tokio_rustls::client::TlsStream<Plain>, UpstreamError> {
    TlsConnector::from(Arc::clone(config)).connect(name, socket).await.map_err(|error| {
        UpstreamError::unsent(Stage::Handshake, blame::tls(&error))
            .with_detail(blame::describe(&error))
    })
}

fn http1(target: &Target, io: Io) -> Connection {
    Connection::Http1(Http1::new(Wire::new(io), Open::new(&target.open)))
}

async fn http2(
    target: &Target,
    io: Io,
    address: Option<IpAddr>,
) -> Result<Connection, UpstreamError> {
    let line = Rc::new(Line::default());
    let wire = Wire::watched(io, Rc::clone(&line));
    let (sender, connection) = http2::Builder::new(Local)
        .max_header_list_size(HTTP2_HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .timer(TokioTimer::new())
        .keep_alive_interval(target.silence)
        .keep_alive_timeout(PONG)
        .handshake(TokioIo::new(wire))
        .await
        .map_err(|error| refused(&error))?;
    let driven = Rc::new(RefCell::new(Some(Driven(connection))));
    let slot = Rc::clone(&driven);
    spawn_local(poll_fn(move |cx| {
        let mut slot = slot.borrow_mut();
        let Some(driven) = &mut *slot else { return Poll::Ready(()) };
        // Every stream learns of a failure by itself.
        let ended = Pin::new(&mut driven.0).poll(cx).map(drop);
        if ended.is_ready() {
            *slot = None;
        }
        ended
    }));
    // hyper would send requests at once. Waiting for the upstream's SETTINGS costs a round trip per
    // connection, and tells an HTTP/1 server from an HTTP/2 one while nothing is lost.
    if poll_fn(|cx| line.poll_opening(cx)).await == Opening::Foreign {
        return Err(UpstreamError::unsent(Stage::Handshake, Kind::ProtocolMismatch)
            .with_detail("the upstream does not answer HTTP/2's preface"));
    }
    Ok(Connection::Http2(Rc::new(Http2 {
        sender,
        line,
        active: Cell::new(0),
        idle_since: Cell::new(clock::now()),
        retired: Cell::new(false),
        address,
        driven,
        _open: Open::new(&target.open),
    })))
}

fn refused(error: &hyper::Error) -> UpstreamError {
    UpstreamError::unsent(Stage::Handshake, Kind::Reset).with_detail(blame::describe(error))
}

impl Open {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// hyper's side of an HTTP/2 connection, which also knows how many streams may be open.
struct Driven(http2::Connection<TokioIo<Wire>, Outgoing, Local>);

/// Runs hyper's HTTP/2 tasks on this worker.
#[derive(Clone, Copy)]
struct Local;

impl<F> hyper::rt::Executor<F> for Local
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}

/// Longest header list that h2 takes, in octets. What is above our own limit is refused after it.
const HTTP2_HEAD: u32 = 128 * 1024;

/// Bytes that one stream may be ahead of its reader.
const STREAM_WINDOW: u32 = 512 * 1024;

/// Bytes that all streams of a connection may be ahead. Small windows make h2 suspect small frames.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

/// Bytes that one stream may hold on their way out.
const SEND_BUFFER: usize = 256 * 1024;

/// How long an upstream has to answer a PING.
const PONG: Duration = Duration::from_secs(10);

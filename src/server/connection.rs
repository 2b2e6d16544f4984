//! One client connection, from its first byte to its last: what it speaks, TLS, HTTP/1 behind the
//! guard or HTTP/2, and a close that loses nothing.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{timeout, timeout_at};
use tokio_rustls::server::TlsStream;

use super::client_socket::ClientSocket;
use super::closing::{Farewell, close_unread};
use super::drain::{Asked, DrainWatch, Rest};
use super::generation::Generation;
use super::http1::{Ended, Http1};
use super::http2;
use super::prefixed::{Opening, Prefixed};
use super::presence::Presence;
use super::proxy_protocol;
use super::shared::Admission;
use super::tenant::Tenant;
use super::tls::{Negotiated, Offer, TlsListener};
use super::tunnel;
use super::worker::Worker;
use crate::base::clock::{self, Instant};
use crate::base::{ListenerId, Peer};
use crate::observe::{self, ConnectionFailure, OpenConnection};
use crate::problem::Cause;
use crate::proxy::{Connection, Protocol, Serves, Service, Switched, Wire};

/// Serves a connection until it ends. Every wait in here has a deadline.
pub(super) fn serve(
    worker: Rc<Worker>,
    entrance: Entrance,
    socket: ClientSocket,
    remote: SocketAddr,
    admission: Admission,
) -> impl Future<Output = ()> {
    // Two boxes, one after the other: what it takes to learn what a connection speaks, and what it
    // takes to speak that, so that it never has room for more than it is about.
    let beginning = Box::pin(begin(worker, entrance, socket, remote, admission));
    async move {
        let spoken = beginning.await;
        if let Some(spoken) = spoken {
            spoken.await;
        }
    }
}

/// The rest of a connection.
type Spoken = Pin<Box<dyn Future<Output = ()>>>;

/// Learns what a connection speaks; none where that comes to nothing.
async fn begin(
    worker: Rc<Worker>,
    entrance: Entrance,
    socket: ClientSocket,
    remote: SocketAddr,
    admission: Admission,
) -> Option<Spoken> {
    let Entrance { generation, listener } = entrance;
    let counted = generation.witness().connection_opened(listener);
    let trusted = generation.config().server.trusts(remote.ip());
    let mut peer = Peer { address: remote, listener, tls: None, trusted };
    let mut socket = Prefixed::new(socket);
    let limits = generation.config().server.limits;
    let mut session = Session { worker, generation, admission, counted, remote: remote.ip() };
    if session.generation.listener(listener).proxy_protocol {
        // A header from a stranger is not believed, and without it the client is unknown.
        if !trusted {
            return session.failed(listener, ConnectionFailure::ProxyHeader);
        }
        let read = timeout(limits.header_time, proxy_protocol::read(&mut socket)).await;
        match read {
            Ok(Ok(Some(source))) => peer.address = source,
            Ok(Ok(None)) => {}
            Ok(Err(_)) => return session.failed(listener, ConnectionFailure::ProxyHeader),
            Err(_) => return session.failed(listener, ConnectionFailure::HandshakeTimeout),
        }
    }
    let is_tls = session.generation.tls(listener).is_some();
    // Behind TLS the first bytes belong to the handshake, which has one deadline for all of it.
    let since = clock::now();
    let deadline = since + if is_tls { limits.header_time } else { limits.idle };
    let watch = session.worker.draining();
    let opening = match opening(watch, &mut socket, since, deadline, limits.header_time).await {
        Ok(opening) => opening,
        Err(Silence::TooLong) if is_tls => {
            return session.failed(listener, ConnectionFailure::HandshakeTimeout);
        }
        Err(Silence::TooLong | Silence::Ended) => return None,
    };
    let offer = session.generation.tls(listener).map(TlsListener::offer);
    match (offer, opening) {
        (Some(offer), Opening::Tls) => {
            // Boxed: who is still silent has no room for a handshake.
            let secured = Box::pin(session.handshake(offer, socket, peer, deadline)).await?;
            let Secured { stream, negotiated, peer, serves } = secured;
            Some(match negotiated {
                Negotiated::Http1 => Box::pin(session.http1(stream, peer, serves)),
                Negotiated::Http2 => Box::pin(session.http2(stream, peer, serves)),
            })
        }
        (_, Opening::Unknown) | (None, Opening::Tls) => {
            session.tell_failed(listener, ConnectionFailure::Cause(Cause::BadRequestLine));
            Some(Box::pin(close_unread(socket)))
        }
        // On a TLS port the gate answers every plain request with 426.
        (Some(_), Opening::Http2) => Some(Box::pin(session.http2(socket, peer, None))),
        (None, Opening::Http2) if session.generation.listener(listener).protocols.http2 => {
            Some(Box::pin(session.http2(socket, peer, None)))
        }
        // An unwanted HTTP/2 preface is told so by the guard, in the words of HTTP/1.
        (Some(_) | None, Opening::Http1) | (None, Opening::Http2) => {
            Some(Box::pin(session.http1(socket, peer, None)))
        }
    }
}

/// Waits for the first bytes. A silent connection must not hold up a drain, but one that was made
/// just before it still has a moment to say what it wants.
async fn opening(
    mut watch: DrainWatch,
    socket: &mut Prefixed,
    since: Instant,
    deadline: Instant,
    header_time: Duration,
) -> Result<Opening, Silence> {
    watch.rests(Rest::First, since);
    tokio::select! {
        biased;
        said = first_words(socket, deadline, header_time) => said,
        asked = watch.asked() => match asked {
            Asked::Drain => {
                let last = timeout(LAST_WORD, socket.opening()).await;
                last.map_err(|_| Silence::Ended)?.map_err(|_| Silence::Ended)
            }
            Asked::Room => Err(Silence::Ended),
        },
    }
}

/// Why a connection never said what it wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// It had its time.
    TooLong,
    /// The client left, the gateway drains, or it needs the room.
    Ended,
}

/// A client may be silent until `deadline`; once it has begun, it has as long as for a head.
async fn first_words(
    socket: &mut Prefixed,
    deadline: Instant,
    header_time: Duration,
) -> Result<Opening, Silence> {
    if socket.peeked().is_empty() {
        let said = timeout_at(deadline, socket.peek_more()).await;
        said.map_err(|_| Silence::TooLong)?.map_err(|_| Silence::Ended)?;
    }
    match timeout(header_time, socket.opening()).await {
        Ok(said) => said.map_err(|_| Silence::Ended),
        // The beginning of a preface and no more: HTTP/1 says what is wrong with it.
        Err(_) => Ok(Opening::Http1),
    }
}

/// What a handshake has made.
struct Secured {
    stream: TlsStream<Prefixed>,
    negotiated: Negotiated,
    peer: Peer,
    serves: Option<Serves>,
}

/// Where a connection came in: a listener, as the generation of that moment calls it.
pub(super) struct Entrance {
    pub(super) generation: Rc<Generation>,
    pub(super) listener: ListenerId,
}

struct Session {
    worker: Rc<Worker>,
    generation: Rc<Generation>,
    admission: Admission,
    counted: OpenConnection,
    remote: IpAddr,
}

impl Session {
    /// None where it failed, which is told already.
    async fn handshake(
        &mut self,
        tls: Arc<Offer>,
        socket: Prefixed,
        mut peer: Peer,
        deadline: Instant,
    ) -> Option<Secured> {
        let failed = |failure| self.failed(peer.listener, failure);
        let handshake = self.worker.handshakes().run(tls.accept(socket));
        let stream = match timeout_at(deadline, handshake).await {
            Ok(Some(Ok(stream))) => stream,
            Ok(Some(Err(_))) => return failed(ConnectionFailure::TlsHandshake),
            Ok(None) => return failed(ConnectionFailure::HandshakeLimit),
            Err(_) => return failed(ConnectionFailure::HandshakeTimeout),
        };
        let (_, session) = stream.get_ref();
        let negotiated = tls.negotiated(session)?;
        let facts = Offer::facts(session);
        let asked = facts.server_name.clone();
        peer.tls = Some(facts);
        let serves: Option<Serves> = Some(Rc::new(move |host| tls.serves(asked.as_deref(), host)));
        Some(Secured { stream, negotiated, peer, serves })
    }

    /// Tells why the connection came to nothing, which is what it gives back.
    fn failed<T>(&self, listener: ListenerId, failure: ConnectionFailure) -> Option<T> {
        self.tell_failed(listener, failure);
        None
    }

    fn tell_failed(&self, listener: ListenerId, failure: ConnectionFailure) {
        self.generation.witness().connection_failed(listener, failure);
    }

    fn tenant(
        &self,
        peer: Peer,
        wire: Rc<Wire>,
        protocol: Protocol,
        serves: Option<Serves>,
    ) -> Tenant {
        let mut connection = Connection::new(Rc::new(peer), wire, protocol);
        connection.serves = serves;
        connection.refuse = match self.admission {
            Admission::Open => None,
            Admission::Full => Some(Cause::ConnectionLimit),
            Admission::Short => Some(Cause::MemoryLimit),
        };
        let generation = Rc::clone(&self.generation);
        let service = Service::new(Rc::clone(generation.gateway()), Rc::new(connection));
        Tenant::new(Rc::clone(&self.worker), generation, service, self.remote)
    }

    /// No `async fn`: it would keep a second place for what it is given, and a third for what it
    /// hands on, and a socket under TLS is large.
    fn http1<S>(mut self, socket: S, peer: Peer, serves: Option<Serves>) -> impl Future<Output = ()>
    where
        S: AsyncRead + AsyncWrite + Presence + Farewell + Unpin + 'static,
    {
        let wire = Rc::new(Wire::default());
        self.counted.speaks(observe::Protocol::Http1);
        let (worker, draining) = (Rc::clone(&self.worker), self.worker.draining());
        let over_tls = peer.tls.is_some();
        let mut tenant = self.tenant(peer, Rc::clone(&wire), Protocol::Http1, serves);
        let mut connection = Http1::new(socket, wire, over_tls, tenant.limits(), draining);
        // What is left of the session must not hold on to the generation that the tenant leaves.
        let mut counted = self.counted;
        async move {
            let (ended, last) = connection.serve(&mut tenant).await;
            if ended == Ended::Over {
                // The client waits for the end; what is left to tell of its request can wait for it.
                connection.into_parts().0.say_farewell().await;
                return drop(last);
            }
            drop((last, tenant));
            match ended {
                Ended::Switched => {
                    let (socket, wire, early) = connection.into_parts();
                    let Some(switched) = wire.take_switched() else { return };
                    counted.speaks(observe::Protocol::Tunnel);
                    match switched {
                        Switched::Tunnel(upstream) => {
                            Box::pin(tunnel::join(socket, early, upstream)).await;
                        }
                        Switched::GraphQl(upstream) => {
                            let leaving = worker.about_to_leave();
                            Box::pin(tunnel::join_heard(socket, early, *upstream, leaving)).await;
                        }
                    }
                }
                Ended::Unread | Ended::Over => {
                    Box::pin(close_unread(connection.into_parts().0)).await;
                }
            }
        }
    }

    async fn http2<S>(mut self, socket: S, peer: Peer, serves: Option<Serves>)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let wire = Rc::new(Wire::timed());
        self.counted.speaks(observe::Protocol::Http2);
        let tenant = self.tenant(peer, Rc::clone(&wire), Protocol::Http2, serves);
        let Self { worker, generation, admission, counted, .. } = self;
        drop(generation);
        let draining = worker.draining();
        let ended = http2::serve(socket, tenant, &wire, draining, admission).await;
        if ended == http2::Ended::Abused {
            counted.failed(ConnectionFailure::Http2Abuse);
        }
    }
}

/// How long a new connection may be silent once the gateway drains.
const LAST_WORD: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of what a method returns.
    fn held<S, F>(_: fn(Session, S, Peer, Option<Serves>) -> F) -> usize {
        size_of::<F>()
    }

    /// A connection keeps them for as long as it is open, in steps of the allocator: 5,120 is one.
    /// What grows beyond it is mostly a future that keeps what it has handed on.
    #[test]
    fn an_open_connection_takes_little_room() {
        let secure = held(Session::http1::<TlsStream<Prefixed>>);
        let plain = held(Session::http1::<Prefixed>);
        assert!(secure <= 5_120 && plain <= 4_096, "{secure} and {plain} bytes");
    }
}

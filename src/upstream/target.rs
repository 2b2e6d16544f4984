//! Where one endpoint is and how it is spoken to: all that opening a connection needs to know.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::uri::{Authority, Scheme};
use rustls_pki_types::ServerName;
use tokio::time::Instant;

use super::names::{Known, Names};
use super::tls::Tls;
use crate::config::model::{self, EndpointAddress, UpstreamProtocol};

/// One endpoint as a place.
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) tls: Option<Secure>,
    /// Its own authority.
    pub(super) host: Host,
    /// Connections that are open.
    pub(super) open: Rc<Cell<usize>>,
    /// Which of a name's addresses is tried first.
    pub(super) turn: Cell<usize>,
    /// How long a shared connection may say nothing under requests before it is sent a PING.
    pub(super) silence: Duration,
    protocol: UpstreamProtocol,
}

/// Where an endpoint listens.
pub(super) enum Address {
    /// At an address that needs no name.
    Socket(SocketAddr),
    /// At a name, on this port.
    Name(Rc<Known>, u16),
    /// At a unix socket.
    Unix(PathBuf),
}

/// How an endpoint is spoken to in TLS.
pub(super) struct Secure {
    pub(super) tls: Arc<Tls>,
    pub(super) name: ServerName<'static>,
}

/// A Host in the two forms that HTTP has for it.
#[derive(Clone)]
pub(super) struct Host {
    /// For HTTP/1's Host.
    pub(super) value: HeaderValue,
    /// For HTTP/2's `:authority`.
    pub(super) authority: Authority,
}

impl Target {
    /// Prepares the place; opens nothing and asks for no name.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(
        endpoint: &model::Endpoint,
        upstream: &model::Upstream,
        tls: Option<&Arc<Tls>>,
        names: &Names,
    ) -> Result<Self, String> {
        let host = Host::new(&endpoint.authority)?;
        let tls = match tls {
            Some(tls) => {
                let name = server_name(&host, upstream.tls.server_name.as_deref())?;
                Some(Secure { tls: Arc::clone(tls), name })
            }
            None => None,
        };
        let address = match &endpoint.address {
            EndpointAddress::Socket(address) => Address::Socket(*address),
            EndpointAddress::Name(name, port) => {
                Address::Name(Known::new(name, names.clone()), *port)
            }
            EndpointAddress::Unix(path) => Address::Unix(path.clone()),
        };
        let timeout = &upstream.timeout;
        Ok(Self {
            address,
            tls,
            host,
            open: Rc::default(),
            turn: Cell::new(0),
            silence: (timeout.first_byte.max(timeout.idle) / PINGS).max(SHORTEST_SILENCE),
            protocol: upstream.protocol,
        })
    }

    /// The scheme for HTTP/2's `:scheme`.
    pub(super) fn scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP }
    }

    /// Whether nothing but HTTP/2 will do.
    pub(super) fn insists_on_http2(&self) -> bool {
        match self.protocol {
            UpstreamProtocol::H2 | UpstreamProtocol::H2c => true,
            UpstreamProtocol::Negotiate | UpstreamProtocol::Http1 => false,
        }
    }

    /// Whether a connection may turn out to be HTTP/2, and thus shared.
    pub(super) fn may_speak_http2(&self) -> bool {
        match self.protocol {
            UpstreamProtocol::H2 | UpstreamProtocol::H2c => true,
            UpstreamProtocol::Negotiate => self.tls.is_some(),
            UpstreamProtocol::Http1 => false,
        }
    }

    /// The addresses of its name as they are known, if it has a name; asks again in the background
    /// where their time is over.
    pub(super) fn known_addresses(&self, now: Instant) -> Option<Rc<[IpAddr]>> {
        match &self.address {
            Address::Name(known, _) => Some(known.glance(now)),
            Address::Socket(_) | Address::Unix(_) => None,
        }
    }
}

impl Host {
    /// Reads a host with an optional port.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(super) fn new(value: &HeaderValue) -> Result<Self, String> {
        let authority = Authority::try_from(value.as_bytes())
            .map_err(|_| format!("{value:?} is not a host with an optional port"))?;
        Ok(Self { value: value.clone(), authority })
    }
}

fn server_name(host: &Host, configured: Option<&str>) -> Result<ServerName<'static>, String> {
    let own = host.authority.host().trim_start_matches('[').trim_end_matches(']');
    let name = configured.unwrap_or(own);
    ServerName::try_from(name.to_owned())
        .map_err(|_| format!("{name:?} is not a name that a certificate can carry"))
}

/// PINGs within the longest silence that an upstream is allowed: gRPC's servers take a fourth one in
/// a row, with nothing said in between, for abuse and end the connection.
const PINGS: u32 = 3;
/// Sooner than this nobody is asked whether he is still there.
const SHORTEST_SILENCE: Duration = Duration::from_secs(10);

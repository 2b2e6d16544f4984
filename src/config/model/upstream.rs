//! `[upstream.NAME]`, checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::InFlight;
use super::failing::{Breaker, Eject, Health, Retry};
use crate::config::secret::Secret;
use crate::outcome::Rule;

/// `[upstream.NAME]`.
#[derive(Debug, PartialEq)]
pub struct Upstream {
    /// The name in the file.
    pub name: String,
    /// Where it listens; never empty.
    pub endpoints: Vec<Endpoint>,
    /// Protocol towards it.
    pub protocol: UpstreamProtocol,
    /// How an endpoint is chosen.
    pub balance: Balance,
    /// Time limits.
    pub timeout: UpstreamTimeouts,
    /// Idle connections.
    pub pool: Pool,
    /// TLS towards `https` endpoints.
    pub tls: UpstreamTls,
    /// The Host that is sent.
    pub host: HostPolicy,
    /// Rules that turn its errors into problems.
    pub errors: Vec<Rule>,
    /// The header that tells it how many milliseconds are left.
    pub deadline: Option<HeaderName>,
    /// What is tried again; nothing that was sent where there is none.
    pub retry: Option<Retry>,
    /// How endpoints are probed; not at all where there is none.
    pub health: Option<Health>,
    /// When an endpoint is taken out; never where there is none.
    pub eject: Option<Eject>,
    /// How long an endpoint that comes back takes to its whole share.
    pub slow_start: Duration,
    /// When the upstream as a whole is spared; never where there is none.
    pub breaker: Option<Breaker>,
    /// Exchanges with it at once.
    pub in_flight: Option<InFlight>,
}

/// One endpoint of an upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Where to connect.
    pub address: EndpointAddress,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// The authority (`host:port` without a default port) as sent in Host under `host = "endpoint"`.
    pub authority: HeaderValue,
    /// Relative share of requests, at least 1.
    pub weight: u32,
    /// As written, for metrics, the log and `guichet check`.
    pub url: String,
}

/// Where to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointAddress {
    /// An address that needs no name.
    Socket(SocketAddr),
    /// A name to resolve, and a port.
    Name(String, u16),
    /// A unix socket.
    Unix(PathBuf),
}

/// Protocol towards an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamProtocol {
    /// Left out: HTTP/1.1 on plain endpoints, by ALPN on TLS ones.
    Negotiate,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 over TLS only.
    H2,
    /// HTTP/2 in the clear, by prior knowledge.
    H2c,
}

/// How an endpoint is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Balance {
    /// The better of two random endpoints: fewer requests under way, faster answers.
    P2c,
    /// One after the other, by weight.
    RoundRobin,
    /// The one with the fewest requests under way.
    Least,
    /// The same one for the same value of this header.
    Hash(HeaderName),
}

/// `upstream.NAME.timeout`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpstreamTimeouts {
    /// Name, TCP and TLS together.
    pub connect: Duration,
    /// From the sent request to the head of the answer, interim answers included.
    pub first_byte: Duration,
    /// Longest silence within the answer's body, or in a request body that it does not take.
    pub idle: Duration,
    /// The whole exchange, up to the head of the answer; a streaming answer is bounded by `idle`.
    pub total: Duration,
}

/// `upstream.NAME.pool`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// Idle connections kept by each worker for each endpoint.
    pub idle: usize,
    /// How long an idle connection is trusted; shorter than the upstream's own limit.
    pub idle_time: Duration,
}

/// `upstream.NAME.tls`.
#[derive(Debug, Default, PartialEq)]
pub struct UpstreamTls {
    /// PEM file of the authorities; none means the system's.
    pub ca: Option<PathBuf>,
    /// PEM file of guichet's own chain.
    pub cert: Option<PathBuf>,
    /// guichet's own key.
    pub key: Option<Secret>,
    /// Name that is verified and sent as SNI, in place of the endpoint's.
    pub server_name: Option<String>,
}

/// The Host that an upstream gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPolicy {
    /// The client's.
    Preserve,
    /// The endpoint's own authority.
    Endpoint,
    /// This one.
    Fixed(HeaderValue),
}

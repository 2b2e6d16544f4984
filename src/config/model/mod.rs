//! What the program needs: every default filled in, every name resolved to an id, nothing optional
//! where a default exists. Built by `config::check`, read by everything above.
//!
//! Defaults stand in `config::defaults`; `keys` shows each as text, and a test holds both equal.

mod auth;
mod body;
mod compress;
mod cors;
mod failing;
mod flow;
mod graphql;
mod grpc;
mod limit;
mod maintenance;
mod overload;
mod params;
mod reply;
mod store;
mod target;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;

pub use auth::{
    Auth, AuthKind, AuthRule, CertificateName, Client, Entry, Forward, Hidden, Jwt, JwtAlgorithm,
    KeyPlace, KeySource, Need,
};
pub use body::{BodyRule, Fields, Form};
pub use compress::Compress;
pub use cors::{Cors, OriginPattern};
pub use failing::{Breaker, Eject, Health, Retry, RetryOn};
pub use flow::{Call, Flow, Input, Next, Outlet, Stage, Status, Step, Ways, What};
pub use graphql::{Graphql, GraphqlReplies, GraphqlRule, RootErrors};
pub use grpc::GrpcRule;
pub use limit::{Limit, LimitKey};
pub use maintenance::Maintenance;
pub use overload::{InFlight, Overload};
pub use params::{Names, Params};
pub use reply::{Answer, ReplyMedia, ReplyRule, Statuses};
pub use store::{OnDown, Store, StoreUrl};
pub use target::{FlowTarget, Respond, Rewrite, RewritePart, Target};
pub use upstream::{
    Balance, Endpoint, EndpointAddress, HostPolicy, Pool, Upstream, UpstreamProtocol,
    UpstreamTimeouts, UpstreamTls,
};

use super::secret::Secret;
use crate::base::{AuthId, FlowId, LimitId, RouteId, UpstreamId};
use crate::outcome::Rule;
use crate::parameter::Object;
use crate::problem::{Catalogue, Dialect, Format};
use crate::route::Table;

/// The whole configuration, checked.
#[derive(Debug)]
pub struct Config {
    /// `[server]`.
    pub server: Server,
    /// `[listen.*]`, in file order; a `ListenerId` indexes it.
    pub listeners: Vec<Listener>,
    /// `[admin]`.
    pub admin: Option<Admin>,
    /// `[observe]`.
    pub observe: Observe,
    /// `[errors]`.
    pub errors: Errors,
    /// `[upstream.*]`, in file order; an `UpstreamId` indexes it.
    pub upstreams: Vec<Upstream>,
    /// `[[maintenance]]`, in file order.
    pub maintenance: Vec<Maintenance>,
    /// `[overload]`.
    pub overload: Overload,
    /// `[auth.*]`, in file order; an `AuthId` indexes it.
    pub auth: Vec<Auth>,
    /// `[store.*]`, in file order.
    pub stores: Vec<Store>,
    /// `[limit.*]`, in file order; a `LimitId` indexes it.
    pub limits: Vec<Limit>,
    /// `[flow.*]`, in file order; a `FlowId` indexes it.
    pub flows: Vec<Flow>,
    /// `[object.*]`, in file order; an `ObjectId` indexes it.
    pub objects: Vec<Object>,
    /// `[[route]]`, in file order; a `RouteId` indexes it.
    pub routes: Vec<Route>,
    /// Host, path and method → `RouteId`.
    pub table: Table,
}

impl Config {
    /// The route behind an id.
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[usize::from(id.0)]
    }

    /// The policy behind an id.
    pub fn policy(&self, id: AuthId) -> &Auth {
        &self.auth[usize::from(id.0)]
    }

    /// The flow behind an id.
    pub fn flow(&self, id: FlowId) -> &Flow {
        &self.flows[usize::from(id.0)]
    }

    /// The upstream behind an id.
    pub fn upstream(&self, id: UpstreamId) -> &Upstream {
        &self.upstreams[usize::from(id.0)]
    }
}

/// `[server]`: threads, languages, trust, limits, shutdown.
#[derive(Debug)]
pub struct Server {
    /// Worker threads; `auto` is already the CPU quota here.
    pub workers: usize,
    /// Language tags, the first is the fallback.
    pub languages: Vec<String>,
    /// Whose forwarding headers, PROXY protocol and request ids are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Bounds on what a client may send.
    pub limits: Limits,
    /// `limits.handshakes`: TLS handshakes under way at once, for each worker.
    pub handshakes: usize,
    /// `limits.memory`: bytes that the process may have resident; none means what the system says.
    pub memory: Option<u64>,
    /// How the process ends.
    pub shutdown: Shutdown,
}

impl Server {
    /// Whether `address` is a trusted proxy.
    pub fn trusts(&self, address: std::net::IpAddr) -> bool {
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }
}

/// `server.limits`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of all fields of a request together.
    pub header: usize,
    /// Number of fields of a request.
    pub headers: usize,
    /// Bytes of the request target.
    pub uri: usize,
    /// Bytes of a request body.
    pub body: u64,
    /// Time for a whole request head, from its first byte; also bounds handshakes.
    pub header_time: Duration,
    /// Longest silence within a request body, and of a client that does not read its answer.
    pub body_idle: Duration,
    /// Longest silence between requests.
    pub idle: Duration,
    /// Open client connections, over all workers.
    pub connections: usize,
}

/// `server.shutdown`.
#[derive(Clone, Copy, Debug)]
pub struct Shutdown {
    /// Time between "not ready" and the end of accepting.
    pub delay: Duration,
    /// Time for exchanges under way.
    pub drain: Duration,
}

/// `[listen.NAME]`.
#[derive(Debug)]
pub struct Listener {
    /// The name in the file.
    pub name: String,
    /// Addresses to bind.
    pub bind: Vec<SocketAddr>,
    /// HTTP/1.1, HTTP/2 or both.
    pub protocols: Protocols,
    /// TLS, or plain HTTP and what becomes of it.
    pub security: Security,
    /// Whether connections begin with a PROXY header (v1 or v2) from a trusted peer.
    pub proxy_protocol: bool,
}

/// Which versions of HTTP a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols {
    /// HTTP/1.1 (and 1.0).
    pub http1: bool,
    /// HTTP/2: by ALPN on TLS, by prior knowledge on plain listeners.
    pub http2: bool,
}

/// Whether a listener is TLS.
#[derive(Debug)]
pub enum Security {
    /// TLS with these settings.
    Tls(Tls),
    /// Plain HTTP.
    Plain(Plain),
}

/// What a plain listener does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// 426: understood, not executed.
    Refuse,
    /// 308 to the same URL under https.
    Redirect,
    /// Served.
    Allow,
}

/// `listen.NAME.tls`.
#[derive(Debug, PartialEq)]
pub struct Tls {
    /// Certificates, chosen by SNI; the first is the default.
    pub certificates: Vec<CertificateSource>,
    /// Whether TLS 1.2 is allowed beside 1.3.
    pub allow_tls12: bool,
    /// PEM file of the authorities that sign client certificates.
    pub client_ca: Option<PathBuf>,
    /// Whether clients prove a certificate.
    pub client_auth: ClientAuth,
    /// `Strict-Transport-Security` max-age.
    pub hsts: Option<Duration>,
}

/// Where a certificate comes from.
#[derive(Debug, PartialEq)]
pub enum CertificateSource {
    /// PEM chain and key.
    Files {
        /// PEM file of the chain.
        cert: PathBuf,
        /// The key.
        key: Secret,
    },
    /// Made at start for these names, for development.
    SelfSigned(Vec<String>),
}

/// `client_auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// No certificate is asked for.
    None,
    /// Asked for; absent is fine, wrong is not.
    Optional,
    /// Asked for and needed.
    Required,
}

/// `[admin]`.
#[derive(Debug, PartialEq)]
pub struct Admin {
    /// Address of livez, readyz, metrics and what may be read.
    pub bind: Option<SocketAddr>,
    /// Path of the unix socket for control.
    pub socket: Option<PathBuf>,
    /// Who shows it may control through the address, too.
    pub token: Option<Secret>,
}

/// `[observe]`.
#[derive(Debug)]
pub struct Observe {
    /// The access log; none when `access_log = false`.
    pub access_log: Option<AccessLog>,
}

/// `observe.access_log`.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessLog {
    /// Where lines go.
    pub to: LogTarget,
    /// Share of requests that are logged, 0 to 1.
    pub sample: f64,
    /// Errors are always logged.
    pub always_errors: bool,
    /// Requests slower than this are always logged.
    pub always_slower: Option<Duration>,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, appended to.
    File(PathBuf),
}

/// `[errors]`.
#[derive(Debug)]
pub struct Errors {
    /// Codes and texts: prefix, documentation links, built-in and the operator's.
    pub catalogue: Arc<Catalogue>,
    /// What `*/*` gets.
    pub format: Format,
    /// Bytes of an upstream's error body that are read.
    pub inspect: usize,
    /// `Retry-After` where nothing better is known.
    pub retry_after: Duration,
    /// Headers of an upstream's error reply that are kept, beside the built-in list.
    pub keep_headers: Vec<HeaderName>,
}

/// `[[route]]`.
#[derive(Debug)]
pub struct Route {
    /// The name, or `route-N` where the file gives none.
    pub name: String,
    /// As written, for `check` and `route`.
    pub pattern: String,
    /// As written.
    pub hosts: Vec<String>,
    /// What answers.
    pub target: Target,
    /// Path template towards the upstream, none means the path as matched.
    pub rewrite: Option<Rewrite>,
    /// Limit on the whole exchange up to the answer's head, none means the upstream's `total`.
    pub timeout: Option<Duration>,
    /// What becomes of upstream errors.
    pub normalise: Normalise,
    /// Rules of this route, tried before the upstream's.
    pub errors: Vec<Rule>,
    /// Name of the parameter marked `identifier`, and where it stands.
    pub identifier: Option<String>,
    /// What is known of its parameters; none where nothing is to be checked.
    pub params: Option<Box<Params>>,
    /// What is known of its body; none where bodies stream through unread.
    pub body: Option<Box<BodyRule>>,
    /// What its upstream's answers are compared with; none where nobody looks at them.
    pub replies: Option<Arc<ReplyRule>>,
    /// What is done about its GraphQL operations and their replies; none where there are none.
    pub graphql: Option<Box<Graphql>>,
    /// What its gRPC calls may carry; none where they are requests like any other.
    pub grpc: Option<Box<GrpcRule>>,
    /// How errors are dressed. Never [`Dialect::Grpc`]: the request says so itself, and to one that
    /// does not, gRPC's 200 would look like a success.
    pub dialect: Dialect,
    /// Who may call; everybody where there is none.
    pub auth: Option<Box<AuthRule>>,
    /// Pages of which other origins may call it; none where nothing is said of that.
    pub cors: Option<Box<Cors>>,
    /// Which replies are made smaller on their way; none where all go as they come.
    pub compress: Option<Box<Compress>>,
    /// The rate limits that hold here, each once; empty nearly always. Those that count by who the
    /// caller is come last.
    pub limits: Box<[LimitId]>,
    /// Exchanges at once on this route.
    pub in_flight: Option<InFlight>,
    /// What would be refused for its parameters or its body is only counted and logged.
    pub is_observed: bool,
}

/// `normalise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalise {
    /// Errors become problems.
    On,
    /// Errors pass untouched.
    Off,
    /// Errors pass untouched, but what would have changed is counted and logged.
    Observe,
}

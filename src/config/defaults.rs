//! What holds where the file says nothing. `keys` shows each as text, and a test holds both equal.

use std::time::Duration;

use http::header::{self, HeaderName};

use super::model::{
    Balance, Breaker, ClientAuth, Eject, GraphqlRule, HostPolicy, JwtAlgorithm, Limits, Normalise,
    OnDown, Plain, Pool, Protocols, RetryOn, RootErrors, Shutdown, UpstreamTimeouts,
};
use crate::outcome::StatusSet;
use crate::problem::Format;

/// `server.workers = "auto"`: the CPU quota of the process, cgroups included.
pub fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// `server.languages`.
pub const LANGUAGES: &[&str] = &["fr", "en"];
/// `server.limits`.
pub const LIMITS: Limits = Limits {
    header: 16 << 10,
    headers: 100,
    uri: 8 << 10,
    body: 2 << 20,
    header_time: Duration::from_secs(10),
    body_idle: Duration::from_secs(30),
    idle: Duration::from_secs(60),
    connections: 20_000,
};
/// `server.limits.handshakes`.
pub const HANDSHAKES: usize = 1000;
/// `server.shutdown`.
pub const SHUTDOWN: Shutdown = Shutdown { delay: Duration::ZERO, drain: Duration::from_secs(30) };
/// `listen.NAME.protocols` with TLS.
pub const TLS_PROTOCOLS: Protocols = Protocols { http1: true, http2: true };
/// `listen.NAME.protocols` without TLS, where HTTP/2 needs prior knowledge.
pub const PLAIN_PROTOCOLS: Protocols = Protocols { http1: true, http2: false };
/// `listen.NAME.plain`.
pub const PLAIN: Plain = Plain::Refuse;
/// `listen.NAME.proxy_protocol`.
pub const PROXY_PROTOCOL: bool = false;
/// `listen.NAME.tls.profile = "intermediate"`.
pub const ALLOW_TLS12: bool = true;
/// `listen.NAME.tls.client_auth`.
pub const CLIENT_AUTH: ClientAuth = ClientAuth::None;
/// `observe.access_log.sample`.
pub const SAMPLE: f64 = 1.0;
/// `observe.access_log.always`: errors.
pub const ALWAYS_ERRORS: bool = true;
/// `observe.access_log.always`: slow exchanges.
pub const ALWAYS_SLOWER: Duration = Duration::from_secs(1);
/// `errors.prefix`.
pub const PREFIX: &str = "fr.ammy";
/// `errors.format`.
pub const FORMAT: Format = Format::Json;
/// `errors.inspect`.
pub const INSPECT: usize = 64 << 10;
/// `errors.retry_after`.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);
/// `auth.NAME.pass`.
pub const AUTH_PASS: bool = false;
/// `auth.NAME.header` of `api_key`.
pub const AUTH_HEADER: HeaderName = HeaderName::from_static("x-api-key");
/// `auth.NAME.algorithms`.
pub const AUTH_ALGORITHMS: &[JwtAlgorithm] = &[JwtAlgorithm::Rs256, JwtAlgorithm::Es256];
/// `auth.NAME.leeway`.
pub const AUTH_LEEWAY: Duration = Duration::from_secs(30);
/// `auth.NAME.consumer` of `jwt`.
pub const AUTH_CLAIM: &str = "sub";
/// `auth.NAME.scopes` of `jwt`.
pub const AUTH_SCOPES: &str = "scope";
/// `auth.NAME.send` of `forward`.
pub const AUTH_SEND: [HeaderName; 2] = [header::AUTHORIZATION, header::COOKIE];
/// `auth.NAME.timeout` of `forward`.
pub const AUTH_TIMEOUT: Duration = Duration::from_secs(1);
/// `auth.NAME.cache` of `forward`.
pub const AUTH_CACHE: Duration = Duration::ZERO;
/// `limit.NAME.keys`.
pub const LIMIT_KEYS: usize = 65_536;
/// `store.NAME.timeout`.
pub const STORE_TIMEOUT: Duration = Duration::from_millis(20);
/// `store.NAME.on_down`.
pub const STORE_ON_DOWN: OnDown = OnDown::Local;
/// `route.body.limit`.
pub const CHECKED_BODY: u64 = 256 << 10;
/// `route.graphql.limits`.
pub const GRAPHQL: GraphqlRule = GraphqlRule {
    depth: 15,
    tokens: 5000,
    aliases: 30,
    root_fields: 20,
    introspection: true,
    batch: false,
};
/// `route.graphql.timeout`.
pub const GRAPHQL_TIMEOUT: Duration = Duration::from_secs(10);
/// `route.graphql.root_errors`.
pub const GRAPHQL_ROOT_ERRORS: RootErrors = RootErrors::Annotate;
/// `route.graphql.mutation_errors`.
pub const GRAPHQL_ERRORS: &[&str] = &["errors"];
/// `route.graphql.warnings`.
pub const GRAPHQL_WARNINGS: &[&str] = &["warnings"];
/// `route.graphql.inspect`.
pub const GRAPHQL_INSPECT: usize = 1 << 20;
/// `route.grpc.message`; as much as gRPC's own libraries take.
pub const GRPC_MESSAGE: u64 = 4 << 20;
/// `overload.queue.depth`.
pub const QUEUE_DEPTH: usize = 512;
/// `overload.queue.wait`.
pub const QUEUE_WAIT: Duration = Duration::from_millis(250);
/// `overload.reserve.share`.
pub const RESERVE_SHARE: f64 = 0.05;
/// `upstream.NAME.balance`.
pub const BALANCE: Balance = Balance::P2c;
/// `upstream.NAME.slow_start`.
pub const SLOW_START: Duration = Duration::from_secs(5);
/// `upstream.NAME.endpoints[].weight`.
pub const WEIGHT: u32 = 1;
/// `upstream.NAME.timeout`.
pub const TIMEOUTS: UpstreamTimeouts = UpstreamTimeouts {
    connect: Duration::from_millis(500),
    first_byte: Duration::from_secs(10),
    idle: Duration::from_secs(30),
    total: Duration::from_secs(60),
};
/// `upstream.NAME.pool`.
pub const POOL: Pool = Pool { idle: 256, idle_time: Duration::from_secs(4) };
/// `upstream.NAME.host`.
pub const HOST: HostPolicy = HostPolicy::Preserve;
/// `upstream.NAME.retry.attempts`.
pub const RETRY_ATTEMPTS: u8 = 2;
/// `upstream.NAME.retry.budget`, in hundredths.
pub const RETRY_BUDGET: u8 = 20;
/// `upstream.NAME.retry.on`.
pub fn retry_on() -> RetryOn {
    let status = StatusSet { single: vec![503], classes: Vec::new() };
    RetryOn { connect: true, reset: true, timeout: false, status }
}
/// `upstream.NAME.breaker`.
pub const BREAKER: Breaker = Breaker {
    failures: 50,
    over: Duration::from_secs(10),
    at_least: 20,
    open: Duration::from_secs(5),
};
/// `upstream.NAME.health.path`.
pub const HEALTH_PATH: &str = "/";
/// `upstream.NAME.health.every`.
pub const HEALTH_EVERY: Duration = Duration::from_secs(5);
/// `upstream.NAME.health.timeout`.
pub const HEALTH_TIMEOUT: Duration = Duration::from_secs(1);
/// `upstream.NAME.health.down_after`.
pub const HEALTH_DOWN_AFTER: u32 = 3;
/// `upstream.NAME.health.up_after`.
pub const HEALTH_UP_AFTER: u32 = 2;
/// `upstream.NAME.eject`.
pub const EJECT: Eject =
    Eject { failures: 5, over: Duration::from_secs(10), term: Duration::from_secs(10) };
/// `route.normalise`.
pub const NORMALISE: Normalise = Normalise::On;
/// `route.respond.status`.
pub const RESPOND_STATUS: u16 = 200;
/// `route.cors.headers`.
pub const CORS_HEADERS: &[&str] = &["Content-Type", "Authorization"];
/// `route.cors.expose`: what guichet itself writes, errors included.
pub const CORS_EXPOSE: &[&str] = &["X-Request-ID", "Retry-After", "RateLimit", "RateLimit-Policy"];
/// `route.cors.max_age`.
pub const CORS_MAX_AGE: Duration = Duration::from_secs(600);
/// `route.compress.min_size`: below it the reply fits a packet or two as it is.
pub const COMPRESS_MIN_SIZE: u64 = 1 << 10;
/// `route.compress.types`.
pub const COMPRESS_TYPES: &[&str] = &[
    "text/*",
    "application/json",
    "*+json",
    "application/xml",
    "*+xml",
    "application/javascript",
    "application/wasm",
];
/// `flow.NAME.timeout`.
pub const FLOW_TIMEOUT: Duration = Duration::from_secs(10);
/// `flow.NAME.limit`.
pub const FLOW_LIMIT: usize = 1 << 20;

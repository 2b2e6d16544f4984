//! What can be asked for: paths, their methods, and how an answer is made.

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method};
use serde_json::Value;

use super::Control;
use crate::problem::{Cause, Problem};

/// What a path stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resource<'a> {
    Livez,
    Readyz,
    Metrics,
    V1(V1, &'a Control),
}

/// What is below `/v1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum V1 {
    Status,
    Config,
    Routes,
    Flows,
    Upstreams,
    /// The duty of one endpoint.
    Endpoint,
    Limits,
    Certificates,
    Reload,
    Check,
    Drain,
    /// What is under maintenance.
    Maintenance,
    /// Maintenance of one route, or of several that begin alike.
    Switch,
}

/// A success.
pub(super) struct Answer {
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// Why what was asked was not done, where `body` tells the rest.
    pub(super) refused: Option<Problem>,
}

impl<'a> Resource<'a> {
    /// What stands at a path.
    ///
    /// # Errors
    /// Nothing.
    pub(super) fn at(path: &str, control: Option<&'a Control>) -> Result<Self, Problem> {
        match path {
            "/livez" => return Ok(Self::Livez),
            "/readyz" => return Ok(Self::Readyz),
            "/metrics" => return Ok(Self::Metrics),
            _ => {}
        }
        let named = |it: &&V1| path.strip_prefix(it.path()).is_some_and(|name| !name.is_empty());
        let named = V1::NAMED.iter().find(named);
        let below = named.or_else(|| V1::ALL.iter().find(|it| it.path() == path));
        match below.zip(control) {
            Some((asked, control)) => Ok(Self::V1(*asked, control)),
            None => Err(Problem::new(Cause::NoRoute)),
        }
    }

    /// Refuses a method that it does not have (405).
    pub(super) fn check_method(self, method: &Method) -> Result<(), Problem> {
        let allow = match self {
            Self::Livez | Self::Readyz | Self::Metrics => READ,
            Self::V1(asked, _) => asked.allow(),
        };
        if allow.split(", ").any(|allowed| allowed == method.as_str()) {
            return Ok(());
        }
        Err(not_allowed(allow))
    }
}

impl V1 {
    const ALL: &'static [Self] = &[
        Self::Status,
        Self::Config,
        Self::Routes,
        Self::Flows,
        Self::Upstreams,
        Self::Limits,
        Self::Certificates,
        Self::Reload,
        Self::Check,
        Self::Drain,
        Self::Maintenance,
    ];

    /// What is followed by a name.
    const NAMED: &'static [Self] = &[Self::Switch, Self::Endpoint];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Status => "/v1/status",
            Self::Config => "/v1/config",
            Self::Routes => "/v1/routes",
            Self::Flows => "/v1/flows",
            Self::Upstreams => "/v1/upstreams",
            Self::Endpoint => "/v1/upstreams/",
            Self::Limits => "/v1/limits",
            Self::Certificates => "/v1/certs",
            Self::Reload => "/v1/reload",
            Self::Check => "/v1/config/check",
            Self::Drain => "/v1/drain",
            Self::Maintenance => "/v1/maintenance",
            Self::Switch => "/v1/maintenance/",
        }
    }

    const fn allow(self) -> &'static str {
        match self {
            Self::Status
            | Self::Config
            | Self::Routes
            | Self::Flows
            | Self::Upstreams
            | Self::Limits
            | Self::Certificates
            | Self::Maintenance => READ,
            Self::Reload | Self::Check => "POST",
            Self::Drain => "PUT",
            Self::Switch | Self::Endpoint => "PUT, DELETE",
        }
    }

    /// Whether it does more than tell.
    pub(super) fn acts(self) -> bool {
        self.allow() != READ
    }
}

impl Answer {
    pub(super) fn plain(text: &'static str) -> Self {
        Self { content_type: PLAIN, body: Bytes::from_static(text.as_bytes()), refused: None }
    }

    pub(super) fn json(value: &Value) -> Self {
        Self { content_type: JSON, body: format!("{value:#}\n").into(), refused: None }
    }
}

/// 405 with the methods that would do.
pub(super) fn not_allowed(allow: &'static str) -> Problem {
    Problem::new(Cause::NoMethod)
        .with_argument("allow", allow)
        .with_header(ALLOW, HeaderValue::from_static(allow))
}

/// The methods of what is only read.
pub(super) const READ: &str = "GET, HEAD";
const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

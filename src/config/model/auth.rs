//! `[auth.NAME]` and the `auth` of a route, checked.

use std::path::PathBuf;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderName, Method};

use super::Upstream;
use crate::base::{AuthId, UpstreamId};
use crate::config::secret::Secret;

/// `[auth.NAME]`: one way to find out who a caller is. Two that are equal have the same state, so
/// that one that a reload has not changed goes on with it.
#[derive(Debug, PartialEq)]
pub struct Auth {
    /// The name in the file.
    pub name: String,
    /// What clients are told to authenticate for.
    pub realm: String,
    /// Whether the upstream gets the credentials, too.
    pub pass: bool,
    /// How.
    pub kind: AuthKind,
}

/// `auth.NAME.type`, with what belongs to it.
#[derive(Debug, PartialEq)]
pub enum AuthKind {
    /// A key in a header or in the query.
    ApiKey {
        /// Where the key stands.
        place: KeyPlace,
        /// The file of their digests.
        keys: Secret,
    },
    /// A name and a password (RFC 7617).
    Basic {
        /// The file of users.
        users: Secret,
    },
    /// A signed token (RFC 6750, RFC 7519).
    Jwt(Box<Jwt>),
    /// A client certificate that the listener has verified.
    Mtls {
        /// Who is known; everybody where it is empty.
        clients: Vec<Client>,
    },
    /// An upstream that is asked.
    Forward(Box<Forward>),
}

/// Where an API key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In this header.
    Header(HeaderName),
    /// In this parameter of the query.
    Query(String),
}

/// `type = "jwt"`.
#[derive(Debug, PartialEq)]
pub struct Jwt {
    /// `iss`.
    pub issuer: String,
    /// `aud`: one of these.
    pub audience: Vec<String>,
    /// Which algorithms may be used.
    pub algorithms: Vec<JwtAlgorithm>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// How far clocks may differ.
    pub leeway: Duration,
    /// The claim that names the caller.
    pub consumer: String,
    /// The claim that lists scopes.
    pub scopes: String,
}

/// Where the keys of an issuer come from.
#[derive(Debug, PartialEq)]
pub enum KeySource {
    /// Read with the configuration.
    File(Secret),
    /// Fetched, and again from time to time.
    Fetched {
        /// Where, in the form that the hand which calls upstreams knows.
        from: Box<Upstream>,
        /// What is asked for.
        path: PathAndQuery,
    },
}

/// A signature algorithm (RFC 7518, section 3.1; RFC 8037). None of them has a shared secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the registry")]
pub enum JwtAlgorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl JwtAlgorithm {
    /// The algorithm of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }
}

/// A client that is known by its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The name of the certificate by which it is known.
    pub certificate: CertificateName,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// A name in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// A subject alternative name: DNS, URI or e-mail.
    Alternative(String),
    /// The common name of the subject.
    Common(String),
}

/// `type = "forward"`.
#[derive(Debug, PartialEq)]
pub struct Forward {
    /// Who is asked.
    pub upstream: UpstreamId,
    /// What for.
    pub path: PathAndQuery,
    /// How.
    pub method: Method,
    /// Headers of the request that it gets.
    pub send: Vec<HeaderName>,
    /// Headers of its answer that the upstream of the route gets.
    pub take: Vec<HeaderName>,
    /// The header of its answer that names the caller.
    pub consumer: Option<HeaderName>,
    /// How long it may take.
    pub timeout: Duration,
    /// How long a yes is remembered; not at all at zero.
    pub cache: Duration,
}

/// `auth` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthRule {
    /// Which of them are needed.
    pub need: Need,
    /// In the order of the file.
    pub policies: Box<[AuthId]>,
    /// What the caller must be allowed to do: all of it.
    pub scopes: Box<[String]>,
}

/// Which policies of a rule must be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The first that is met decides.
    Any,
    /// Every one.
    All,
}

/// One entry of a file of API keys or of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub name: String,
    /// The digest of a key (32 bytes), or a PHC string.
    pub secret: Hidden,
    /// What its owner may do.
    pub scopes: Vec<String>,
    /// The last moment, in milliseconds since 1970.
    pub expires: Option<u64>,
}

/// What is compared with a secret: never printed, because one can try secrets against it at leisure.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub Vec<u8>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Auth {
    /// The file or variable that it needs beside the configuration.
    pub fn secret(&self) -> Option<&Secret> {
        match &self.kind {
            AuthKind::ApiKey { keys: secret, .. } | AuthKind::Basic { users: secret } => {
                Some(secret)
            }
            AuthKind::Jwt(jwt) => match &jwt.keys {
                KeySource::File(secret) => Some(secret),
                KeySource::Fetched { .. } => None,
            },
            AuthKind::Mtls { .. } | AuthKind::Forward(_) => None,
        }
    }

    /// The file of authorities that it needs.
    pub fn authorities(&self) -> Option<&PathBuf> {
        match &self.kind {
            AuthKind::Jwt(jwt) => match &jwt.keys {
                KeySource::Fetched { from, .. } => from.tls.ca.as_ref(),
                KeySource::File(_) => None,
            },
            AuthKind::ApiKey { .. }
            | AuthKind::Basic { .. }
            | AuthKind::Mtls { .. }
            | AuthKind::Forward(_) => None,
        }
    }
}

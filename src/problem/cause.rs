//! Fine causes: why exactly something failed. They go to the log and the metrics, never to the
//! client, and each one has exactly one code. A cause without a code does not compile.

use super::code::BuiltIn;
use crate::base::Source;

/// Why a request failed, as precisely as guichet knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The request line does not follow RFC 9112, section 3.
    BadRequestLine,
    /// The request target cannot be read, or hides something (RFC 3986).
    BadTarget,
    /// A field line is malformed: no colon, a space before it, folding, a control character.
    BadHeader,
    /// Host is missing, doubled, or not a valid authority.
    BadHost,
    /// Content-Length or Transfer-Encoding is invalid, doubled, or one beside the other.
    BadFraming,
    /// The chunked coding of a request body is broken.
    BadChunk,
    /// A transfer coding that guichet does not read.
    UnknownTransferCoding,
    /// CONNECT, or another way to ask for a tunnel that a gateway does not open.
    TunnelRefused,
    /// A version of HTTP that guichet does not speak.
    BadVersion,
    /// Expect carries anything but `100-continue`.
    BadExpect,
    /// The connection's certificate does not serve the request's host.
    WrongHost,
    /// The head of the request came too slowly.
    HeaderTimeout,
    /// The body of the request came too slowly.
    BodyTimeout,
    /// The request's fields are too many or too large.
    HeaderLimit,
    /// The request line is too long.
    UriLimit,
    /// The request's body is too large.
    BodyLimit,
    /// Plain HTTP where TLS is required.
    PlainHttp,
    /// No route matches host and path.
    NoRoute,
    /// A route has the path, but not the method.
    NoMethod,
    /// A parameter that the route needs is not there.
    MissingParameter,
    /// A parameter is not as the route declares it.
    InvalidParameter,
    /// A parameter that the route does not declare, where it takes no other.
    UnknownParameter,
    /// The route needs a body, and there is none.
    MissingBody,
    /// The body is of another media type, charset or coding than the route reads.
    MediaType,
    /// The body is not of the form that its media type promises.
    BadBody,
    /// The client left before its answer was complete.
    ClientLeft,
    /// The request has already passed through this gateway.
    Loop,
    /// A handler panicked: a bug in guichet.
    Panic,
    /// The configuration answers with an error here (`respond` with a code).
    Configured,
    /// The caller has used up its quota: a limit that counts by caller.
    RateLimit,
    /// All callers together have used up what a limit of a route or of the gateway allows.
    CapacityLimit,
    /// A limit is counted in a store that does not answer, and refuses then.
    StoreDown,
    /// The route is under maintenance, planned or switched on.
    Maintenance,
    /// The gateway, the route or its upstream carries as much as it may, and waiting is in vain.
    Overload,
    /// Too many connections are open.
    ConnectionLimit,
    /// The process has no memory for more.
    MemoryLimit,
    /// The gateway is draining.
    Draining,
    /// The admin listener wants its token to be shown.
    AdminToken,
    /// The upstream's name does not resolve.
    Dns,
    /// The upstream refused the connection.
    ConnectRefused,
    /// The upstream's host or network cannot be reached, or its socket file is missing.
    ConnectUnreachable,
    /// Connecting took too long.
    ConnectTimeout,
    /// The upstream's certificate has expired or is not valid yet.
    TlsExpired,
    /// The upstream's certificate is signed by nobody that guichet trusts.
    TlsUntrusted,
    /// The upstream's certificate is for another name.
    TlsName,
    /// The TLS handshake with the upstream failed in another way.
    TlsHandshake,
    /// The upstream does not speak the configured protocol (ALPN, or an HTTP/2 preface refused).
    ProtocolMismatch,
    /// The upstream closed or reset the connection before its answer.
    Reset,
    /// The upstream's answer stopped in the middle of its body.
    Truncated,
    /// What the upstream sent is not an HTTP answer.
    BadResponse,
    /// The head of the upstream's answer is too large.
    ResponseHeadLimit,
    /// The upstream switched protocols without being asked, or not to what was asked.
    BadUpgrade,
    /// The upstream did not begin its answer in time.
    FirstByteTimeout,
    /// The upstream stopped in the middle of its answer for too long.
    IdleTimeout,
    /// The whole exchange took too long.
    TotalTimeout,
    /// No endpoint of the upstream can be used.
    NoneHealthy,
    /// Somebody has drained all endpoints of the upstream.
    AllDrained,
    /// The upstream fails as a whole, and is not called for a while.
    BreakerOpen,
    /// The upstream answered with an error status; its code is kept or mapped.
    UpstreamStatus,
}

impl Cause {
    /// Every cause.
    pub const ALL: &'static [Self] = &[
        Self::BadRequestLine,
        Self::BadTarget,
        Self::BadHeader,
        Self::BadHost,
        Self::BadFraming,
        Self::BadChunk,
        Self::UnknownTransferCoding,
        Self::TunnelRefused,
        Self::BadVersion,
        Self::BadExpect,
        Self::WrongHost,
        Self::HeaderTimeout,
        Self::BodyTimeout,
        Self::HeaderLimit,
        Self::UriLimit,
        Self::BodyLimit,
        Self::PlainHttp,
        Self::NoRoute,
        Self::NoMethod,
        Self::MissingParameter,
        Self::InvalidParameter,
        Self::UnknownParameter,
        Self::MissingBody,
        Self::MediaType,
        Self::BadBody,
        Self::ClientLeft,
        Self::Loop,
        Self::Panic,
        Self::Configured,
        Self::RateLimit,
        Self::CapacityLimit,
        Self::StoreDown,
        Self::Maintenance,
        Self::Overload,
        Self::ConnectionLimit,
        Self::MemoryLimit,
        Self::Draining,
        Self::AdminToken,
        Self::Dns,
        Self::ConnectRefused,
        Self::ConnectUnreachable,
        Self::ConnectTimeout,
        Self::TlsExpired,
        Self::TlsUntrusted,
        Self::TlsName,
        Self::TlsHandshake,
        Self::ProtocolMismatch,
        Self::Reset,
        Self::Truncated,
        Self::BadResponse,
        Self::ResponseHeadLimit,
        Self::BadUpgrade,
        Self::FirstByteTimeout,
        Self::IdleTimeout,
        Self::TotalTimeout,
        Self::NoneHealthy,
        Self::AllDrained,
        Self::BreakerOpen,
        Self::UpstreamStatus,
    ];

    /// The snake_case word of the log and the metrics.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// Whose fault it is.
    pub const fn source(self) -> Source {
        self.row().1
    }

    /// The code that the client gets.
    pub const fn code(self) -> BuiltIn {
        self.row().2
    }

    #[rustfmt::skip]
    const fn row(self) -> (&'static str, Source, BuiltIn) {
        use BuiltIn as B;
        use Source::{Client, Gateway, Upstream};
        match self {
            Self::BadRequestLine        => ("bad_request_line",        Client,   B::BadRequest),
            Self::BadTarget             => ("bad_target",              Client,   B::BadRequest),
            Self::BadHeader             => ("bad_header",              Client,   B::BadRequest),
            Self::BadHost               => ("bad_host",                Client,   B::BadRequest),
            Self::BadFraming            => ("bad_framing",             Client,   B::BadRequest),
            Self::BadChunk              => ("bad_chunk",               Client,   B::BadRequest),
            Self::UnknownTransferCoding => ("unknown_transfer_coding", Client,   B::NotImplemented),
            Self::TunnelRefused         => ("tunnel_refused",          Client,   B::NotImplemented),
            Self::BadVersion            => ("bad_version",             Client,   B::HttpVersionNotSupported),
            Self::BadExpect             => ("bad_expect",              Client,   B::ExpectationFailed),
            Self::WrongHost             => ("wrong_host",              Client,   B::MisdirectedRequest),
            Self::HeaderTimeout         => ("header_timeout",          Client,   B::RequestTimeout),
            Self::BodyTimeout           => ("body_timeout",            Client,   B::RequestTimeout),
            Self::HeaderLimit           => ("header_limit",            Client,   B::HeadersTooLarge),
            Self::UriLimit              => ("uri_limit",               Client,   B::UriTooLong),
            Self::BodyLimit             => ("body_limit",              Client,   B::PayloadTooLarge),
            Self::PlainHttp             => ("plain_http",              Client,   B::NonSecureConnection),
            Self::NoRoute               => ("no_route",                Client,   B::InvalidResource),
            Self::NoMethod              => ("no_method",               Client,   B::MethodNotAllowed),
            Self::MissingParameter      => ("missing_parameter",       Client,   B::MissingParameter),
            Self::InvalidParameter      => ("invalid_parameter",       Client,   B::InvalidParameter),
            Self::UnknownParameter      => ("unknown_parameter",       Client,   B::InvalidParameter),
            Self::MissingBody           => ("missing_body",            Client,   B::MissingParameter),
            Self::MediaType             => ("media_type",              Client,   B::UnsupportedMediaType),
            Self::BadBody               => ("bad_body",                Client,   B::BadRequest),
            Self::ClientLeft            => ("client_left",             Client,   B::BadRequest),
            Self::Loop                  => ("loop",                    Gateway,  B::LoopDetected),
            Self::Panic                 => ("panic",                   Gateway,  B::ServerError),
            Self::Configured            => ("configured",              Gateway,  B::ServerError),
            Self::RateLimit             => ("rate_limit",              Client,   B::TooManyRequests),
            Self::CapacityLimit         => ("capacity_limit",          Gateway,  B::ServiceUnavailable),
            Self::StoreDown             => ("store_down",              Gateway,  B::ServiceUnavailable),
            Self::Maintenance           => ("maintenance",             Gateway,  B::ServiceUnavailable),
            Self::Overload              => ("overload",                Gateway,  B::ServiceUnavailable),
            Self::ConnectionLimit       => ("connection_limit",        Gateway,  B::ServiceUnavailable),
            Self::MemoryLimit           => ("memory_limit",            Gateway,  B::ServiceUnavailable),
            Self::Draining              => ("draining",                Gateway,  B::ServiceUnavailable),
            Self::AdminToken            => ("admin_token",             Client,   B::Unauthorized),
            Self::Dns                   => ("dns",                     Upstream, B::BadGateway),
            Self::ConnectRefused        => ("connect_refused",         Upstream, B::BadGateway),
            Self::ConnectUnreachable    => ("connect_unreachable",     Upstream, B::BadGateway),
            Self::ConnectTimeout        => ("connect_timeout",         Upstream, B::GatewayTimeout),
            Self::TlsExpired            => ("tls_expired",             Upstream, B::BadGateway),
            Self::TlsUntrusted          => ("tls_untrusted",           Upstream, B::BadGateway),
            Self::TlsName               => ("tls_name",                Upstream, B::BadGateway),
            Self::TlsHandshake          => ("tls_handshake",           Upstream, B::BadGateway),
            Self::ProtocolMismatch      => ("protocol_mismatch",       Upstream, B::BadGateway),
            Self::Reset                 => ("reset",                   Upstream, B::BadGateway),
            Self::Truncated             => ("truncated",               Upstream, B::BadGateway),
            Self::BadResponse           => ("bad_response",            Upstream, B::BadGateway),
            Self::ResponseHeadLimit     => ("response_head_limit",     Upstream, B::BadGateway),
            Self::BadUpgrade            => ("bad_upgrade",             Upstream, B::BadGateway),
            Self::FirstByteTimeout      => ("first_byte_timeout",      Upstream, B::GatewayTimeout),
            Self::IdleTimeout           => ("idle_timeout",            Upstream, B::GatewayTimeout),
            Self::TotalTimeout          => ("total_timeout",           Upstream, B::GatewayTimeout),
            Self::NoneHealthy           => ("none_healthy",            Upstream, B::ServiceUnavailable),
            Self::AllDrained            => ("all_drained",             Gateway,  B::ServiceUnavailable),
            Self::BreakerOpen           => ("breaker_open",            Upstream, B::ServiceUnavailable),
            Self::UpstreamStatus        => ("upstream_status",         Upstream, B::ServerError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_are_unique_snake_case() {
        let words: HashSet<_> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
        assert_eq!(words.len(), Cause::ALL.len());
        let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(words.iter().all(|word| plain(word)));
    }

    #[test]
    fn blame_agrees_with_the_class_of_the_status() {
        for cause in Cause::ALL {
            let status = cause.code().row().status;
            match cause.source() {
                Source::Client => assert!(
                    status < 500 || matches!(status, 501 | 505),
                    "{} blames the client with {status}",
                    cause.as_str()
                ),
                Source::Gateway | Source::Upstream => assert!(status >= 500, "{}", cause.as_str()),
            }
        }
    }
}

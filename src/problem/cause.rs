//! Fine causes: why exactly something failed. They go to the log and the metrics, never to the
//! client, and each one has exactly one code. A cause without a code does not compile.

mod table;

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
    /// A GraphQL document does not parse.
    GraphqlSyntax,
    /// A GraphQL document does not say which of its operations is meant, or has none of that
    /// name.
    GraphqlOperation,
    /// A GraphQL mutation by a method that must not change anything.
    GraphqlMethod,
    /// A GraphQL operation nests deeper than the route allows.
    GraphqlDepth,
    /// A GraphQL document has more tokens than the route allows.
    GraphqlTokens,
    /// A GraphQL operation has more aliases than the route allows.
    GraphqlAliases,
    /// A GraphQL operation has more root fields than the route allows.
    GraphqlRootFields,
    /// A GraphQL operation asks for the schema, and the route does not show it.
    GraphqlIntrospection,
    /// Several GraphQL operations in one request, where the route takes one.
    GraphqlBatch,
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
    /// The caller shows nothing of what the route wants to see.
    AuthMissing,
    /// What the caller shows cannot be read, or stands there twice.
    AuthMalformed,
    /// Nobody has this API key.
    KeyUnknown,
    /// The API key has expired.
    KeyExpired,
    /// The caller is known, and may not do this.
    InsufficientScope,
    /// Name and password do not fit.
    PasswordWrong,
    /// What was shown is no token that can be read, or lacks what one must have.
    TokenMalformed,
    /// The token is too long.
    TokenLimit,
    /// The token is signed in a way that is not allowed, or not with that key.
    TokenAlgorithm,
    /// The issuer has no such key.
    TokenKey,
    /// The token's signature is not the issuer's.
    TokenSignature,
    /// The token has expired.
    TokenExpired,
    /// The token is not valid yet.
    TokenEarly,
    /// The token is of another issuer.
    TokenIssuer,
    /// The token is for somebody else.
    TokenAudience,
    /// The client has shown no certificate.
    CertificateMissing,
    /// The certificate is good, and nobody who is known here.
    CertificateUnknown,
    /// Too many passwords are being verified.
    VerifierBusy,
    /// The issuer's keys could not be fetched yet.
    TokenKeysMissing,
    /// The upstream that decides about callers says that it does not know this one.
    AuthRefused,
    /// The upstream that decides about callers says that this one may not.
    AuthForbidden,
    /// The upstream that decides about callers gives no answer that means anything.
    AuthUnavailable,
    /// The upstream that decides about callers does not answer in time.
    AuthTimeout,
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
    /// The reply to a GraphQL operation of a flow holds errors as data: what was asked is refused.
    GraphqlRefused,
    /// The reply of a flow's step is longer than the flow reads.
    ReplyLimit,
    /// An expression of a flow has no value, or one that cannot stand where it is put.
    FlowValue,
    /// What a flow would hand on is not what it says that it returns.
    FlowResult,
    /// The upstream's GraphQL reply has errors at its root.
    GraphqlErrors,
    /// The upstream answered a GraphQL operation with what is no GraphQL reply.
    GraphqlReply,
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
        Self::GraphqlSyntax,
        Self::GraphqlOperation,
        Self::GraphqlMethod,
        Self::GraphqlDepth,
        Self::GraphqlTokens,
        Self::GraphqlAliases,
        Self::GraphqlRootFields,
        Self::GraphqlIntrospection,
        Self::GraphqlBatch,
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
        Self::AuthMissing,
        Self::AuthMalformed,
        Self::KeyUnknown,
        Self::KeyExpired,
        Self::InsufficientScope,
        Self::PasswordWrong,
        Self::TokenMalformed,
        Self::TokenLimit,
        Self::TokenAlgorithm,
        Self::TokenKey,
        Self::TokenSignature,
        Self::TokenExpired,
        Self::TokenEarly,
        Self::TokenIssuer,
        Self::TokenAudience,
        Self::CertificateMissing,
        Self::CertificateUnknown,
        Self::VerifierBusy,
        Self::TokenKeysMissing,
        Self::AuthRefused,
        Self::AuthForbidden,
        Self::AuthUnavailable,
        Self::AuthTimeout,
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
        Self::GraphqlRefused,
        Self::ReplyLimit,
        Self::FlowValue,
        Self::FlowResult,
        Self::GraphqlErrors,
        Self::GraphqlReply,
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
}

#[cfg(test)]
mod tests;

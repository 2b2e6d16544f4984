//! Why a client connection came to nothing: a closed set, which a counter each stands for.

use crate::problem::Cause;

/// Why a client connection came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionFailure {
    /// The system did not hand it over (out of descriptors, gone already).
    Accept,
    /// Its PROXY header is missing, malformed, or from a peer that is not trusted.
    ProxyHeader,
    /// The client's side of the TLS handshake failed.
    TlsHandshake,
    /// The TLS handshake or the PROXY header took too long.
    HandshakeTimeout,
    /// The TLS handshake was the oldest when there were too many, and made room.
    HandshakeLimit,
    /// Its HTTP/2 frames were too many, too slow, or what no client may send.
    Http2Abuse,
    /// A cause of the vocabulary: a limit, a request that cannot be read.
    Cause(Cause),
}

impl ConnectionFailure {
    /// How many there are.
    pub(super) const COUNT: usize = Self::OWN.len() + Cause::ALL.len();
    const OWN: [Self; 6] = [
        Self::Accept,
        Self::ProxyHeader,
        Self::TlsHandshake,
        Self::HandshakeTimeout,
        Self::HandshakeLimit,
        Self::Http2Abuse,
    ];

    /// Every failure, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OWN.into_iter().chain(Cause::ALL.iter().copied().map(Self::Cause))
    }

    /// The word of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::ProxyHeader => "proxy_header",
            Self::TlsHandshake => "client_tls_handshake",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HandshakeLimit => "handshake_limit",
            Self::Http2Abuse => "http2_abuse",
            Self::Cause(cause) => cause.as_str(),
        }
    }

    /// Its place among all of them.
    pub(super) const fn number(self) -> usize {
        match self {
            Self::Accept => 0,
            Self::ProxyHeader => 1,
            Self::TlsHandshake => 2,
            Self::HandshakeTimeout => 3,
            Self::HandshakeLimit => 4,
            Self::Http2Abuse => 5,
            Self::Cause(cause) => Self::OWN.len() + cause as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_are_places() {
        assert!(ConnectionFailure::all().enumerate().all(|(at, it)| it.number() == at));
        assert_eq!(ConnectionFailure::all().count(), ConnectionFailure::COUNT);
    }

    #[test]
    fn failures_have_words_of_their_own() {
        let words: HashSet<_> = ConnectionFailure::all().map(ConnectionFailure::as_str).collect();
        assert_eq!(words.len(), ConnectionFailure::COUNT);
    }
}

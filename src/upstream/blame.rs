//! Reads the errors of sockets, rustls, hyper and h2, and says what they mean in our words.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::error::Kind;
use super::http1::Failure;
use crate::base::BodyFault;
use crate::base::grpc::GrpcStatus;

/// What an error of the HTTP layer means for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What went wrong.
    pub(super) kind: Kind,
    /// What became of the request.
    pub(super) fate: Fate,
}

/// What became of a request that got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The upstream says that it did not look at it.
    Unprocessed,
    /// The connection ended under it; nobody knows.
    Orphaned,
    /// It was dealt with, badly.
    Settled,
}

/// Why a socket did not open.
pub(super) fn connect(error: &io::Error) -> Kind {
    let kind = error.kind();
    if kind == io::ErrorKind::ConnectionRefused {
        Kind::Refused
    } else if kind == io::ErrorKind::TimedOut {
        Kind::ConnectTimeout
    } else if kind == io::ErrorKind::ConnectionReset {
        Kind::Reset
    } else if error.raw_os_error().is_some_and(|number| NO_DESCRIPTOR.contains(&number)) {
        Kind::NoDescriptor
    } else {
        Kind::Unreachable
    }
}

/// ENFILE and EMFILE, for which [`io::ErrorKind`] has no name.
const NO_DESCRIPTOR: [i32; 2] = [23, 24];

/// Why a TLS handshake failed.
pub(super) fn tls(error: &io::Error) -> Kind {
    let Some(tls) = find::<rustls::Error>(error) else {
        return Kind::TlsHandshake;
    };
    if let rustls::Error::InvalidCertificate(certificate) = tls {
        return certificate_fault(certificate);
    }
    let mismatch = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    if *tls == mismatch || matches!(tls, rustls::Error::NoApplicationProtocol) {
        return Kind::ProtocolMismatch;
    }
    Kind::TlsHandshake
}

/// Why no head came over HTTP/2. `upload` is the fault of the client's body, if it broke.
pub(super) fn head(error: &hyper::Error, upload: Option<BodyFault>) -> Verdict {
    let settled = |kind| Verdict { kind, fate: Fate::Settled };
    if let Some(fault) = upload.or_else(|| find::<BodyFault>(error).copied()) {
        return settled(Kind::Upload(fault));
    }
    // With TLS 1.3 the upstream judges our certificate after our side of the handshake is over.
    if find::<rustls::Error>(error).is_some() {
        return settled(Kind::TlsHandshake);
    }
    // The only time that hyper itself keeps is that of a PING: the peer is gone, and if it is not,
    // nobody knows what it did.
    if error.is_timeout() {
        return settled(Kind::FirstByteTimeout);
    }
    match find::<h2::Error>(error) {
        Some(error) => http2(error),
        None => Verdict { kind: Kind::Reset, fate: Fate::Orphaned },
    }
}

/// Why a body broke off that came over HTTP/2.
pub(super) fn body(error: &hyper::Error, upload: Option<BodyFault>) -> Kind {
    if let Some(fault) = upload {
        return Kind::Upload(fault);
    }
    if find::<h2::Error>(error).is_some_and(h2::Error::is_library) {
        return Kind::BadResponse;
    }
    Kind::Truncated
}

/// What gRPC makes of a stream that the upstream has reset (gRPC over HTTP/2, "Errors"). Nothing where the
/// connection ended under it: that is UNAVAILABLE, as the code says by itself.
pub(super) fn reset(error: &hyper::Error) -> Option<GrpcStatus> {
    let reset = find::<h2::Error>(error).filter(|error| error.is_reset() && error.is_remote())?;
    Some(match reset.reason()? {
        h2::Reason::REFUSED_STREAM => GrpcStatus::Unavailable,
        h2::Reason::CANCEL => GrpcStatus::Cancelled,
        h2::Reason::ENHANCE_YOUR_CALM => GrpcStatus::ResourceExhausted,
        h2::Reason::INADEQUATE_SECURITY => GrpcStatus::PermissionDenied,
        _ => GrpcStatus::Internal,
    })
}

/// Why no head came over HTTP/1.
pub(super) fn http1_head(failure: &Failure) -> Verdict {
    let settled = |kind| Verdict { kind, fate: Fate::Settled };
    match failure {
        Failure::Upload(fault) => settled(Kind::Upload(*fault)),
        Failure::Garbage(_) => settled(Kind::BadResponse),
        Failure::TooLarge => settled(Kind::HeadLimit),
        // With TLS 1.3 the upstream judges our certificate after our side of the handshake is over.
        Failure::Io(error) if find::<rustls::Error>(error).is_some() => settled(Kind::TlsHandshake),
        Failure::Ended | Failure::Io(_) => Verdict { kind: Kind::Reset, fate: Fate::Orphaned },
    }
}

/// Why a body broke off that came over HTTP/1.
pub(super) fn http1_body(failure: &Failure) -> Kind {
    match failure {
        Failure::Upload(fault) => Kind::Upload(*fault),
        Failure::Garbage(_) | Failure::TooLarge => Kind::BadResponse,
        Failure::Io(error) if error.kind() == io::ErrorKind::InvalidData => Kind::BadResponse,
        Failure::Ended | Failure::Io(_) => Kind::Truncated,
    }
}

/// The whole chain of an error as one line.
pub(super) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let more = inner.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = inner.source();
    }
    text
}

fn certificate_fault(error: &CertificateError) -> Kind {
    if matches!(
        error,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    ) {
        return Kind::TlsExpired;
    }
    if matches!(
        error,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    ) {
        return Kind::TlsName;
    }
    // Everything else - unknown issuer, bad signature, revoked, wrong purpose, unreadable - comes
    // down to a certificate that nobody trusted vouches for.
    Kind::TlsUntrusted
}

/// RFC 9113, section 8.7: a refused stream, and one above the last id of a GOAWAY, were not
/// processed.
fn http2(error: &h2::Error) -> Verdict {
    let reason = error.reason();
    let refused = reason == Some(h2::Reason::REFUSED_STREAM);
    if error.is_remote() {
        let settled = !error.is_go_away() && !refused;
        let fate = if settled { Fate::Settled } else { Fate::Unprocessed };
        let downgrade = reason == Some(h2::Reason::HTTP_1_1_REQUIRED);
        return Verdict {
            kind: if downgrade { Kind::ProtocolMismatch } else { Kind::Reset },
            fate,
        };
    }
    if error.is_library() {
        // The two reasons for which h2 itself ends a stream or a connection over too large a head.
        let calm = reason == Some(h2::Reason::ENHANCE_YOUR_CALM);
        let kind = if refused || calm { Kind::HeadLimit } else { Kind::BadResponse };
        return Verdict { kind, fate: Fate::Settled };
    }
    Verdict { kind: Kind::Reset, fate: Fate::Orphaned }
}

/// Looks for an error of one type in a chain, inside `io::Error`s too: those hide what they wrap
/// from `source`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_fail_in_four_ways() {
        for (error, kind) in [
            (io::ErrorKind::ConnectionRefused, Kind::Refused),
            (io::ErrorKind::TimedOut, Kind::ConnectTimeout),
            (io::ErrorKind::ConnectionReset, Kind::Reset),
            (io::ErrorKind::NetworkUnreachable, Kind::Unreachable),
            (io::ErrorKind::NotFound, Kind::Unreachable),
        ] {
            assert_eq!(connect(&io::Error::from(error)), kind);
        }
    }

    #[test]
    fn certificates_fail_in_three_ways() {
        for (error, kind) in [
            (CertificateError::Expired, Kind::TlsExpired),
            (CertificateError::NotValidYet, Kind::TlsExpired),
            (CertificateError::UnknownIssuer, Kind::TlsUntrusted),
            (CertificateError::BadSignature, Kind::TlsUntrusted),
            (CertificateError::Revoked, Kind::TlsUntrusted),
            (CertificateError::NotValidForName, Kind::TlsName),
        ] {
            let error = rustls::Error::InvalidCertificate(error);
            assert_eq!(tls(&io::Error::new(io::ErrorKind::InvalidData, error)), kind);
        }
    }

    #[test]
    fn the_rest_of_tls_is_a_handshake_or_a_protocol() {
        let wrap = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        let alert = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
        assert_eq!(tls(&wrap(alert)), Kind::ProtocolMismatch);
        let alert = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
        assert_eq!(tls(&wrap(alert)), Kind::TlsHandshake);
        assert_eq!(tls(&io::Error::from(io::ErrorKind::UnexpectedEof)), Kind::TlsHandshake);
    }

    #[test]
    fn a_chain_is_told_in_one_line_without_repeats() {
        let inner = io::Error::new(io::ErrorKind::InvalidData, "bad bytes");
        let outer = io::Error::other(inner);
        assert_eq!(describe(&outer), "bad bytes");
    }
}

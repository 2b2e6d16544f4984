//! A gRPC status in the head of a reply or in its trailers, turned into the vocabulary.

use http::HeaderMap;

use super::said::code_in_head;
use crate::base::grpc::GrpcStatus;
use crate::base::percent;
use crate::problem::{BuiltIn, Catalogue, Code};

/// The status and message of a reply that carries them in its head ("trailers-only").
pub(super) fn status(headers: &HeaderMap) -> Option<(GrpcStatus, Option<String>)> {
    let status = GrpcStatus::read(headers)?;
    let message = headers.get("grpc-message").map(|value| percent::lenient(value.as_bytes()));
    Some((status, message))
}

/// The code that stands for the end of a call in the log and the metrics: the one that a guichet behind
/// this one has named, else that of the status. What the client gets is the service's own.
pub fn call_code(status: GrpcStatus, fields: &HeaderMap, catalogue: &Catalogue) -> Option<Code> {
    if status == GrpcStatus::Ok {
        return None;
    }
    code_in_head(fields, catalogue).or_else(|| code(status).map(Code::from))
}

/// The code for a gRPC status. None for those that say nothing: OK beside an error, and CANCELLED,
/// which is the fault of whoever cancelled.
pub(super) fn code(status: GrpcStatus) -> Option<BuiltIn> {
    match status {
        GrpcStatus::Ok | GrpcStatus::Cancelled => None,
        GrpcStatus::Unknown | GrpcStatus::Internal | GrpcStatus::DataLoss => {
            Some(BuiltIn::ServerError)
        }
        GrpcStatus::InvalidArgument | GrpcStatus::OutOfRange => Some(BuiltIn::BadRequest),
        GrpcStatus::DeadlineExceeded => Some(BuiltIn::GatewayTimeout),
        GrpcStatus::NotFound => Some(BuiltIn::InvalidResource),
        GrpcStatus::AlreadyExists | GrpcStatus::Aborted => Some(BuiltIn::Conflict),
        GrpcStatus::PermissionDenied => Some(BuiltIn::Forbidden),
        GrpcStatus::ResourceExhausted => Some(BuiltIn::TooManyRequests),
        GrpcStatus::FailedPrecondition => Some(BuiltIn::PreconditionFailed),
        GrpcStatus::Unimplemented => Some(BuiltIn::NotImplemented),
        GrpcStatus::Unavailable => Some(BuiltIn::ServiceUnavailable),
        GrpcStatus::Unauthenticated => Some(BuiltIn::Unauthorized),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    use crate::base::grpc::encode_message;

    fn read(
        status_text: &str,
        message: Option<&'static str>,
    ) -> Option<(GrpcStatus, Option<String>)> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_str(status_text).unwrap());
        if let Some(message) = message {
            headers.insert("grpc-message", HeaderValue::from_static(message));
        }
        status(&headers)
    }

    #[test]
    fn status_and_message_are_read() {
        let message = Some("100 % sûr".to_owned());
        assert_eq!(read("5", Some("100 %25 s%C3%BBr")), Some((GrpcStatus::NotFound, message)));
        assert_eq!(read("14", None), Some((GrpcStatus::Unavailable, None)));
        for status in ["17", "-1", "", "NOT_FOUND", "300"] {
            assert_eq!(read(status, None), None, "{status}");
        }
        assert_eq!(status(&HeaderMap::new()), None);
    }

    #[test]
    fn every_status_but_two_has_a_code() {
        for number in 0..=16 {
            let status = GrpcStatus::from_number(number).unwrap();
            assert_eq!(code(status).is_some(), !matches!(number, 0 | 1), "{number}");
        }
    }

    proptest! {
        #[test]
        fn messages_read_back(message in ".*") {
            prop_assert_eq!(percent::lenient(encode_message(&message).as_bytes()), message);
        }

        #[test]
        fn odd_messages_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = percent::lenient(&bytes);
        }
    }
}

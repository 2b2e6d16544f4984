//! gRPC's own vocabulary: status codes, and how a message is written into a header.

/// The canonical gRPC status codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are gRPC's, documented at grpc.io")]
pub enum GrpcStatus {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

impl GrpcStatus {
    /// The number that stands in `grpc-status`.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name that gRPC's own documents use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The status with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        const ALL: [GrpcStatus; 17] = [
            GrpcStatus::Ok,
            GrpcStatus::Cancelled,
            GrpcStatus::Unknown,
            GrpcStatus::InvalidArgument,
            GrpcStatus::DeadlineExceeded,
            GrpcStatus::NotFound,
            GrpcStatus::AlreadyExists,
            GrpcStatus::PermissionDenied,
            GrpcStatus::ResourceExhausted,
            GrpcStatus::FailedPrecondition,
            GrpcStatus::Aborted,
            GrpcStatus::OutOfRange,
            GrpcStatus::Unimplemented,
            GrpcStatus::Internal,
            GrpcStatus::Unavailable,
            GrpcStatus::DataLoss,
            GrpcStatus::Unauthenticated,
        ];
        ALL.get(usize::from(number)).copied()
    }
}

/// Writes a message as `grpc-message` wants it: printable ASCII without `%` stays, all else is
/// percent-encoded UTF-8.
pub fn encode_message(message: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back() {
        for number in 0..=16 {
            assert_eq!(GrpcStatus::from_number(number).map(GrpcStatus::number), Some(number));
        }
        assert_eq!(GrpcStatus::from_number(17), None);
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(encode_message("100 % sûr\n"), "100 %25 s%C3%BBr%0A");
    }
}

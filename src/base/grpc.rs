//! gRPC's own vocabulary: status codes, and how a message is written into a header.

use std::time::Duration;

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

/// Reads `grpc-timeout`: at most eight digits and a unit.
pub fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(number * 3600)),
        b'M' => Some(Duration::from_secs(number * 60)),
        b'S' => Some(Duration::from_secs(number)),
        b'm' => Some(Duration::from_millis(number)),
        b'u' => Some(Duration::from_micros(number)),
        b'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// Writes `grpc-timeout`, in the finest unit that has room for it and never for longer than it is.
pub fn format_timeout(left: Duration) -> String {
    let units = [
        (left.as_micros(), 'u'),
        (left.as_millis(), 'm'),
        (u128::from(left.as_secs()), 'S'),
        (u128::from(left.as_secs() / 60), 'M'),
    ];
    let fits = units.into_iter().find(|(number, _)| *number <= MOST);
    let (number, unit) = fits.unwrap_or_else(|| (u128::from(left.as_secs() / 3600).min(MOST), 'H'));
    format!("{number}{unit}")
}

/// Eight digits.
const MOST: u128 = 99_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_read_back_and_are_never_longer() {
        for (text, time) in [
            ("100m", Duration::from_millis(100)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
            ("0n", Duration::ZERO),
            ("7M", Duration::from_secs(420)),
        ] {
            assert_eq!(parse_timeout(text.as_bytes()), Some(time), "{text}");
        }
        for text in ["", "m", "1", "123456789m", "-1S", "1s", "1.5S", " 1S"] {
            assert_eq!(parse_timeout(text.as_bytes()), None, "{text}");
        }
        assert_eq!(format_timeout(Duration::from_millis(1500)), "1500000u");
        for seconds in [0, 1, 99, 101, 99_999, 100_001, 99_999_999, 1 << 40] {
            let time = Duration::new(seconds, 999_999_999);
            let written = format_timeout(time);
            let read = parse_timeout(written.as_bytes());
            assert!(read.is_some_and(|read| read <= time), "{time:?}: {written}");
        }
    }

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

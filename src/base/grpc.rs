//! gRPC's own vocabulary: status codes, how a message is written into a header, and how gRPC and
//! gRPC-Web are told apart.

use std::time::Duration;

use http::HeaderMap;

use super::Source;

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

    /// The status that a head or trailers tell. One that cannot be read is UNKNOWN, as it is to
    /// every client.
    pub fn told(fields: &HeaderMap) -> Option<Self> {
        fields.contains_key(STATUS).then(|| Self::read(fields).unwrap_or(Self::Unknown))
    }

    /// The same, where it can be read.
    pub fn read(fields: &HeaderMap) -> Option<Self> {
        Self::from_number(fields.get(STATUS)?.to_str().ok()?.trim().parse().ok()?)
    }

    /// The status with which the head of an answer says that the call failed. OK beside an error of HTTP
    /// is no answer to the question which of the two holds.
    pub fn failure(fields: &HeaderMap) -> Option<Self> {
        Self::read(fields).filter(|status| *status != Self::Ok)
    }

    /// Whose fault it is, by the status alone: nobody's where the call went well. What HTTP would
    /// answer with 4xx is the caller's.
    pub const fn fault(self) -> Option<Source> {
        match self {
            Self::Ok => None,
            Self::Cancelled
            | Self::InvalidArgument
            | Self::NotFound
            | Self::AlreadyExists
            | Self::PermissionDenied
            | Self::ResourceExhausted
            | Self::FailedPrecondition
            | Self::Aborted
            | Self::OutOfRange
            | Self::Unimplemented
            | Self::Unauthenticated => Some(Source::Client),
            Self::Unknown
            | Self::DeadlineExceeded
            | Self::Internal
            | Self::Unavailable
            | Self::DataLoss => Some(Source::Upstream),
        }
    }

    /// The status with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Every status, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];
}

/// How gRPC is spoken, by the `content-type` of a request or a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// gRPC itself: a call ends with a status in its trailers.
    Native,
    /// gRPC-Web: the trailers are the last message of the body.
    Web,
    /// gRPC-Web, all of the body in base64.
    WebText,
}

impl Speech {
    /// By `content-type`: the type alone, or with a message format after `+`, or parameters.
    pub fn of(content_type: &[u8]) -> Option<Self> {
        let (head, rest) = content_type.split_at_checked(GRPC.len())?;
        if !head.eq_ignore_ascii_case(GRPC) {
            return None;
        }
        let is = |word: &[u8]| {
            let (head, rest) = rest.split_at_checked(word.len())?;
            let ends = matches!(rest, [] | [b'+' | b';' | b' ', ..]);
            (ends && head.eq_ignore_ascii_case(word)).then_some(())
        };
        let native = is(b"").map(|()| Self::Native);
        let web = || is(b"-web").map(|()| Self::Web);
        native.or_else(web).or_else(|| is(b"-web-text").map(|()| Self::WebText))
    }

    /// The `content-type` of a reply without a message, which has no format.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Native => "application/grpc",
            Self::Web => "application/grpc-web",
            Self::WebText => "application/grpc-web-text",
        }
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

const GRPC: &[u8] = b"application/grpc";
const STATUS: &str = "grpc-status";

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
        assert_eq!(GrpcStatus::ALL.len(), 17);
    }

    #[test]
    fn a_status_that_cannot_be_read_is_unknown() {
        let told = |text: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(STATUS, http::HeaderValue::from_static(text));
            GrpcStatus::told(&fields)
        };
        assert_eq!(told("0"), Some(GrpcStatus::Ok));
        assert_eq!(told("16"), Some(GrpcStatus::Unauthenticated));
        for text in ["17", "999", "-1", "", "OK", "5.0"] {
            assert_eq!(told(text), Some(GrpcStatus::Unknown), "{text}");
        }
        assert_eq!(GrpcStatus::told(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_spoken_is_told_by_the_content_type() {
        for (text, expected) in [
            ("application/grpc", Some(Speech::Native)),
            ("Application/gRPC+proto", Some(Speech::Native)),
            ("application/grpc;charset=x", Some(Speech::Native)),
            ("application/grpc-web", Some(Speech::Web)),
            ("application/GRPC-Web+proto", Some(Speech::Web)),
            ("application/grpc-web-text", Some(Speech::WebText)),
            ("application/grpc-web-text+proto", Some(Speech::WebText)),
            ("application/grpc-webby", None),
            ("application/grpc-other", None),
            ("application/grpcfoo", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(Speech::of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn messages_are_percent_encoded() {
        assert_eq!(encode_message("100 % sûr\n"), "100 %25 s%C3%BBr%0A");
    }
}

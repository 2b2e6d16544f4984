//! `traceparent` (W3C Trace Context, level 1, section 3.2): read strictly, written anew.
//!
//! Level 1 says that a value which cannot be read is as good as none: the caller then begins a new
//! trace. More than one `traceparent` field is such a value too; that is the caller's to see.

use http::{HeaderName, HeaderValue};

use super::hex;

/// Sixteen bytes, never all zero, that name one trace from end to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Eight bytes, never all zero, that name one hop of a trace: `parent-id` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// What one `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The hop that sent the value.
    pub parent: SpanId,
    /// `trace-flags`; level 1 defines the lowest bit alone, see [`Self::sampled`].
    pub flags: u8,
}

impl TraceId {
    /// A new random id.
    pub fn generate() -> Self {
        Self(fastrand::u128(1..).to_be_bytes())
    }

    /// The sixteen bytes.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 32 lower-case hexadecimal digits of the log and the wire.
    pub fn hex(&self) -> [u8; 32] {
        let mut digits = [0; 32];
        hex::write(&self.0, &mut digits);
        digits
    }
}

impl SpanId {
    /// A new random id.
    pub fn generate() -> Self {
        Self(fastrand::u64(1..).to_be_bytes())
    }

    /// The eight bytes.
    pub fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl TraceContext {
    /// The field that it travels in.
    pub const FIELD: HeaderName = HeaderName::from_static("traceparent");

    /// Begins a trace that nobody has decided to record.
    pub fn begin() -> Self {
        Self { trace: TraceId::generate(), parent: SpanId::generate(), flags: 0 }
    }

    /// Reads a `traceparent` value; none when it is not valid and must be ignored.
    ///
    /// A version above 00 is read as level 1 asks: its first 55 characters as if they were
    /// version 00, provided that the value ends there or goes on with a hyphen; of its flags only
    /// those that level 1 knows are kept.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (head, rest) = value.split_at_checked(LENGTH)?;
        if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
            return None;
        }
        let [version]: [u8; 1] = read_hex(&head[..2])?;
        let [flags]: [u8; 1] = read_hex(&head[53..])?;
        let flags = match (version, rest) {
            (0, []) => flags,
            (1..=0xfe, [] | [b'-', ..]) => flags & SAMPLED,
            // Version 00 with a tail, version ff, or a tail that does not begin with a hyphen.
            (_, _) => return None,
        };
        let trace: [u8; 16] = read_hex(&head[3..35])?;
        let parent: [u8; 8] = read_hex(&head[36..52])?;
        if trace == [0; 16] || parent == [0; 8] {
            return None;
        }
        Some(Self { trace: TraceId(trace), parent: SpanId(parent), flags })
    }

    /// The same trace, one hop further on.
    #[must_use]
    pub fn child(self) -> Self {
        Self { parent: SpanId::generate(), ..self }
    }

    /// Whether the caller may have recorded this trace.
    pub fn sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The value as a header's.
    pub fn header_value(self) -> HeaderValue {
        // Hexadecimal digits and hyphens are always a valid header value.
        let text = self.text();
        let mut value =
            HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
        // As with request ids: no place in HPACK's dynamic table for what is never seen again.
        value.set_sensitive(true);
        value
    }

    /// The value as version 00.
    pub fn text(self) -> [u8; LENGTH] {
        let mut text = [b'-'; LENGTH];
        hex::write(&[0], &mut text[..2]);
        hex::write(&self.trace.0, &mut text[3..35]);
        hex::write(&self.parent.0, &mut text[36..52]);
        hex::write(&[self.flags], &mut text[53..]);
        text
    }
}

/// Reads lower-case digits only: level 1 forbids the upper case.
fn read_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parse(text: &str) -> Option<TraceContext> {
        TraceContext::parse(text.as_bytes())
    }

    #[test]
    fn the_example_of_the_recommendation_reads_and_writes_back() {
        let context = parse(EXAMPLE).unwrap();
        assert!(context.sampled());
        assert_eq!(&context.trace.hex(), b"4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.header_value(), EXAMPLE);
    }

    #[test]
    fn a_child_keeps_the_trace_and_gets_its_own_parent() {
        let context = parse(EXAMPLE).unwrap();
        let child = context.child();
        assert_eq!((child.trace, child.flags), (context.trace, context.flags));
        assert_ne!(child.parent, context.parent);
    }

    #[test]
    fn a_new_trace_is_valid_and_not_sampled() {
        for _ in 0..300 {
            let begun = TraceContext::begin();
            assert_eq!(TraceContext::parse(begun.header_value().as_bytes()), Some(begun));
            assert!(!begun.sampled());
        }
    }

    #[test]
    fn what_level_1_forbids_is_ignored() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let wrong = [
            "",
            "00",
            zero_trace,
            zero_parent,
            &EXAMPLE.to_uppercase(),
            &EXAMPLE[..54],
            &format!("{EXAMPLE}-"),
            &format!("{EXAMPLE}-what-the-future-holds"),
            &format!(" {EXAMPLE}"),
            &format!("ff{}", &EXAMPLE[2..]),
            &format!("cc{}.what-the-future-holds", &EXAMPLE[2..]),
            &EXAMPLE.replace('-', "_"),
            &EXAMPLE.replace("4bf9", "4bg9"),
            &EXAMPLE.replace("-01", "-0x"),
        ];
        for text in wrong {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_later_version_is_read_by_its_beginning() {
        for tail in ["", "-", "-what-the-future-holds"] {
            let text = format!("cc{}{tail}", EXAMPLE[2..].replace("-01", "-ff"));
            let context = parse(&text).unwrap();
            assert_eq!(context.flags, 1);
            assert_eq!(context.header_value(), EXAMPLE);
        }
    }

    proptest! {
        #[test]
        fn never_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = TraceContext::parse(&value);
        }

        #[test]
        fn never_panics_near_the_truth(at in 0usize..55, byte: u8) {
            let mut value = EXAMPLE.as_bytes().to_vec();
            value[at] = byte;
            if let Some(context) = TraceContext::parse(&value) {
                let written = context.header_value();
                prop_assert_eq!(TraceContext::parse(written.as_bytes()), Some(context));
            }
        }
    }
}

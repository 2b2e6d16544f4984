//! `traceparent` against a reading that is made of other means: the fields between the hyphens.

use guichet::base::TraceContext;

use crate::corpus::Target;

#[test]
fn fuzz_traceparent() {
    let target = Target {
        name: "traceparent",
        words: &[
            b"00-",
            b"01-",
            b"ff-",
            b"fe-",
            b"-",
            b"-01",
            b"-00",
            b"-ff",
            b"0000000000000000",
            b"4bf92f3577b34da6a3ce929d0e0e4736",
            b"00f067aa0ba902b7",
            b"A",
            b"g",
            b" ",
        ],
        longest: 120,
        inputs: 20_000,
    };
    target.run(|input| {
        let read = TraceContext::parse(input);
        let expected = reference(input);
        let told =
            read.map(|context| (*context.trace.bytes(), *context.parent.bytes(), context.flags));
        assert_eq!(told, expected);
        let Some(context) = read else { return 0 };
        let written = context.header_value();
        assert_eq!(
            TraceContext::parse(written.as_bytes()),
            Some(context),
            "it reads what it writes"
        );
        assert_eq!(&written.as_bytes()[..3], b"00-");
        1 + u8::from(context.sampled()) + 2 * u8::from(input.len() > 55)
    });
}

fn reference(input: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    // Latin-1: what a later version goes on with may be any byte.
    let text: String = input.iter().copied().map(char::from).collect();
    let mut fields = text.splitn(5, '-');
    let mut next = |length: usize| {
        let field = fields.next().filter(|field| field.len() == length)?;
        let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        field.bytes().all(lower).then(|| u128::from_str_radix(field, 16).ok())?
    };
    let (version, trace, parent, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    let goes_on = fields.next().is_some();
    if version == 255 || trace == 0 || parent == 0 || version == 0 && goes_on {
        return None;
    }
    let flags = u8::try_from(flags).ok()? & if version == 0 { 0xff } else { 1 };
    Some((trace.to_be_bytes(), u64::try_from(parent).ok()?.to_be_bytes(), flags))
}

//! One JSON object on one line, whatever the bytes.
//!
//! Clients choose paths, hosts and user agents. None of it may end a line early, forge a member,
//! or reach an operator's terminal as a control sequence: quotes, backslashes and every control
//! character (C0, DEL, C1, line separators, direction marks) are escaped, bytes that are not UTF-8
//! become U+FFFD (RFC 8259, sections 7 and 8.1).

use std::time::Duration;

use crate::base::unescaped;

/// The name of a member as it stands in a line, made by [`member`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Member(pub(super) &'static str);

/// A member's name with everything that stands around it, put together at compile time: a line has
/// more than twenty, and what is not put together then is appended piece by piece for each request.
macro_rules! member {
    ($name:literal) => {
        $crate::observe::json::Member(concat!(",\"", $name, "\":"))
    };
}

pub(super) use member;

/// Writes the members of one object, in the order of the calls.
#[derive(Debug)]
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Opens the object with its first member, whose value `write` appends.
    pub(super) fn begin(
        out: &'a mut Vec<u8>,
        first: Member,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Self {
        out.push(b'{');
        // The first member has no comma before it.
        out.extend_from_slice(&first.0.as_bytes()[1..]);
        write(out);
        Self { out }
    }

    /// Closes the object and the line.
    pub(super) fn end(self) {
        self.out.extend_from_slice(b"}\n");
    }

    /// Members that were put together before.
    #[inline]
    pub(super) fn ready(&mut self, members: &[u8]) {
        self.out.extend_from_slice(members);
    }

    /// A member with text that guichet itself wrote: plain ASCII without quotes or backslashes.
    #[inline]
    pub(super) fn word(&mut self, name: Member, word: impl AsRef<[u8]>) {
        self.name(name);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_ref());
        self.out.push(b'"');
    }

    /// A member with text from anywhere, of which at most about `limit` bytes are kept.
    pub(super) fn text(&mut self, name: Member, text: &[u8], limit: usize) {
        self.name(name);
        escaped(text, limit, self.out);
    }

    /// A member with a whole number.
    #[inline]
    pub(super) fn number(&mut self, name: Member, number: u64) {
        self.name(name);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    /// A member with `true` or `false`.
    #[inline]
    pub(super) fn flag(&mut self, name: Member, flag: bool) {
        self.name(name);
        self.out.extend_from_slice(if flag { b"true" } else { b"false" });
    }

    /// A member with a duration in milliseconds, to the microsecond.
    pub(super) fn millis(&mut self, name: Member, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.number(name, micros / 1_000);
        self.out.push(b'.');
        let fraction = micros % 1_000;
        for digit in [fraction / 100, fraction / 10 % 10, fraction % 10] {
            self.out.push(DIGITS[usize::try_from(digit).unwrap_or_default()]);
        }
    }

    /// A member whose text `write` appends, quotes and escapes included.
    #[inline]
    pub(super) fn raw(&mut self, name: Member, write: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        write(self.out);
    }

    #[inline]
    fn name(&mut self, name: Member) {
        self.out.extend_from_slice(name.0.as_bytes());
    }
}

/// A string in quotes, of at most about `limit` bytes of text.
pub(super) fn escaped(text: &[u8], limit: usize, out: &mut Vec<u8>) {
    out.push(b'"');
    match text.get(..limit) {
        Some(start) if text.len() > limit => {
            escape(whole_characters(start), out);
            out.extend_from_slice("…".as_bytes());
        }
        Some(_) | None => escape(text, out),
    }
    out.push(b'"');
}

/// Leaves off the beginning of a character that a cut went through, so that the cut is not told
/// as a byte that is not UTF-8.
fn whole_characters(cut: &[u8]) -> &[u8] {
    let tail = cut.len().saturating_sub(3);
    match cut[tail..].iter().rposition(|byte| *byte >= 0xc0) {
        Some(at) if std::str::from_utf8(&cut[tail + at..]).is_err() => &cut[..tail + at],
        Some(_) | None => cut,
    }
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(unescaped(rest));
        out.extend_from_slice(plain);
        let Some(first) = special.first() else { return };
        // What is not ASCII goes on to the next byte that is.
        let end = match first {
            0x80.. => special.iter().position(u8::is_ascii).unwrap_or(special.len()),
            _ => 1,
        };
        let (special, plain) = special.split_at(end);
        for chunk in special.utf8_chunks() {
            chunk.valid().chars().for_each(|character| escape_character(character, out));
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
        rest = plain;
    }
}

fn escape_character(character: char, out: &mut Vec<u8>) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        // Direction marks and line separators rearrange what a reader sees.
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            escape_number(character, out);
        }
        _ if character.is_control() => escape_number(character, out),
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

fn escape_number(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(DIGITS[usize::try_from(u32::from(character) >> shift & 15).unwrap_or_default()]);
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn line(text: &[u8], limit: usize) -> String {
        let mut out = Vec::new();
        let object = Object::begin(&mut out, member!("t"), |out| escaped(text, limit, out));
        object.end();
        String::from_utf8(out).unwrap()
    }

    fn read_back(text: &[u8], limit: usize) -> String {
        let value: Value = serde_json::from_str(&line(text, limit)).unwrap();
        value["t"].as_str().unwrap().to_owned()
    }

    #[test]
    fn members_stand_in_the_order_of_the_calls() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out, member!("z"), |out| out.push(b'1'));
        object.word(member!("a"), "b");
        object.text(member!("x"), b"y\"", 9);
        object.ready(b",\"k\":2");
        object.number(member!("n"), 7);
        object.flag(member!("f"), true);
        object.millis(member!("t"), Duration::from_micros(1_234_005));
        object.raw(member!("r"), |out| out.extend_from_slice(b"null"));
        object.end();
        let expected = "{\"z\":1,\"a\":\"b\",\"x\":\"y\\\"\",\"k\":2,\"n\":7,\"f\":true,\"t\":1234.005,\"r\":null}\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn what_could_break_a_line_or_a_terminal_is_escaped() {
        let hostile = "a\"b\\c\nd\re\tf\0g\u{1b}[31mh\u{7f}i\u{9b}j\u{2028}k\u{202e}l";
        let expected = "{\"t\":\"a\\\"b\\\\c\\nd\\re\\tf\\u0000g\\u001b[31mh\\u007fi\\u009bj\\u2028\
                        k\\u202el\"}\n";
        assert_eq!(line(hostile.as_bytes(), 100), expected);
        assert_eq!(read_back(hostile.as_bytes(), 100), hostile);
    }

    #[test]
    fn foreign_bytes_become_replacement_characters() {
        assert_eq!(read_back(b"caf\xe9 \xff\xfe!", 100), "caf\u{fffd} \u{fffd}\u{fffd}!");
        assert_eq!(read_back("café".as_bytes(), 100), "café");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_marked() {
        assert_eq!(read_back(b"abcdef", 6), "abcdef");
        assert_eq!(read_back(b"abcdefg", 6), "abcdef…");
        assert_eq!(read_back("abcdeéé".as_bytes(), 6), "abcde…");
        assert_eq!(read_back("abcdéé".as_bytes(), 6), "abcdé…");
        assert_eq!(read_back("ab🦀c".as_bytes(), 4), "ab…");
    }

    proptest! {
        #[test]
        fn any_bytes_make_one_line_of_json(
            text in proptest::collection::vec(any::<u8>(), 0..80),
            limit in 0usize..90,
        ) {
            let line = line(&text, limit);
            prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
            prop_assert!(!line.trim_end().chars().any(char::is_control));
            let value: Value = serde_json::from_str(&line).unwrap();
            if let Ok(text) = str::from_utf8(&text) && text.len() <= limit {
                prop_assert_eq!(value["t"].as_str(), Some(text));
            }
        }
    }
}

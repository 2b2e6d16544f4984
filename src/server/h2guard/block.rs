//! Skims header blocks (RFC 7541) without decoding them: how many fields, and is there a
//! pseudo-header among them?
//!
//! Both must be known before a decoder makes memory of a block, because a field costs a byte on
//! the wire and a hundred in a map; and pseudo-headers in trailers are gone after it. A skim reads
//! the numbers and jumps over the strings. Of the dynamic table it needs one bit an entry: whether
//! the name begins with a colon. Entries are numbered from the latest, so evictions, which happen at
//! the other end, need not be followed.

/// A reader of header blocks; it lives as long as its connection, like the table.
#[derive(Debug, Default)]
pub(super) struct Skim {
    state: State,
    /// Fields of this block so far.
    fields: usize,
    /// Bytes of this block so far.
    bytes: usize,
    pseudo: bool,
    /// For the latest entries of the dynamic table whether their names are pseudo; bit 0 is the last.
    recent: u128,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// A field begins.
    #[default]
    Field,
    /// An index, or a size of the table, goes on.
    Index(Kind, Number),
    /// The length of a name begins.
    NameStart(Insert),
    NameLength(Insert, Huffman, Number),
    /// The first byte of a name, which tells whether it is pseudo.
    Name(Insert, Huffman, usize),
    NameRest(Insert, bool, usize),
    /// The length of a value begins; the name is known to be pseudo or not.
    ValueStart(Insert, bool),
    ValueLength(Insert, bool, Number),
    Value(Insert, bool, usize),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Indexed,
    Literal(Insert),
    TableSize,
}

/// Whether a field goes into the dynamic table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Insert {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Huffman {
    Yes,
    No,
}

/// An integer whose prefix was full (RFC 7541, section 5.1).
#[derive(Clone, Copy, Debug)]
struct Number {
    value: usize,
    shift: u32,
}

impl Number {
    fn after(prefix: u8) -> Self {
        Self { value: prefix.into(), shift: 0 }
    }

    /// The whole integer, when this byte was its last. One that is too large to be true stays
    /// large: the decoder refuses it.
    fn add(&mut self, byte: u8) -> Option<usize> {
        let part = usize::from(byte & 0x7f).checked_shl(self.shift).unwrap_or(usize::MAX);
        self.value = self.value.saturating_add(part).min(LARGEST);
        self.shift = (self.shift + 7).min(28);
        (byte & 0x80 == 0).then_some(self.value)
    }
}

impl Skim {
    /// A new block begins.
    pub(super) fn begin(&mut self) {
        (self.state, self.fields, self.bytes, self.pseudo) = (State::Field, 0, 0, false);
    }

    /// Fields of the block so far, pseudo-headers included.
    pub(super) fn fields(&self) -> usize {
        self.fields
    }

    /// Bytes of the block so far, as compressed.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the block has had a pseudo-header.
    pub(super) fn has_pseudo(&self) -> bool {
        self.pseudo
    }

    /// Whether what was read so far could be a whole block.
    pub(super) fn between_fields(&self) -> bool {
        matches!(self.state, State::Field)
    }

    /// Reads on. Nothing is malformed here: what makes no sense, the decoder refuses.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len());
        while let Some((&first, rest)) = bytes.split_first() {
            match &mut self.state {
                State::NameRest(_, _, left) | State::Value(_, _, left) => {
                    let count = bytes.len().min(*left);
                    *left -= count;
                    bytes = &bytes[count..];
                    if *left > 0 {
                        return;
                    }
                    self.string_ended();
                    continue;
                }
                // Most fields of a connection that has warmed up are one byte: no state changes.
                State::Field if matches!(first, 0x80..=0xfe) => {
                    self.count(usize::from(first & 0x7f))
                }
                State::Field => self.field(first),
                State::Index(kind, number) => {
                    let kind = *kind;
                    if let Some(index) = number.add(first) {
                        self.indexed(kind, index);
                    }
                }
                State::NameStart(insert) => {
                    let insert = *insert;
                    let huffman = if first & 0x80 == 0 { Huffman::No } else { Huffman::Yes };
                    match first & 0x7f {
                        0x7f => {
                            self.state = State::NameLength(insert, huffman, Number::after(0x7f));
                        }
                        length => self.name(insert, huffman, length.into()),
                    }
                }
                State::NameLength(insert, huffman, number) => {
                    let (insert, huffman) = (*insert, *huffman);
                    if let Some(length) = number.add(first) {
                        self.name(insert, huffman, length);
                    }
                }
                State::Name(insert, huffman, length) => {
                    let pseudo = match huffman {
                        Huffman::No => first == b':',
                        // A colon is seven bits long (RFC 7541, appendix B).
                        Huffman::Yes => first >> 1 == 0x5c,
                    };
                    self.state = State::NameRest(*insert, pseudo, *length - 1);
                    if matches!(self.state, State::NameRest(_, _, 0)) {
                        self.string_ended();
                    }
                }
                State::ValueStart(insert, pseudo) => {
                    let (insert, pseudo) = (*insert, *pseudo);
                    match first & 0x7f {
                        0x7f => {
                            self.state = State::ValueLength(insert, pseudo, Number::after(0x7f));
                        }
                        length => self.value(insert, pseudo, length.into()),
                    }
                }
                State::ValueLength(insert, pseudo, number) => {
                    let (insert, pseudo) = (*insert, *pseudo);
                    if let Some(length) = number.add(first) {
                        self.value(insert, pseudo, length);
                    }
                }
            }
            bytes = rest;
        }
    }

    /// The first byte of a field (RFC 7541, section 6).
    fn field(&mut self, first: u8) {
        let (kind, mask) = match first {
            0x80.. => (Kind::Indexed, 0x7f),
            0x40..0x80 => (Kind::Literal(Insert::Yes), 0x3f),
            0x20..0x40 => (Kind::TableSize, 0x1f),
            _ => (Kind::Literal(Insert::No), 0x0f),
        };
        match first & mask {
            full if full == mask => self.state = State::Index(kind, Number::after(full)),
            index => self.indexed(kind, index.into()),
        }
    }

    /// A whole field by its index.
    fn count(&mut self, index: usize) {
        self.fields += 1;
        self.pseudo = self.pseudo || self.is_pseudo(index);
    }

    fn indexed(&mut self, kind: Kind, index: usize) {
        self.state = match kind {
            Kind::TableSize => State::Field,
            Kind::Indexed => {
                self.count(index);
                State::Field
            }
            Kind::Literal(insert) if index == 0 => State::NameStart(insert),
            Kind::Literal(insert) => State::ValueStart(insert, self.is_pseudo(index)),
        };
    }

    fn name(&mut self, insert: Insert, huffman: Huffman, length: usize) {
        self.state = match length {
            0 => State::ValueStart(insert, false),
            _ => State::Name(insert, huffman, length),
        };
    }

    fn value(&mut self, insert: Insert, pseudo: bool, length: usize) {
        self.state = State::Value(insert, pseudo, length);
        if length == 0 {
            self.string_ended();
        }
    }

    fn string_ended(&mut self) {
        match self.state {
            State::NameRest(insert, pseudo, _) => self.state = State::ValueStart(insert, pseudo),
            State::Value(insert, pseudo, _) => {
                self.fields += 1;
                self.pseudo |= pseudo;
                if insert == Insert::Yes {
                    self.recent = self.recent << 1 | u128::from(pseudo);
                }
                self.state = State::Field;
            }
            State::Field
            | State::Index(..)
            | State::NameStart(_)
            | State::NameLength(..)
            | State::Name(..)
            | State::ValueStart(..)
            | State::ValueLength(..) => {}
        }
    }

    fn is_pseudo(&self, index: usize) -> bool {
        match index {
            1..=LAST_STATIC_PSEUDO => true,
            FIRST_DYNAMIC..MOST_ENTRIES_END => self.recent >> (index - FIRST_DYNAMIC) & 1 == 1,
            _ => false,
        }
    }
}

/// No length or index of a real block comes near it.
const LARGEST: usize = 1 << 28;
/// The static table begins with the pseudo-headers (RFC 7541, appendix A).
const LAST_STATIC_PSEUDO: usize = 14;
const FIRST_DYNAMIC: usize = 62;
/// A table of 4096 bytes, which is what guichet offers, holds 128 entries of 32 bytes at most.
const MOST_ENTRIES_END: usize = FIRST_DYNAMIC + 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn skim(skim: &mut Skim, block: &[u8], cut: usize) -> (usize, bool) {
        skim.begin();
        block.chunks(cut).for_each(|piece| skim.read(piece));
        assert!(matches!(skim.state, State::Field), "{:?}", skim.state);
        (skim.fields(), skim.has_pseudo())
    }

    #[test]
    fn the_examples_of_rfc_7541() {
        // Appendix C.4: three requests on one connection, with Huffman coding.
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let second = b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf";
        let third = b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\
            \x5b\xb8\xe8\xb4\xbf";
        for cut in 1..9 {
            let mut reader = Skim::default();
            assert_eq!(skim(&mut reader, first, cut), (4, true));
            assert_eq!(skim(&mut reader, second, cut), (5, true));
            assert_eq!(skim(&mut reader, third, cut), (5, true));
            assert_eq!(reader.recent, 0b100, ":authority, cache-control, custom-key");
            assert_eq!(skim(&mut reader, b"\xbe\xbf", cut), (2, false));
            assert_eq!(skim(&mut reader, b"\xc0", cut), (1, true), "the indexed :authority");
        }
    }

    #[test]
    fn pseudo_headers_are_seen_in_every_dress() {
        for (block, expected) in [
            (&b"\x84"[..], true),
            (b"\x0f\x00\x01a", false),
            (b"\x04\x01/", true),
            (b"\x44\x01/", true),
            (b"\x00\x05:path\x01/", true),
            (b"\x10\x84\xb9\x58\xd3\x3f\x01/", true),
            (b"\x00\x05xpath\x01:", false),
            (b"\x3f\xe1\x1f\x90", false),
        ] {
            assert_eq!(skim(&mut Skim::default(), block, 1).1, expected, "{block:02x?}");
        }
    }

    #[test]
    fn fields_of_one_byte_are_counted() {
        let mut reader = Skim::default();
        assert_eq!(skim(&mut reader, b"\x40\x01a\x00", 2), (1, false));
        assert_eq!(skim(&mut reader, &[0xbe; 4000], 1000), (4000, false));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut whole = Skim::default();
            whole.read(&bytes);
            let mut pieces = Skim::default();
            bytes.chunks(3).for_each(|piece| pieces.read(piece));
            prop_assert_eq!(whole.fields, pieces.fields);
            prop_assert_eq!(whole.recent, pieces.recent);
        }
    }
}

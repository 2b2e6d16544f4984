//! The name of a member of a JSON object as it comes in, unescaped on the way.

/// A name as it comes in.
#[derive(Debug)]
pub(super) struct Name {
    bytes: [u8; LONGEST],
    length: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
}

/// Names that are longer match nothing.
const LONGEST: usize = 64;

impl Name {
    pub(super) fn clear(&mut self) {
        (self.length, self.high) = (0, None);
    }

    pub(super) fn push(&mut self, byte: u8) {
        match self.bytes.get_mut(self.length) {
            Some(slot) => {
                *slot = byte;
                self.length += 1;
            }
            // One more than there is room for: no slice of it is the name then.
            None => self.length = LONGEST + 1,
        }
    }

    /// What it is; nothing if it is longer than any that matters.
    pub(super) fn known(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// One unit of UTF-16.
    pub(super) fn unit(&mut self, unit: u16) {
        let units = self.high.take().into_iter().chain([unit]);
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
            return;
        }
        for letter in char::decode_utf16(units) {
            let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
            letter.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.push(byte));
        }
    }
}

impl Default for Name {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], length: 0, high: None }
    }
}

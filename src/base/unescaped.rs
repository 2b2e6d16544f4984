//! Which bytes of a JSON string stand for themselves, found eight at a look.
//!
//! Nearly every text that guichet writes is plain from end to end, so what costs is finding that
//! out. A word of eight bytes is judged by arithmetic on all of them at once: a byte below `n` or
//! equal to `n` borrows into its own highest bit when it is subtracted from. A borrow may reach
//! later bytes, never earlier ones, so the first byte that is found is always a true one.

/// How many bytes at the beginning of `text` are `unescaped` in the sense of RFC 8259, section 7,
/// and printable ASCII besides.
pub fn unescaped(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return at * 8 + usize::try_from(found.trailing_zeros() / 8).unwrap_or_default();
        }
    }
    let before = words.len() * 8;
    // The last eight bytes overlap what is known already, which is cheaper than one by one.
    if let Some(word) = text.last_chunk::<8>()
        && special(u64::from_le_bytes(*word)) == 0
    {
        return text.len();
    }
    before + tail.iter().position(|byte| !is_unescaped(*byte)).unwrap_or(tail.len())
}

fn is_unescaped(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// The highest bit of the first byte that is not plain is set, and none before it.
fn special(word: u64) -> u64 {
    let equals = |byte: u8| {
        let differs = word ^ (EACH * u64::from(byte));
        differs.wrapping_sub(EACH) & !differs
    };
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    (word | control | equals(b'"') | equals(b'\\') | equals(0x7f)) & (EACH * 0x80)
}

/// One in each byte of a word.
const EACH: u64 = 0x0101_0101_0101_0101;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(text: &[u8]) -> usize {
        text.iter().position(|byte| !is_unescaped(*byte)).unwrap_or(text.len())
    }

    #[test]
    fn every_byte_in_every_place_is_judged() {
        for length in 0..=20 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    assert_eq!(unescaped(&text), one_by_one(&text), "{text:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn words_say_what_bytes_say(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unescaped(&text), one_by_one(&text));
        }

        #[test]
        fn so_they_do_in_plain_text(text in "[ -~]{0,40}", tail in "[\"\\\\é\n\u{7f}]{0,2}") {
            let text = text + &tail;
            prop_assert_eq!(unescaped(text.as_bytes()), one_by_one(text.as_bytes()));
        }
    }
}

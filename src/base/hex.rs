//! Lower-case hexadecimal digits, two at a time from a table: every request writes some eighty.

/// Writes two digits for each byte; `out` has room for them.
pub fn write(bytes: &[u8], out: &mut [u8]) {
    for (byte, digits) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        digits.copy_from_slice(&PAIRS[usize::from(*byte)]);
    }
}

const PAIRS: [[u8; 2]; 256] = {
    let digits = *b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut at = 0;
    while at < 256 {
        pairs[at] = [digits[at >> 4], digits[at & 15]];
        at += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_two_digits() {
        for byte in 0..=u8::MAX {
            let mut out = [0; 2];
            write(&[byte], &mut out);
            assert_eq!(std::str::from_utf8(&out), Ok(format!("{byte:02x}").as_str()));
        }
    }
}

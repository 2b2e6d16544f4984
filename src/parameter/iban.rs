//! International bank account numbers (ISO 13616): a country, two check digits and an account whose
//! length the country fixes; as a number with letters counted from ten, 1 modulo 97.
//!
//! Taken as machines exchange them: capitals, without the blanks that paper has.

/// Whether this is one of a country of the registry, right in length and check digits.
pub(super) fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [c1 @ b'A'..=b'Z', c2 @ b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9', account @ ..] = bytes else {
        return false;
    };
    let country = [*c1, *c2];
    let length = LENGTHS.binary_search_by(|(known, _)| (*known).cmp(&country));
    let length = length.ok().and_then(|at| LENGTHS.get(at)).map(|(_, length)| usize::from(*length));
    if length != Some(bytes.len()) {
        return false;
    }
    let (front, _) = bytes.split_at(4);
    // 00, 01 and 99 leave the same rest as 97, 98 and 02 and are never given out.
    let given = !matches!(front, [_, _, b'0', b'0' | b'1'] | [_, _, b'9', b'9']);
    given && account.iter().chain(front).try_fold(0, |rest, byte| shift(rest, *byte)) == Some(1)
}

fn shift(rest: u32, byte: u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    }
}

/// The registry's countries and their lengths, by country.
#[rustfmt::skip]
const LENGTHS: &[([u8; 2], u8)] = &[
    (*b"AD", 24), (*b"AE", 23), (*b"AL", 28), (*b"AT", 20), (*b"AZ", 28), (*b"BA", 20), (*b"BE", 16),
    (*b"BG", 22), (*b"BH", 22), (*b"BI", 27), (*b"BR", 29), (*b"BY", 28), (*b"CH", 21), (*b"CR", 22),
    (*b"CY", 28), (*b"CZ", 24), (*b"DE", 22), (*b"DJ", 27), (*b"DK", 18), (*b"DO", 28), (*b"EE", 20),
    (*b"EG", 29), (*b"ES", 24), (*b"FI", 18), (*b"FK", 18), (*b"FO", 18), (*b"FR", 27), (*b"GB", 22),
    (*b"GE", 22), (*b"GI", 23), (*b"GL", 18), (*b"GR", 27), (*b"GT", 28), (*b"HN", 28), (*b"HR", 21),
    (*b"HU", 28), (*b"IE", 22), (*b"IL", 23), (*b"IQ", 23), (*b"IS", 26), (*b"IT", 27), (*b"JO", 30),
    (*b"KW", 30), (*b"KZ", 20), (*b"LB", 28), (*b"LC", 32), (*b"LI", 21), (*b"LT", 20), (*b"LU", 20),
    (*b"LV", 21), (*b"LY", 25), (*b"MC", 27), (*b"MD", 24), (*b"ME", 22), (*b"MK", 19), (*b"MN", 20),
    (*b"MR", 27), (*b"MT", 31), (*b"MU", 30), (*b"NI", 28), (*b"NL", 18), (*b"NO", 15), (*b"OM", 23),
    (*b"PK", 24), (*b"PL", 28), (*b"PS", 29), (*b"PT", 25), (*b"QA", 29), (*b"RO", 24), (*b"RS", 22),
    (*b"RU", 33), (*b"SA", 24), (*b"SC", 31), (*b"SD", 18), (*b"SE", 24), (*b"SI", 19), (*b"SK", 24),
    (*b"SM", 27), (*b"SO", 23), (*b"ST", 25), (*b"SV", 28), (*b"TL", 23), (*b"TN", 24), (*b"TR", 26),
    (*b"UA", 29), (*b"VA", 22), (*b"VG", 24), (*b"XK", 20), (*b"YE", 30),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The registry's own examples.
    #[test]
    fn accounts() {
        for right in [
            "FR1420041010050500013M02606",
            "DE89370400440532013000",
            "GB29NWBK60161331926819",
            "BE68539007547034",
            "CH9300762011623852957",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
            "ES9121000418450200051332",
            "IT60X0542811101000000123456",
            "NL91ABNA0417164300",
            "LU280019400644750000",
            "PT50000201231234567890154",
            "MC5811222000010123456789030",
            "SC18SSCB11010000000000001497USD",
        ] {
            assert!(is_iban(right), "{right}");
        }
        for wrong in [
            "",
            "FR",
            "FR1420041010050500013M02607",
            "FR1420041010050500013M0260",
            "FR14 2004 1010 0505 0001 3M02 606",
            "fr1420041010050500013m02606",
            "XX1420041010050500013M02606",
            "FR1420041010050500013é2606",
            "DE00370400440532013000",
            "1420041010050500013M02606FR",
        ] {
            assert!(!is_iban(wrong), "{wrong}");
        }
    }

    #[test]
    fn countries_are_sorted_and_lengths_are_possible() {
        assert!(LENGTHS.is_sorted_by(|(one, _), (other, _)| one < other));
        assert!(LENGTHS.iter().all(|(_, length)| (15..=34).contains(length)));
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,40}", like in "[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}") {
            let _ = (is_iban(&text), is_iban(&like));
        }

        #[test]
        fn a_slip_of_one_digit_is_found(at in 4_usize..22, digit in 0_u8..10) {
            let mut text = *b"DE89370400440532013000";
            let right = text[at];
            text[at] = b'0' + digit;
            prop_assert_eq!(is_iban(std::str::from_utf8(&text).unwrap()), text[at] == right);
        }
    }
}

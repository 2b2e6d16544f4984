//! SIREN and SIRET, the numbers of French companies and of their establishments: digits whose last
//! one is a check by Luhn's rule (ISO/IEC 7812-1, annex B). La Poste has so many establishments
//! that the rule ran out of numbers: theirs only have a sum of digits that is a multiple of five.

/// Nine digits.
pub(super) fn is_siren(text: &str) -> bool {
    text.len() == 9 && luhn(text.as_bytes())
}

/// A SIREN and five digits more.
pub(super) fn is_siret(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.len() == 14
        && text.get(..9).is_some_and(is_siren)
        && (luhn(bytes) || text.starts_with(LA_POSTE) && sum(bytes).is_some_and(|sum| sum % 5 == 0))
}

/// Its head office keeps to Luhn's rule all the same.
const LA_POSTE: &str = "356000000";

/// Every second digit from the right counts double, as the sum of its own digits.
fn luhn(digits: &[u8]) -> bool {
    let mut total = 0;
    for (at, byte) in digits.iter().rev().enumerate() {
        let Some(digit) = digit(*byte) else { return false };
        total += match (at % 2, digit * 2) {
            (0, _) => digit,
            (_, doubled @ 0..10) => doubled,
            (_, doubled) => doubled - 9,
        };
    }
    total % 10 == 0
}

fn sum(digits: &[u8]) -> Option<u32> {
    digits.iter().map(|byte| digit(*byte)).sum()
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn companies_and_establishments() {
        for right in ["732829320", "404833048", "356000000", "000000000"] {
            assert!(is_siren(right), "{right}");
        }
        for right in ["73282932000074", "40483304800022", "35600000000048"] {
            assert!(is_siret(right), "{right}");
        }
        for wrong in ["732829321", "73282932", "7328293200", "73282932a", "732 829 320", ""] {
            assert!(!is_siren(wrong), "{wrong}");
        }
        for wrong in [
            "73282932000075",
            "7328293200007",
            "732829320000740",
            "73282932O00074",
            // The establishment's digit is right, the company's is not.
            "73282932100073",
            "７3282932000",
        ] {
            assert!(!is_siret(wrong), "{wrong}");
        }
    }

    #[test]
    fn la_poste_counts_by_fives() {
        // 3 + 5 + 6 + 9 + 7 + 5 = 35.
        assert!(is_siret("35600000009075") && !luhn(b"35600000009075"));
        assert!(!is_siret("35600000009076"), "neither rule");
        assert!(!is_siret("73282932000004"), "a sum of fives, but another company");
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,20}", digits in "[0-9]{9,14}") {
            let _ = (is_siren(&text), is_siret(&text), is_siren(&digits), is_siret(&digits));
        }

        #[test]
        fn one_digit_in_ten_is_right(front in "[0-9]{8}") {
            let right = (0..10).filter(|last| is_siren(&format!("{front}{last}"))).count();
            prop_assert_eq!(right, 1);
        }
    }
}

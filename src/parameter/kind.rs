//! Types of values, with the bounds that each may have.

use regex::{Regex, RegexBuilder};

use super::{date, email, iban, siret};

/// What a value is.
#[derive(Debug)]
pub enum Kind {
    /// Any text within these bounds.
    String {
        /// Fewest characters.
        least: usize,
        /// Most characters.
        most: usize,
        /// What must be found in it.
        pattern: Option<Pattern>,
    },
    /// A whole number as JSON writes it.
    Integer {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A number as JSON writes it.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// `true` or `false`.
    Boolean,
    /// A day (RFC 3339, `full-date`).
    Date,
    /// A moment with its offset (RFC 3339, `date-time`).
    DateTime,
    /// 32 hexadecimal digits in five groups.
    Uuid,
    /// An address of e-mail.
    Email,
    /// An establishment in France.
    Siret,
    /// A company in France.
    Siren,
    /// A bank account.
    Iban,
}

/// A pattern whose search is linear in the text.
#[derive(Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles it. What it grows to is bounded, so that a thousand of them fit into memory.
    ///
    /// # Errors
    /// The mistake in one line, for the operator.
    pub fn compile(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).size_limit(MOST_COMPILED).build();
        built.map(Self).map_err(|error| {
            if matches!(error, regex::Error::CompiledTooBig(_)) {
                return "it grows too large when it is compiled".to_owned();
            }
            // The last line says what is wrong, those before show where.
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Bytes of one compiled pattern.
const MOST_COMPILED: usize = 256 << 10;

impl Kind {
    /// Whether a value is one of these. Never called with an empty one, which is judged before.
    pub fn takes(&self, text: &str) -> bool {
        match self {
            Self::String { least, most, pattern } => {
                // Characters are at most as many as bytes, so that short bounds need no count.
                let fits = (*least <= 1 && text.len() <= *most)
                    || (*least..=*most).contains(&text.chars().count());
                fits && pattern.as_ref().is_none_or(|pattern| pattern.0.is_match(text))
            }
            Self::Integer { min, max } => {
                integer(text).is_some_and(|number| (*min..=*max).contains(&number))
            }
            Self::Number { min, max } => {
                number(text).is_some_and(|number| (*min..=*max).contains(&number))
            }
            Self::Boolean => matches!(text, "true" | "false"),
            Self::Date => date::is_date(text),
            Self::DateTime => date::is_moment(text),
            Self::Uuid => is_uuid(text),
            Self::Email => email::is_email(text),
            Self::Siret => siret::is_siret(text),
            Self::Siren => siret::is_siren(text),
            Self::Iban => iban::is_iban(text),
        }
    }

    /// Whether two texts are one value of this type.
    pub(super) fn same(&self, one: &str, other: &str) -> bool {
        match self {
            Self::Number { .. } => number(one).is_some_and(|value| number(other) == Some(value)),
            Self::Integer { .. } => integer(one).is_some_and(|value| integer(other) == Some(value)),
            Self::Uuid => one.eq_ignore_ascii_case(other),
            Self::String { .. }
            | Self::Boolean
            | Self::Date
            | Self::DateTime
            | Self::Email
            | Self::Siret
            | Self::Siren
            | Self::Iban => one == other,
        }
    }
}

/// No sign but `-`, and no zeros before: what one program reads as eight another reads as ten.
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let plain =
        digits.iter().all(u8::is_ascii_digit) && matches!(digits, [b'0'] | [b'1'..=b'9', ..]);
    text.parse().ok().filter(|_| plain)
}

/// RFC 8259, section 6; beyond what a double holds it is none.
fn number(text: &str) -> Option<f64> {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (whole, rest) = digits(rest)?;
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let rest = match rest.strip_prefix('.') {
        Some(rest) => digits(rest)?.1,
        None => rest,
    };
    let rest = match rest.strip_prefix(['e', 'E']) {
        Some(rest) => digits(rest.strip_prefix(['+', '-']).unwrap_or(rest))?.1,
        None => rest,
    };
    text.parse().ok().filter(|number: &f64| rest.is_empty() && number.is_finite())
}

fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(digits, _)| !digits.is_empty())
}

/// RFC 9562, section 4, in either case.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers() {
        let kind = Kind::Integer { min: i64::MIN, max: i64::MAX };
        for right in ["0", "-0", "7", "-12", "9223372036854775807", "-9223372036854775808"] {
            assert!(kind.takes(right), "{right}");
        }
        for wrong in ["+1", "01", "-", "1.0", "1e3", " 1", "1 ", "9223372036854775808", "٣", "0x1"]
        {
            assert!(!kind.takes(wrong), "{wrong}");
        }
        let small = Kind::Integer { min: 0, max: 5 };
        assert!(small.takes("0") && small.takes("5") && !small.takes("6") && !small.takes("-1"));
    }

    #[test]
    fn numbers() {
        let kind = Kind::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };
        for right in ["0", "0.0", "-1.5", "1e3", "1E-3", "2.5e+10"] {
            assert!(kind.takes(right), "{right}");
        }
        for wrong in ["nan", "inf", "1e999", ".5", "1.", "01.5", "+1", "1e", "1,5", "--1", "1e3x"] {
            assert!(!kind.takes(wrong), "{wrong}");
        }
        assert!(kind.same("1.0", "1") && !kind.same("x", "x"));
    }

    #[test]
    fn texts_are_counted_in_characters() {
        let kind = Kind::String { least: 2, most: 3, pattern: None };
        assert!(kind.takes("éé") && kind.takes("ééé") && !kind.takes("é") && !kind.takes("éééé"));
        let short = Kind::String { least: 1, most: 3, pattern: None };
        assert!(short.takes("ééé") && !short.takes("éééé"));
        let pattern = Pattern::compile("^[A-Z]{2}$").unwrap();
        let kind = Kind::String { least: 1, most: usize::MAX, pattern: Some(pattern) };
        assert!(kind.takes("AB") && !kind.takes("ABC") && !kind.takes("AB\n"));
    }

    #[test]
    fn patterns_that_cannot_be_compiled_say_why() {
        assert_eq!(Pattern::compile("(").unwrap_err(), "unclosed group");
        assert!(Pattern::compile("(?=a)").unwrap_err().contains("look-around"));
        assert!(Pattern::compile("\\w{1000}{1000}").unwrap_err().contains("too large"));
    }

    #[test]
    fn uuids() {
        assert!(is_uuid("01939c5e-7b00-7000-8000-00000000000A"));
        for wrong in
            ["", "01939c5e7b0070008000000000000000", "01939c5e-7b00-7000-8000-00000000000g"]
        {
            assert!(!is_uuid(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn numbers_are_what_json_says(text in "[-+0-9.eE]{0,8}") {
            let parsed = serde_json::from_str::<f64>(&text).ok().filter(|number| number.is_finite());
            prop_assert_eq!(number(&text).is_some(), parsed.is_some(), "{}", text);
        }

        #[test]
        fn any_text_is_judged(text in ".{0,40}") {
            let _ = (number(&text), integer(&text), is_uuid(&text), Pattern::compile(&text));
        }
    }
}

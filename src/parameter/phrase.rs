//! What was expected, in the languages that guichet speaks: the end of the sentence "is not in the
//! expected format: …". A language that it does not speak has no such end, and the catalogue then
//! shows a text that needs none.

use std::fmt::Write as _;

use super::Kind;

/// A language to say it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// French.
    French,
    /// English.
    English,
    /// One that guichet does not speak.
    Other,
}

impl Tongue {
    /// The language of a tag: `fr-CA` is French.
    pub fn of(tag: &str) -> Self {
        match tag.split('-').next() {
            Some(primary) if primary.eq_ignore_ascii_case("fr") => Self::French,
            Some(primary) if primary.eq_ignore_ascii_case("en") => Self::English,
            Some(_) | None => Self::Other,
        }
    }
}

/// What can be said of every parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phrase {
    /// It is there, and holds nothing.
    NotEmpty,
    /// It is there more than once.
    Once,
    /// Its bytes are no text.
    Readable,
}

impl Phrase {
    /// The phrase in a language.
    pub fn say(self, tongue: Tongue) -> &'static str {
        let (french, english) = match self {
            Self::NotEmpty => ("une valeur qui n’est pas vide", "a value that is not empty"),
            Self::Once => ("une seule valeur", "one value alone"),
            Self::Readable => (
                "un texte en UTF-8, bien encodé (« % » suivi de deux chiffres hexadécimaux)",
                "text in UTF-8, rightly encoded (“%” and two hexadecimal digits)",
            ),
        };
        match tongue {
            Tongue::French => french,
            Tongue::English => english,
            Tongue::Other => "",
        }
    }
}

/// What a rule expects, in one language.
pub(super) fn expectation(kind: &Kind, one_of: &[Box<str>], tongue: Tongue) -> Box<str> {
    let french = match tongue {
        Tongue::French => true,
        Tongue::English => false,
        Tongue::Other => return "".into(),
    };
    if !one_of.is_empty() {
        return choice(one_of, french).into();
    }
    let fixed = |in_french: &str, in_english: &str| -> Box<str> {
        if french { in_french.into() } else { in_english.into() }
    };
    match kind {
        Kind::String { least, most, pattern } => {
            let mut text = length(*least, *most, french);
            if let Some(pattern) = pattern {
                let word = if french { "qui suit le motif" } else { "that follows the pattern" };
                // Writing into a String cannot fail.
                let _ = write!(text, " {word} {}", clipped(pattern.as_str()));
            }
            text.into()
        }
        Kind::Integer { min, max } => {
            let (min, max) = ((*min != i64::MIN).then_some(min), (*max != i64::MAX).then_some(max));
            let what = if french { "un nombre entier" } else { "a whole number" };
            within(what, min, max, french).into()
        }
        Kind::Number { min, max } => {
            let (min, max) =
                (Some(min).filter(|min| min.is_finite()), Some(max).filter(|max| max.is_finite()));
            let what = if french { "un nombre" } else { "a number" };
            within(what, min, max, french).into()
        }
        Kind::Boolean => fixed("true ou false", "true or false"),
        Kind::Date => fixed("une date telle que 2026-01-31", "a date such as 2026-01-31"),
        Kind::DateTime => fixed(
            "une date et une heure avec leur décalage, telles que 2026-01-31T12:00:00Z (dans une URL, « + » s’écrit %2B)",
            "a date and a time with their offset, such as 2026-01-31T12:00:00Z (in a URL “+” is written %2B)",
        ),
        Kind::Uuid => fixed(
            "un UUID tel que 01939c5e-7b00-7000-8000-000000000000",
            "a UUID such as 01939c5e-7b00-7000-8000-000000000000",
        ),
        Kind::Email => fixed("une adresse électronique", "an e-mail address"),
        Kind::Siret => fixed("un numéro SIRET, de 14 chiffres", "a SIRET number, of 14 digits"),
        Kind::Siren => fixed("un numéro SIREN, de 9 chiffres", "a SIREN number, of 9 digits"),
        Kind::Iban => fixed(
            "un IBAN, en majuscules et sans espaces",
            "an IBAN, in capitals and without spaces",
        ),
    }
}

/// "a whole number from 1 to 5".
fn within<N: std::fmt::Display>(
    what: &str,
    min: Option<N>,
    max: Option<N>,
    french: bool,
) -> String {
    match (min, max, french) {
        (None, None, _) => what.to_owned(),
        (Some(min), None, true) => format!("{what} d’au moins {min}"),
        (Some(min), None, false) => format!("{what} of at least {min}"),
        (None, Some(max), true) => format!("{what} d’au plus {max}"),
        (None, Some(max), false) => format!("{what} of at most {max}"),
        (Some(min), Some(max), true) => format!("{what} de {min} à {max}"),
        (Some(min), Some(max), false) => format!("{what} from {min} to {max}"),
    }
}

fn length(least: usize, most: usize, french: bool) -> String {
    let least = (least > 1).then_some(least);
    let most = (most != usize::MAX).then_some(most);
    let many = |count: usize| if count > 1 { "s" } else { "" };
    match (least, most, french) {
        (None, None, true) => "un texte".to_owned(),
        (None, None, false) => "a text".to_owned(),
        (Some(least), Some(most), true) if least == most => {
            format!("un texte de {least} caractère{}", many(least))
        }
        (Some(least), Some(most), false) if least == most => {
            format!("a text of {least} character{}", many(least))
        }
        (Some(least), Some(most), true) => format!("un texte de {least} à {most} caractères"),
        (Some(least), Some(most), false) => format!("a text of {least} to {most} characters"),
        (Some(least), None, true) => format!("un texte d’au moins {least} caractères"),
        (Some(least), None, false) => format!("a text of at least {least} characters"),
        (None, Some(most), true) => format!("un texte d’au plus {most} caractère{}", many(most)),
        (None, Some(most), false) => format!("a text of at most {most} character{}", many(most)),
    }
}

/// "roles, teams or owners", as far as one still reads.
fn choice(values: &[Box<str>], french: bool) -> String {
    let shown: Vec<&str> = values.iter().take(MOST_NAMED).map(|value| clipped(value)).collect();
    let more = values.len() > shown.len();
    let or = if french { " ou " } else { " or " };
    match shown.as_slice() {
        [front @ .., last] if !front.is_empty() && !more => {
            format!("{}{or}{last}", front.join(", "))
        }
        all => format!("{}{}", all.join(", "), if more { "…" } else { "" }),
    }
}

fn clipped(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST)).unwrap_or_default()
}

const MOST_NAMED: usize = 20;
const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Pattern;

    fn both(kind: &Kind, one_of: &[Box<str>]) -> [Box<str>; 2] {
        [Tongue::French, Tongue::English].map(|tongue| expectation(kind, one_of, tongue))
    }

    #[test]
    fn bounds_are_said_in_both_languages() {
        let integer = |min, max| both(&Kind::Integer { min, max }, &[]);
        assert_eq!(&*integer(i64::MIN, i64::MAX)[0], "un nombre entier");
        assert_eq!(&*integer(1, i64::MAX)[0], "un nombre entier d’au moins 1");
        assert_eq!(&*integer(0, 5)[1], "a whole number from 0 to 5");
        let number = Kind::Number { min: f64::NEG_INFINITY, max: 2.5 };
        assert_eq!(&*both(&number, &[])[1], "a number of at most 2.5");
        let string = |least, most| both(&Kind::String { least, most, pattern: None }, &[]);
        assert_eq!(&*string(1, usize::MAX)[1], "a text");
        assert_eq!(&*string(1, 1)[1], "a text of at most 1 character");
        assert_eq!(&*string(3, 3)[0], "un texte de 3 caractères");
        assert_eq!(&*string(0, 3)[0], "un texte d’au plus 3 caractères");
        let pattern = Pattern::compile("^a+$").unwrap();
        let kind = Kind::String { least: 1, most: usize::MAX, pattern: Some(pattern) };
        assert_eq!(&*both(&kind, &[])[0], "un texte qui suit le motif ^a+$");
    }

    #[test]
    fn choices_are_named_as_far_as_one_reads() {
        let values: Vec<Box<str>> = ["a", "b", "c"].map(Into::into).into();
        assert_eq!(both(&Kind::Boolean, &values).map(String::from), ["a, b ou c", "a, b or c"]);
        assert_eq!(&*both(&Kind::Boolean, &values[..1])[0], "a");
        let many: Vec<Box<str>> = (0..100).map(|number| number.to_string().into()).collect();
        assert!(both(&Kind::Boolean, &many)[1].ends_with("18, 19…"));
    }

    #[test]
    fn a_language_that_is_not_spoken_has_no_phrase() {
        assert_eq!(Tongue::of("fr-CA"), Tongue::French);
        assert_eq!(Tongue::of("EN"), Tongue::English);
        assert_eq!(Tongue::of("de"), Tongue::Other);
        assert_eq!(&*expectation(&Kind::Uuid, &[], Tongue::Other), "");
        assert_eq!(Phrase::Once.say(Tongue::Other), "");
    }
}

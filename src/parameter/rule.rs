//! One declared parameter, ready to judge values.

use http::{HeaderName, HeaderValue};

use super::Kind;
use super::phrase::{Phrase, Tongue, expectation};
use crate::problem::{BuiltIn, Place, Reason, Violation};

/// A declared parameter.
#[derive(Debug)]
pub struct Rule {
    /// Its name, as clients write it.
    pub name: Box<str>,
    /// Where it stands.
    pub place: Place,
    /// What it looks like.
    pub kind: Kind,
    /// The only values; every value of the type where there are none.
    pub one_of: Box<[Box<str>]>,
    /// Whether it may come several times; each value is judged by itself.
    pub repeated: bool,
    /// Whether it may be absent.
    pub optional: bool,
    /// What the upstream gets where it is absent.
    pub fallback: Option<Fallback>,
    /// What is expected, in each configured language.
    expected: Box<[Box<str>]>,
}

/// A default, in the form in which it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// A pair of a query, percent-encoded.
    Query(Box<str>),
    /// A field.
    Header(HeaderName, HeaderValue),
    /// A pair of `Cookie`.
    Cookie(Box<str>),
}

/// What is wrong with a parameter of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not there.
    Missing,
    /// It is there without a value.
    Empty,
    /// Its value is not of the declared form.
    Form,
    /// It is there more than once.
    Twice,
    /// Its bytes are no text.
    Unreadable,
}

impl Rule {
    /// A parameter that must be there.
    pub fn new(name: &str, place: Place, kind: Kind) -> Self {
        Self {
            name: name.into(),
            place,
            kind,
            one_of: Box::default(),
            repeated: false,
            optional: false,
            fallback: None,
            expected: Box::default(),
        }
    }

    /// Prepares what it says in these languages; to be called last.
    #[must_use]
    pub fn speaking(mut self, tongues: &[Tongue]) -> Self {
        let say = |tongue: &Tongue| expectation(&self.kind, &self.one_of, *tongue);
        self.expected = tongues.iter().map(say).collect();
        self
    }

    /// Judges one value, decoded.
    ///
    /// # Errors
    /// It is empty where that is no value, or not of the declared form.
    pub fn judge(&self, value: &str) -> Result<(), Fault> {
        if !self.one_of.is_empty() {
            return match self.one_of.iter().any(|known| self.kind.same(known, value)) {
                true => Ok(()),
                false if value.is_empty() => Err(Fault::Empty),
                false => Err(Fault::Form),
            };
        }
        if value.is_empty() {
            let allowed = matches!(self.kind, Kind::String { least: 0, .. });
            return if allowed && self.kind.takes(value) { Ok(()) } else { Err(Fault::Empty) };
        }
        if self.kind.takes(value) { Ok(()) } else { Err(Fault::Form) }
    }

    /// What it expects, in words.
    pub fn expectation(&self, tongue: Tongue) -> Box<str> {
        expectation(&self.kind, &self.one_of, tongue)
    }

    /// What a client is told.
    pub fn violation(&self, fault: Fault, tongues: &[Tongue]) -> Violation {
        let (code, reason) = match fault {
            Fault::Missing => (BuiltIn::MissingParameter, Reason::Missing),
            Fault::Empty => (BuiltIn::InvalidParameter, Reason::Empty),
            Fault::Form | Fault::Twice | Fault::Unreadable => {
                (BuiltIn::InvalidParameter, Reason::Invalid)
            }
        };
        let phrase = match fault {
            Fault::Missing | Fault::Form => None,
            Fault::Empty => Some(Phrase::NotEmpty),
            Fault::Twice => Some(Phrase::Once),
            Fault::Unreadable => Some(Phrase::Readable),
        };
        let expected = match phrase {
            None => self.expected.iter().map(|text| text.to_string()).collect(),
            Some(phrase) => tongues.iter().map(|tongue| phrase.say(*tongue).to_owned()).collect(),
        };
        Violation { name: self.name.to_string(), place: Some(self.place), code, reason, expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: Kind, one_of: &[&str]) -> Rule {
        let mut rule = Rule::new("x", Place::Query, kind);
        rule.one_of = one_of.iter().map(|value| (*value).into()).collect();
        rule.speaking(&[Tongue::French, Tongue::Other, Tongue::English])
    }

    fn string(least: usize) -> Kind {
        Kind::String { least, most: usize::MAX, pattern: None }
    }

    #[test]
    fn nothing_is_a_value_only_where_it_was_declared() {
        assert_eq!(rule(string(1), &[]).judge(""), Err(Fault::Empty));
        assert_eq!(rule(string(0), &[]).judge(""), Ok(()));
        assert_eq!(rule(Kind::Boolean, &[]).judge(""), Err(Fault::Empty));
        assert_eq!(rule(string(1), &["", "a"]).judge(""), Ok(()));
        assert_eq!(rule(string(1), &["a"]).judge(""), Err(Fault::Empty));
    }

    #[test]
    fn zero_is_a_value() {
        assert_eq!(rule(Kind::Integer { min: 0, max: 5 }, &[]).judge("0"), Ok(()));
        assert_eq!(rule(Kind::Integer { min: 0, max: 5 }, &["0"]).judge("0"), Ok(()));
    }

    #[test]
    fn a_choice_is_by_value_not_by_spelling() {
        let number = Kind::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };
        let numbers = rule(number, &["1.5", "2"]);
        assert_eq!(numbers.judge("2.0"), Ok(()));
        assert_eq!(numbers.judge("3"), Err(Fault::Form));
        assert_eq!(rule(string(1), &["a"]).judge("A"), Err(Fault::Form));
    }

    #[test]
    fn a_violation_names_it_and_says_what_is_expected_in_each_language() {
        let tongues = [Tongue::French, Tongue::Other, Tongue::English];
        let said = rule(Kind::Boolean, &[]).violation(Fault::Form, &tongues);
        assert_eq!(said.expected, ["true ou false", "", "true or false"]);
        assert_eq!((said.name.as_str(), said.reason), ("x", Reason::Invalid));
        let said = rule(Kind::Boolean, &[]).violation(Fault::Missing, &tongues);
        assert_eq!((said.code, said.reason), (BuiltIn::MissingParameter, Reason::Missing));
        let said = rule(Kind::Boolean, &[]).violation(Fault::Twice, &tongues);
        assert_eq!(said.expected[2], "one value alone");
    }
}

//! A problem's message in one language, written piece by piece so that a renderer can escape it
//! straight into its own buffer.

use std::borrow::Cow;

use http::header::ALLOW;

use super::embedded::{Wording, Words};
use super::template::{Part, Placeholder, Template};
use crate::problem::{Problem, Violation};

/// A message that is ready to be written.
#[derive(Clone, Copy, Debug)]
pub(in crate::problem) struct Text<'a>(Kind<'a>);

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Given(&'a str),
    Filled(&'a Template, Values<'a>),
}

/// Where the values of placeholders come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    pub(super) problem: &'a Problem,
    /// The parameter that the text is about; without one, the problem's first.
    pub(super) violation: Option<&'a Violation>,
    /// The language, by its place.
    pub(super) language: usize,
    pub(super) words: &'a Words,
    /// Whole seconds to wait.
    pub(super) wait: Option<u64>,
    pub(super) status: u16,
}

impl<'a> Text<'a> {
    /// A text that was meant for clients as it is.
    pub(in crate::problem) fn given(text: &'a str) -> Self {
        Self(Kind::Given(text))
    }

    /// The most precise of the texts whose placeholders all have a value; the last if none has.
    pub(super) fn choose(wording: &'a Wording, values: Values<'a>) -> Option<Self> {
        let sayable = |template: &&Template| template.placeholders().all(|slot| values.has(slot));
        let found = wording.variants.iter().find(sayable).or_else(|| wording.variants.last());
        found.map(|template| Self(Kind::Filled(template, values)))
    }

    /// This text and no other.
    pub(super) fn filled(template: &'a Template, values: Values<'a>) -> Self {
        Self(Kind::Filled(template, values))
    }

    /// Writes the message, piece by piece.
    pub(in crate::problem) fn pieces(&self, each: &mut dyn FnMut(&str)) {
        let (template, values) = match &self.0 {
            Kind::Given(text) => return each(text),
            Kind::Filled(template, values) => (template, values),
        };
        for part in template.parts() {
            match part {
                Part::Literal(text) => each(text),
                Part::Slot(slot) => values.fill(*slot, each),
            }
        }
    }

    /// The message as one text, borrowed where nothing had to be filled in.
    pub(in crate::problem) fn to_text(self) -> Cow<'a, str> {
        match self.0 {
            Kind::Given(text) => Cow::Borrowed(text),
            Kind::Filled(template, _) => match template.fixed() {
                Some(text) => Cow::Borrowed(text),
                None => {
                    let mut out = String::with_capacity(128);
                    self.pieces(&mut |piece| out.push_str(piece));
                    Cow::Owned(out)
                }
            },
        }
    }
}

impl<'a> Values<'a> {
    fn has(&self, slot: Placeholder) -> bool {
        !matches!(self.value(slot), Value::None)
    }

    fn fill(&self, slot: Placeholder, each: &mut dyn FnMut(&str)) {
        match self.value(slot) {
            Value::Text(text) => clip(text, each),
            Value::Number(number) => each(itoa::Buffer::new().format(number)),
            Value::Wait(seconds) => self.wait_in_words(seconds, each),
            Value::None => each("…"),
        }
    }

    fn value(&self, slot: Placeholder) -> Value<'a> {
        if self.violation.is_none()
            && let Some(text) = self.problem.argument(slot.as_str())
        {
            return text.into();
        }
        let violation = self.violation.or_else(|| self.problem.violations().first());
        let location = self.problem.locations().first();
        match slot {
            Placeholder::Parameter => violation.map(|violation| violation.name.as_str()).into(),
            Placeholder::In => violation
                .and_then(|violation| self.words.places.get(violation.place? as usize))
                .map(String::as_str)
                .into(),
            Placeholder::Expected => violation
                .and_then(|violation| violation.expected.get(self.language))
                .map(String::as_str)
                .into(),
            Placeholder::RetryAfter => self.wait.map_or(Value::None, Value::Wait),
            Placeholder::Allow => self.header(&ALLOW).into(),
            Placeholder::Step => self.problem.step().into(),
            Placeholder::Line => location.map_or(Value::None, |(line, _)| number(*line)),
            Placeholder::Column => location.map_or(Value::None, |(_, column)| number(*column)),
            Placeholder::Status => number(self.status),
            Placeholder::Limit | Placeholder::Method | Placeholder::Host | Placeholder::Version => {
                self.problem.argument(slot.as_str()).into()
            }
        }
    }

    fn header(&self, name: &http::HeaderName) -> Option<&'a str> {
        let (_, value) = self.problem.headers().iter().find(|(known, _)| known == name)?;
        value.to_str().ok()
    }

    /// "30 seconds", "2 minutes": rounded up, so that nobody comes back too early.
    fn wait_in_words(&self, seconds: u64, each: &mut dyn FnMut(&str)) {
        let [second, minute, hour, day] = &self.words.units;
        let (count, unit) = match seconds {
            60 => (1, minute),
            0..120 => (seconds, second),
            3_600 => (1, hour),
            120..7_200 => (seconds.div_ceil(60), minute),
            86_400 => (1, day),
            7_200..172_800 => (seconds.div_ceil(3_600), hour),
            172_800.. => (seconds.div_ceil(86_400), day),
        };
        let [one, many] = unit;
        each(itoa::Buffer::new().format(count));
        each("\u{a0}");
        each(if count < 2 { one } else { many });
    }
}

/// What stands for a placeholder.
enum Value<'a> {
    None,
    Text(&'a str),
    Number(u64),
    Wait(u64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        if text.is_empty() { Self::None } else { Self::Text(text) }
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Self::None, Self::from)
    }
}

fn number<'a>(number: impl Into<u64>) -> Value<'a> {
    Value::Number(number.into())
}

/// Writes a value, but not without end: names of unknown parameters come from clients.
pub(in crate::problem) fn clip(text: &str, each: &mut dyn FnMut(&str)) {
    if text.len() <= CLIP {
        return each(text);
    }
    each(text.get(..text.floor_char_boundary(CLIP)).unwrap_or_default());
    each("…");
}

/// Bytes of a value that are shown.
const CLIP: usize = 256;

//! Texts with `{placeholders}`, compiled when the configuration loads so that rendering only
//! copies. `{{` and `}}` stand for a brace.

use std::fmt;

/// What a text may leave open. The set is closed, so that a misspelt placeholder is found at load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Placeholder {
    /// Name of the parameter at fault.
    Parameter,
    /// Where the parameter stands, in words.
    In,
    /// The format that was expected.
    Expected,
    /// How long to wait, in words: "30 seconds".
    RetryAfter,
    /// The methods that the resource accepts.
    Allow,
    /// The limit that was exceeded.
    Limit,
    /// The request's method.
    Method,
    /// The request's host.
    Host,
    /// The version of HTTP, or of TLS.
    Version,
    /// The step of a flow that failed.
    Step,
    /// Line of a GraphQL document, from 1.
    Line,
    /// Column of a GraphQL document, from 1.
    Column,
    /// The HTTP status.
    Status,
}

impl Placeholder {
    /// Every placeholder.
    pub const ALL: &'static [Self] = &[
        Self::Parameter,
        Self::In,
        Self::Expected,
        Self::RetryAfter,
        Self::Allow,
        Self::Limit,
        Self::Method,
        Self::Host,
        Self::Version,
        Self::Step,
        Self::Line,
        Self::Column,
        Self::Status,
    ];

    /// The word between the braces, which is also the name of the problem's argument.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parameter => "parameter",
            Self::In => "in",
            Self::Expected => "expected",
            Self::RetryAfter => "retry_after",
            Self::Allow => "allow",
            Self::Limit => "limit",
            Self::Method => "method",
            Self::Host => "host",
            Self::Version => "version",
            Self::Step => "step",
            Self::Line => "line",
            Self::Column => "column",
            Self::Status => "status",
        }
    }

    fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|placeholder| placeholder.as_str() == name)
    }
}

/// A compiled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
}

/// A piece of a compiled text. Neighbouring literals are one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Stands as it is.
    Literal(Box<str>),
    /// Is filled for each problem.
    Slot(Placeholder),
}

/// Why a text does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TemplateError {
    /// Nothing is written there.
    Empty,
    /// A brace that opens nothing, or closes nothing.
    StrayBrace,
    /// A placeholder that guichet does not know.
    Unknown(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the text is empty"),
            Self::StrayBrace => {
                f.write_str("a brace stands alone; write {{ or }} for a brace in the text")
            }
            Self::Unknown(name) => {
                write!(f, "unknown placeholder {{{name}}}; known ones are ")?;
                for (at, known) in Placeholder::ALL.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{{{}}}", known.as_str())?;
                }
                Ok(())
            }
        }
    }
}

impl Template {
    /// Compiles a text.
    pub(super) fn compile(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let inner = from.strip_prefix('{').ok_or(TemplateError::StrayBrace)?;
                let (name, after) = inner.split_once('}').ok_or(TemplateError::StrayBrace)?;
                let slot = Placeholder::by_name(name)
                    .ok_or_else(|| TemplateError::Unknown(shorten(name)))?;
                if !literal.is_empty() {
                    parts.push(Part::Literal(std::mem::take(&mut literal).into()));
                }
                parts.push(Part::Slot(slot));
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.into()));
        }
        Ok(Self { parts })
    }

    /// The pieces, in order.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The placeholders, in the order in which they stand.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Slot(placeholder) => Some(*placeholder),
            Part::Literal(_) => None,
        })
    }

    /// The placeholders as a sorted set, for comparing languages.
    pub(super) fn placeholder_set(&self) -> Vec<Placeholder> {
        let mut set: Vec<_> = self.placeholders().collect();
        set.sort_unstable();
        set.dedup();
        set
    }

    /// The whole text, if nothing is left open in it.
    pub(super) fn fixed(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for Template {
    /// The text as it was written, placeholders in braces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Slot(placeholder) => write!(f, "{{{}}}", placeholder.as_str()),
        })
    }
}

/// Keeps a diagnostic readable when a brace opened far away.
fn shorten(name: &str) -> String {
    name.chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn literals_and_slots_alternate() {
        let template = Template::compile("a {{b}} {parameter}{in}").unwrap();
        let parts = [
            Part::Literal("a {b} ".into()),
            Part::Slot(Placeholder::Parameter),
            Part::Slot(Placeholder::In),
        ];
        assert_eq!(template.parts(), parts);
        assert_eq!(template.fixed(), None);
        assert_eq!(Template::compile("calm").unwrap().fixed(), Some("calm"));
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text| Template::compile(text).unwrap_err();
        assert_eq!(error("  "), TemplateError::Empty);
        for text in ["a { b", "a } b", "{", "}", "{parameter"] {
            assert_eq!(error(text), TemplateError::StrayBrace, "{text}");
        }
        assert_eq!(error("{Parameter}"), TemplateError::Unknown("Parameter".into()));
        let said = error("{paramter}").to_string();
        assert!(
            said.starts_with("unknown placeholder {paramter}; known ones are {parameter}, {in}")
        );
    }

    #[test]
    fn words_are_unique() {
        let mut words: Vec<_> = Placeholder::ALL.iter().map(|known| known.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Placeholder::ALL.len());
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*", braces in "[{}a-z_]*") {
            let _ = Template::compile(&text);
            let _ = Template::compile(&braces);
        }

        #[test]
        fn a_text_without_braces_stands_as_it_is(text in "[^{}]+") {
            prop_assume!(!text.trim().is_empty());
            let template = Template::compile(&text).unwrap();
            prop_assert_eq!(template.fixed(), Some(text.as_str()));
        }
    }
}

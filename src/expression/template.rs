//! `${…}` in strings, and values whose strings have such holes.

use std::fmt;
use std::ops::Range;

use serde_json::Value;

use super::evaluate::described;
use super::{Expression, Failure, Fault, Scope};

/// A part of a string with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    /// As it stands; `$$` was a dollar.
    Literal(&'t str),
    /// What stands between `${` and `}`, and where it begins.
    Hole(&'t str, usize),
}

/// Splits a string at its holes. Braces and strings within an expression are counted, so that an
/// object or a brace in quotes does not end it.
///
/// # Errors
/// A hole that does not end.
pub fn scan(text: &str) -> Result<Vec<Part<'_>>, Fault> {
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('$')) {
        let dollar = at + found;
        let rest = text.get(dollar + 1..).unwrap_or_default();
        if rest.starts_with('$') {
            // The first of the two stands for both.
            push(&mut parts, text, from..dollar + 1);
            from = dollar + 2;
            at = from;
        } else if rest.starts_with('{') {
            push(&mut parts, text, from..dollar);
            let begin = dollar + 2;
            let Some(length) = closing(text.get(begin..).unwrap_or_default()) else {
                return Err(Fault {
                    at: dollar..text.len(),
                    message: "this `${` has no closing `}`".to_owned(),
                    help: Some("write `${…}`, or `$$` for a dollar"),
                });
            };
            let inside = text.get(begin..begin + length).unwrap_or_default();
            parts.push(Part::Hole(inside, begin));
            from = begin + length + 1;
            at = from;
        } else {
            at = dollar + 1;
        }
    }
    push(&mut parts, text, from..text.len());
    Ok(parts)
}

fn push<'t>(parts: &mut Vec<Part<'t>>, text: &'t str, range: Range<usize>) {
    if let Some(literal) = text.get(range).filter(|literal| !literal.is_empty()) {
        parts.push(Part::Literal(literal));
    }
}

/// The byte of the brace that ends an expression.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match (quote, byte) {
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth == 0 => return Some(at),
            (None, b'}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// A string with holes, as text.
#[derive(Debug)]
pub struct Text(Box<[Piece]>);

/// A piece of it.
#[derive(Debug)]
pub enum Piece {
    /// As it stands.
    Literal(Box<str>),
    /// What is worked out.
    Hole(Expression),
}

impl Text {
    /// Compiles a string.
    ///
    /// # Errors
    /// Every mistake, with places in the string.
    pub fn compile(text: &str) -> Result<Self, Vec<Fault>> {
        let parts = scan(text).map_err(|fault| vec![fault])?;
        let (mut pieces, mut faults) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Literal(literal) => pieces.push(Piece::Literal(literal.into())),
                Part::Hole(inside, begin) => match Expression::compile(inside) {
                    Ok(expression) => pieces.push(Piece::Hole(expression)),
                    Err(fault) => faults.push(fault.moved(begin)),
                },
            }
        }
        if faults.is_empty() { Ok(Self(pieces.into())) } else { Err(faults) }
    }

    /// Its pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text, each value as `write` puts it.
    ///
    /// # Errors
    /// A hole without a value, or with one that is no text.
    pub fn fill(
        &self,
        scope: &dyn Scope,
        write: &mut dyn FnMut(&mut String, &str),
    ) -> Result<String, Failure> {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Hole(expression) => match &*expression.evaluate(scope)? {
                    Value::String(text) => write(&mut out, text),
                    Value::Number(number) => write(&mut out, &number.to_string()),
                    Value::Bool(yes) => write(&mut out, if *yes { "true" } else { "false" }),
                    other @ (Value::Null | Value::Array(_) | Value::Object(_)) => {
                        let what = format!("it is {}, and text is due here", described(other));
                        return Err(expression.failure(what));
                    }
                },
            }
        }
        Ok(out)
    }

    /// The text as it stands.
    ///
    /// # Errors
    /// A hole without a value, or with one that is no text.
    pub fn plain(&self, scope: &dyn Scope) -> Result<String, Failure> {
        self.fill(scope, &mut |out, text| out.push_str(text))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(&text.replace('$', "$$")),
            Piece::Hole(expression) => write!(f, "${{{}}}", expression.text()),
        })
    }
}

impl Fault {
    /// The same in a text in which the expression begins later.
    #[must_use]
    pub fn moved(mut self, by: usize) -> Self {
        self.at = self.at.start + by..self.at.end + by;
        self
    }
}

/// A value, parts of which are worked out.
#[derive(Debug)]
pub enum Template {
    /// As it stands.
    Constant(Value),
    /// A string that is one hole: the value keeps its type.
    Hole(Expression),
    /// Any other string with holes.
    Text(Text),
    /// A list.
    List(Box<[Self]>),
    /// An object.
    Object(Box<[(Box<str>, Self)]>),
}

impl Template {
    /// Compiles a string.
    ///
    /// # Errors
    /// Every mistake, with places in the string.
    pub fn of_text(text: &str) -> Result<Self, Vec<Fault>> {
        let Text(pieces) = Text::compile(text)?;
        let mut pieces = pieces.into_vec();
        Ok(match pieces.as_mut_slice() {
            [] => Self::Constant(Value::String(String::new())),
            [Piece::Hole(_)] => match pieces.pop() {
                Some(Piece::Hole(expression)) => Self::Hole(expression),
                Some(Piece::Literal(_)) | None => Self::Constant(Value::Null),
            },
            all if all.iter().all(|piece| matches!(piece, Piece::Literal(_))) => {
                let texts = all.iter().map(|piece| match piece {
                    Piece::Literal(text) => &**text,
                    Piece::Hole(_) => "",
                });
                Self::Constant(Value::String(texts.collect()))
            }
            _ => Self::Text(Text(pieces.into())),
        })
    }

    /// The value.
    ///
    /// # Errors
    /// A hole without a value.
    pub fn fill(&self, scope: &dyn Scope) -> Result<Value, Failure> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Hole(expression) => expression.evaluate(scope)?.into_owned(),
            Self::Text(text) => Value::String(text.plain(scope)?),
            Self::List(items) => {
                let items: Result<Vec<Value>, Failure> =
                    items.iter().map(|item| item.fill(scope)).collect();
                Value::Array(items?)
            }
            Self::Object(members) => {
                let mut object = serde_json::Map::new();
                for (name, member) in members {
                    object.insert(name.as_ref().to_owned(), member.fill(scope)?);
                }
                Value::Object(object)
            }
        })
    }

    /// Shows every expression in it.
    pub fn each<'t>(&'t self, see: &mut dyn FnMut(&'t Expression)) {
        match self {
            Self::Constant(_) => {}
            Self::Hole(expression) => see(expression),
            Self::Text(text) => text.each(see),
            Self::List(items) => items.iter().for_each(|item| item.each(see)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.each(see)),
        }
    }
}

impl Text {
    /// Shows every expression in it.
    pub fn each<'t>(&'t self, see: &mut dyn FnMut(&'t Expression)) {
        for piece in &self.0 {
            if let Piece::Hole(expression) = piece {
                see(expression);
            }
        }
    }
}

//! Skims an executable document (October 2021, sections 2.2 to 2.12): holds it to the grammar and
//! counts, in one pass, without a tree and without recursion. Where braces open is a bit in a word,
//! so that no document can exhaust a stack; what nests deeper than the word is refused.

use super::lexer::{Kind, Lexer, Stray, Token, position};
use super::measure::{Definition, Spread, measure};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    /// Reads.
    Query,
    /// Changes something.
    Mutation,
    /// Goes on telling.
    Subscription,
}

/// The operation of a document that is to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// What it does.
    pub kind: OperationKind,
    /// Its name.
    pub name: Option<&'a str>,
    /// The most fields that stand in each other, fragments where they are spread.
    pub depth: u32,
    /// Fields under another name than their own, likewise.
    pub aliases: u32,
    /// Fields that stand in no other field, likewise.
    pub root_fields: u32,
    /// Tokens of the whole document.
    pub tokens: u32,
    /// Whether anything in the document asks for the schema.
    pub introspection: bool,
}

/// Why a document is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not parse: line and column, from 1.
    Syntax(u32, u32),
    /// It has more tokens than are read.
    Tokens,
    /// Something in it nests deeper than is read.
    Nesting,
    /// It has several operations and none was named, or none of that name.
    NoOperation,
}

impl OperationKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: &'static [Self] = &[Self::Query, Self::Mutation, Self::Subscription];

    /// The word of GraphQL and of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Mutation => "mutation",
            Self::Subscription => "subscription",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// Skims a document of at most so many tokens. `wanted` is the name of the operation that is to be
/// executed; a document with a single one needs none.
///
/// # Errors
/// What is not a document, or more than is read.
pub fn skim<'a>(
    document: &'a str,
    wanted: Option<&str>,
    most_tokens: u32,
) -> Result<Operation<'a>, Refusal> {
    let skimmer = Skimmer {
        text: document,
        lexer: Lexer::new(document),
        token: Token { kind: Kind::End, start: 0, end: 0 },
        left: most_tokens,
        introspection: false,
        definitions: Vec::new(),
        spreads: Vec::new(),
    };
    skimmer.document(wanted, most_tokens).map_err(|fault| match fault {
        Fault::At(at) => {
            let (line, column) = position(document, at);
            Refusal::Syntax(line, column)
        }
        Fault::Tokens => Refusal::Tokens,
        Fault::Nesting => Refusal::Nesting,
        Fault::NoOperation => Refusal::NoOperation,
    })
}

enum Fault {
    At(usize),
    Tokens,
    Nesting,
    NoOperation,
}

impl From<Stray> for Fault {
    fn from(stray: Stray) -> Self {
        Self::At(stray.0)
    }
}

/// Levels of braces, lists and objects that are read: the bits of a word.
const NESTING: u32 = u128::BITS;

struct Skimmer<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that is looked at.
    token: Token,
    /// Tokens that may still come.
    left: u32,
    introspection: bool,
    definitions: Vec<Definition<'a>>,
    spreads: Vec<Spread<'a>>,
}

impl<'a> Skimmer<'a> {
    fn document(mut self, wanted: Option<&str>, most: u32) -> Result<Operation<'a>, Fault> {
        self.step()?;
        while self.definitions.is_empty() || self.token.kind != Kind::End {
            self.definition()?;
        }
        let operations =
            || self.definitions.iter().zip(0..).filter(|(it, _)| it.operation.is_some());
        let mut fitting = operations().filter(|(it, _)| wanted.is_none() || it.name == wanted);
        let (Some((chosen, at)), None) = (fitting.next(), fitting.next()) else {
            return Err(Fault::NoOperation);
        };
        let weight = measure(&self.definitions, &self.spreads, at);
        Ok(Operation {
            kind: chosen.operation.ok_or(Fault::NoOperation)?,
            name: chosen.name,
            depth: weight.depth,
            aliases: weight.aliases,
            root_fields: weight.roots,
            tokens: most - self.left,
            introspection: self.introspection,
        })
    }

    /// Goes on to the next token.
    fn step(&mut self) -> Result<(), Fault> {
        self.token = self.lexer.next()?;
        if self.token.kind != Kind::End {
            self.left = self.left.checked_sub(1).ok_or(Fault::Tokens)?;
        }
        Ok(())
    }

    /// Not what may stand here.
    fn stray<T>(&self) -> Result<T, Fault> {
        Err(Fault::At(self.token.start))
    }

    fn word(&self) -> &'a str {
        self.text.get(self.token.start..self.token.end).unwrap_or_default()
    }

    fn is(&self, mark: u8) -> bool {
        self.token.kind == Kind::Mark(mark)
    }

    /// Takes the mark, if it stands here.
    fn takes(&mut self, mark: u8) -> Result<bool, Fault> {
        let found = self.is(mark);
        if found {
            self.step()?;
        }
        Ok(found)
    }

    fn expect(&mut self, mark: u8) -> Result<(), Fault> {
        if self.takes(mark)? { Ok(()) } else { self.stray() }
    }

    fn name(&mut self) -> Result<&'a str, Fault> {
        if self.token.kind != Kind::Name {
            return self.stray();
        }
        let name = self.word();
        self.step()?;
        Ok(name)
    }

    fn definition(&mut self) -> Result<(), Fault> {
        let mut definition =
            Definition { spreads: (self.spreads.len(), 0), ..Definition::default() };
        if self.is(b'{') {
            definition.operation = Some(OperationKind::Query);
        } else if self.token.kind != Kind::Name {
            return self.stray();
        } else if let Some(kind) = OperationKind::parse(self.word()) {
            self.step()?;
            definition.operation = Some(kind);
            if self.token.kind == Kind::Name {
                definition.name = Some(self.name()?);
            }
            self.variables()?;
            self.directives(Values::Any)?;
        } else if self.word() == "fragment" {
            self.step()?;
            if self.word() == "on" {
                return self.stray();
            }
            definition.name = Some(self.name()?);
            if self.word() != "on" {
                return self.stray();
            }
            self.step()?;
            self.name()?;
            self.directives(Values::Any)?;
        } else {
            return self.stray();
        }
        self.selections(&mut definition)?;
        definition.spreads.1 = self.spreads.len();
        self.definitions.push(definition);
        Ok(())
    }

    fn variables(&mut self) -> Result<(), Fault> {
        if !self.takes(b'(')? {
            return Ok(());
        }
        loop {
            self.expect(b'$')?;
            self.name()?;
            self.expect(b':')?;
            self.reference()?;
            if self.takes(b'=')? {
                self.value(Values::Constant)?;
            }
            self.directives(Values::Constant)?;
            if self.takes(b')')? {
                return Ok(());
            }
        }
    }

    /// A type: `[[Int!]]!`
    fn reference(&mut self) -> Result<(), Fault> {
        let mut lists = 0_u32;
        while self.takes(b'[')? {
            lists += 1;
        }
        self.name()?;
        self.takes(b'!')?;
        for _ in 0..lists {
            self.expect(b']')?;
            self.takes(b'!')?;
        }
        Ok(())
    }

    fn directives(&mut self, values: Values) -> Result<(), Fault> {
        while self.takes(b'@')? {
            self.name()?;
            self.arguments(values)?;
        }
        Ok(())
    }

    fn arguments(&mut self, values: Values) -> Result<(), Fault> {
        if !self.takes(b'(')? {
            return Ok(());
        }
        loop {
            self.name()?;
            self.expect(b':')?;
            self.value(values)?;
            if self.takes(b')')? {
                return Ok(());
            }
        }
    }

    /// A value. The bits of `objects` say which of the open brackets are braces.
    fn value(&mut self, values: Values) -> Result<(), Fault> {
        let (mut objects, mut open) = (0_u128, 0_u32);
        loop {
            match self.token.kind {
                Kind::Name | Kind::Number | Kind::Text => self.step()?,
                Kind::Mark(b'$') if values == Values::Any => {
                    self.step()?;
                    self.name()?;
                }
                Kind::Mark(mark @ (b'[' | b'{')) => {
                    if open == NESTING {
                        return Err(Fault::Nesting);
                    }
                    self.step()?;
                    objects = objects << 1 | u128::from(mark == b'{');
                    open += 1;
                }
                Kind::Mark(_) | Kind::Spread | Kind::End => return self.stray(),
            }
            // What is over now, and what comes next in what is not.
            loop {
                if open == 0 {
                    return Ok(());
                }
                let object = objects & 1 == 1;
                if self.takes(if object { b'}' } else { b']' })? {
                    (objects, open) = (objects >> 1, open - 1);
                    continue;
                }
                if object {
                    self.name()?;
                    self.expect(b':')?;
                }
                break;
            }
        }
    }

    /// A selection set with all that stands in it. The bits of `fields` say which of the open
    /// braces are a field's; those of inline fragments add no depth.
    fn selections(&mut self, definition: &mut Definition<'a>) -> Result<(), Fault> {
        let weight = &mut definition.weight;
        self.expect(b'{')?;
        let (mut fields, mut open, mut depth) = (0_u128, 1_u32, 0_u32);
        // Nothing may be empty: a brace that opens wants a selection before it closes.
        let mut empty = true;
        loop {
            if !empty && self.takes(b'}')? {
                open -= 1;
                if open == 0 {
                    return Ok(());
                }
                depth -= u32::from(fields & 1 == 1);
                fields >>= 1;
                continue;
            }
            let field = if self.token.kind == Kind::Spread {
                self.step()?;
                if self.token.kind == Kind::Name && self.word() != "on" {
                    let name = self.name()?;
                    self.spreads.push(Spread { name, depth });
                    self.directives(Values::Any)?;
                    empty = false;
                    continue;
                }
                if self.token.kind == Kind::Name {
                    self.step()?;
                    self.name()?;
                }
                false
            } else {
                let mut name = self.name()?;
                if self.takes(b':')? {
                    weight.aliases = weight.aliases.saturating_add(1);
                    name = self.name()?;
                }
                self.introspection |= matches!(name, "__schema" | "__type");
                weight.roots = weight.roots.saturating_add(u32::from(depth == 0));
                weight.depth = weight.depth.max(depth + 1);
                self.arguments(Values::Any)?;
                true
            };
            self.directives(Values::Any)?;
            empty = false;
            if self.is(b'{') {
                if open == NESTING {
                    return Err(Fault::Nesting);
                }
                self.step()?;
                fields = fields << 1 | u128::from(field);
                (open, depth, empty) = (open + 1, depth + u32::from(field), true);
            } else if !field {
                return self.stray();
            }
        }
    }
}

/// Which values may stand somewhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Variables, too.
    Any,
    /// No variables.
    Constant,
}

#[cfg(test)]
mod tests;

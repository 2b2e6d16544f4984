//! What an expression looks at, under which conditions, and what it may not do: found once, by
//! walking what the parser has made of it.
//!
//! A condition that an expression asks itself counts: in `a.ok ? a.body : null` the body is read
//! only where `a` went well.

use std::collections::HashSet;
use std::ops::Range;

use cel::Program;
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo,
    operators,
};

use super::{Fault, Segment};

/// A value that an expression looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// What the path begins with.
    pub root: Box<str>,
    /// What follows.
    pub path: Box<[Segment]>,
    /// Whether it is only asked whether the last of it is there.
    pub tested: bool,
    /// What is known where it is read.
    pub facts: Box<[Fact]>,
    /// Where it stands in the expression.
    pub at: Range<usize>,
}

/// What a condition has found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `NAME.ok` is true, or false.
    Ok(Box<str>, bool),
    /// This path is there.
    Has(Box<str>, Box<[Segment]>),
}

/// The walk.
pub(super) struct Reads<'p> {
    text: &'p str,
    places: &'p SourceInfo,
    found: Vec<Read>,
    /// Names that macros bind.
    locals: Vec<&'p str>,
    /// Loops around the place that is looked at.
    loops: usize,
}

impl<'p> Reads<'p> {
    /// Walks a program.
    pub(super) fn of(program: &'p Program, text: &'p str) -> Result<Box<[Read]>, Fault> {
        let root: &IdedExpr = program.expression();
        let places = program.source_info();
        let mut walk = Self { text, places, found: Vec::new(), locals: Vec::new(), loops: 0 };
        walk.look(root, &[])?;
        Ok(walk.found.into())
    }

    fn look(&mut self, node: &'p IdedExpr, facts: &[Fact]) -> Result<(), Fault> {
        if let Some((root, path)) = path_of(node) {
            self.read(node, root, path, false, facts);
            return Ok(());
        }
        match &node.expr {
            Expr::Select(select) if select.test => self.test(node, select, facts),
            Expr::Select(select) => self.look(&select.operand, facts),
            Expr::Call(call) => self.call(node, call, facts),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension, facts),
            Expr::List(list) => list.elements.iter().try_for_each(|item| self.look(item, facts)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.look(&entry.key, facts)?;
                    self.look(&entry.value, facts)
                }
                EntryExpr::StructField(field) => self.look(&field.value, facts),
            }),
            Expr::Struct(_) => Err(self.fault(node, "messages of protocol buffers are not known")),
            Expr::Literal(_) | Expr::Ident(_) | Expr::Unspecified => Ok(()),
        }
    }

    fn read(
        &mut self,
        node: &IdedExpr,
        root: &str,
        path: Vec<Segment>,
        tested: bool,
        facts: &[Fact],
    ) {
        // The accumulators of macros begin with `@`.
        if self.locals.contains(&root) || root.starts_with('@') {
            return;
        }
        let at = self.span(node, root, &path);
        let read = Read { root: root.into(), path: path.into(), tested, facts: facts.into(), at };
        if !self.found.contains(&read) {
            self.found.push(read);
        }
    }

    fn test(
        &mut self,
        node: &'p IdedExpr,
        select: &'p SelectExpr,
        facts: &[Fact],
    ) -> Result<(), Fault> {
        match path_of(&select.operand) {
            Some((root, mut path)) => {
                path.push(Segment::Name(select.field.as_str().into()));
                self.read(node, root, path, true, facts);
                Ok(())
            }
            None => self.look(&select.operand, facts),
        }
    }

    fn call(
        &mut self,
        node: &'p IdedExpr,
        call: &'p CallExpr,
        facts: &[Fact],
    ) -> Result<(), Fault> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [asked, yes, no]) => {
                self.look(asked, facts)?;
                self.look(yes, &with(facts, asked, true))?;
                return self.look(no, &with(facts, asked, false));
            }
            (operators::LOGICAL_AND, [one, other]) => {
                self.look(one, facts)?;
                return self.look(other, &with(facts, one, true));
            }
            (operators::LOGICAL_OR, [one, other]) => {
                self.look(one, facts)?;
                return self.look(other, &with(facts, one, false));
            }
            ("matches", args) => self.pattern(node, args)?,
            (name, _) if !is_known(name) => {
                let message = format!("there is no function `{name}`");
                return Err(Fault { help: Some(FUNCTIONS), ..self.fault(node, &message) });
            }
            _ => {}
        }
        if let Some(target) = &call.target {
            self.look(target, facts)?;
        }
        call.args.iter().try_for_each(|argument| self.look(argument, facts))
    }

    /// A pattern that comes from a request could be one that takes all memory to compile.
    fn pattern(&self, node: &IdedExpr, args: &[IdedExpr]) -> Result<(), Fault> {
        let pattern = match args.last().map(|last| &last.expr) {
            Some(Expr::Literal(LiteralValue::String(text))) => text.inner(),
            _ => return Err(self.fault(node, "the pattern of `matches` must be written out")),
        };
        let built = regex::RegexBuilder::new(pattern).size_limit(MOST_COMPILED).build();
        built.map(drop).map_err(|error| {
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.fault(node, &format!("this pattern cannot be used: {last}"))
        })
    }

    /// A loop over a list, as macros make it. A loop within a loop takes the product of two lengths
    /// that strangers choose.
    fn comprehension(
        &mut self,
        node: &'p IdedExpr,
        comprehension: &'p ComprehensionExpr,
        facts: &[Fact],
    ) -> Result<(), Fault> {
        self.look(&comprehension.iter_range, facts)?;
        self.look(&comprehension.accu_init, facts)?;
        if self.loops > 0 {
            let help = Some("let one step prepare what the other looks through");
            return Err(Fault { help, ..self.fault(node, "a loop cannot stand within a loop") });
        }
        self.loops += 1;
        let before = self.locals.len();
        self.locals.push(&comprehension.iter_var);
        self.locals.extend(comprehension.iter_var2.as_deref());
        self.locals.push(&comprehension.accu_var);
        self.look(&comprehension.loop_cond, facts)?;
        self.look(&comprehension.loop_step, facts)?;
        self.look(&comprehension.result, facts)?;
        self.locals.truncate(before);
        self.loops -= 1;
        Ok(())
    }

    /// Where a path stands. The parser remembers the place of its last dot; the text before it is
    /// the path, unless somebody has put blanks into it.
    fn span(&self, node: &IdedExpr, root: &str, path: &[Segment]) -> Range<usize> {
        let mut written = root.to_owned();
        for segment in path {
            written.push_str(&segment.to_string());
        }
        let place = self.place(node);
        let matches = self.text.match_indices(&written);
        let nearest =
            matches.min_by_key(|(at, _)| match (*at..at + written.len()).contains(&place) {
                true => 0,
                false => at.abs_diff(place) + 1,
            });
        match nearest {
            Some((at, _)) => at..at + written.len(),
            None => 0..self.text.len(),
        }
    }

    /// The byte that the parser remembers for a node; it counts characters.
    fn place(&self, node: &IdedExpr) -> usize {
        let letters = self.places.offset_for(node.id).map_or(0, |(start, _)| start as usize);
        self.text.char_indices().nth(letters).map_or(self.text.len(), |(at, _)| at)
    }

    fn fault(&self, _node: &IdedExpr, message: &str) -> Fault {
        Fault { at: 0..self.text.len(), message: message.to_owned(), help: None }
    }
}

/// The path that an expression is, if it is one: a name, and members or indices that are written
/// out.
pub(super) fn path_of(node: &IdedExpr) -> Option<(&str, Vec<Segment>)> {
    match &node.expr {
        Expr::Ident(name) => Some((name, Vec::new())),
        Expr::Select(select) if !select.test => {
            let (root, mut path) = path_of(&select.operand)?;
            path.push(Segment::Name(select.field.as_str().into()));
            Some((root, path))
        }
        Expr::Call(call) if call.func_name == operators::INDEX && call.target.is_none() => {
            let [of, at] = call.args.as_slice() else { return None };
            let segment = match &at.expr {
                Expr::Literal(LiteralValue::Int(index)) => {
                    Segment::Index(usize::try_from(*index.inner()).ok()?)
                }
                Expr::Literal(LiteralValue::String(name)) => Segment::Name(name.inner().into()),
                _ => return None,
            };
            let (root, mut path) = path_of(of)?;
            path.push(segment);
            Some((root, path))
        }
        _ => None,
    }
}

/// The facts, and what it says about more of them that `asked` is true or false.
fn with(facts: &[Fact], asked: &IdedExpr, holds: bool) -> Vec<Fact> {
    let mut all = facts.to_vec();
    implied(asked, holds, &mut all);
    all
}

fn implied(asked: &IdedExpr, holds: bool, facts: &mut Vec<Fact>) {
    match &asked.expr {
        Expr::Select(select) if select.test && holds => {
            if let Some((root, mut path)) = path_of(&select.operand) {
                path.push(Segment::Name(select.field.as_str().into()));
                facts.push(Fact::Has(root.into(), path.into()));
            }
        }
        Expr::Select(select) if select.field == "ok" => {
            if let Expr::Ident(name) = &select.operand.expr {
                facts.push(Fact::Ok(name.as_str().into(), holds));
            }
        }
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, [inner]) => implied(inner, !holds, facts),
            (operators::LOGICAL_AND, [one, other]) if holds => {
                implied(one, true, facts);
                implied(other, true, facts);
            }
            (operators::LOGICAL_OR, [one, other]) if !holds => {
                implied(one, false, facts);
                implied(other, false, facts);
            }
            _ => {}
        },
        _ => {}
    }
}

fn is_known(name: &str) -> bool {
    thread_local! {
        static KNOWN: HashSet<&'static str> = NAMES.iter().copied().collect();
    }
    name.starts_with(['@', '_']) || name.ends_with('_') || KNOWN.with(|known| known.contains(name))
}

const NAMES: &[&str] = &[
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "size",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "bytes",
    "type",
    "dyn",
    "max",
    "min",
];
const FUNCTIONS: &str = "known are size, string, int, uint, double, contains, startsWith, endsWith, \
                         matches, has, all, exists, exists_one, map and filter";
/// Bytes of one compiled pattern.
const MOST_COMPILED: usize = 256 << 10;

//! One expression, from text to what can be evaluated.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::ast::{Expr, IdedExpr};
use cel::{ParseErrors, Program};

use super::reads::{Reads, path_of};
use super::{Read, Segment};

/// An expression that was compiled.
#[derive(Debug)]
pub struct Expression {
    text: Box<str>,
    reads: Box<[Read]>,
    pub(super) form: Form,
}

/// How it is evaluated.
#[derive(Debug)]
pub(super) enum Form {
    /// A path and nothing else: the value is lent, not copied through the library.
    Path(Box<str>, Box<[Segment]>),
    /// Whatever CEL can say.
    Program(Program),
}

/// Why an expression is refused, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The bytes at fault.
    pub at: Range<usize>,
    /// A sentence without a full stop.
    pub message: String,
    /// The likely fix.
    pub help: Option<&'static str>,
}

impl Expression {
    /// Compiles it.
    ///
    /// # Errors
    /// The first mistake, for the operator.
    pub fn compile(text: &str) -> Result<Self, Fault> {
        let whole = |message: String| Fault { at: 0..text.len(), message, help: None };
        if text.trim().is_empty() {
            return Err(whole("there is no expression here".to_owned()));
        }
        if text.len() > LONGEST {
            let message = format!("an expression has at most {LONGEST} bytes");
            let help = Some("let a step of its own prepare the value");
            return Err(Fault { help, ..whole(message) });
        }
        // The library's parser has panicked on odd texts before.
        let compiled = catch_unwind(AssertUnwindSafe(|| Program::compile(text)));
        let program = match compiled {
            Ok(Ok(program)) => program,
            Ok(Err(errors)) => return Err(syntax(text, &errors)),
            Err(_) => return Err(whole("this expression cannot be parsed".to_owned())),
        };
        let reads = Reads::of(&program, text)?;
        let root: &IdedExpr = program.expression();
        let form = match path_of(root) {
            Some((name, segments)) => Form::Path(name.into(), segments.into()),
            None => Form::Program(program),
        };
        Ok(Self { text: text.trim().into(), reads, form })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it looks at.
    pub fn reads(&self) -> &[Read] {
        &self.reads
    }

    /// The path, where the expression is one and nothing else: a root and what follows it.
    pub fn path(&self) -> Option<(&str, &[Segment])> {
        match &self.form {
            Form::Path(root, segments) => Some((root, segments)),
            Form::Program(_) => None,
        }
    }

    /// Whether it is a plain word, such as `true` or `'x'`, that needs no scope.
    pub fn is_constant(&self) -> bool {
        match &self.form {
            Form::Path(..) => false,
            Form::Program(program) => matches!(program.expression().expr, Expr::Literal(_)),
        }
    }
}

/// What the parser says, in one line and with a place.
fn syntax(text: &str, errors: &ParseErrors) -> Fault {
    let first = errors.errors.first();
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let before: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    let at = before + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at);
    let end = text.get(at..).and_then(|rest| rest.chars().next());
    let at = at..at + end.map_or(0, char::len_utf8);
    let said = first.map_or("", |error| error.msg.lines().next().unwrap_or_default());
    let said = said.trim().trim_start_matches("Syntax error: ");
    // What could have stood there instead is a list of the parser's own words.
    let said = said.split(" expecting ").next().unwrap_or_default();
    let said = if said.contains("<EOF>") { "it ends too early" } else { said };
    let message = match said.is_empty() {
        true => "this is no expression of CEL".to_owned(),
        false => format!("this is no expression of CEL: {said}"),
    };
    Fault { at, message, help: None }
}

/// Bytes of one expression. Parsing takes time and memory by its length.
const LONGEST: usize = 1024;

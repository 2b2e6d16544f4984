//! `[flow.NAME]`: a graph of steps and results, with every name resolved and every expression
//! compiled. How it is walked is the business of `flow`.

use std::ops::Range;
use std::time::Duration;

use http::{HeaderName, Method};
use serde_json::Value;

use crate::base::{FlowId, UpstreamId};
use crate::expression::{Expression, Template, Text};
use crate::parameter::{Field, Tongue};
use crate::problem::Code;

/// `[flow.NAME]`.
#[derive(Debug)]
pub struct Flow {
    /// The name in the file.
    pub name: String,
    /// Limit on the whole of it.
    pub timeout: Duration,
    /// Bytes of each reply that is read, and of each body that is made.
    pub limit: usize,
    /// What it is given.
    pub input: Box<[Input]>,
    /// Whether anything of it looks at `input.body`.
    pub reads_body: bool,
    /// What its success is; anything where nothing is declared.
    pub returns: Option<Box<Field>>,
    /// In file order; a number within the flow indexes them.
    pub steps: Box<[Step]>,
    /// What runs one after the other; the first is where it begins.
    pub stages: Box<[Stage]>,
    /// In file order.
    pub results: Box<[Outlet]>,
    /// How many ways lead through it.
    pub ways: Ways,
    /// The configured languages.
    pub tongues: Box<[Tongue]>,
}

/// `flow.NAME.input`.
#[derive(Debug)]
pub struct Input {
    /// What it is.
    pub field: Field,
    /// What holds where it is absent.
    pub fallback: Option<Value>,
}

/// One step, or the steps of a group, which run side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its steps.
    pub steps: Range<usize>,
    /// Where all of them succeeding leads.
    pub next: Next,
}

/// Where a way goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// At a stage.
    Stage(usize),
    /// At a result, which ends it.
    Outlet(usize),
    /// Nowhere: the last step's reply leaves, or the failing step's problem.
    End,
}

/// `[[flow.NAME.step]]`.
#[derive(Debug)]
pub struct Step {
    /// The name by which expressions call it.
    pub name: String,
    /// What is called.
    pub call: Call,
    /// The body of the call, or the input of the flow that is called.
    pub send: Option<Template>,
    /// Fields of the call.
    pub headers: Box<[(HeaderName, Text)]>,
    /// Limit on this step.
    pub timeout: Option<Duration>,
    /// Whether it runs at all.
    pub when: Option<Expression>,
    /// Where its failure leads.
    pub on_error: Next,
    /// Whether it sends an operation of GraphQL, whose reply tells of failures by itself.
    pub is_graphql: bool,
    /// Whether an expression looks into its body, so that a body that cannot be read is a failure
    /// of the step.
    pub looks_inside: bool,
    /// Its failure is no failure of its group: both lead to the same place, so that the others go on.
    pub tolerated: bool,
}

/// What a step calls.
#[derive(Debug)]
pub enum Call {
    /// An upstream.
    Upstream {
        /// The method.
        method: Method,
        /// Which one.
        upstream: UpstreamId,
        /// Path and query.
        target: Text,
    },
    /// Another flow.
    Flow(FlowId),
}

/// `[[flow.NAME.result]]`.
#[derive(Debug)]
pub struct Outlet {
    /// Its name.
    pub name: String,
    /// Its status, where that is said.
    pub status: Option<Status>,
    /// What leaves.
    pub what: What,
}

/// The status of a result.
#[derive(Debug)]
pub enum Status {
    /// Always this.
    Fixed(u16),
    /// Worked out.
    Computed(Expression),
}

/// What a result hands on.
#[derive(Debug)]
pub enum What {
    /// A success without content.
    Nothing,
    /// A success.
    Data(Template),
    /// The error of a step.
    Error(Expression),
    /// An error of the vocabulary.
    Code(Code),
}

/// Ways through a flow, from its beginning to a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// All of them.
    pub all: u64,
    /// Those that end without a result of their own.
    pub bare: u64,
}

impl Step {
    /// Whether its call may be made twice (RFC 9110, section 9.2.2). The calls of another flow are
    /// judged by themselves.
    pub fn is_safe_to_repeat(&self) -> bool {
        match &self.call {
            Call::Upstream { method, .. } => method.is_idempotent(),
            Call::Flow(_) => true,
        }
    }

    /// Shows every expression of it: of the call, of what it sends, of its headers, and `when`.
    pub fn each<'s>(&'s self, see: &mut dyn FnMut(&'s Expression)) {
        if let Call::Upstream { target, .. } = &self.call {
            target.each(see);
        }
        self.send.iter().for_each(|send| send.each(see));
        self.headers.iter().for_each(|(_, value)| value.each(see));
        self.when.iter().for_each(see);
    }
}

impl Outlet {
    /// Shows every expression of it: of its status, and of what it hands on.
    pub fn each<'s>(&'s self, see: &mut dyn FnMut(&'s Expression)) {
        if let Some(Status::Computed(status)) = &self.status {
            see(status);
        }
        match &self.what {
            What::Nothing | What::Code(_) => {}
            What::Data(data) => data.each(see),
            What::Error(error) => see(error),
        }
    }
}

//! What has been found of a request's parameters, and what is to be said of it in the end.

use super::Absent;
use crate::base::percent::Unreadable;
use crate::config::model::Params;
use crate::parameter::{Fault, Kind, Rule, Tongue};
use crate::problem::{BuiltIn, Cause, Place, Problem, Reason, Violation};

/// One pass over the parameters of a request.
pub(in crate::gate) struct Ledger<'r> {
    rules: &'r [Rule],
    /// One bit for each rule whose parameter was there.
    seen: [u64; Params::MOST / 64],
    /// The first fault of each parameter that has one; nothing is allocated before there is one.
    faults: Vec<(u16, Fault)>,
    /// Names that nobody declared, each once.
    unknown: Vec<String>,
}

impl<'r> Ledger<'r> {
    pub(in crate::gate) fn new(rules: &'r [Rule]) -> Self {
        let (faults, unknown) = (Vec::new(), Vec::new());
        Self { rules, seen: [0; Params::MOST / 64], faults, unknown }
    }

    pub(in crate::gate) fn is_repeated(&self, rule: u16) -> bool {
        self.rules.get(usize::from(rule)).is_some_and(|rule| rule.repeated)
    }

    /// A value of a declared parameter, decoded.
    pub(in crate::gate) fn take(&mut self, at: u16, value: Result<&str, Unreadable>) {
        let Some(rule) = self.rules.get(usize::from(at)) else { return };
        let again = self.mark(at);
        let judged = match value {
            _ if again && !rule.repeated => Err(Fault::Twice),
            Ok(value) => rule.judge(value),
            Err(Unreadable) => Err(Fault::Unreadable),
        };
        if let Err(fault) = judged
            && !self.faults.iter().any(|(known, _)| *known == at)
        {
            self.faults.push((at, fault));
        }
    }

    /// A file under a declared name: it is there, and what it holds is the upstream's business.
    pub(in crate::gate) fn take_file(&mut self, at: u16) {
        let Some(rule) = self.rules.get(usize::from(at)) else { return };
        let text =
            matches!(rule.kind, Kind::String { pattern: None, .. }) && rule.one_of.is_empty();
        let fault = match (text, self.mark(at) && !rule.repeated) {
            (_, true) => Fault::Twice,
            (false, false) => Fault::Form,
            (true, false) => return,
        };
        if !self.faults.iter().any(|(known, _)| *known == at) {
            self.faults.push((at, fault));
        }
    }

    /// A parameter that nobody declared, where that is refused.
    pub(in crate::gate) fn unknown(&mut self, name: &str) {
        let name = name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or_default();
        if self.unknown.len() < MOST && !self.unknown.iter().any(|known| known == name) {
            self.unknown.push(name.to_owned());
        }
    }

    /// Whether it was there before; it is from now on.
    fn mark(&mut self, at: u16) -> bool {
        let Some(word) = self.seen.get_mut(usize::from(at / 64)) else { return false };
        let bit = 1 << (at % 64);
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    fn was_seen(&self, at: usize) -> bool {
        self.seen.get(at / 64).is_some_and(|word| word & (1 << (at % 64)) != 0)
    }

    /// The verdict: what is absent and has a default, or all that is wrong.
    pub(in crate::gate) fn close(
        mut self,
        tongues: &[Tongue],
    ) -> Result<Option<Box<Absent>>, Problem> {
        let mut absent = None;
        for (at, rule) in self.rules.iter().enumerate() {
            if self.was_seen(at) {
                continue;
            }
            match &rule.fallback {
                Some(fallback) => absent.get_or_insert_with(Box::<Absent>::default).add(fallback),
                None if rule.optional => {}
                None => {
                    let at = u16::try_from(at).unwrap_or(u16::MAX);
                    self.faults.push((at, Fault::Missing));
                }
            }
        }
        if self.faults.is_empty() && self.unknown.is_empty() {
            return Ok(absent);
        }
        Err(self.refusal(tongues))
    }

    #[cold]
    fn refusal(mut self, tongues: &[Tongue]) -> Problem {
        self.faults.sort_unstable_by_key(|(at, _)| *at);
        let declared = self.faults.iter().filter_map(|(at, fault)| {
            self.rules.get(usize::from(*at)).map(|rule| rule.violation(*fault, tongues))
        });
        let body = self.rules.first().is_some_and(|rule| rule.place == Place::Body);
        let place = if body { Place::Body } else { Place::Query };
        let unknown = self.unknown.iter().map(|name| Violation {
            name: name.clone(),
            place: Some(place),
            code: BuiltIn::InvalidParameter,
            reason: Reason::Unknown,
            expected: Vec::new(),
        });
        refusal(declared.chain(unknown).take(MOST).collect())
    }
}

/// One problem with all of these; its cause is that of the first.
pub fn refusal(violations: Vec<Violation>) -> Problem {
    let cause = match violations.first().map(|first| first.reason) {
        Some(Reason::Missing) => Cause::MissingParameter,
        Some(Reason::Unknown) => Cause::UnknownParameter,
        Some(Reason::Empty | Reason::Invalid) | None => Cause::InvalidParameter,
    };
    violations.into_iter().fold(Problem::new(cause), Problem::with_violation)
}

/// Violations of one request that are told.
const MOST: usize = 50;
/// Bytes of a name that a client chose.
const LONGEST_NAME: usize = 100;

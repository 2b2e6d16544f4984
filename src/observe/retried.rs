//! What became of an attempt that failed: the reasons of `guichet_upstream_retries_total`.

use crate::problem::Cause;

/// What followed on an attempt that failed, where another one would have been right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// Another one did; it had failed for this cause.
    After(Cause),
    /// None did: the budget was spent.
    OverBudget,
}

impl Retried {
    /// How many there are.
    pub(super) const COUNT: usize = Cause::ALL.len() + 1;

    /// Every one, in the order of their numbers.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Cause::ALL.iter().copied().map(Self::After).chain([Self::OverBudget])
    }

    pub(super) const fn number(self) -> usize {
        match self {
            Self::After(cause) => cause as usize,
            Self::OverBudget => Cause::ALL.len(),
        }
    }

    /// The word of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::After(cause) => cause.as_str(),
            Self::OverBudget => "budget_spent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_its_own_number_and_word() {
        assert!(Retried::all().map(Retried::number).eq(0..Retried::COUNT));
        let words: HashSet<_> = Retried::all().map(Retried::as_str).collect();
        assert_eq!(words.len(), Retried::COUNT);
    }
}

//! What a policy of `[auth.*]` may say of a request, in the words of the metrics.

/// What a policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthResult {
    /// It knows the caller, who may do what is asked.
    Passed,
    /// Nothing was shown.
    Missing,
    /// What was shown is not right.
    Refused,
    /// It knows the caller, who may not do this.
    Forbidden,
    /// Nobody could be asked.
    Unavailable,
}

impl AuthResult {
    /// Every result, in the order of their numbers.
    pub const ALL: &'static [Self] =
        &[Self::Passed, Self::Missing, Self::Refused, Self::Forbidden, Self::Unavailable];

    /// The word of the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places() {
        assert!(AuthResult::ALL.iter().enumerate().all(|(at, it)| *it as usize == at));
    }
}

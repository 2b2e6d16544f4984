//! What outlives a configuration.
//!
//! One rule: what has the same name and the same settings in two configurations, one after the
//! other, is the same thing, and keeps the state it has gathered. Whatever differs in anything begins
//! anew, so that no state is ever judged by settings that it was not made under.
//!
//! Whoever keeps state beside a list of the configuration asks [`unchanged`] for the place that a
//! thing had before, and takes over what stands there.

use super::model;

/// A table of the configuration that the operator has named.
pub trait Named: PartialEq {
    /// Its name.
    fn name(&self) -> &str;
}

impl Named for model::Upstream {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for model::Auth {
    fn name(&self) -> &str {
        &self.name
    }
}

/// The place of `now` among what was there before, where nothing about it has changed.
pub fn unchanged<T: Named>(before: &[T], now: &T) -> Option<usize> {
    let known = before.iter().position(|it| it.name() == now.name())?;
    (before[known] == *now).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(PartialEq)]
    struct Thing(&'static str, u8);

    impl Named for Thing {
        fn name(&self) -> &str {
            self.0
        }
    }

    #[test]
    fn name_and_settings_must_both_be_the_same() {
        let before = [Thing("a", 1), Thing("b", 2)];
        assert_eq!(unchanged(&before, &Thing("b", 2)), Some(1));
        assert_eq!(unchanged(&before, &Thing("b", 1)), None, "another setting");
        assert_eq!(unchanged(&before, &Thing("c", 2)), None, "another name");
        assert_eq!(unchanged(&[], &Thing("a", 1)), None);
    }
}

//! What was found out a moment ago, so that it need not be found out again: a bounded memory of one
//! worker, for proofs that cost something (signatures, passwords, the word of an upstream).
//!
//! Proofs are remembered by a keyed hash, so that what is remembered proves nothing to who reads it.
//! There are two halves: when the younger one is full, it becomes the older one, and what nobody has
//! asked for meanwhile is forgotten. So the memory is bounded without looking for what is oldest.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::hmac;

use super::identity::Identity;

/// Recent proofs.
#[derive(Debug)]
pub(super) struct Recent {
    secret: hmac::Key,
    halves: RefCell<Halves>,
}

/// The name under which a proof is remembered.
pub(super) type Mark = [u8; 32];

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<Mark, Known>,
    old: HashMap<Mark, Known>,
}

/// What a proof has shown.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) identity: Arc<Identity>,
    /// The last moment at which it holds, in milliseconds since 1970.
    pub(super) until: u64,
    /// Which state of things it was judged by.
    pub(super) state: u64,
}

impl Recent {
    /// An empty memory; none where the system has no random numbers.
    pub(super) fn new() -> Option<Self> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let secret = hmac::Key::generate(hmac::HMAC_SHA256, &random).ok()?;
        Some(Self { secret, halves: RefCell::default() })
    }

    /// The mark of a proof.
    pub(super) fn mark(&self, proof: &[u8]) -> Mark {
        let tag = hmac::sign(&self.secret, proof);
        let mut mark = Mark::default();
        mark.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        mark
    }

    /// What a proof has shown, if it still holds in this state of things.
    pub(super) fn find(&self, mark: &Mark, now: u64, state: u64) -> Option<Arc<Identity>> {
        let mut halves = self.halves.borrow_mut();
        let holds = |known: &Known| known.state == state && now <= known.until;
        if let Some(known) = halves.young.get(mark) {
            return holds(known).then(|| Arc::clone(&known.identity));
        }
        let known = halves.old.remove(mark).filter(holds)?;
        let identity = Arc::clone(&known.identity);
        halves.keep(*mark, known);
        Some(identity)
    }

    /// Remembers what a proof has shown.
    pub(super) fn keep(&self, mark: Mark, known: Known) {
        self.halves.borrow_mut().keep(mark, known);
    }
}

impl Halves {
    fn keep(&mut self, mark: Mark, known: Known) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(mark, known);
    }
}

/// Proofs in one half.
const HALF: usize = 2048;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::base::AuthId;

    fn known(until: u64, state: u64) -> Known {
        let policy = HeaderValue::from_static("p");
        let identity = Arc::new(Identity::new(AuthId(0), &policy, "a", [""; 0]).unwrap());
        Known { identity, until, state }
    }

    #[test]
    fn a_proof_holds_until_its_end_and_in_its_state_of_things() {
        let recent = Recent::new().unwrap();
        let mark = recent.mark(b"token");
        assert!(recent.find(&mark, 0, 1).is_none());
        recent.keep(mark, known(10, 1));
        assert!(recent.find(&mark, 10, 1).is_some());
        assert!(recent.find(&mark, 11, 1).is_none() && recent.find(&mark, 10, 2).is_none());
        assert_ne!(mark, Recent::new().unwrap().mark(b"token"), "marks of others say nothing");
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_what_is_asked_for() {
        let recent = Recent::new().unwrap();
        let asked = recent.mark(b"asked for");
        recent.keep(asked, known(10, 0));
        for number in 0..10_000_u32 {
            recent.keep(recent.mark(&number.to_le_bytes()), known(10, 0));
            assert!(recent.find(&asked, 0, 0).is_some());
        }
        let halves = recent.halves.borrow();
        assert!(halves.young.len() + halves.old.len() <= 2 * HALF);
    }
}

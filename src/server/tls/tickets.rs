//! The keys of session tickets, made beside everything else.
//!
//! The first random bytes of a process take aws-lc some 40 ms: it gathers entropy of its own from the
//! jitter of the CPU. Keys of tickets are the first that need any, and nothing else that is done at a
//! start takes a tenth of that. So they are made on a thread of their own, while sockets are bound and
//! plain listeners answer; a handshake that comes meanwhile waits for the rest of it, as it would have
//! to for its own random bytes.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread;

use rustls::crypto::aws_lc_rs;
use rustls::server::ProducesTickets;

/// Keys that change every six hours and are forgotten six hours later.
pub(super) struct Tickets(OnceLock<Option<Arc<dyn ProducesTickets>>>);

impl Tickets {
    /// Keys that are being made.
    pub(super) fn begin() -> Arc<Self> {
        let tickets = Arc::new(Self(OnceLock::new()));
        let made = Arc::clone(&tickets);
        // Where no thread can be had, whoever is the first to need them makes them.
        let _ = thread::Builder::new().name("tickets".to_owned()).spawn(move || {
            made.keys();
        });
        tickets
    }

    /// The keys; none where there is no randomness, and so no handshake that could ask for them.
    fn keys(&self) -> Option<&Arc<dyn ProducesTickets>> {
        self.0.get_or_init(|| aws_lc_rs::Ticketer::new().ok()).as_ref()
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.keys().map_or(0, |keys| keys.lifetime())
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.keys()?.encrypt(plain)
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.keys()?.decrypt(cipher)
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tickets").field(&self.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_same_for_all_who_wait_for_them() {
        let tickets = Tickets::begin();
        let others = Arc::clone(&tickets);
        let sealed = thread::spawn(move || others.encrypt(b"a session")).join().unwrap().unwrap();
        assert_eq!(tickets.decrypt(&sealed).as_deref(), Some(&b"a session"[..]));
        assert_eq!(Tickets::begin().decrypt(&sealed), None, "each offer has its own");
    }
}

//! The keys of an issuer as of now: written by whoever fetches them, read by all workers.
//!
//! The last good set stays when the issuer cannot be reached. A token of an unknown key has the set
//! fetched again, by one for all who ask; every such fetch that brings nothing new makes the next one
//! wait longer, so that a stranger with invented key names cannot have the issuer asked all the time.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::key_set::KeySet;
use crate::base::clock::{self, Instant};

/// The keys of an issuer as of now.
#[derive(Debug, Default)]
pub(in crate::gate::auth) struct KeyRing {
    keys: Mutex<Keys>,
    /// Counts sets that were different; 0 before the first.
    state: AtomicU64,
    /// Counts fetches that have ended.
    fetches: watch::Sender<u64>,
    wanted: Notify,
    waiting: AtomicUsize,
}

#[derive(Debug, Default)]
struct Keys {
    set: Option<Arc<KeySet>>,
    text: Vec<u8>,
    /// When a fetch may begin for somebody who asks; none while nobody fetches.
    next: Option<Instant>,
}

impl KeyRing {
    /// Keys that nobody fetches.
    ///
    /// # Errors
    /// They are none.
    pub(super) fn of(text: &[u8]) -> Result<Self, String> {
        let ring = Self::default();
        ring.put(text)?;
        Ok(ring)
    }

    /// These are the keys from now on. Whether they are others than before.
    ///
    /// # Errors
    /// They are none; those of before stay.
    pub(super) fn put(&self, text: &[u8]) -> Result<bool, String> {
        let set = KeySet::parse(text)?;
        let mut keys = self.lock();
        if keys.set.is_some() && keys.text == text {
            return Ok(false);
        }
        keys.set = Some(Arc::new(set));
        text.clone_into(&mut keys.text);
        // After the set, and under its lock: who finds the new number finds the new set.
        self.state.fetch_add(1, Ordering::Release);
        Ok(true)
    }

    /// Whether this is the text of the keys.
    pub(super) fn is_of(&self, text: &[u8]) -> bool {
        self.lock().text == text
    }

    /// Which set that is.
    pub(super) fn state(&self) -> u64 {
        self.state.load(Ordering::Acquire)
    }

    /// The set, and which one it is; none before the first.
    pub(super) fn keys(&self) -> Option<(Arc<KeySet>, u64)> {
        let keys = self.lock();
        keys.set.as_ref().map(|set| (Arc::clone(set), self.state()))
    }

    /// A fetch has ended, and the next one may not begin before this moment.
    pub(super) fn fetched(&self, next: Instant) {
        self.lock().next = Some(next);
        self.fetches.send_modify(|count| *count += 1);
    }

    /// Waits until somebody misses a key.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Whether a key that is missing may be here in a moment.
    pub(super) fn is_worth_waiting(&self) -> bool {
        let soon = self.lock().next.is_some_and(|next| next <= clock::now() + PATIENCE);
        soon && self.waiting.load(Ordering::Relaxed) < MOST_WAITING
    }

    /// Has the keys fetched, and waits for the end of that, for a moment.
    pub(in crate::gate::auth) async fn fetch(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        let mut fetches = self.fetches.subscribe();
        self.wanted.notify_one();
        // In vain or not: what comes of it is seen in the set.
        let _ = tokio::time::timeout(2 * PATIENCE, fetches.changed()).await;
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A fetch that begins later than this is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// Requests of all workers that wait for keys at once.
const MOST_WAITING: usize = 256;

//! A limit whose quotas are kept in a store, as this process knows them: what it has in hand of each
//! caller's, in a table as bounded as that of a limit of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use super::super::gcra::{Left, Quota};
use super::super::table::Table;
use super::hand::{Hand, Verdict};
use super::script::{Answer, Question};
use crate::base::clock::Instant;

/// A limit that is counted in a store.
#[derive(Debug)]
pub(in super::super) struct Account {
    quota: Quota,
    /// Most tokens in hand for one caller, beside those that somebody waits for.
    most: u32,
    table: Table<Hand>,
    began: Instant,
    forgotten: AtomicU32,
}

impl Account {
    pub(in super::super) fn new(quota: Quota, keys: usize, began: Instant) -> Self {
        let (_, burst) = quota.parts();
        let most = (burst / 10).clamp(1, MOST_IN_HAND);
        Self { quota, most, table: Table::with_room_for(keys), began, forgotten: AtomicU32::new(0) }
    }

    /// How many callers were forgotten too early since this was asked last.
    pub(in super::super) fn take_forgotten(&self) -> u32 {
        // Mostly none, and a read that nobody writes costs nothing.
        match self.forgotten.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.forgotten.swap(0, Ordering::Relaxed),
        }
    }

    /// Takes one for a caller, as far as that can be decided here.
    pub(in super::super) fn take(&self, caller: u64, now: Instant) -> Verdict {
        self.with(caller, now, |hand, now| hand.take(self.quota, now)).0
    }

    /// Whether a caller is known to have none.
    pub(in super::super) fn refuses(&self, caller: u64, now: Instant) -> bool {
        self.with(caller, now, |hand, now| hand.refuses(self.quota, now)).0
    }

    /// What a caller has left, as far as that is known here.
    pub(in super::super) fn look(&self, caller: u64, now: Instant) -> Left {
        self.with(caller, now, |hand, now| hand.look(self.quota, now)).0
    }

    /// What to ask the store for a caller of whom so many requests wait; none where it is enough.
    pub(super) fn question(&self, caller: u64, waiting: usize, now: Instant) -> Option<Question> {
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let want = |hand: &mut Hand, now| hand.want(self.quota, waiting, self.most, now);
        let (want, _) = self.with(caller, now, want);
        (want > 0).then(|| self.ask(want, 0))
    }

    /// What to give back of a caller's tokens; none where they are used, or may be still.
    pub(super) fn unused(&self, caller: u64, now: Instant) -> Option<Question> {
        let (unused, _) = self.with(caller, now, Hand::unused);
        (unused > 0).then(|| self.give_back(unused))
    }

    /// Gives so many back.
    pub(super) fn give_back(&self, unused: u32) -> Question {
        self.ask(0, unused)
    }

    /// The store has answered what was asked at `sent`.
    pub(super) fn learn(&self, caller: u64, answer: Answer, sent: Instant, now: Instant) {
        let sent = self.nanos(sent);
        let (_, forgot) = self.with(caller, now, |hand, _| hand.learn(answer.owed, sent));
        self.forgotten.fetch_add(forgot.into(), Ordering::Relaxed);
    }

    /// It has given some, and so many found nobody. Says whether any are in hand.
    pub(super) fn keep(&self, caller: u64, spare: u32, now: Instant) -> bool {
        let keep = |hand: &mut Hand, now| {
            hand.keep(spare, now);
            hand.is_full()
        };
        self.with(caller, now, keep).0
    }

    fn ask(&self, want: u32, unused: u32) -> Question {
        let (each, burst) = self.quota.parts();
        Question { each: each as f64 / 1000.0, burst, want, unused }
    }

    fn with<R>(
        &self,
        caller: u64,
        now: Instant,
        look: impl FnOnce(&mut Hand, u64) -> R,
    ) -> (R, bool) {
        let now = self.nanos(now);
        self.table.with(caller, now, |hand| look(hand, now))
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// However large the burst.
const MOST_IN_HAND: u32 = 1000;

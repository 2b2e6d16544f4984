//! What is remembered of callers: a table of fixed size, shared by all workers.
//!
//! Each caller is 16 bytes: a keyed hash of 64 bits, so that nobody can aim at somebody else's
//! place, and the time at which its quota is whole again. From then on it need not be remembered: a
//! caller that was never seen stands exactly there. So places are taken over without loss as long as
//! one of a row is past its time. Where none is, the caller that is nearest to it is forgotten, and
//! counted: a flood of strangers, who have taken one each, pushes out other strangers, and not who
//! is far over its quota.
//!
//! Rows have a lock each, held for one look along 16 places: it makes the decision one for the
//! whole process, and two workers meet on it only by asking for the same few callers in the same
//! instant. Nothing is allocated after the start.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Callers, and what is known of them: when their quota is whole again, or more.
#[derive(Debug)]
pub(super) struct Table<T = u64> {
    rows: Box<[Mutex<Row<T>>]>,
    hasher: RandomState,
}

/// What may be known of a caller. A stranger is the default, which is not remembered.
pub(super) trait Known: Copy + Default {
    /// When its quota is whole again; zero for a stranger.
    fn back(&self) -> u64;
}

impl Known for u64 {
    fn back(&self) -> u64 {
        *self
    }
}

type Row<T> = [Place<T>; WIDTH];

#[derive(Clone, Copy, Debug, Default)]
struct Place<T> {
    /// Of its key; zero while empty.
    hash: u64,
    known: T,
}

impl<T: Known> Table<T> {
    /// A table for about so many callers.
    pub(super) fn with_room_for(keys: usize) -> Self {
        let rows = keys.div_ceil(WIDTH).next_power_of_two();
        let rows = std::iter::repeat_with(Mutex::default).take(rows).collect();
        Self { rows, hasher: RandomState::new() }
    }

    /// The hash that stands for a key. Never zero.
    pub(super) fn hash(&self, key: impl Hash) -> u64 {
        self.hasher.hash_one(key).max(1)
    }

    /// Lets `decide` look at what is known of a caller and change it. Says too whether somebody else had to
    /// be forgotten for it, whose quota was not whole yet.
    pub(super) fn with<R>(
        &self,
        hash: u64,
        now: u64,
        decide: impl FnOnce(&mut T) -> R,
    ) -> (R, bool) {
        let mut row = self.row(hash);
        let mut oldest = 0;
        for at in 0..WIDTH {
            if row[at].hash == hash {
                return (decide(&mut row[at].known), false);
            }
            if row[at].known.back() < row[oldest].known.back() {
                oldest = at;
            }
        }
        let mut known = T::default();
        let decided = decide(&mut known);
        // Who was only looked at takes nobody's place.
        if known.back() == 0 {
            return (decided, false);
        }
        let forgot = row[oldest].known.back() > now;
        row[oldest] = Place { hash, known };
        (decided, forgot)
    }

    fn row(&self, hash: u64) -> MutexGuard<'_, Row<T>> {
        // The high bits choose the row; the number of rows is a power of two.
        let at = usize::try_from(hash >> 32).unwrap_or_default() & (self.rows.len() - 1);
        // A row is plain numbers: whoever panicked while it was held left nothing half done.
        self.rows[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Places in a row: a lock and four cache lines.
const WIDTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn set(table: &Table<u64>, key: u64, now: u64, to: u64) -> bool {
        table.with(table.hash(key), now, |back| *back = to).1
    }

    fn get(table: &Table<u64>, key: u64) -> u64 {
        table.with(table.hash(key), 0, |back| *back).0
    }

    #[test]
    fn a_caller_is_found_again_and_one_that_was_only_looked_at_is_not_kept() {
        let table: Table = Table::with_room_for(1000);
        assert_eq!(get(&table, 1), 0);
        assert!(!set(&table, 1, 0, 7));
        assert_eq!((get(&table, 1), get(&table, 2)), (7, 0));
    }

    #[test]
    fn a_million_strangers_find_no_more_room_and_push_out_each_other() {
        let table: Table = Table::with_room_for(1024);
        assert_eq!(table.rows.len() * WIDTH, 1024);
        set(&table, u64::MAX, 0, 1_000_000);
        let forgotten = (0..1_000_000).filter(|key| set(&table, *key, 0, 10)).count();
        assert!(forgotten > 990_000, "{forgotten}");
        assert_eq!(get(&table, u64::MAX), 1_000_000, "who is far over its quota is remembered");
    }

    #[test]
    fn who_is_past_its_time_is_forgotten_without_a_word() {
        let table: Table = Table::with_room_for(16);
        let kept = (0..10_000).filter(|key| set(&table, *key, 100 + key, 100 + key)).count();
        assert_eq!(kept, 0);
    }
}

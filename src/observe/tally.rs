//! Counters by a packed key, for label sets that are bounded but sparse.
//!
//! Listener × route × method × status would be millions of cells if laid out in full; only a few
//! of them ever count anything. A tally is an open-addressed table of fixed size: the worker that
//! owns it inserts, the metrics page walks it. A full table counts what it had to leave out and
//! never grows, so that no client can make guichet remember more than the configuration allows.

use std::sync::atomic::{AtomicU64, Ordering};

use super::counter::Counter;

/// A bounded table from key to count.
#[derive(Debug)]
pub(super) struct Tally {
    slots: Box<[Slot]>,
    used: Counter,
    left_out: Counter,
}

#[derive(Debug, Default)]
struct Slot {
    /// Zero while empty, else the key with [`TAKEN`] set.
    key: AtomicU64,
    count: Counter,
}

impl Tally {
    /// A table for about `keys` different keys, within bounds of its own.
    pub(super) fn with_room_for(keys: usize) -> Self {
        let slots = keys.saturating_mul(4) / 3;
        let slots = slots.clamp(LEAST, MOST).next_power_of_two();
        let slots = std::iter::repeat_with(Slot::default).take(slots).collect();
        Self { slots, used: Counter::default(), left_out: Counter::default() }
    }

    /// Counts one more of `key`, whose highest bit must be free. One thread only.
    pub(super) fn bump(&self, key: u64) {
        self.add(key, 1);
    }

    /// Counts so many more of `key`. One thread only.
    #[inline]
    pub(super) fn add(&self, key: u64, count: u64) {
        let tagged = key | TAKEN;
        let mut at = self.home(key);
        // A quarter of the slots stays empty, so the walk always ends.
        loop {
            let slot = &self.slots[at];
            match slot.key.load(Ordering::Relaxed) {
                0 => return self.insert(slot, tagged, count),
                found if found == tagged => return slot.count.bump(count),
                _ => at = (at + 1) & (self.slots.len() - 1),
            }
        }
    }

    /// Every key with its count, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.slots.iter().filter_map(|slot| {
            // Acquire pairs with the release in `insert`: a key that is seen has its first count.
            let key = slot.key.load(Ordering::Acquire);
            (key != 0).then(|| (key & !TAKEN, slot.count.value()))
        })
    }

    /// Takes in what another table holds, each key as it is called here; a key of something that is
    /// not here is left. One thread only.
    pub(super) fn absorb(&self, other: &Self, rename: impl Fn(u64) -> Option<u64>) {
        for (key, count) in other.iter() {
            if let Some(key) = rename(key) {
                self.add(key, count);
            }
        }
        self.left_out.bump(other.left_out());
    }

    /// How often a key found no room.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.value()
    }

    fn insert(&self, slot: &Slot, tagged: u64, count: u64) {
        if self.used.value() >= self.slots.len() as u64 / 4 * 3 {
            return self.left_out.bump(count);
        }
        self.used.bump(1);
        slot.count.bump(count);
        slot.key.store(tagged, Ordering::Release);
    }

    /// Where the walk for a key begins: Fibonacci hashing, the high bits are the mixed ones.
    fn home(&self, key: u64) -> usize {
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        usize::try_from(mixed).unwrap_or_default() & (self.slots.len() - 1)
    }
}

const TAKEN: u64 = 1 << 63;
const LEAST: usize = 64;
/// One MiB of slots for each worker at the very most.
const MOST: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_full_table_counts_what_it_leaves_out_and_keeps_what_it_has() {
        let tally = Tally::with_room_for(1);
        for key in 0..100 {
            tally.bump(key);
        }
        tally.bump(0);
        assert_eq!(tally.iter().count(), 48);
        assert_eq!(tally.left_out(), 52);
        assert!(tally.iter().any(|pair| pair == (0, 2)));
    }

    #[test]
    fn its_size_is_bounded() {
        assert_eq!(Tally::with_room_for(0).slots.len(), LEAST);
        assert_eq!(Tally::with_room_for(usize::MAX).slots.len(), MOST);
        let tally = Tally::with_room_for(1_000);
        (0..1_000).for_each(|key| tally.bump(key << 20));
        assert_eq!(tally.left_out(), 0);
    }

    #[test]
    fn a_reader_beside_the_writer_sees_whole_entries() {
        let tally = Tally::with_room_for(500);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| (0..50_000_u64).for_each(|n| tally.bump(n % 500)));
            while !writer.is_finished() {
                assert!(tally.iter().all(|(key, count)| key < 500 && (1..=100).contains(&count)));
            }
        });
        assert_eq!(tally.iter().map(|(_, count)| count).sum::<u64>(), 50_000);
    }

    proptest! {
        #[test]
        fn agrees_with_a_map(keys in proptest::collection::vec(0u64..1 << 62, 0..200)) {
            let tally = Tally::with_room_for(200);
            let mut map = BTreeMap::new();
            for key in keys {
                tally.bump(key);
                *map.entry(key).or_insert(0) += 1;
            }
            prop_assert_eq!(tally.iter().collect::<BTreeMap<_, _>>(), map);
        }
    }
}

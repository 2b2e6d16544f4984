//! One worker's attempts at an upstream within a sliding window.

use std::cell::Cell;
use std::time::Duration;

/// One worker's attempts of the last while, in tenths.
pub(super) struct Window {
    slice: u64,
    /// The slice that is being counted, in slices since the board was made, and the turn.
    now: Cell<u64>,
    turn: Cell<u64>,
    slices: [Cell<(u32, u32)>; SLICES],
}

impl Window {
    /// A window of this length.
    pub(super) fn new(over: Duration) -> Self {
        let slice = u64::try_from(over.as_millis()).unwrap_or(u64::MAX) / SLICES as u64;
        Self {
            slice: slice.max(1),
            now: Cell::new(0),
            turn: Cell::new(0),
            slices: Default::default(),
        }
    }

    /// Counts an attempt; whether a slice has ended by it.
    pub(super) fn add(&self, bad: bool, millis: u64, turn: u64) -> bool {
        let passed = self.advance(millis, turn);
        self.count(1, u32::from(bad));
        passed
    }

    /// Counts as a failure what was counted as a success before, unless that is forgotten already:
    /// then it is an attempt of its own.
    pub(super) fn worsen(&self, millis: u64, turn: u64) {
        self.advance(millis, turn);
        let (all, bad) = self.sum();
        self.count(u32::from(bad >= all), 1);
    }

    /// Forgets what is too old; whether a slice has ended.
    fn advance(&self, millis: u64, turn: u64) -> bool {
        let now = (millis / self.slice).max(self.now.get());
        if self.turn.replace(turn) != turn {
            self.slices.iter().for_each(|slice| slice.set((0, 0)));
        }
        let passed = now - self.now.replace(now);
        for gone in 0..passed.min(SLICES as u64) {
            self.at(now - gone).set((0, 0));
        }
        passed > 0
    }

    fn count(&self, more: u32, worse: u32) {
        let slice = self.at(self.now.get());
        let (all, bad) = slice.get();
        slice.set((all.saturating_add(more), bad.saturating_add(worse)));
    }

    fn at(&self, slice: u64) -> &Cell<(u32, u32)> {
        // The remainder is below the length.
        &self.slices[usize::try_from(slice % SLICES as u64).unwrap_or(0)]
    }

    /// Attempts within the window, and failures among them.
    pub(super) fn sum(&self) -> (u32, u32) {
        let add = |(all, bad): (u32, u32), (more, worse): (u32, u32)| {
            (all.saturating_add(more), bad.saturating_add(worse))
        };
        self.slices.iter().map(Cell::get).fold((0, 0), add)
    }
}

const SLICES: usize = 10;

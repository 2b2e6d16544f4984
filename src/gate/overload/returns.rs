//! When those who were refused shall come back: `Retry-After` under overload.
//!
//! A refusal is a promise, so promises are kept in a calendar: five minutes of pages, each with room
//! for a share of what the scope can serve in that time. The share is small because new requests do
//! not stop coming; and the calendar is long because half a minute at three times the capacity leaves
//! a minute's work to come back, beside the new. `Retry-After` speaks in whole seconds, so who is refused in one tenth of a second
//! comes back in the same tenth of a later one; pages are tenths, and each is filled by itself. Without
//! that, whoever was refused in a crowd would come back in a crowd. A little chance keeps those who
//! are refused in the same instant apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The promises of a scope.
#[derive(Debug)]
pub(super) struct Returns {
    /// By number of the page, modulo their number: the page's number, and below it how many return.
    pages: Box<[AtomicU64]>,
    /// The tenth of a second in which somebody looked last, and below it the wait before which every
    /// page was full. Within such a tenth pages only fill, and a crowd need not read them all anew.
    full: AtomicU64,
}

impl Returns {
    pub(super) fn new() -> Self {
        let pages = std::iter::repeat_with(AtomicU64::default).take(PAGES).collect();
        Self { pages, full: AtomicU64::default() }
    }

    /// The wait for one more who was refused now, where a place of the scope becomes free every
    /// `each`: whole seconds.
    pub(super) fn place(&self, now: Duration, each: Duration) -> Duration {
        let apart = (each * SHARE).max(Duration::from_micros(1));
        let (page, step) = if apart <= TENTH {
            (TENTH, 1)
        } else {
            // Slower than that: a page is as many seconds as one return takes, rounded up.
            let seconds = apart.as_nanos().div_ceil(SECOND.as_nanos()).min(u128::from(LATEST));
            (SECOND, u64::try_from(seconds).unwrap_or(LATEST))
        };
        let room = (page.as_nanos() / apart.as_nanos()).max(1);
        let tenth = u64::try_from(now.as_millis() / 100).unwrap_or_default();
        let known = self.full_before(tenth);
        let mut wait = fastrand::u64(1..=step);
        wait += known.saturating_sub(wait).next_multiple_of(step);
        let (mut full, mut place) = (known, None);
        while wait <= LATEST && place.is_none() {
            let at = now + Duration::from_secs(wait);
            let number = match page {
                TENTH => at.as_millis() / 100,
                _ => u128::from(at.as_secs() / step * step) * 10,
            };
            // Who passes by does not know whether there is room.
            let looks = fastrand::u32(..4) > 0;
            if looks && self.take(number, early(room, wait)) {
                place = Some(wait);
            } else if looks && wait < full.max(1) + step {
                full = wait + step;
            }
            wait += step;
        }
        if full > known {
            self.full.store(tenth << COUNT_BITS | full, Ordering::Relaxed);
        }
        // The calendar is full; nobody knows better than that it is far.
        Duration::from_secs(place.unwrap_or_else(|| fastrand::u64(LATEST / 2..=LATEST)))
    }

    /// The wait before which no page has room, as far as is known in this tenth of a second.
    fn full_before(&self, tenth: u64) -> u64 {
        let full = self.full.load(Ordering::Relaxed);
        if full >> COUNT_BITS == tenth { full & (COUNTED - 1) } else { 0 }
    }

    /// Takes a place on a page, if it has one.
    fn take(&self, number: u128, room: u128) -> bool {
        let number = u64::try_from(number).unwrap_or(u64::MAX >> COUNT_BITS);
        let page = &self.pages[usize::try_from(number).unwrap_or_default() % PAGES];
        page.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |page| {
            // A page of the calendar before is an empty one.
            let count = if page >> COUNT_BITS == number { page & (COUNTED - 1) } else { 0 };
            let fits = u128::from(count) < room && count + 1 < COUNTED;
            fits.then_some(number << COUNT_BITS | (count + 1))
        })
        .is_ok()
    }
}

/// The room of a page that is so near: nobody knows yet whether the overload is over by then, and a
/// promise of what lies within it is kept to as few as everybody else is served. So the next half a
/// minute is promised to few.
fn early(room: u128, wait: u64) -> u128 {
    let near = u128::from(wait.min(FAR));
    (room * near * near / u128::from(FAR * FAR)).max(1)
}

/// Seconds from which on a page is promised whole.
const FAR: u64 = 30;
/// One in so many of what a scope serves is meant for those who return.
const SHARE: u32 = 5;
/// The longest wait, in seconds.
const LATEST: u64 = 300;
const TENTH: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
/// A little more than that in tenths of a second: 25 KiB.
const PAGES: usize = 3200;
const COUNT_BITS: u32 = 20;
const COUNTED: u64 = 1 << COUNT_BITS;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_crowd_does_not_come_back_as_a_crowd() {
        let (returns, each) = (Returns::new(), Duration::from_millis(10));
        let mut pages: BTreeMap<u128, u32> = BTreeMap::new();
        // Eight hundred are refused within a second; twenty a second are to return.
        for millis in 0..800 {
            let now = Duration::from_millis(millis);
            let wait = returns.place(now, each);
            assert!((1..=300).contains(&wait.as_secs()) && wait.subsec_nanos() == 0);
            *pages.entry((now + wait).as_millis() / 100).or_default() += 1;
        }
        assert!(pages.values().all(|count| *count <= 2), "{pages:?}");
        let last = pages.keys().max().unwrap();
        assert!((600..900).contains(last), "{last}");
        // In the next half a minute there is half of the room, and less.
        let near = pages.range(..300).map(|(_, count)| count).sum::<u32>();
        assert!(near < 320, "{near}");
        // A quiet while later the calendar is empty again.
        let later = Duration::from_secs(1000);
        let waits: Vec<u64> = (0..8).map(|_| returns.place(later, each).as_secs()).collect();
        assert!(waits.iter().all(|wait| *wait < 20), "{waits:?}");
    }

    #[test]
    fn a_crowd_of_one_instant_fills_every_page_and_reads_none_of_the_full_ones_anew() {
        let (returns, each) = (Returns::new(), Duration::from_millis(10));
        let mut pages: BTreeMap<u64, u32> = BTreeMap::new();
        for _ in 0..3000 {
            *pages.entry(returns.place(Duration::ZERO, each).as_secs()).or_default() += 1;
        }
        let before_the_far = pages.range(30..LATEST / 2);
        assert!(before_the_far.clone().all(|(_, count)| *count == 2), "{pages:?}");
        assert_eq!(before_the_far.count(), 120);
        assert!(returns.full_before(0) > LATEST, "{}", returns.full_before(0));
        assert!(returns.place(Duration::ZERO, each).as_secs() >= LATEST / 2);
        // The next tenth of a second has pages of its own.
        assert!(returns.place(TENTH, each).as_secs() < 30);
    }

    #[test]
    fn a_slow_scope_has_few_places_and_a_wait_has_an_end() {
        let (returns, each) = (Returns::new(), Duration::from_secs(1));
        let waits: Vec<u64> =
            (0..100).map(|_| returns.place(Duration::ZERO, each).as_secs()).collect();
        assert!(waits.iter().all(|wait| (1..=300).contains(wait)), "{waits:?}");
        assert!(waits.iter().filter(|wait| **wait < 30).count() < 10, "{waits:?}");
        assert!(waits.iter().max() > waits.iter().min(), "{waits:?}");
    }

    #[test]
    fn nothing_measured_is_no_reason_to_wait() {
        let waits =
            (0..100).map(|_| Returns::new().place(Duration::ZERO, Duration::ZERO).as_secs());
        assert!(waits.max() < Some(20));
    }
}

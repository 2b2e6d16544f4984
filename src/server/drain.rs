//! How a worker asks its connections to leave: all of them once it drains, and those that wait for
//! their client, the longest first, when it needs room.
//!
//! A connection polls its [`DrainWatch`] every time it is woken, so a poll must cost next to
//! nothing: tokio's `Notify` would take a lock each time, this is two loads and a comparison. That it
//! waits for its client is a write into its own seat; who has waited longest is looked for when that
//! matters and not before.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::base::clock::Instant;

/// Tells the tasks of one worker that connections are to end after the exchange under way.
#[derive(Debug, Default)]
pub(super) struct Drain {
    begun: Cell<bool>,
    seats: RefCell<Seats>,
}

/// A future that is ready once draining has begun; it may be polled again after that.
#[derive(Debug)]
pub(super) struct DrainWatch {
    drain: Rc<Drain>,
    seat: Option<usize>,
}

/// Why a connection is asked to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Every connection is.
    Drain,
    /// It waits for its client, and its descriptor is needed.
    Room,
}

/// What a connection that carries nothing waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rest {
    /// The first word. Whoever has not said one for a while makes room before anybody who has.
    First,
    /// The next request.
    Next,
}

#[derive(Debug, Default)]
struct Seats {
    all: Vec<Seat>,
    free: Vec<usize>,
}

#[derive(Debug, Default)]
struct Seat {
    waker: Option<Waker>,
    rests: Option<(Rest, Instant)>,
    shed: bool,
}

impl Drain {
    /// Whether draining has begun.
    pub(super) fn begun(&self) -> bool {
        self.begun.get()
    }

    /// Begins to drain and wakes every watch.
    pub(super) fn begin(&self) {
        self.begun.set(true);
        let seats = std::mem::take(&mut self.seats.borrow_mut().all);
        seats.into_iter().filter_map(|seat| seat.waker).for_each(Waker::wake);
    }

    /// Wakes the connections with these seats, so that they look around; false where there are none
    /// from there on.
    pub(super) fn nudge(&self, seats: Range<usize>) -> bool {
        let woken: Vec<_> = {
            let known = &self.seats.borrow().all;
            let Some(some) = known.get(seats.start..seats.end.min(known.len())) else {
                return false;
            };
            some.iter().filter_map(|seat| seat.waker.clone()).collect()
        };
        woken.into_iter().for_each(Waker::wake);
        true
    }

    /// A watch for one task.
    pub(super) fn watch(self: &Rc<Self>) -> DrainWatch {
        DrainWatch { drain: Rc::clone(self), seat: None }
    }

    /// Asks connections that wait for their clients to leave, so that at most so many are leaving at
    /// once; how many are asked.
    pub(super) fn shed(&self, most: usize, now: Instant) -> usize {
        let most = most.saturating_sub(self.leaving());
        let woken = self.seats.borrow_mut().shed(most, now);
        let count = woken.len();
        woken.into_iter().flatten().for_each(Waker::wake);
        count
    }

    /// How many were asked to make room and are still there.
    pub(super) fn leaving(&self) -> usize {
        self.seats.borrow().all.iter().filter(|seat| seat.shed).count()
    }
}

impl DrainWatch {
    /// Whether draining has begun.
    pub(super) fn begun(&self) -> bool {
        self.drain.begun()
    }

    /// The connection waits for its client.
    pub(super) fn rests(&mut self, rest: Rest, since: Instant) {
        let mut seats = self.drain.seats.borrow_mut();
        let place = *self.seat.get_or_insert_with(|| seats.take());
        if let Some(seat) = seats.all.get_mut(place) {
            seat.rests = Some((rest, since));
        }
    }

    /// The connection has something to do, and is not to leave before it is done.
    pub(super) fn works(&self) {
        let Some(place) = self.seat else { return };
        if let Some(seat) = self.drain.seats.borrow_mut().all.get_mut(place) {
            seat.rests = None;
            seat.shed = false;
        }
    }

    /// Whether the connection is to make room.
    pub(super) fn is_shed(&self) -> bool {
        let seats = self.drain.seats.borrow();
        self.seat.and_then(|place| seats.all.get(place)).is_some_and(|seat| seat.shed)
    }

    /// Waits until the connection is asked to leave.
    pub(super) async fn asked(&mut self) -> Asked {
        poll_fn(|cx| {
            if Pin::new(&mut *self).poll(cx).is_ready() {
                return Poll::Ready(Asked::Drain);
            }
            if self.is_shed() { Poll::Ready(Asked::Room) } else { Poll::Pending }
        })
        .await
    }
}

impl Future for DrainWatch {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.drain.begun() {
            return Poll::Ready(());
        }
        let seat = self.drain.seats.borrow_mut().register(self.seat, cx.waker());
        self.seat = Some(seat);
        Poll::Pending
    }
}

impl Drop for DrainWatch {
    fn drop(&mut self) {
        if let Some(seat) = self.seat {
            self.drain.seats.borrow_mut().release(seat);
        }
    }
}

impl Seats {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.all.push(Seat::default());
            self.all.len() - 1
        })
    }

    fn register(&mut self, seat: Option<usize>, waker: &Waker) -> usize {
        let seat = seat.unwrap_or_else(|| self.take());
        match &mut self.all[seat].waker {
            Some(known) if known.will_wake(waker) => {}
            place => *place = Some(waker.clone()),
        }
        seat
    }

    /// Once draining has begun the seats are gone, and there is nothing to give back.
    fn release(&mut self, seat: usize) {
        if let Some(place) = self.all.get_mut(seat) {
            *place = Seat::default();
            self.free.push(seat);
        }
    }

    fn shed(&mut self, most: usize, now: Instant) -> Vec<Option<Waker>> {
        let mut resting: Vec<(Rest, Instant, usize)> = Vec::new();
        for (place, seat) in self.all.iter().enumerate() {
            let Some((rest, since)) = seat.rests.filter(|_| !seat.shed) else { continue };
            // Somebody who has only just come is about to speak.
            if rest == Rest::Next || now.saturating_duration_since(since) >= NEW {
                resting.push((rest, since, place));
            }
        }
        if most < resting.len() {
            resting.select_nth_unstable(most);
            resting.truncate(most);
        }
        let asked = resting.into_iter().map(|(_, _, place)| {
            let seat = &mut self.all[place];
            seat.shed = true;
            seat.waker.take()
        });
        asked.collect()
    }
}

/// How long a connection without a word counts as one that has only just come.
const NEW: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::base::clock;

    fn poll(watch: Pin<&mut DrainWatch>) -> Poll<()> {
        watch.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_watch_is_ready_once_draining_has_begun_and_stays_so() {
        let drain = Rc::new(Drain::default());
        let mut watch = pin!(drain.watch());
        assert_eq!(poll(watch.as_mut()), Poll::Pending);
        drain.begin();
        assert_eq!(poll(watch.as_mut()), Poll::Ready(()));
        assert_eq!(poll(watch.as_mut()), Poll::Ready(()));
        assert_eq!(poll(pin!(drain.watch())), Poll::Ready(()), "a late watch is ready at once");
    }

    #[tokio::test]
    async fn every_waiting_task_is_woken() {
        let drain = Rc::new(Drain::default());
        let (one, two) = (drain.watch(), drain.watch());
        let begin = async { drain.begin() };
        tokio::join!(one, two, begin);
    }

    #[tokio::test]
    async fn who_is_nudged_looks_around_and_stays() {
        let drain = Rc::new(Drain::default());
        let (mut watch, looks) = (drain.watch(), Cell::new(0));
        let looking = poll_fn(|cx| {
            looks.set(looks.get() + 1);
            assert_eq!(Pin::new(&mut watch).poll(cx), Poll::Pending);
            if looks.get() == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        let nudge = async { assert!(drain.nudge(0..8) && !drain.nudge(8..16)) };
        tokio::join!(looking, nudge);
    }

    #[test]
    fn seats_are_used_again() {
        let drain = Rc::new(Drain::default());
        for _ in 0..100 {
            let mut watch = pin!(drain.watch());
            assert_eq!(poll(watch.as_mut()), Poll::Pending);
            assert_eq!(poll(watch.as_mut()), Poll::Pending);
        }
        assert_eq!(drain.seats.borrow().all.len(), 1);
    }

    /// Watches that were polled, the first of which has rested longest.
    fn resting(drain: &Rc<Drain>, rest: Rest, ages: &[u64]) -> Vec<DrainWatch> {
        let now = clock::now();
        let watch = |age: &u64| {
            let mut watch = drain.watch();
            watch.rests(rest, now - Duration::from_millis(*age));
            assert_eq!(poll(Pin::new(&mut watch)), Poll::Pending);
            watch
        };
        ages.iter().map(watch).collect()
    }

    fn shed(watches: &[DrainWatch]) -> Vec<bool> {
        watches.iter().map(DrainWatch::is_shed).collect()
    }

    #[test]
    fn who_has_rested_longest_makes_room_first_and_few_leave_at_once() {
        let drain = Rc::new(Drain::default());
        let mut watches = resting(&drain, Rest::Next, &[10, 50, 30, 40, 20]);
        assert_eq!(drain.shed(2, clock::now()), 2);
        assert_eq!(shed(&watches), [false, true, false, true, false]);
        assert_eq!(drain.shed(2, clock::now()), 0, "there are two who have not left yet");
        assert_eq!(drain.shed(3, clock::now()), 1);
        assert_eq!(shed(&watches), [false, true, true, true, false]);
        watches.drain(1..4);
        assert_eq!((drain.leaving(), drain.shed(9, clock::now())), (0, 2));
    }

    #[test]
    fn who_works_makes_no_room() {
        let drain = Rc::new(Drain::default());
        let mut watches = resting(&drain, Rest::Next, &[10, 20]);
        watches[1].works();
        assert_eq!(drain.shed(2, clock::now()), 1);
        assert_eq!(shed(&watches), [true, false]);
        // A request came before the connection could leave.
        watches[0].works();
        assert!(!watches[0].is_shed());
        watches[1].rests(Rest::Next, clock::now());
        assert_eq!(drain.shed(2, clock::now()), 1);
        assert_eq!(shed(&watches), [false, true]);
    }

    #[test]
    fn the_silent_go_before_those_who_have_spoken_unless_they_have_only_just_come() {
        let drain = Rc::new(Drain::default());
        let spoken = resting(&drain, Rest::Next, &[9_000]);
        let silent = resting(&drain, Rest::First, &[100, 2_000]);
        assert_eq!(drain.shed(1, clock::now()), 1);
        assert_eq!((shed(&silent), shed(&spoken)), (vec![false, true], vec![false]));
        assert_eq!(drain.shed(5, clock::now()), 1, "nobody else");
        assert_eq!((shed(&silent), shed(&spoken)), (vec![false, true], vec![true]));
    }

    #[tokio::test]
    async fn whoever_is_asked_is_woken() {
        let drain = Rc::new(Drain::default());
        let mut watch = drain.watch();
        watch.rests(Rest::Next, clock::now());
        let shed = async { assert_eq!(drain.shed(1, clock::now()), 1) };
        assert_eq!(tokio::join!(watch.asked(), shed).0, Asked::Room);
        let mut late = drain.watch();
        drain.begin();
        assert_eq!(late.asked().await, Asked::Drain);
        assert_eq!(drain.shed(1, clock::now()), 0, "they leave already");
    }

    #[test]
    fn a_seat_forgets_who_sat_there() {
        let drain = Rc::new(Drain::default());
        let watches = resting(&drain, Rest::Next, &[10]);
        assert_eq!(drain.shed(1, clock::now()), 1);
        drop(watches);
        let mut next = drain.watch();
        assert_eq!(poll(Pin::new(&mut next)), Poll::Pending);
        assert!(!next.is_shed());
        assert_eq!(drain.shed(1, clock::now()), 0);
    }
}

//! The worker's own drain signal: one flag, and the tasks that want to hear of it.
//!
//! A connection polls its [`DrainWatch`] every time it is woken, so a poll must cost next to
//! nothing: tokio's `Notify` would take a lock each time, this is two loads and a comparison.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

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

#[derive(Debug, Default)]
struct Seats {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Drain {
    /// Whether draining has begun.
    pub(super) fn begun(&self) -> bool {
        self.begun.get()
    }

    /// Begins to drain and wakes every watch.
    pub(super) fn begin(&self) {
        self.begun.set(true);
        let wakers = std::mem::take(&mut self.seats.borrow_mut().wakers);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// A watch for one task.
    pub(super) fn watch(self: &Rc<Self>) -> DrainWatch {
        DrainWatch { drain: Rc::clone(self), seat: None }
    }
}

impl DrainWatch {
    /// Whether draining has begun.
    pub(super) fn begun(&self) -> bool {
        self.drain.begun()
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
    fn register(&mut self, seat: Option<usize>, waker: &Waker) -> usize {
        let seat = seat.or_else(|| self.free.pop()).unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        });
        match &mut self.wakers[seat] {
            Some(known) if known.will_wake(waker) => {}
            place => *place = Some(waker.clone()),
        }
        seat
    }

    /// Once draining has begun the seats are gone, and there is nothing to give back.
    fn release(&mut self, seat: usize) {
        if let Some(place) = self.wakers.get_mut(seat) {
            *place = None;
            self.free.push(seat);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

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

    #[test]
    fn seats_are_used_again() {
        let drain = Rc::new(Drain::default());
        for _ in 0..100 {
            let mut watch = pin!(drain.watch());
            assert_eq!(poll(watch.as_mut()), Poll::Pending);
            assert_eq!(poll(watch.as_mut()), Poll::Pending);
        }
        assert_eq!(drain.seats.borrow().wakers.len(), 1);
    }
}

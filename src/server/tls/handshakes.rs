//! A worker's handshakes: how many are under way, and which of them may compute.
//!
//! A handshake costs a server a signature and a key exchange, a hundred times what it costs to ask
//! for one, and then its client may stay silent. So two things are bounded, each by its nature:
//!
//! - **Computing.** Handshakes take turns, one step for each look that the worker takes at its
//!   sockets: whatever waits for a turn, every request that is ready runs between two steps. One that
//!   has begun goes before one that has not. While many wait, nothing more is accepted where TLS is
//!   spoken ([`Handshakes::room`]): the kernel's queue is bounded, fair, and costs this thread
//!   nothing, where accepting only to close would cost it most of what a flood is after.
//! - **Waiting.** When `server.limits.handshakes` are under way, the oldest makes room for a new one.
//!   An honest client is done within a round trip or two; who still waits when a whole limit's worth
//!   came after is most likely to wait for ever. Refusing the newcomer instead would let as few idle
//!   sockets as the limit lock everybody out.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use tokio::sync::{Notify, oneshot};
use tokio::task::{spawn_local, yield_now};

/// The handshakes of one worker.
#[derive(Debug)]
pub(in crate::server) struct Handshakes {
    most: Cell<usize>,
    next: Cell<u64>,
    /// By age. Dropping one's sender pushes it out.
    under_way: RefCell<BTreeMap<u64, oneshot::Sender<()>>>,
    turns: Rc<Turns>,
}

impl Handshakes {
    /// At most this many at once.
    pub(in crate::server) fn new(most: usize) -> Self {
        Self {
            most: Cell::new(most),
            next: Cell::default(),
            under_way: RefCell::default(),
            turns: Rc::new(Turns::default()),
        }
    }

    /// At most this many at once, from the next one on.
    pub(in crate::server) fn limit(&self, most: usize) {
        self.most.set(most);
    }

    /// Brings a handshake to its end, step by step; none where it had to make room for newer ones.
    pub(in crate::server) async fn run<F: Future>(&self, handshake: F) -> Option<F::Output> {
        let (place, pushed_out) = self.take_place();
        let done = tokio::select! {
            biased;
            _ = pushed_out => None,
            done = self.turns.pace(handshake) => Some(done),
        };
        drop(place);
        done
    }

    /// Waits until few enough handshakes wait for a turn that one more is welcome.
    pub(in crate::server) async fn room(&self) {
        while self.turns.waiting.borrow().len() >= QUEUE {
            self.turns.shorter.notified().await;
        }
    }

    fn take_place(&self) -> (Place<'_>, oneshot::Receiver<()>) {
        let number = self.next.replace(self.next.get() + 1);
        let (kept, pushed_out) = oneshot::channel();
        let mut under_way = self.under_way.borrow_mut();
        if under_way.len() >= self.most.get() {
            under_way.pop_first();
        }
        under_way.insert(number, kept);
        (Place { of: self, number }, pushed_out)
    }
}

/// Gives the place back, however the handshake ends.
struct Place<'a> {
    of: &'a Handshakes,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.of.under_way.borrow_mut().remove(&self.number);
    }
}

/// Who may compute: one for each look at the sockets.
#[derive(Debug, Default)]
struct Turns {
    taken: Cell<bool>,
    waiting: RefCell<Waiting>,
    /// Told whenever the queue has become shorter.
    shorter: Notify,
}

/// First come, first served, in either queue.
#[derive(Debug, Default)]
struct Waiting {
    begun: VecDeque<oneshot::Sender<()>>,
    fresh: VecDeque<oneshot::Sender<()>>,
}

/// Whether a handshake has had a turn before.
#[derive(Clone, Copy)]
enum Standing {
    Fresh,
    Begun,
}

impl Turns {
    /// Polls `handshake` to its end and takes a turn for each poll.
    async fn pace<F: Future>(self: &Rc<Self>, handshake: F) -> F::Output {
        let mut handshake = pin!(handshake);
        let mut standing = Standing::Fresh;
        loop {
            self.take(standing).await;
            standing = Standing::Begun;
            let mut stepped = false;
            // One step; after that, being polled means that there is something to go on with.
            let step = poll_fn(|cx| {
                if stepped {
                    return Poll::Ready(None);
                }
                stepped = true;
                handshake.as_mut().poll(cx).map(Some)
            });
            if let Some(done) = step.await {
                return done;
            }
        }
    }

    async fn take(self: &Rc<Self>, standing: Standing) {
        if !self.taken.replace(true) {
            spawn_local(Rc::clone(self).hand_on());
            return;
        }
        let (give, given) = oneshot::channel();
        match standing {
            Standing::Begun => self.waiting.borrow_mut().begun.push_back(give),
            Standing::Fresh => self.waiting.borrow_mut().fresh.push_back(give),
        }
        // The giver lives as long as anybody waits.
        let _ = given.await;
    }

    /// Gives one turn for each look at the sockets until nobody waits. To yield is to run only
    /// after tokio has polled its driver and all that was ready then.
    async fn hand_on(self: Rc<Self>) {
        loop {
            yield_now().await;
            let next = || self.waiting.borrow_mut().next();
            // Those who have gone meanwhile need no turn.
            let given = std::iter::from_fn(next).any(|next| next.send(()).is_ok());
            self.shorter.notify_waiters();
            if !given {
                self.taken.set(false);
                return;
            }
        }
    }
}

impl Waiting {
    fn next(&mut self) -> Option<oneshot::Sender<()>> {
        self.begun.pop_front().or_else(|| self.fresh.pop_front())
    }

    fn len(&self) -> usize {
        self.begun.len() + self.fresh.len()
    }
}

/// Even at a millisecond a step, a wait that nobody notices.
const QUEUE: usize = 64;

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::runtime::LocalRuntime;

    use super::*;

    #[test]
    fn every_ready_task_runs_between_two_steps() {
        let runtime = LocalRuntime::new().unwrap();
        let handshakes = Rc::new(Handshakes::new(1000));
        let (steps, requests) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        runtime.block_on(async {
            for _ in 0..200 {
                let (handshakes, steps) = (Rc::clone(&handshakes), Rc::clone(&steps));
                spawn_local(
                    async move { handshakes.run(async { steps.set(steps.get() + 1) }).await },
                );
            }
            // A request that is always ready.
            while steps.get() < 200 {
                let before = steps.get();
                yield_now().await;
                requests.set(requests.get() + 1);
                assert!(steps.get() - before <= 1, "{} steps at once", steps.get() - before);
            }
        });
        assert!(requests.get() >= 200);
    }

    #[test]
    fn what_has_begun_goes_first_and_the_rest_in_its_order() {
        let runtime = LocalRuntime::new().unwrap();
        let handshakes = Rc::new(Handshakes::new(1000));
        let order = Rc::new(RefCell::new(Vec::new()));
        runtime.block_on(async {
            let all: Vec<_> = (0..5)
                .map(|name| {
                    let (handshakes, order) = (Rc::clone(&handshakes), Rc::clone(&order));
                    spawn_local(async move {
                        let two_steps = async {
                            order.borrow_mut().push((name, 1));
                            yield_now().await;
                            order.borrow_mut().push((name, 2));
                        };
                        handshakes.run(two_steps).await
                    })
                })
                .collect();
            for each in all {
                assert_eq!(each.await.unwrap(), Some(()));
            }
        });
        let order = order.borrow();
        let firsts: Vec<i32> =
            order.iter().filter(|(_, step)| *step == 1).map(|(name, _)| *name).collect();
        assert_eq!(firsts, [0, 1, 2, 3, 4]);
        for seen in 0..=order.len() {
            let begun = order[..seen].iter().filter(|(_, step)| *step == 1).count();
            // One more than one: a turn may be given away before the next step asks for it.
            assert!(2 * begun <= seen + 2, "{order:?}");
        }
    }

    #[test]
    fn a_long_queue_asks_for_no_more_until_it_is_shorter() {
        let runtime = LocalRuntime::new().unwrap();
        let handshakes = Rc::new(Handshakes::new(1000));
        runtime.block_on(async {
            handshakes.room().await;
            let all: Vec<_> = (0..=QUEUE + 10)
                .map(|_| {
                    let handshakes = Rc::clone(&handshakes);
                    spawn_local(async move { handshakes.run(async {}).await })
                })
                .collect();
            while handshakes.turns.waiting.borrow().len() < QUEUE {
                yield_now().await;
            }
            handshakes.room().await;
            assert!(handshakes.turns.waiting.borrow().len() < QUEUE);
            for each in all {
                each.await.unwrap();
            }
        });
    }

    #[test]
    fn the_oldest_makes_room_for_the_newest() {
        let runtime = LocalRuntime::new().unwrap();
        let handshakes = Rc::new(Handshakes::new(3));
        runtime.block_on(async {
            let silent: Vec<_> = (0..10)
                .map(|_| {
                    let handshakes = Rc::clone(&handshakes);
                    spawn_local(async move { handshakes.run(pending::<()>()).await })
                })
                .collect();
            while handshakes.next.get() < 10 {
                yield_now().await;
            }
            assert_eq!(handshakes.run(async { "served" }).await, Some("served"));
            let mut silent = silent.into_iter();
            for _ in 0..8 {
                assert_eq!(silent.next().unwrap().await.unwrap(), None);
            }
            assert_eq!(handshakes.under_way.borrow().len(), 2);
            for left in silent {
                left.abort();
                assert!(left.await.unwrap_err().is_cancelled());
            }
        });
        assert!(handshakes.under_way.borrow().is_empty());
    }

    #[test]
    fn a_handshake_that_goes_while_it_waits_for_its_turn_costs_nobody_theirs() {
        let runtime = LocalRuntime::new().unwrap();
        let handshakes = Rc::new(Handshakes::new(1000));
        runtime.block_on(async {
            let run = || {
                let handshakes = Rc::clone(&handshakes);
                spawn_local(async move { handshakes.run(async {}).await })
            };
            let mut all: Vec<_> = (0..100).map(|_| run()).collect();
            while handshakes.next.get() < 100 {
                yield_now().await;
            }
            all.iter().step_by(2).for_each(tokio::task::JoinHandle::abort);
            for kept in all.drain(..).skip(1).step_by(2) {
                assert_eq!(kept.await.unwrap(), Some(()));
            }
            assert_eq!(run().await.unwrap(), Some(()), "and turns go on");
            while handshakes.turns.taken.get() {
                yield_now().await;
            }
        });
    }
}

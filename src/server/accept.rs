//! An accept loop that never dies, and what it does while accepting fails.
//!
//! An accept that fails says something about one connection (it was reset while it waited) or about
//! the whole process (no file descriptor is left). The first is nothing. In the second, connections
//! that carry nothing make room; where there are none, the descriptor that the worker keeps back is
//! spent on telling one client after the other; where even that is in use it is waited out, because
//! a loop that spins or ends makes a shortage into an outage (RUSTSEC-2024-0376).

use std::io;
use std::time::Duration;

use tokio::task::yield_now;

/// Where connections come in.
pub(super) trait Door {
    /// Takes in the next connection. Dropped while it waits, it has taken none.
    async fn take_in(&self) -> io::Result<()>;

    /// An accept has failed that says something about the whole process.
    fn failed(&self, error: &io::Error);

    /// Asks those who carry nothing to leave. Whether there were any.
    fn make_room(&self) -> bool;

    /// Whether anybody who was asked to is still about to.
    fn is_making_room(&self) -> bool;

    /// With what is kept back: tells one client that waits why it is not served. Whether that could be.
    async fn tell_one(&self) -> bool;
}

/// Takes in connections until the end.
pub(super) async fn accept(door: &impl Door, mut end: impl Future<Output = ()> + Unpin) {
    let mut shortage = Shortage::default();
    loop {
        let taken = tokio::select! {
            taken = door.take_in() => taken,
            () = &mut end => return,
        };
        match taken {
            Ok(()) => shortage = Shortage::default(),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                door.failed(&error);
                tokio::select! {
                    () = shortage.pass(door) => {}
                    () = &mut end => return,
                }
            }
        }
    }
}

/// What has been tried since the last connection was taken in.
struct Shortage {
    pause: Duration,
    made_room: bool,
}

impl Default for Shortage {
    fn default() -> Self {
        Self { pause: PAUSE_MIN, made_room: false }
    }
}

impl Shortage {
    /// Does what can be done about it, until another accept is worth it.
    async fn pass(&mut self, door: &impl Door) {
        // Where room was made and is not there yet, more would only be taken from those who stay.
        if !self.made_room {
            self.made_room = door.make_room();
            if self.made_room {
                // Who was asked to leave runs, and closes, before this task does again.
                yield_now().await;
                return;
            }
            let soon = door.is_making_room() && self.pause < PAUSE_MAX;
            if !soon && door.tell_one().await {
                self.pause = PAUSE_MIN;
                return;
            }
        }
        self.made_room = false;
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

/// Errors of the connection that was next in line, as accept(2) passes them on.
pub(super) fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::TimedOut
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}

const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::future::pending;
    use std::pin::pin;

    use super::*;
    use crate::base::clock::{self, Instant};

    /// How an accept turns out.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Turn {
        /// A connection.
        Taken,
        /// One that was reset while it waited.
        Reset,
        /// No descriptor.
        Short,
    }
    use Turn::{Reset, Short, Taken};

    /// A door at which accepts turn out as they were written, after which nobody comes.
    struct Played {
        turns: RefCell<VecDeque<Turn>>,
        /// How many times somebody can make room, is still about to leave, can be told.
        room: Cell<u32>,
        leaving: Cell<u32>,
        told: Cell<u32>,
        start: Instant,
        /// When there was an accept, in milliseconds.
        accepts: RefCell<Vec<u128>>,
        failures: Cell<usize>,
    }

    fn played(turns: impl IntoIterator<Item = Turn>) -> Played {
        Played {
            turns: RefCell::new(turns.into_iter().collect()),
            room: Cell::new(0),
            leaving: Cell::new(0),
            told: Cell::new(0),
            start: clock::now(),
            accepts: RefCell::default(),
            failures: Cell::new(0),
        }
    }

    /// Whether there was one more of them.
    fn take(count: &Cell<u32>) -> bool {
        count.replace(count.get().saturating_sub(1)) > 0
    }

    impl Door for Played {
        async fn take_in(&self) -> io::Result<()> {
            let turn = self.turns.borrow_mut().pop_front();
            let Some(turn) = turn else { return pending().await };
            self.accepts.borrow_mut().push((clock::now() - self.start).as_millis());
            match turn {
                Taken => Ok(()),
                Reset => Err(io::ErrorKind::ConnectionAborted.into()),
                Short => Err(io::Error::from_raw_os_error(EMFILE)),
            }
        }

        fn failed(&self, _: &io::Error) {
            self.failures.set(self.failures.get() + 1);
        }

        fn make_room(&self) -> bool {
            take(&self.room)
        }

        fn is_making_room(&self) -> bool {
            take(&self.leaving)
        }

        async fn tell_one(&self) -> bool {
            take(&self.told)
        }
    }

    impl Played {
        /// When there were accepts, an hour later.
        async fn accepts(self) -> Vec<u128> {
            let end = pin!(tokio::time::sleep(Duration::from_secs(3600)));
            accept(&self, end).await;
            assert!(self.turns.borrow().is_empty(), "it goes on");
            self.accepts.take()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_a_second_and_never_end() {
        let door = played([Short; 11]);
        let expected = [0, 10, 30, 70, 150, 310, 630, 1_270, 2_270, 3_270, 4_270];
        assert_eq!(door.accepts().await, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_the_shortage_and_the_next_one_begins_anew() {
        let door = played([Short, Short, Short, Taken, Taken, Short, Short]);
        assert_eq!(door.accepts().await, [0, 10, 30, 70, 70, 70, 80]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_concerns_one_connection_is_no_shortage_and_ends_none() {
        let door = played([Reset; 100]);
        let at = door.accepts().await;
        assert!(at.iter().all(|at| *at == 0), "{at:?}");
        let door = played([Short, Reset, Short, Reset, Short]);
        assert_eq!(door.accepts().await, [0, 10, 10, 30, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_makes_room_is_given_a_pause_before_others_are_asked() {
        let door = played([Short; 5]);
        door.room.set(2);
        assert_eq!(door.accepts().await, [0, 0, 10, 10, 30], "one asks, one waits, and so on");
    }

    #[tokio::test(start_paused = true)]
    async fn who_can_be_told_is_told_without_a_pause() {
        let door = played([Short; 6]);
        door.told.set(3);
        assert_eq!(door.accepts().await, [0, 0, 0, 0, 10, 30]);
        let door = played([Short; 10]);
        door.leaving.set(100);
        door.told.set(1);
        let expected = [0, 10, 30, 70, 150, 310, 630, 1_270, 1_270, 1_280];
        assert_eq!(door.accepts().await, expected, "while some are leaving only after the longest");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_with_the_loop() {
        let door = played([Short; 1000]);
        let end = pin!(tokio::time::sleep(Duration::from_millis(1_500)));
        accept(&door, end).await;
        assert_eq!((clock::now() - door.start).as_millis(), 1_500);
        assert_eq!(door.accepts.borrow().last(), Some(&1_270));
        assert_eq!(door.failures.get(), door.accepts.borrow().len(), "each is counted");
    }

    /// Of Linux.
    const EMFILE: i32 = 24;
}

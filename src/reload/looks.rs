//! When to look at files again: once in a while whatever happens, and soon after somebody has told
//! that something has.
//!
//! What is told brings two looks forward, [`APART`] from each other, because files are read when two
//! looks in a row found the same: a change is read about that long after its last event. What is told
//! meanwhile brings another one. No two looks are nearer to each other than that, however much is
//! told: a storm of events costs ten looks a second. And while nothing is told, because nothing
//! happens or the file system does not say, there are looks all the same.

use std::future::{pending, poll_fn};
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::base::clock::{self, Instant};

/// Whoever tells that something has happened.
pub(super) trait Stir {
    /// Ready where something has happened since this was ready before.
    fn poll_stirred(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// What these paths say is what matters from now on. Whether there is anything in it that it did not
    /// attend to before, and so may have missed.
    fn attend(&mut self, paths: &[PathBuf]) -> bool;
}

/// The times of looks.
#[derive(Debug)]
pub(super) struct Looks<S> {
    stir: Option<S>,
    every: Duration,
    last: Option<Instant>,
    /// How many are to come soon.
    owed: u8,
}

impl<S: Stir> Looks<S> {
    /// A look now, one after each `every`, and more where somebody tells.
    pub(super) fn new(stir: Option<S>, every: Duration) -> Self {
        Self { stir, every, last: None, owed: 0 }
    }

    /// These are the files. Where they stand elsewhere than they did, something may have happened
    /// there before anybody listened.
    pub(super) fn attend(&mut self, paths: &[PathBuf]) {
        if self.stir.as_mut().is_some_and(|stir| stir.attend(paths)) {
            self.owed = PAIR;
        }
    }

    /// Waits for the time of the next look. Who stops waiting has missed nothing.
    pub(super) async fn due(&mut self) {
        if let Some(last) = self.last {
            if self.owed == 0 {
                let stirred = async {
                    match &mut self.stir {
                        Some(stir) => poll_fn(|cx| stir.poll_stirred(cx)).await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    biased;
                    () = stirred => self.owed = PAIR,
                    () = tokio::time::sleep_until(last + self.every) => {}
                }
            }
            if self.owed > 0 {
                tokio::time::sleep_until(last + APART).await;
            }
        }
        // The look sees what has happened by now, and one more whether that was all of it.
        if let Some(stir) = &mut self.stir
            && poll_fn(|cx| Poll::Ready(stir.poll_stirred(cx).is_ready())).await
        {
            self.owed = PAIR;
        }
        self.owed = self.owed.saturating_sub(1);
        self.last = Some(clock::now());
    }
}

/// Between two looks that events have brought forward: a change that is told is read after this long,
/// and who pauses for less while it writes is left alone.
const APART: Duration = Duration::from_millis(100);
/// One that finds a change, and one that finds it settled.
const PAIR: u8 = 2;

#[cfg(test)]
mod tests {
    use std::task::ready;

    use tokio::sync::mpsc;

    use super::*;

    impl Stir for mpsc::Receiver<()> {
        fn poll_stirred(&mut self, cx: &mut Context<'_>) -> Poll<()> {
            let told = ready!(self.poll_recv(cx));
            while self.try_recv().is_ok() {}
            if told.is_some() { Poll::Ready(()) } else { Poll::Pending }
        }

        fn attend(&mut self, paths: &[PathBuf]) -> bool {
            !paths.is_empty()
        }
    }

    /// Looks with a teller, of which the first is over.
    async fn looks() -> (mpsc::Sender<()>, Looks<mpsc::Receiver<()>>, Instant) {
        let (tell, told) = mpsc::channel(1000);
        let mut looks = Looks::new(Some(told), Duration::from_secs(1));
        let start = clock::now();
        looks.due().await;
        assert_eq!(clock::now(), start, "the first is at once");
        (tell, looks, start)
    }

    /// When the next ones are, in milliseconds.
    async fn next(
        looks: &mut Looks<mpsc::Receiver<()>>,
        start: Instant,
        count: usize,
    ) -> Vec<u128> {
        let mut at = Vec::new();
        for _ in 0..count {
            looks.due().await;
            at.push((clock::now() - start).as_millis());
        }
        at
    }

    async fn pass(millis: u64) {
        tokio::time::advance(Duration::from_millis(millis)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_is_looked_at_at_once_and_once_more_and_else_once_a_second() {
        let (tell, mut looks, start) = looks().await;
        assert_eq!(next(&mut looks, start, 2).await, [1_000, 2_000]);
        pass(300).await;
        tell.try_send(()).unwrap();
        assert_eq!(next(&mut looks, start, 3).await, [2_300, 2_400, 3_400]);
        pass(40).await;
        tell.try_send(()).unwrap();
        assert_eq!(next(&mut looks, start, 3).await, [3_500, 3_600, 4_600], "no two are nearer");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_between_two_looks_brings_another_one() {
        let (tell, mut looks, start) = looks().await;
        pass(500).await;
        tell.try_send(()).unwrap();
        assert_eq!(next(&mut looks, start, 1).await, [500]);
        pass(99).await;
        tell.try_send(()).unwrap();
        assert_eq!(next(&mut looks, start, 3).await, [600, 700, 1_700]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_costs_ten_looks_a_second() {
        let (tell, mut looks, start) = looks().await;
        let storm = async {
            for _ in 0..10_000 {
                let _ = tell.try_send(());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let mut count = 0;
        let counted = async {
            loop {
                looks.due().await;
                count += 1;
            }
        };
        tokio::select! { () = storm => {} () = counted => {} }
        assert!((99..=101).contains(&count), "{count}");
        let rest = next(&mut looks, start, 4).await;
        assert_eq!(rest[3], rest[2] + 1_000, "{rest:?}: it ends with the storm");
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_has_missed_nothing() {
        let (tell, mut looks, start) = looks().await;
        tell.try_send(()).unwrap();
        let stopped = tokio::time::timeout(Duration::from_millis(50), looks.due()).await;
        assert!(stopped.is_err());
        assert_eq!(next(&mut looks, start, 3).await, [100, 200, 1_200]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_attends_to_something_new_may_have_missed_a_change() {
        let (_tell, mut looks, start) = looks().await;
        looks.attend(&[]);
        assert_eq!(next(&mut looks, start, 1).await, [1_000]);
        looks.attend(&[PathBuf::from("new")]);
        assert_eq!(next(&mut looks, start, 3).await, [1_100, 1_200, 2_200]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_told_nothing_looks_all_the_same() {
        let (tell, mut looks, start) = looks().await;
        drop(tell);
        assert_eq!(next(&mut looks, start, 2).await, [1_000, 2_000], "a teller that is gone");
        let mut looks = Looks::<mpsc::Receiver<()>>::new(None, Duration::from_secs(1));
        assert_eq!(next(&mut looks, start, 2).await, [2_000, 3_000], "none at all");
    }
}

//! Keeps the process under its memory budget: measures on the control thread, a few times a second,
//! and tells everybody by one byte ([`Memory`](crate::gate::Memory)).
//!
//! Near the budget, connections that carry nothing are closed; nearer still, nothing new is begun.
//! Both end a little lower than they begin, so that what was given up is not taken back at once
//! (Envoy's overload manager has the same two steps). Bodies that flow need no step of their own:
//! what one exchange may hold is bounded anyway.

mod sources;

use std::sync::Arc;
use std::time::Duration;

use self::sources::{Reading, Sources};
use super::shared::Shared;
use crate::base::clock::{self, Instant};
use crate::gate::Pressure;
use crate::observe::log;

/// Measures until the instance ends.
///
/// The first measure is taken before this waits for anything, and so before the first request.
pub(super) fn watch(shared: Arc<Shared>) -> impl Future<Output = ()> {
    Watch::of(Sources::of_this_process()).keep(shared)
}

struct Watch {
    sources: Sources,
    pressure: Pressure,
    /// The worst that the log has been told lately, and when.
    said: Option<(Pressure, Instant)>,
}

impl Watch {
    fn of(sources: Sources) -> Self {
        Self { sources, pressure: Pressure::None, said: None }
    }

    fn keep(mut self, shared: Arc<Shared>) -> impl Future<Output = ()> {
        let mut pace = self.look(&shared);
        async move {
            loop {
                tokio::time::sleep(pace).await;
                pace = self.look(&shared);
            }
        }
    }

    /// Measures and tells; after how long to do so again.
    fn look(&mut self, shared: &Shared) -> Duration {
        let budget = shared.config().server.memory;
        // Where nothing can be read, nothing is known, and nobody is refused for it.
        let Some(reading) = self.sources.read(budget) else {
            shared.press(Pressure::None);
            return RARELY;
        };
        let share = reading.share();
        let pressure = judge(self.pressure, share);
        if pressure != self.pressure {
            self.pressure = pressure;
            shared.press(pressure);
            self.say(pressure, reading);
        }
        pace(share)
    }

    /// A process that lives at the edge crosses it often: the log hears of a step once a minute,
    /// unless it has become worse.
    fn say(&mut self, pressure: Pressure, reading: Reading) {
        let now = clock::now();
        let lately = |at: Instant| now.saturating_duration_since(at) < SAID_EVERY;
        if self.said.is_some_and(|(worst, at)| lately(at) && pressure <= worst) {
            return;
        }
        self.said = Some((pressure, now));
        let what = match pressure {
            Pressure::None => "enough again",
            Pressure::Tight => "tight: idle connections are closed",
            Pressure::Short => "short: new requests and connections get 503",
        };
        let line = format_args!("memory is {what} ({reading})");
        if pressure == Pressure::None {
            log::info("memory", line)
        } else {
            log::warn("memory", line)
        }
    }
}

/// After how long to look again: a burst must not reach the next step before that.
fn pace(share: f64) -> Duration {
    if share >= NEAR {
        OFTEN
    } else if share >= FAR {
        SELDOM
    } else {
        RARELY
    }
}

/// What a share of the budget means to somebody who was under this pressure before.
fn judge(before: Pressure, share: f64) -> Pressure {
    let short = if before == Pressure::Short { SHORT_ENDS } else { SHORT };
    let tight = if before == Pressure::None { TIGHT } else { TIGHT_ENDS };
    if share >= short {
        Pressure::Short
    } else if share >= tight {
        Pressure::Tight
    } else {
        Pressure::None
    }
}

const TIGHT: f64 = 0.92;
const TIGHT_ENDS: f64 = 0.90;
const SHORT: f64 = 0.95;
const SHORT_ENDS: f64 = 0.93;
const NEAR: f64 = 0.6;
const FAR: f64 = 0.3;
const RARELY: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_millis(500);
/// How far a burst gets between two looks is what the last 5 % are for.
const OFTEN: Duration = Duration::from_millis(50);
const SAID_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::pin::pin;

    use super::*;
    use crate::server::tests::plain;

    #[test]
    fn each_step_ends_lower_than_it_begins() {
        let shares = [0.5, 0.91, 0.92, 0.91, 0.95, 0.94, 0.929, 0.91, 0.899, 0.91, 0.99, 0.1];
        let mut pressure = Pressure::None;
        let steps: Vec<Pressure> = shares
            .into_iter()
            .map(|share| {
                pressure = judge(pressure, share);
                pressure
            })
            .collect();
        let (none, tight, short) = (Pressure::None, Pressure::Tight, Pressure::Short);
        let expected =
            [none, none, tight, tight, short, short, tight, tight, none, none, short, none];
        assert_eq!(steps, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn the_nearer_the_budget_the_sooner_the_next_look() {
        let mount = tempfile::tempdir().unwrap();
        let taken = |of_1000: u32| {
            fs::write(mount.path().join("memory.current"), format!("{of_1000}\n")).unwrap();
        };
        fs::write(mount.path().join("memory.max"), "1000\n").unwrap();
        taken(299);
        let shared = Shared::new(Arc::new(plain(&[], 1)), Arc::default());
        let sources = Sources::of_one_cgroup(mount.path());
        let mut keeps = pin!(Watch::of(sources).keep(Arc::clone(&shared)));
        let (none, tight, short) = (Pressure::None, Pressure::Tight, Pressure::Short);
        assert_eq!(shared.memory().pressure(), none);
        // What is taken then, how many milliseconds pass until somebody looks, and what is seen.
        for (share, millis, before, after) in [
            (300, 1000, none, none),
            (600, 500, none, none),
            (919, 50, none, none),
            (920, 50, none, tight),
            (950, 50, tight, short),
            (930, 50, short, short),
            (929, 50, short, tight),
            (899, 50, tight, none),
            (100, 50, none, none),
            (999, 1000, none, short),
        ] {
            taken(share);
            let mut pass = async |millis| {
                tokio::time::timeout(Duration::from_millis(millis), &mut keeps).await.unwrap_err();
                shared.memory().pressure()
            };
            assert_eq!(pass(millis - 2).await, before, "{share}: too soon");
            assert_eq!(pass(2).await, after, "{share} of 1000");
        }
    }
}

//! Scopes before an upstream of a known capacity, on a clock that only moves when nobody has
//! anything to do: seconds of overload in milliseconds, and the same in every run but for the
//! little chance in `Retry-After`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::Semaphore;
use tokio::task::LocalSet;

use super::*;

/// So many slots, each of which takes a request this long; whoever finds none waits in it.
struct Backend {
    slots: Semaphore,
    service: Cell<Duration>,
    /// Slots that are gone as soon as they are free.
    gone: Cell<usize>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
struct Fate {
    came: Duration,
    /// Until it was answered, or refused.
    took: Duration,
    /// How long it was told to stay away.
    refused: Option<Duration>,
    again: bool,
}

struct World {
    scope: Arc<Scope>,
    backend: Backend,
    began: Instant,
    fates: RefCell<Vec<Fate>>,
    obedient: bool,
}

impl World {
    fn new(in_flight: InFlight, wait: u64, slots: usize) -> Rc<Self> {
        let patience = Patience { depth: 512, wait: Duration::from_millis(wait) };
        let settings = Settings { in_flight, patience, ..settings(1, 0, 0) };
        let backend = Backend {
            slots: Semaphore::new(slots),
            service: Cell::new(Duration::from_millis(50)),
            gone: Cell::new(0),
        };
        let (scope, began) = (Scope::new(settings), clock::now());
        Rc::new(Self { scope, backend, began, fates: RefCell::default(), obedient: false })
    }

    async fn ask(self: Rc<Self>, again: bool) {
        let came = clock::now();
        let entered = enter_at(&self.scope, came).await;
        let refused = match entered {
            Ok(permit) => {
                let sent = permit.since();
                let slot = self.backend.slots.acquire().await.unwrap();
                tokio::time::sleep(self.backend.service.get()).await;
                if self.backend.gone.get() > 0 {
                    self.backend.gone.set(self.backend.gone.get() - 1);
                    slot.forget();
                }
                let now = clock::now();
                permit.answered(now - sent, now);
                None
            }
            Err(_) => Some(self.scope.retry_after()),
        };
        let took = clock::now() - came;
        self.fates.borrow_mut().push(Fate { came: came - self.began, took, refused, again });
        if let Some(wait) = refused.filter(|_| self.obedient && !again) {
            tokio::time::sleep(wait).await;
            Box::pin(self.ask(true)).await;
        }
    }

    /// Requests at this rate, for so many milliseconds, whatever becomes of them.
    async fn load(self: &Rc<Self>, per_second: u64, millis: u64) {
        let mut due = 0;
        for _ in 0..millis {
            due += per_second;
            while due >= 1000 {
                due -= 1000;
                tokio::task::spawn_local(Rc::clone(self).ask(false));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Answers a second between two times, that came within the time that a client waits.
    fn goodput(&self, from: u64, to: u64, patience: u64) -> f64 {
        let (from, to) = (Duration::from_millis(from), Duration::from_millis(to));
        let good = |fate: &&Fate| {
            let answered = fate.came + fate.took;
            fate.refused.is_none()
                && fate.took <= Duration::from_millis(patience)
                && (from..to).contains(&answered)
        };
        self.fates.borrow().iter().filter(good).count() as f64 / (to - from).as_secs_f64()
    }
}

/// The time under which 99 in 100 stay.
fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn three_times_the_capacity_leaves_the_capacity_and_quick_refusals() {
    LocalSet::new()
        .run_until(async {
            let world = World::new(InFlight::Fixed(20), 40, 20);
            world.load(1200, 5000).await;
            let goodput = world.goodput(500, 5000, 1000);
            assert!(goodput > 0.9 * 400.0, "{goodput}");
            let fates = world.fates.borrow();
            let of = |refused: bool| {
                let these = fates.iter().filter(|fate| fate.refused.is_some() == refused);
                p99(these.map(|fate| fate.took).collect())
            };
            assert!(of(false) < Duration::from_millis(100), "{:?}", of(false));
            assert!(of(true) < Duration::from_millis(50), "{:?}", of(true));
            assert!(fates.iter().flat_map(|fate| fate.refused).all(|wait| wait.as_secs() >= 1));
        })
        .await;
}

/// Two capacities and back, at a load over both: answers within twice the time of an idle upstream.
async fn halves_and_recovers(in_flight: InFlight, change: fn(&Backend, bool)) -> f64 {
    LocalSet::new()
        .run_until(async {
            let world = World::new(in_flight, 40, 40);
            world.load(1000, 10_000).await;
            change(&world.backend, true);
            world.load(1000, 15_000).await;
            change(&world.backend, false);
            world.load(1000, 15_000).await;
            world.goodput(0, 40_000, 150)
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_is_nearly_as_good_as_the_best_fixed_one() {
    let slots = |backend: &Backend, halve: bool| {
        if halve {
            backend.gone.set(20);
        } else {
            backend.slots.add_permits(20);
        }
    };
    let mut best: f64 = 0.0;
    for limit in [20, 25, 30, 35, 40, 50] {
        best = best.max(halves_and_recovers(InFlight::Fixed(limit), slots).await);
    }
    let adaptive = halves_and_recovers(InFlight::Adaptive, slots).await;
    println!("best fixed {best:.0}/s, adaptive {adaptive:.0}/s");
    assert!(adaptive > 0.8 * best, "best fixed {best}, adaptive {adaptive}");
}

#[tokio::test(start_paused = true)]
async fn an_adaptive_limit_learns_that_an_upstream_has_become_slower() {
    let slower = |backend: &Backend, halve: bool| {
        backend.service.set(Duration::from_millis(if halve { 100 } else { 50 }));
    };
    let mut best: f64 = 0.0;
    for limit in [20, 40, 50] {
        best = best.max(halves_and_recovers(InFlight::Fixed(limit), slower).await);
    }
    let adaptive = halves_and_recovers(InFlight::Adaptive, slower).await;
    println!("best fixed {best:.0}/s, adaptive {adaptive:.0}/s");
    assert!(adaptive > 0.8 * best, "best fixed {best}, adaptive {adaptive}");
}

/// The share of those who were refused that is served on the first return, after an overload of so
/// many seconds and a calm in which all of them can return.
async fn served_on_return(overload: u64, calm: u64) -> f64 {
    LocalSet::new()
        .run_until(async {
            let mut world = World::new(InFlight::Fixed(20), 40, 20);
            Rc::get_mut(&mut world).unwrap().obedient = true;
            world.load(1200, overload * 1000).await;
            // Calm again: six in ten of what it can do, and those who return.
            world.load(240, calm * 1000).await;
            let fates = world.fates.borrow();
            let refused = fates.iter().filter(|fate| fate.refused.is_some() && !fate.again).count();
            let returned: Vec<_> = fates.iter().filter(|fate| fate.again).collect();
            let served = returned.iter().filter(|fate| fate.refused.is_none()).count();
            println!("{refused} refused, {} returned, {served} served", returned.len());
            assert!(returned.len() as u64 > 500 * overload, "{}", returned.len());
            served as f64 / returned.len() as f64
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn who_obeys_retry_after_is_served_on_the_first_return() {
    let share = served_on_return(3, 100).await;
    assert!(share > 0.95, "{share}");
}

#[tokio::test(start_paused = true)]
async fn who_obeys_retry_after_is_served_after_half_a_minute_of_overload() {
    let share = served_on_return(30, 330).await;
    assert!(share > 0.95, "{share}");
}

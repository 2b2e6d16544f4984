//! Scopes alone: room, the queue, and what threads do to each other.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::base::clock;

mod simulation;

fn settings(limit: usize, depth: usize, wait: u64) -> Settings {
    Settings {
        name: "s".into(),
        in_flight: InFlight::Fixed(limit),
        patience: Patience { depth, wait: Duration::from_millis(wait) },
        reserve: 0.0,
    }
}

async fn enter(scope: &Arc<Scope>) -> Result<Permit, Shed> {
    enter_at(scope, clock::now()).await
}

async fn enter_at(scope: &Arc<Scope>, now: Instant) -> Result<Permit, Shed> {
    match scope.enter(Class::Ordinary, now)? {
        Entered::In(permit) => Ok(permit),
        Entered::Waits(mut waiting) => waiting.told().await,
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_who_finds_no_room_is_refused_at_once() {
    let scope = Scope::new(settings(2, 0, 250));
    let first = enter(&scope).await.unwrap();
    let _second = enter(&scope).await.unwrap();
    let before = clock::now();
    assert_eq!(enter(&scope).await.unwrap_err(), Shed::QueueFull);
    assert_eq!(clock::now(), before);
    drop(first);
    assert!(enter(&scope).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_served_when_somebody_leaves_or_told_when_the_wait_is_over() {
    let scope = Scope::new(settings(1, 5, 250));
    let held = enter(&scope).await.unwrap();
    let before = clock::now();
    assert_eq!(enter(&scope).await.unwrap_err(), Shed::Waited);
    assert_eq!(clock::now() - before, Duration::from_millis(250));
    let (served, ()) = tokio::join!(enter(&scope), async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        drop(held);
    });
    assert_eq!(clock::now() - before, Duration::from_millis(290));
    drop(served.unwrap());
    assert_eq!(scope.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_leaves_its_place_in_the_queue() {
    let scope = Scope::new(settings(1, 1, 250));
    let held = enter(&scope).await.unwrap();
    {
        let mut left = Box::pin(enter(&scope));
        assert!(futures_poll(&mut left).await.is_none());
        assert_eq!(enter(&scope).await.unwrap_err(), Shed::QueueFull);
    }
    let mut waits = Box::pin(enter(&scope));
    assert!(futures_poll(&mut waits).await.is_none());
    // Told in the instant in which its client leaves: the room must not be lost.
    drop(held);
    drop(waits);
    assert_eq!(scope.in_flight(), 0);
    assert!(enter(&scope).await.is_ok());
}

/// Polls once.
async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(Pin::new(&mut *future).poll(cx)));
    match poll.await {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_refused_at_once() {
    let scope = Scope::new(settings(1, 100, 250));
    // A hold of 100 ms is learnt.
    for _ in 0..3 {
        let permit = enter(&scope).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(permit);
    }
    let _held = enter(&scope).await.unwrap();
    let mut first = Box::pin(enter(&scope));
    let mut second = Box::pin(enter(&scope));
    assert!(futures_poll(&mut first).await.is_none());
    assert!(futures_poll(&mut second).await.is_none());
    let before = clock::now();
    assert_eq!(enter(&scope).await.unwrap_err(), Shed::WaitTooLong);
    assert_eq!(clock::now(), before);
}

#[tokio::test(start_paused = true)]
async fn in_a_standing_queue_the_newest_goes_first_and_the_oldest_makes_room() {
    let scope = Scope::new(settings(1, 2, 200));
    let held = enter(&scope).await.unwrap();
    let mut oldest = Box::pin(enter(&scope));
    assert!(futures_poll(&mut oldest).await.is_none());
    tokio::time::sleep(Duration::from_millis(199)).await;
    let mut older = Box::pin(enter(&scope));
    assert!(futures_poll(&mut older).await.is_none());
    tokio::time::advance(Duration::from_millis(1)).await;
    let mut newest = Box::pin(enter(&scope));
    assert!(futures_poll(&mut newest).await.is_none());
    assert_eq!(futures_poll(&mut oldest).await.unwrap().unwrap_err(), Shed::Displaced);
    drop(held);
    assert!(futures_poll(&mut older).await.is_none());
    assert!(futures_poll(&mut newest).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn room_that_is_kept_is_for_those_it_is_kept_for() {
    let scope = Scope::new(Settings { reserve: 0.2, ..settings(10, 0, 0) });
    let now = clock::now();
    let ordinary: Vec<_> = (0..20).map_while(|_| scope.try_enter(Class::Ordinary, now)).collect();
    assert_eq!(ordinary.len(), 8);
    let reserved: Vec<_> = (0..20).map_while(|_| scope.try_enter(Class::Reserved, now)).collect();
    assert_eq!(reserved.len(), 2);
}

/// No scope is ever over its limit, nobody who waits is forgotten, and all room comes back.
#[test]
fn threads_neither_lose_room_nor_find_too_much_of_it() {
    let scope = Scope::new(settings(3, 1000, 10_000));
    let (most, inside, served) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                runtime.unwrap().block_on(async {
                    for _ in 0..20 {
                        let one = || async {
                            let permit = enter(&scope).await.unwrap();
                            let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            tokio::task::yield_now().await;
                            inside.fetch_sub(1, Ordering::SeqCst);
                            served.fetch_add(1, Ordering::SeqCst);
                            drop(permit);
                        };
                        tokio::join!(one(), one(), one(), one(), one(), one(), one(), one());
                    }
                });
            });
        }
    });
    assert_eq!(served.into_inner(), 4 * 20 * 8);
    assert!(most.into_inner() <= 3);
    assert_eq!(scope.in_flight(), 0);
}

#[test]
fn a_scope_that_has_not_changed_is_carried_over() {
    let config = |more: &str| {
        let text = format!(
            "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n[overload]\nin_flight = 9\n{more}\n\
             [[route]]\nmatch = \"/\"\nrespond = {{ status = 204 }}\nin_flight = 2\n"
        );
        crate::config::load_text("t.toml", &text, &|_| None).map_err(|_| text).unwrap().config
    };
    let before = Overload::new(&config(""), None).unwrap();
    let same = Overload::new(&config(""), Some(&before)).unwrap();
    let shared = |left: &Overload, right: &Overload| {
        left.scopes().zip(right.scopes()).filter(|(left, right)| Arc::ptr_eq(left, right)).count()
    };
    assert_eq!(shared(&before, &same), 2);
    let other = Overload::new(&config("queue = { depth = 3 }"), Some(&before)).unwrap();
    assert_eq!(shared(&before, &other), 0);
    let names: Vec<_> = same.limits().0.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["gateway", "route:route-1"]);
}

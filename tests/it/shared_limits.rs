//! Limits that gateways share through a real store: how many pass together, and what happens to
//! requests while the store is gone, silent, and back.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::rig::client::{self, Client, Reply};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::store::Store;

/// Everything is limited by `limit`, which is counted in a store with these settings.
fn setup(store: &str, limit: &str) -> Setup {
    Setup::new().workers(2).with(&format!("[store.fleet]\n{store}\n[limit.all]\n{limit}")).with(
        "store = \"fleet\"\n[[route]]\nname = \"all\"\nmatch = \"/{*rest}\"\n\
         respond = { status = 204 }\nlimits = [\"all\"]",
    )
}

/// A gateway whose store answers.
fn joined(store: &str, limit: &str) -> Gateway {
    let gateway = setup(store, limit).start();
    is_up(&gateway, true);
    gateway
}

fn is_up(gateway: &Gateway, up: bool) {
    let known = || gateway.metric("guichet_store_up{store=\"fleet\"}");
    eventually("news of the store", || (known() == Some(up.into())).then_some(()));
}

fn fallbacks(gateway: &Gateway) -> f64 {
    gateway.metric("guichet_store_fallbacks_total{store=\"fleet\"}").unwrap()
}

fn get(gateway: &Gateway) -> Reply {
    client::get(gateway.plain(), "/a")
}

fn passes(gateway: &Gateway) -> bool {
    let reply = get(gateway);
    assert!([204, 429, 503].contains(&reply.status()), "{}", reply.status());
    reply.status() == 204
}

/// Patient enough for a machine that does other things beside.
fn patient(store: &Store) -> String {
    format!("url = \"{}\"\ntimeout = \"5s\"", store.url())
}

#[test]
fn two_gateways_let_as_many_pass_as_one() {
    for kind in Store::kinds() {
        let store = Store::start(kind, None);
        let limit = "key = \"gateway\"\nrate = \"300/d\"\nstatus = 429";
        let gateways = [joined(&patient(&store), limit), joined(&patient(&store), limit)];
        let passed = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for gateway in gateways.iter().cycle().take(8) {
                scope.spawn(|| {
                    let mut client = Client::plain(gateway.plain());
                    while client.get("/a").status() == 204 {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        // Each may have a tenth of the burst in hand still, and gives it back.
        let at_once = passed.load(Ordering::Relaxed);
        assert!((240..=300).contains(&at_once), "{kind}: {at_once}");
        eventually("what was given back", || {
            let more = gateways.iter().filter(|gateway| passes(gateway)).count();
            passed.fetch_add(more, Ordering::Relaxed);
            (passed.load(Ordering::Relaxed) >= 300).then_some(())
        });
        // Longer than anything is remembered or kept in hand.
        let more = || gateways.iter().filter(|gateway| passes(gateway)).count();
        assert_eq!((0..150).map(|_| more()).sum::<usize>(), 0, "{kind}");
        assert_eq!(passed.into_inner(), 300, "{kind}");
        let reply = get(&gateways[0]);
        reply.is_problem(429, "TooManyRequests");
        assert_eq!(reply.header("ratelimit"), Some("\"all\";r=0;t=288"));
        assert_eq!(reply.header("retry-after"), Some("288"));
        assert_eq!(gateways.iter().map(fallbacks).sum::<f64>(), 0.0);
    }
}

#[test]
fn who_comes_now_and_then_is_counted_one_by_one_over_all_gateways() {
    let Some(store) = Store::any() else { return };
    let limit = "key = \"header:x-tenant\"\nrate = \"4/d\"";
    let gateways = [joined(&patient(&store), limit), joined(&patient(&store), limit)];
    let ask = |at: usize, tenant: &str| {
        let request = format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Tenant: {tenant}\r\n\r\n");
        client::ask(gateways[at].plain(), &request)
    };
    for (at, left) in [(0, 3), (1, 2), (0, 1), (1, 0)] {
        let reply = ask(at, "t0p-secret");
        assert_eq!(reply.status(), 204);
        let said = reply.header("ratelimit").unwrap().to_owned();
        let right = format!("\"all\";r={left};");
        assert!(said.starts_with(&right), "{at}: {said} and not {right}");
    }
    ask(0, "t0p-secret").is_problem(429, "TooManyRequests");
    ask(1, "t0p-secret").is_problem(429, "TooManyRequests");
    assert_eq!(ask(1, "another").status(), 204);
    // Values of headers go there as digests, and keys go when their quota is whole.
    let keys = store.ask(&["KEYS", "*"]);
    let keys: Vec<_> = keys.iter().filter(|line| line.starts_with("guichet:all:#")).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    for key in keys {
        let expires = store.ask(&["PTTL", key]);
        let millis: u64 = expires[0].strip_prefix(':').unwrap().parse().unwrap();
        assert!((1..=86_400_000).contains(&millis), "{millis}");
    }
}

#[test]
fn a_store_that_is_gone_is_replaced_as_on_down_says_and_comes_back() {
    let Some(mut store) = Store::any() else { return };
    let limit = "key = \"gateway\"\nrate = \"3/d\"\nstatus = 429";
    let with = |on_down: &str| {
        let store = format!("{}\non_down = \"{on_down}\"", patient(&store));
        joined(&store, &limit.replace("3/d", if on_down == "local" { "3/d" } else { "9/d" }))
    };
    let (local, allow, refuse) = (with("local"), with("allow"), with("refuse"));
    assert!(passes(&local) && passes(&allow) && passes(&refuse));
    store.kill();
    for gateway in [&local, &allow, &refuse] {
        is_up(gateway, false);
    }

    // What this process has let pass is known to it.
    assert!(passes(&local) && passes(&local) && !passes(&local));
    let reply = get(&local);
    reply.is_problem(429, "TooManyRequests");
    assert!(reply.header("ratelimit").unwrap().starts_with("\"all\";r=0;"));

    let start = Instant::now();
    for _ in 0..20 {
        let reply = get(&allow);
        assert_eq!((reply.status(), reply.header("ratelimit")), (204, None));
    }
    let refused = get(&refuse);
    refused.is_problem(503, "ServiceUnavailable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.json()["retryable"], true);
    assert!(start.elapsed() < Duration::from_secs(5), "nobody waits: {:?}", start.elapsed());
    let line = refuse.log_line(&refused.request_id());
    assert_eq!((&line["cause"], &line["limit"]), (&"store_down".into(), &"all".into()));
    assert_eq!((fallbacks(&local), fallbacks(&allow), fallbacks(&refuse)), (4.0, 20.0, 1.0));

    store.revive();
    for gateway in [&local, &allow, &refuse] {
        is_up(gateway, true);
    }
    // The new one knows nothing yet: three at once, over both.
    let other = joined(&patient(&store), limit);
    assert!(passes(&local) && passes(&other) && passes(&local));
    assert!(!passes(&local) && !passes(&other));
}

#[test]
fn a_store_that_falls_silent_holds_nobody_up_for_longer_than_its_time() {
    let Some(store) = Store::any() else { return };
    let settings = format!("url = \"{}\"\ntimeout = \"250ms\"\non_down = \"allow\"", store.url());
    let gateway = joined(&settings, "key = \"gateway\"\nrate = \"5/d\"\nstatus = 429");
    assert!(passes(&gateway));
    store.stall();
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let start = Instant::now();
        assert!(passes(&gateway));
        longest = longest.max(start.elapsed());
    }
    assert!(longest < Duration::from_millis(250 + 500), "{longest:?}");
    // The first has waited, and perhaps another one; the others have not.
    assert!(start.elapsed() < Duration::from_millis(4 * 250), "{:?}", start.elapsed());
    is_up(&gateway, false);
    assert!(fallbacks(&gateway) >= 19.0);
    store.resume();
    is_up(&gateway, true);
    // The store has heard of the first request alone, and perhaps of the one that waited in vain.
    let more = (0..6).filter(|_| passes(&gateway)).count();
    assert!((3..=4).contains(&more), "{more}");
}

#[test]
fn a_reload_leaves_a_store_alone_that_says_the_same() {
    let Some(store) = Store::any() else { return };
    let limit = "key = \"gateway\"\nrate = \"3/d\"\nstatus = 429";
    let gateway = joined(&patient(&store), limit);
    let clients = || {
        let list = store.ask(&["INFO", "stats"]);
        let count = |line: &String| line.strip_prefix("total_connections_received:")?.parse().ok();
        list.iter().find_map(count).unwrap_or(0)
    };
    let before: u64 = clients();
    assert!(passes(&gateway));
    gateway.reload(&setup(&patient(&store), limit));
    is_up(&gateway, true);
    assert!(passes(&gateway) && passes(&gateway) && !passes(&gateway));
    assert_eq!(clients(), before + 1, "only who asks here has connected");
    // Another setting is another store, and the same quota.
    gateway.reload(&setup(&format!("{}\non_down = \"allow\"", patient(&store)), limit));
    is_up(&gateway, true);
    assert!(!passes(&gateway));
    assert!(clients() > before + 2);
}

#[test]
fn a_password_is_kept_to_itself_and_a_wrong_one_hinders_no_start() {
    let Some(kind) = Store::kinds().first().copied() else { return };
    let store = Store::start(kind, Some("hunter2"));
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("url");
    let settings = format!("url = {{ file = \"{}\" }}\ntimeout = \"5s\"", secret.display());
    let limit = "key = \"gateway\"\nrate = \"2/d\"\nstatus = 429";
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}\n", store.port());
    std::fs::write(&secret, url("hunter3")).unwrap();
    let gateway = setup(&settings, limit).start();
    assert!(passes(&gateway) && passes(&gateway) && !passes(&gateway), "counted alone");
    is_up(&gateway, false);
    // The same reference, another secret: another store.
    std::fs::write(&secret, url("hunter2")).unwrap();
    gateway.reload(&setup(&settings, limit));
    is_up(&gateway, true);
    assert!(passes(&gateway) && passes(&gateway) && !passes(&gateway), "counted there");
    let told = client::ask(gateway.admin(), "GET /v1/limits HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let told = told.json();
    assert_eq!(told["stores"][0]["name"], "fleet");
    assert_eq!(told["stores"][0]["up"], true);
    assert_eq!(told["rates"][0]["store"], "fleet");
    assert!(!told.to_string().contains("hunter"));
    let broken = "http://:hunter2@127.0.0.1";
    std::fs::write(&secret, broken).unwrap();
    let refused = gateway.try_reload(&setup(&settings, limit)).unwrap_err();
    assert!(refused.starts_with("[store.fleet] url: ") && !refused.contains("hunter"), "{refused}");
}

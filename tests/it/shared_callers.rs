//! Limits by who calls, shared by gateways through a real store: callers are kept apart there too, and
//! what one limit took comes back where another one refuses.

use crate::rig::callers;
use crate::rig::client::{self, Reply};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::store::Store;

/// Two gateways before one store, with a quota for each key of this file.
fn both(store: &Store, keys: &str, limits: &str, named: &str) -> [Gateway; 2] {
    let store = format!("[store.fleet]\nurl = \"{}\"\ntimeout = \"5s\"\n", store.url());
    let policy = format!("[auth.keyed]\ntype = \"api_key\"\nkeys = {{ file = \"{keys}\" }}\n");
    let tables = store + &policy + limits;
    let route = format!(
        "[[route]]\nname = \"all\"\nmatch = \"/{{*rest}}\"\nrespond = {{ status = 204 }}\n\
         auth = \"keyed\"\nlimits = {named}"
    );
    [(); 2].map(|()| {
        let gateway = Setup::new().with(&tables).with(&route).start();
        let up = || gateway.metric("guichet_store_up{store=\"fleet\"}") == Some(1.0);
        eventually("the store", || up().then_some(()));
        gateway
    })
}

fn ask(gateway: &Gateway, key: &str) -> Reply {
    let request = format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nX-Api-Key: {key}\r\n\r\n");
    client::ask(gateway.plain(), &request)
}

const PER_KEY: &str = "[limit.per-key]\nkey = \"api_key\"\nrate = \"3/d\"\nstore = \"fleet\"\n";

#[test]
fn two_keys_have_a_quota_each_over_two_gateways() {
    let Some(store) = Store::any() else { return };
    let folder = tempfile::tempdir().unwrap();
    let entries = [("acme", "k1", ""), ("acme", "k2", ""), ("other", "k3", "")];
    let keys = callers::keys(&folder, &entries);
    let [one, two] = both(&store, &keys, PER_KEY, "[\"per-key\"]");
    let statuses = |asks: [(&Gateway, &str); 4]| asks.map(|(at, key)| ask(at, key).status());
    // Both keys of one caller are that caller.
    assert_eq!(
        statuses([(&one, "k1"), (&two, "k2"), (&one, "k1"), (&two, "k1")]),
        [204, 204, 204, 429]
    );
    assert_eq!(
        statuses([(&two, "k3"), (&one, "k3"), (&two, "k3"), (&one, "k3")]),
        [204, 204, 204, 429]
    );
    let kept = store.ask(&["KEYS", "*"]);
    let kept: Vec<_> = kept.iter().filter(|line| line.starts_with("guichet:per-key:#")).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
}

#[test]
fn a_later_refusal_gives_back_what_earlier_limits_took_and_all_are_told() {
    let Some(store) = Store::any() else { return };
    for counted in ["store = \"fleet\"\n", ""] {
        store.ask(&["FLUSHALL"]);
        let folder = tempfile::tempdir().unwrap();
        let keys = callers::keys(&folder, &[("acme", "k1", ""), ("other", "k3", "")]);
        let all = format!("[limit.all]\nkey = \"gateway\"\nrate = \"5/d\"\n{counted}");
        let [one, _two] = both(&store, &keys, &(all + PER_KEY), "[\"per-key\", \"all\"]");
        for _ in 0..3 {
            assert_eq!(ask(&one, "k1").status(), 204);
        }
        for _ in 0..4 {
            let refused = ask(&one, "k1");
            refused.is_problem(429, "TooManyRequests");
            let told = refused.header("ratelimit").unwrap();
            let names: Vec<_> = told.split(", ").map(|it| it.split(';').next().unwrap()).collect();
            assert_eq!(names, ["\"all\"", "\"per-key\""], "{told}");
            assert!(told.contains("\"per-key\";r=0;"), "{told}");
        }
        // Only the three that passed are gone from the quota of all.
        eventually("what was given back", || (ask(&one, "k3").status() == 204).then_some(()));
        let last = ask(&one, "k3");
        assert_eq!(last.status(), 204);
        let told = last.header("ratelimit").unwrap();
        assert!(told.starts_with("\"all\";r=0;") && told.contains("\"per-key\";r=1;"), "{told}");
        assert_eq!(ask(&one, "k3").status(), 503, "the limit of all is used up");
    }
}

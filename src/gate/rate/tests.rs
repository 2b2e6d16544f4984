//! Several limits on a route, callers told apart, and one decision for all workers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::config;
use crate::observe::{Names, Registers};

fn config(limits: &str, named: &str) -> Config {
    let text = format!(
        "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n{limits}\n[[route]]\nname = \"one\"\n\
         match = \"/a\"\nrespond = {{ status = 204 }}\nlimits = {named}\n[[route]]\n\
         name = \"two\"\nmatch = \"/b\"\nrespond = {{ status = 204 }}\nlimits = {named}\n"
    );
    match config::load_text("t.toml", &text, &|_| None) {
        Ok(loaded) => loaded.config,
        Err(refused) => panic!("{}", refused.human(config::Colour::Never)),
    }
}

struct Rig {
    config: Config,
    rates: Rates,
    witness: Witness,
    headers: HeaderMap,
}

impl Rig {
    fn new(limits: &str, named: &str) -> Self {
        let config = config(limits, named);
        let names = Arc::new(Names::new(&config));
        let registers = Arc::new(Registers::new(&names));
        let witness = Witness::new(registers, names, Arc::clone(&config.errors.catalogue), None);
        Self {
            rates: Rates::new(&config, &Stores::default(), None),
            config,
            witness,
            headers: HeaderMap::new(),
        }
    }

    fn ask(
        &self,
        route: u16,
        ip: &str,
        now: Instant,
    ) -> (Standing, Result<(), (LimitId, Problem)>) {
        let route = RouteId(route);
        let known = self.config.route(route);
        let caller = Caller {
            ip: ip.parse().unwrap(),
            headers: &self.headers,
            route: &known.name,
            identity: None,
        };
        self.rates.pass(&known.limits, route, &caller, now, &self.witness)
    }

    fn passes(&self, route: u16, ip: &str, now: Instant) -> bool {
        self.ask(route, ip, now).1.is_ok()
    }
}

#[test]
fn callers_have_a_quota_each_and_ipv6_counts_by_network() {
    let rig = Rig::new("[limit.a]\nkey = \"ip\"\nrate = \"1/s\"", "[\"a\"]");
    let now = clock::now();
    for ip in ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"] {
        assert!(rig.passes(0, ip, now), "{ip}");
    }
    for ip in ["192.0.2.1", "::ffff:192.0.2.2", "2001:db8::ffff:1"] {
        assert!(!rig.passes(0, ip, now), "{ip}");
    }
    assert!(!rig.passes(1, "192.0.2.1", now), "a limit counts over the routes that name it");
    assert!(rig.passes(0, "192.0.2.1", now + Duration::from_secs(1)));
}

#[test]
fn headers_routes_and_the_gateway_count_as_they_say() {
    let mut rig = Rig::new("[limit.a]\nkey = \"header:x-tenant\"\nrate = \"1/s\"", "[\"a\"]");
    let now = clock::now();
    assert!(rig.passes(0, "192.0.2.1", now));
    assert!(!rig.passes(0, "192.0.2.9", now), "without the header all are one caller");
    rig.headers.insert("x-tenant", HeaderValue::from_static("t1"));
    assert!(rig.passes(0, "192.0.2.1", now) && !rig.passes(0, "192.0.2.9", now));

    let by_route = Rig::new("[limit.a]\nkey = \"route\"\nrate = \"1/s\"", "[\"a\"]");
    assert!(by_route.passes(0, "192.0.2.1", now) && by_route.passes(1, "192.0.2.1", now));
    let (_, refused) = by_route.ask(0, "192.0.2.2", now);
    assert_eq!(refused.unwrap_err().1.cause(), Cause::CapacityLimit);

    let whole = Rig::new("[limit.a]\nkey = \"gateway\"\nrate = \"1/s\"\nstatus = 429", "[\"a\"]");
    assert!(whole.passes(0, "192.0.2.1", now));
    let (_, refused) = whole.ask(1, "192.0.2.2", now);
    assert_eq!(refused.unwrap_err().1.cause(), Cause::RateLimit);
}

#[test]
fn a_request_takes_from_every_limit_or_from_none_and_the_longest_wait_is_told() {
    let limits = "[limit.often]\nkey = \"ip\"\nrate = \"10/s\"\n\
                  [limit.daily]\nkey = \"ip\"\nrate = \"2/d\"";
    let rig = Rig::new(limits, "[\"often\", \"daily\"]");
    let now = clock::now();
    let (standing, passed) = rig.ask(0, "192.0.2.1", now);
    assert!(passed.is_ok());
    assert_eq!(standing.policy, "\"often\";q=10;w=1, \"daily\";q=2;w=86400");
    assert_eq!(standing.left, b"\"often\";r=9;t=1, \"daily\";r=1;t=43200");
    assert!(rig.passes(0, "192.0.2.1", now));
    for _ in 0..20 {
        let (standing, refused) = rig.ask(0, "192.0.2.1", now);
        let (id, problem) = refused.unwrap_err();
        assert_eq!(id, LimitId(1));
        assert_eq!(problem.retry_after(), Some(Duration::from_secs(43_200)));
        assert_eq!(standing.left, b"\"often\";r=8;t=1, \"daily\";r=0;t=43200");
    }
}

#[test]
fn a_limit_that_stands_alone_tells_what_is_left_after_this_request() {
    let rig = Rig::new("[limit.a]\nkey = \"ip\"\nrate = \"2/d\"", "[\"a\"]");
    let now = clock::now();
    for left in [b"\"a\";r=1;t=43200", b"\"a\";r=0;t=43200", b"\"a\";r=0;t=43200"] {
        assert_eq!(rig.ask(0, "192.0.2.1", now).0.left, left);
    }
    let (_, refused) = rig.ask(0, "192.0.2.1", now + Duration::from_secs(3200));
    assert_eq!(refused.unwrap_err().1.retry_after(), Some(Duration::from_secs(40_000)));
}

#[test]
fn workers_together_let_as_many_pass_as_the_burst() {
    let rig = Rig::new("[limit.a]\nkey = \"ip\"\nrate = \"500/d\"", "[\"a\"]");
    let (rates, config) = (&rig.rates, &rig.config);
    let passed = AtomicUsize::new(0);
    let now = clock::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // A witness belongs to one thread.
                let names = Arc::new(Names::new(config));
                let registers = Arc::new(Registers::new(&names));
                let catalogue = Arc::clone(&config.errors.catalogue);
                let witness = Witness::new(registers, names, catalogue, None);
                let headers = HeaderMap::new();
                let ip = "192.0.2.1".parse().unwrap();
                let caller = Caller { ip, headers: &headers, route: "one", identity: None };
                for _ in 0..1000 {
                    let limits = &config.routes[0].limits;
                    if rates.pass(limits, RouteId(0), &caller, now, &witness).1.is_ok() {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 500);
}

#[test]
fn a_limit_that_has_not_changed_goes_on_counting() {
    let limits = "[limit.a]\nkey = \"ip\"\nrate = \"1/d\"\n[limit.b]\nkey = \"ip\"\nrate = \"1/d\"";
    let mut rig = Rig::new(limits, "[\"a\", \"b\"]");
    let now = clock::now();
    assert!(rig.passes(0, "192.0.2.1", now) && !rig.passes(0, "192.0.2.1", now));
    rig.rates = Rates::new(&rig.config, &Stores::default(), Some(&rig.rates));
    assert!(!rig.passes(0, "192.0.2.1", now));
    let changed = limits.replacen("1/d", "2/d", 1);
    let config = config(&changed, "[\"a\", \"b\"]");
    rig.rates = Rates::new(&config, &Stores::default(), Some(&rig.rates));
    let (standing, refused) = rig.ask(0, "192.0.2.1", now);
    assert_eq!(refused.unwrap_err().0, LimitId(1));
    assert!(standing.left.starts_with(b"\"a\";r=2"), "{standing:?}");
}

#[test]
fn networks_are_told_apart() {
    let all = ["0.0.0.0", "1.2.3.4", "::", "::1:0:0:0:1", "2001:db8::", "255.255.255.255"];
    let networks: BTreeSet<u128> = all.iter().map(|ip| network(ip.parse().unwrap())).collect();
    assert_eq!(networks.len(), all.len());
    assert_eq!(network("::1".parse().unwrap()), network("::2".parse().unwrap()));
}

//! More requests than an upstream, a route or the gateway may carry: who is served, who is refused,
//! and that room comes back however an exchange ends.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::rig::client::{self, Client, Ending, Reply};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::mortal::Mortal;
use crate::rig::origin::{Origin, Step, ok};

fn metric(gateway: &Gateway, begin: &str) -> Option<u64> {
    let page = client::ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let page = String::from_utf8_lossy(&page.body).into_owned();
    page.lines().find_map(|line| line.strip_prefix(begin)?.trim().parse().ok())
}

fn is_refusal(reply: &Reply) {
    reply.is_problem(503, "ServiceUnavailable");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    assert_eq!(reply.json()["retry_after"], wait);
    assert_eq!(reply.json()["retryable"], true);
}

#[test]
fn an_upstream_gets_no_more_at_once_than_it_can_carry() {
    let origin = Origin::scripted([Step::Read, Step::Pause(Duration::from_millis(50)), ok("ok")]);
    let limits = "in_flight = 4\n[overload.queue]\nwait = \"40ms\"";
    let gateway = Setup::before(&origin.url()).upstream(limits).start();
    let (replies, address) = (Mutex::new(Vec::new()), gateway.plain());
    let most = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                let until = Instant::now() + Duration::from_secs(2);
                while Instant::now() < until {
                    let reply = client::get(address, "/a");
                    let mut most = most.lock().unwrap();
                    *most = origin.open().max(*most);
                    replies.lock().unwrap().push(reply);
                }
            });
        }
    });
    let replies = replies.into_inner().unwrap();
    let (served, refused): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply.status() == 200);
    assert!(served.len() > 50 && refused.len() > 20, "{} {}", served.len(), refused.len());
    refused.iter().for_each(|reply| is_refusal(reply));
    // A connection may still be closing while the next one opens.
    assert!(*most.lock().unwrap() <= 8, "{most:?}");
    let line = gateway.log_line(&refused[0].request_id());
    assert_eq!(line["cause"], "overload");
    assert!(line["detail"].as_str().unwrap().starts_with("upstream:origin is full: "), "{line}");
    assert_eq!(metric(&gateway, "guichet_concurrency_limit{scope=\"upstream:origin\"}"), Some(4));
    let shed: u64 = ["queue_full", "wait_too_long", "waited", "displaced"]
        .iter()
        .filter_map(|why| {
            metric(&gateway, &format!("guichet_shed_total{{route=\"all\",reason=\"{why}\"}}"))
        })
        .sum();
    assert_eq!(shed, refused.len() as u64);
}

#[test]
fn who_waits_is_served_in_its_turn_or_told_when_its_wait_is_over() {
    let origin = Origin::scripted([Step::Read, Step::Stall, ok("ok")]);
    let queue = "in_flight = 1\n[overload.queue]\ndepth = 2\nwait = \"WAIT\"";
    for (wait, is_served) in [("300ms", false), ("60s", true)] {
        let gateway = Setup::before(&origin.url()).upstream(&queue.replace("WAIT", wait)).start();
        let before = origin.requests().len();
        let [mut first, mut second] = [(); 2].map(|()| Client::plain(gateway.plain()));
        let request = "GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n";
        first.send(request);
        origin.wait_for_requests(before + 1);
        second.send(request);
        if is_served {
            let series = "guichet_requests_in_flight{route=\"all\"}";
            eventually("the second", || (gateway.metric(series) == Some(2.0)).then_some(()));
            assert_eq!(origin.requests().len(), before + 1, "it waits here, and not there");
            origin.release();
            assert_eq!((first.reply().status(), second.reply().status()), (200, 200));
        } else {
            let began = Instant::now();
            is_refusal(&second.reply());
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
            let waited = "guichet_shed_total{route=\"all\",reason=\"waited\"}";
            assert_eq!(metric(&gateway, waited), Some(1));
        }
    }
}

/// A queue that has stood for as long as anybody may wait is no passing matter: from then on whoever has
/// come last is served first. One after the other joins here, until the first one's wait is over, which
/// is when the queue has stood for so long; then the origin answers.
#[test]
fn in_a_queue_that_stands_the_newest_is_served_first() {
    let origin = Origin::scripted([Step::Read, Step::Stall, ok("ok")]);
    let queue = "in_flight = 1\n[overload.queue]\ndepth = 1000\nwait = \"1s\"";
    let gateway = Setup::before(&origin.url()).upstream(queue).start();
    let page = || client::ask(gateway.admin(), "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let counts = || {
        let page = page().text();
        let value = |series: &str| {
            let found =
                page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
            found.unwrap_or(0_usize)
        };
        let under_way = value("guichet_requests_in_flight{route=\"all\"}");
        (under_way, value("guichet_shed_total{route=\"all\",reason=\"waited\"}"))
    };
    let mut clients: Vec<Client> = Vec::new();
    let mut refused = 0;
    while refused == 0 {
        let mut client = Client::plain(gateway.plain());
        client.send(format!("GET /{} HTTP/1.1\r\nHost: gw.test\r\n\r\n", clients.len()));
        clients.push(client);
        refused = eventually("its turn to wait", || {
            let (under_way, refused) = counts();
            (under_way + refused == clients.len()).then_some(refused)
        });
    }
    origin.release();
    let statuses: Vec<u16> = clients.iter_mut().map(|client| client.reply().status()).collect();
    let arrived = origin.requests();
    let arrived: Vec<usize> =
        arrived.iter().map(|it| it.head.target()[1..].parse().unwrap()).collect();
    let served = statuses.iter().filter(|status| **status == 200).count();
    assert!(served > 2 && arrived.len() == served, "{served} {arrived:?}");
    assert_eq!(arrived[0], 0, "it did not have to wait");
    assert_eq!(arrived[1], clients.len() - 1, "{arrived:?}");
    assert!(arrived[1..].is_sorted_by(|newer, older| newer > older), "{arrived:?}");
}

#[test]
fn an_adaptive_limit_comes_down_before_an_upstream_that_does_one_thing_at_a_time() {
    let origin = Mortal::one_at_a_time(Duration::from_millis(4));
    let upstream = "in_flight = \"adaptive\"\n[overload.queue]\ndepth = 0";
    let gateway = Setup::before(&origin.url()).upstream(upstream).start();
    let series = "guichet_concurrency_limit{scope=\"upstream:origin\"}";
    let limit = || gateway.metric(series).unwrap();
    assert!((limit() - 20.0).abs() < 0.5, "where it begins");
    let over = AtomicBool::new(false);
    let ask = |until: &dyn Fn() -> bool| {
        let mut client = Client::plain(gateway.plain());
        while !until() {
            let reply = client.get("/a");
            if reply.status() != 200 {
                is_refusal(&reply);
            }
        }
    };
    // One after the other, to learn what a request takes that waits for nobody.
    let calm = Instant::now() + Duration::from_millis(500);
    ask(&|| Instant::now() >= calm);
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| ask(&|| over.load(Ordering::Relaxed)));
        }
        // Whatever fails below, the clients stop.
        let _end = End(&over);
        eventually("a small limit", || (limit() <= 8.0).then_some(()));
        assert!(limit() >= 3.0);
    });
}

/// Ends what goes on as long as it is false.
struct End<'o>(&'o AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// One at a time: whatever became of one exchange, the next finds room.
#[test]
fn room_comes_back_however_an_exchange_ends() {
    let limits = "in_flight = 1\n[overload.queue]\ndepth = 0";
    let broken = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello";
    let origin = Origin::by_path([
        ("/ok", vec![ok("ok")]),
        ("/cut", vec![crate::rig::origin::send(broken), Step::Close]),
        ("/reset", vec![Step::Reset]),
        ("/never", vec![Step::Drain]),
    ]);
    let gateway = Setup::before(&origin.url()).upstream(limits).start();
    let is_served = || {
        eventually("room", || {
            let reply = client::get(gateway.plain(), "/ok");
            (reply.status() == 200).then_some(())
        });
    };
    for path in ["/ok", "/reset", "/cut"] {
        let reply = client::get(gateway.plain(), path);
        assert_eq!(reply.ending == Ending::Cut, path == "/cut", "{path}");
        is_served();
    }
    let mut left = Client::plain(gateway.plain());
    left.send("GET /never HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    eventually("the request", || {
        origin.requests().iter().find(|it| it.head.target() == "/never").map(drop)
    });
    is_refusal(&client::get(gateway.plain(), "/ok"));
    left.leave();
    is_served();
}

#[test]
fn room_that_is_kept_serves_the_routes_that_it_is_kept_for() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let overload = "[overload]\nin_flight = 2\nqueue = { depth = 0 }\n\
                    reserve = { routes = [\"heal*\"], share = \"50%\" }";
    let gateway = Setup::before(&origin.url())
        .with(overload)
        .route_first("name = \"health\"\nmatch = \"/health\"\nrespond = { status = 204 }")
        .start();
    let mut first = Client::plain(gateway.plain());
    first.send("GET /first HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);
    is_refusal(&client::get(gateway.plain(), "/second"));
    assert_eq!(client::get(gateway.plain(), "/health").status(), 204);
}

#[test]
fn a_route_has_a_number_of_its_own() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .with("[overload.queue]\ndepth = 0")
        .route("name = \"slow\"\nmatch = \"/slow\"\nupstream = \"origin\"\nin_flight = 1")
        .route("name = \"free\"\nmatch = \"/free\"\nrespond = { status = 204 }")
        .start();
    let mut first = Client::plain(gateway.plain());
    first.send("GET /slow HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    origin.wait_for_requests(1);
    is_refusal(&client::get(gateway.plain(), "/slow"));
    assert_eq!(client::get(gateway.plain(), "/free").status(), 204);
    assert_eq!(metric(&gateway, "guichet_concurrency_limit{scope=\"route:slow\"}"), Some(1));
}

//! Upstreams that fail under load: what clients see, what is counted, and how it ends.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::rig::client::{self, Client, Reply};
use crate::rig::eventually;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::mortal::Mortal;
use crate::rig::origin::{Origin, Step, nobody, ok};

/// A value of the metrics page.
fn metric(gateway: &Gateway, name: &str, words: &[&str]) -> Option<f64> {
    let request = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let page = client::ask(gateway.admin(), request).text();
    let fits = |line: &&str| line.starts_with(name) && words.iter().all(|word| line.contains(word));
    page.lines().find(fits)?.rsplit_once(' ')?.1.parse().ok()
}

fn is_up(gateway: &Gateway, url: &str) -> bool {
    metric(gateway, "guichet_upstream_endpoint_up", &[url]) == Some(1.0)
}

fn before(endpoints: &[&str], lines: &str) -> Gateway {
    let endpoints: Vec<_> = endpoints.iter().map(|url| format!("\"{url}\"")).collect();
    Setup::new()
        .workers(2)
        .upstream(&format!("endpoints = [{}]\n{lines}", endpoints.join(", ")))
        .route("name = \"all\"\nmatch = \"/{*rest}\"\nupstream = \"origin\"")
        .start()
}

/// Clients that ask without a pause until they are told to stop, each on its own connection.
struct Load {
    asked: AtomicUsize,
    over: AtomicBool,
    failed: Mutex<Vec<(&'static str, Reply)>>,
}

impl Load {
    fn new() -> Self {
        let failed = Mutex::new(Vec::new());
        Self { asked: AtomicUsize::new(0), over: AtomicBool::new(false), failed }
    }

    fn ask(&self, gateway: SocketAddr, method: &'static str) {
        let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
        let request = format!("{method} /a HTTP/1.1\r\nHost: gw.test\r\n{length}\r\n");
        let mut client = Client::plain(gateway);
        while !self.over.load(Ordering::Relaxed) {
            let reply = client.ask(&request);
            self.asked.fetch_add(1, Ordering::Relaxed);
            if reply.status() != 200 {
                self.failed.lock().unwrap().push((method, reply));
            }
        }
    }

    /// Waits until so many more requests were answered.
    fn go_on(&self, more: usize) {
        let goal = self.asked.load(Ordering::Relaxed) + more;
        eventually("requests", || (self.asked.load(Ordering::Relaxed) >= goal).then_some(()));
    }
}

/// Ends the load with the test, however that ends.
struct End<'l>(&'l Load);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

#[test]
fn one_of_two_endpoints_is_killed_under_load_and_no_repeatable_request_fails() {
    const READERS: usize = 8;
    const WRITERS: usize = 4;
    let survivor = Mortal::slow(Duration::from_millis(1));
    let mut victim = Mortal::slow(Duration::from_millis(1));
    let gateway = before(
        &[&victim.url(), &survivor.url()],
        "retry = {}\neject = { failures = 1, for = \"3s\" }",
    );
    let load = Load::new();
    thread::scope(|scope| {
        for number in 0..READERS + WRITERS {
            let method = if number < READERS { "GET" } else { "POST" };
            let (load, address) = (&load, gateway.plain());
            scope.spawn(move || load.ask(address, method));
        }
        // Whatever fails below, the clients stop.
        let _end = End(&load);
        load.go_on(500);
        assert!(victim.answered() > 0 && is_up(&gateway, &victim.url()));
        victim.kill();
        let answered = victim.answered();
        eventually("the ejection", || (!is_up(&gateway, &victim.url())).then_some(()));
        load.go_on(500);
        assert_eq!(victim.answered(), answered);
        assert!(is_up(&gateway, &survivor.url()));
        victim.revive();
        eventually("the victim serves again", || (victim.answered() > answered).then_some(()));
        load.go_on(200);
    });
    let failed = load.failed.into_inner().unwrap();
    for (method, reply) in &failed {
        let body = reply.is_problem(502, "BadGateway");
        assert_eq!((*method, &body["retryable"]), ("POST", &false.into()), "{body}");
    }
    // Each writer has one request under way at most, and what is under way when the endpoint dies
    // is all that may be lost.
    assert!(failed.len() <= WRITERS, "{} requests failed", failed.len());
    let retries = metric(&gateway, "guichet_upstream_retries_total", &["upstream=\"origin\""]);
    assert!(retries.is_some_and(|count| count >= 1.0), "{retries:?}");
}

#[test]
fn with_every_endpoint_down_clients_are_told_when_to_come_back() {
    let gone = [nobody(), nobody()];
    let rule = "health = { every = \"2s\", timeout = \"1s\", down_after = 1, up_after = 1 }";
    let gateway = before(&[&gone[0], &gone[1]], rule);
    eventually("both down", || gone.iter().all(|url| !is_up(&gateway, url)).then_some(()));
    let request = "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n";
    let reply = client::ask(gateway.plain(), request);
    let body = reply.is_problem(503, "ServiceUnavailable");
    assert_eq!(body["retryable"], true, "nothing was sent");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    let line = gateway.log_line(&reply.request_id());
    assert_eq!((&line["cause"], &line["origin"]), (&"none_healthy".into(), &"upstream".into()));
    assert!(line.get("attempts").is_none_or(|attempts| *attempts == 0), "{line}");
    let ready = client::ask(gateway.admin(), "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert_eq!(ready.status(), 200, "a dead upstream does not unready the gateway");
}

#[test]
fn an_endpoint_that_its_probes_find_down_gets_no_request() {
    let good = Origin::scripted([Step::Read, ok("fine"), Step::Again]);
    let gone = nobody();
    let gateway = before(&[&gone, &good.url()], "health = { every = \"100ms\", down_after = 1 }");
    eventually("down", || (!is_up(&gateway, &gone)).then_some(()));
    for _ in 0..10 {
        let reply = client::get(gateway.plain(), "/a");
        assert_eq!((reply.status(), &*reply.text()), (200, "fine"));
        assert_eq!(gateway.log_line(&reply.request_id())["attempts"], 1);
    }
    assert!(is_up(&gateway, &good.url()));
}

#[test]
fn a_grpc_client_is_waited_for_as_long_as_it_waits_and_no_longer() {
    let origin = Origin::scripted([Step::Read, Step::Drain]);
    let gateway = Gateway::before(&origin.url());
    let reply = client::ask(
        gateway.plain(),
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/grpc\r\n\
         Grpc-Timeout: 300m\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(reply.header("grpc-status"), Some("4"), "DEADLINE_EXCEEDED: {:?}", reply.head);
    let told = origin.last().header("grpc-timeout").expect("what is left").to_owned();
    let left: u64 = told.strip_suffix('u').expect("microseconds").parse().unwrap();
    assert!(left <= 300_000, "{told}");
    origin.wait_for_closed(1);
}

//! Whole instances on loopback, and the life of a worker.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::clock;
use crate::config::model;
use crate::problem::{Catalogue, Format};

const LOOPBACK: &str = "127.0.0.1:0";

fn listener(bind: &[&str], security: model::Security) -> model::Listener {
    model::Listener {
        name: "public".to_owned(),
        bind: bind.iter().map(|address| address.parse().unwrap()).collect(),
        protocols: model::Protocols { http1: true, http2: true },
        security,
        proxy_protocol: false,
    }
}

fn config(listeners: Vec<model::Listener>, workers: usize) -> Config {
    let languages = vec!["fr".to_owned(), "en".to_owned()];
    let catalogue = Catalogue::new("fr.ammy", None, &languages, &[]).unwrap();
    Config {
        server: model::Server {
            workers,
            languages,
            trusted_proxies: Vec::new(),
            limits: model::Limits {
                header: 16 << 10,
                headers: 100,
                uri: 8 << 10,
                body: 2 << 20,
                header_time: Duration::from_secs(10),
                body_idle: Duration::from_secs(30),
                idle: Duration::from_secs(60),
                connections: 20_000,
            },
            handshakes: 1000,
            memory: None,
            shutdown: model::Shutdown { delay: Duration::ZERO, drain: Duration::from_secs(10) },
        },
        listeners,
        admin: None,
        observe: model::Observe { access_log: None },
        errors: model::Errors {
            catalogue: Arc::new(catalogue),
            format: Format::Json,
            inspect: 64 << 10,
            retry_after: Duration::from_secs(5),
            keep_headers: Vec::new(),
        },
        upstreams: Vec::new(),
        maintenance: Vec::new(),
        stores: Vec::new(),
        overload: model::Overload {
            in_flight: None,
            depth: 0,
            wait: Duration::ZERO,
            reserve_routes: Vec::new(),
            reserve_share: 0.0,
        },
        auth: Vec::new(),
        limits: Vec::new(),
        routes: Vec::new(),
        table: Default::default(),
    }
}

pub(crate) fn plain(bind: &[&str], workers: usize) -> Config {
    config(vec![listener(bind, model::Security::Plain(model::Plain::Allow))], workers)
}

pub(crate) fn tls_config(tls: model::Tls) -> Config {
    config(vec![listener(&[LOOPBACK], model::Security::Tls(tls))], 1)
}

fn run(config: Config) -> Result<Running, StartError> {
    start(Arc::new(config), &StartOptions::new(&|_| None))
}

/// What an instance is made of that no thread leads.
fn unled(
    config: Config,
    config_hash: String,
) -> (Handle, Arc<Parts>, Renewal, mpsc::Receiver<handle::Request>) {
    let shared = Shared::new(Arc::new(config), Arc::default());
    let options = StartOptions { config_hash, ..StartOptions::new(&|_| None) };
    let parts = Arc::new(Parts::new(&shared.config(), 1, &options).unwrap());
    let (_, renewal) = Renewal::load(&shared.config(), &|_| None, &mut Vec::new()).unwrap();
    let ledger = Ledger::new(parts.exposition(renewal.expiries(), &Arc::default(), None));
    let (requests, asked) = mpsc::channel(1);
    let (ledger, switches) = (Arc::new(ledger), parts.switches());
    let handle = Handle { shared, ledger, token: Token::default(), switches, requests };
    (handle, parts, renewal, asked)
}

/// A way to an instance that takes no request.
pub(crate) fn handle(config: Config, config_hash: String) -> Handle {
    let (handle, _, _, _) = unled(plain(&[], 1), config_hash);
    handle.shared.turn(Arc::new(config), 1);
    handle
}

/// Waits for a fact that other threads bring about, and fails where it does not come.
fn eventually(what: &str, fact: impl Fn() -> bool) {
    let deadline = clock::now() + Duration::from_secs(10);
    while !fact() {
        assert!(clock::now() < deadline, "it never came about that {what}");
        thread::yield_now();
    }
}

/// Whether the other side has closed, once it does.
fn closes(mut stream: &TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn port_0_is_one_port_for_all_workers_and_every_bind_is_named() {
    let running = run(plain(&[LOOPBACK, "[::1]:0"], 2)).unwrap();
    let [(name, four), (_, six)] = running.addresses() else { panic!("two addresses") };
    assert_eq!(name, "public");
    assert!(four.port() != 0 && four.is_ipv4() && six.port() != 0 && six.is_ipv6());
    let shared = Arc::clone(running.shared());
    assert!(shared.ready());
    // 2^-63 is the chance that one of two sockets saw them all.
    let open: Vec<_> = (0..64).map(|_| TcpStream::connect(four).unwrap()).collect();
    eventually("all are counted", || shared.connections() == 64);
    drop(open);
    eventually("all have left", || shared.connections() == 0);
    running.drain();
    assert_eq!(running.join(), Ended::Clean);
    assert_eq!(shared.phase(), Phase::Ended);
}

#[test]
fn a_taken_port_is_an_error_that_says_what_to_do() {
    let taken = TcpListener::bind(LOOPBACK).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = run(plain(&[&address], 2)).err().unwrap();
    assert!(error.to_string().starts_with(&format!("cannot bind [listen.public] to {address}: ")));
    assert!(error.hint().unwrap().contains("ss -ltnp"), "{error:?}");
}

#[test]
fn another_guichet_on_the_port_is_an_error_although_both_share_ports() {
    let running = run(plain(&[LOOPBACK], 2)).unwrap();
    let address = running.addresses()[0].1.to_string();
    let second = run(plain(&[&address], 2)).err().unwrap();
    assert!(matches!(second, StartError::Bind { .. }), "{second:?}");
    let twice = run(plain(&[LOOPBACK, &address], 1)).err().unwrap();
    assert!(matches!(twice, StartError::Bind { .. }), "{twice:?}");
    running.drain();
    running.join();
    let again = run(plain(&[&address], 2)).unwrap();
    assert_eq!(again.addresses()[0].1.to_string(), address);
}

#[test]
fn an_address_of_another_machine_is_an_error_with_a_hint() {
    let error = run(plain(&["192.0.2.1:0"], 1)).err().unwrap();
    assert!(error.hint().unwrap().contains("192.0.2.1"), "{error:?}");
}

#[test]
fn a_certificate_that_cannot_be_read_is_named_before_anything_is_bound() {
    let tls = model::Tls {
        certificates: vec![model::CertificateSource::Files {
            cert: "/nowhere/api.pem".into(),
            key: crate::config::secret::Secret::Env("KEY".to_owned()),
        }],
        allow_tls12: true,
        client_ca: None,
        client_auth: model::ClientAuth::None,
        hsts: None,
    };
    let error =
        run(config(vec![listener(&[LOOPBACK], model::Security::Tls(tls))], 1)).err().unwrap();
    assert!(error.to_string().starts_with("[listen.public] tls: "), "{error}");
    assert!(error.to_string().contains("/nowhere/api.pem"), "{error}");
}

#[test]
fn draining_turns_new_connections_away_and_ends_the_idle_ones() {
    let running = run(plain(&[LOOPBACK], 2)).unwrap();
    let address = running.addresses()[0].1;
    let idle = TcpStream::connect(address).unwrap();
    eventually("it is open", || running.shared().connections() == 1);
    running.drain();
    assert!(!running.shared().ready());
    assert!(closes(&idle));
    assert_eq!(running.join(), Ended::Clean);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn during_the_delay_it_is_not_ready_but_still_accepts() {
    let mut config = plain(&[LOOPBACK], 1);
    config.server.shutdown.delay = Duration::from_secs(3600);
    let running = run(config).unwrap();
    running.drain();
    eventually("it leaves", || running.shared().phase() == Phase::Leaving);
    assert!(!running.shared().ready());
    let _late = TcpStream::connect(running.addresses()[0].1).unwrap();
    eventually("the late one is accepted", || running.shared().connections() == 1);
    running.stop_now();
    assert_ne!(running.join(), Ended::DeadlinePassed);
}

#[test]
fn over_the_cap_a_few_are_told_why_and_the_rest_is_closed_at_once() {
    let mut config = plain(&[LOOPBACK], 2);
    config.server.limits.connections = 2;
    let shared = Shared::new(Arc::new(config), Arc::default());
    let mut admitted: Vec<_> = (0..70).map(|_| shared.admit()).collect();
    assert_eq!(admitted[..2], [Some(shared::Admission::Open); 2]);
    assert_eq!(admitted[2..66], [Some(shared::Admission::Full); 64]);
    assert_eq!(admitted[66..], [None; 4]);
    assert_eq!(shared.connections(), 66, "those closed at once are not counted");
    admitted.drain(..66).for_each(|_| shared.release());
    assert_eq!(shared.admit(), Some(shared::Admission::Open));
}

#[test]
fn a_phase_that_lies_behind_is_ignored() {
    let shared = Shared::new(Arc::new(plain(&[], 1)), Arc::default());
    shared.advance(Phase::Draining);
    shared.advance(Phase::Serving);
    assert_eq!(shared.phase(), Phase::Draining);
}

#[test]
fn the_admin_service_gets_its_socket_and_lives_until_the_last_worker_has_ended() {
    let service = AdminService(Arc::new(|seat| {
        Box::pin(async move {
            let listener = seat.listener.unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let phase = format!("{:?}", seat.handle.shared().phase());
                stream.writable().await.unwrap();
                stream.try_write(phase.as_bytes()).unwrap();
            }
        })
    }));
    let mut config = plain(&[LOOPBACK], 1);
    let bind = Some(LOOPBACK.parse().unwrap());
    config.admin = Some(model::Admin { bind, socket: None, token: None });
    config.server.shutdown.delay = Duration::from_secs(3600);
    let options = StartOptions { admin: Some(service), ..StartOptions::new(&|_| None) };
    let running = start(Arc::new(config), &options).unwrap();
    let ask = || {
        let mut text = String::new();
        TcpStream::connect(running.admin_address().unwrap())
            .and_then(|mut stream| stream.read_to_string(&mut text))
            .unwrap();
        text
    };
    assert_eq!(ask(), "Serving");
    running.drain();
    assert_eq!(ask(), "Leaving");
    running.stop_now();
    running.join();
}

/// A connection that does not heed the drain is cut at the deadline.
#[test]
fn the_deadline_cuts_what_is_still_open() {
    let mut config = plain(&[], 1);
    config.server.shutdown.drain = Duration::from_millis(30);
    let (alive, workers) = mpsc::channel(1);
    let (handle, parts, renewal, asked) = unled(config, String::new());
    let shared = Arc::clone(&handle.shared);
    let (name_resolver, resolver) = std::sync::mpsc::channel();
    let seat = ControlSeat {
        handle,
        service: None,
        admin: <_>::default(),
        renewal,
        name_resolver,
        workers,
        parts: Arc::clone(&parts),
        addresses: Addresses::default(),
        logs: Arc::default(),
        orders: Vec::new(),
        requests: asked,
    };
    let control = thread::spawn(move || Control::new(seat).unwrap().run());
    let stubborn = thread::spawn({
        let shared = Arc::clone(&shared);
        move || {
            let resolver = resolver.recv().unwrap();
            let parts = parts.of_worker(0, None, &resolver);
            let plan = Plan { number: 1, tls: Vec::new(), parts };
            let generation = generation::Generation::build(plan, None).unwrap();
            let worker = worker::Worker::new(Arc::clone(&shared), generation);
            let _place = worker.admit().unwrap();
            assert_eq!(worker.open(), 1);
            let runtime = tokio::runtime::LocalRuntime::new().unwrap();
            let (_, orders) = mpsc::channel(1);
            runtime.block_on(std::rc::Rc::clone(&worker).serve(Vec::new(), orders));
            assert!(worker.is_draining());
            assert_eq!(shared.phase(), Phase::Cut);
            drop(alive);
        }
    });
    shared.advance(Phase::Leaving);
    stubborn.join().unwrap();
    assert_eq!(control.join().unwrap(), Ended::DeadlinePassed);
    assert_eq!(shared.phase(), Phase::Ended);
}

/// A flood that takes every file descriptor is waited out: the limit is the process's, so a process
/// of its own runs the instance, told to by the variable.
#[test]
fn accepting_survives_a_shortage_of_file_descriptors() {
    if std::env::var_os("GUICHET_TEST_SHORTAGE").is_some() {
        return serve_in_shortage();
    }
    let name = "server::tests::accepting_survives_a_shortage_of_file_descriptors";
    let mut child = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" --exact --nocapture \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("GUICHET_TEST_SHORTAGE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = io::BufRead::lines(io::BufReader::new(child.stdout.take().unwrap()));
    let mut port = || {
        let line = said.find_map(|line| line.unwrap().strip_prefix("AT ").map(str::to_owned));
        line.unwrap().parse::<SocketAddr>().unwrap()
    };
    let address = port();
    let flood: Vec<_> = (0..100).map(|_| TcpStream::connect(address).unwrap()).collect();
    // The child says it again once its loop has met the limit.
    assert_eq!(port(), address);
    drop(flood);
    // And once all have left, and once it has accepted one more after that.
    assert_eq!(port(), address);
    let late = TcpStream::connect(address).unwrap();
    assert_eq!(port(), address);
    drop(late);
    child.stdin.take().unwrap().write_all(b"end\n").unwrap();
    assert!(child.wait().unwrap().success());
}

#[allow(clippy::print_stdout, reason = "it speaks to its parent")]
fn serve_in_shortage() {
    let running = run(plain(&[LOOPBACK], 1)).unwrap();
    let address = running.addresses()[0].1;
    assert_eq!(address.ip(), IpAddr::from([127, 0, 0, 1]));
    println!("\nAT {address}");
    let shared = running.shared();
    eventually("accepting fails", || shared.accept_failures() > 0);
    println!("\nAT {address}");
    eventually("the flood has left", || shared.connections() == 0);
    println!("\nAT {address}");
    eventually("one more is accepted", || shared.connections() == 1);
    println!("\nAT {address}");
    io::stdin().read_line(&mut String::new()).unwrap();
    running.drain();
    running.join();
}

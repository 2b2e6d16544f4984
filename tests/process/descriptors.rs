//! Every descriptor is taken: the process lives, does not spin, closes what carries nothing, tells
//! whoever it cannot serve, and is afterwards what it was before.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::measure::{comes_to_rest, share_of_a_core, turn};
use crate::own_process::{LIMIT, Process};
use crate::rig::client::{Client, Expects};
use crate::rig::eventually;
use crate::rig::frames::{FrameClient, request};
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, ok};

const FLOOD: usize = 200;
/// Nobody waits as long as this for an answer, whatever it is.
const SOON: Duration = Duration::from_secs(3);

#[test]
fn a_flood_for_every_descriptor_is_waited_out() {
    let _turn = turn();
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Process::start(&origin.url());
    let mut begun = Client::plain(gateway.plain);
    begun.send("GET /up HTTP/1.1\r\n");

    let flood: Vec<TcpStream> =
        (0..FLOOD).map(|_| TcpStream::connect(gateway.plain).unwrap()).collect();
    eventually("the last descriptor to go", || (gateway.descriptors() == LIMIT).then_some(()));

    // Two hundred who say nothing: whoever comes after them is served all the same, and nothing spins.
    for _ in 0..3 {
        let share = share_of_a_core(gateway.id());
        assert!(share < 0.5, "{share} of a core");
        let status = Client::plain(gateway.plain).get("/up").status();
        assert!(status == 200 || status == 503, "{status}");
    }
    begun.send("Host: gw.test\r\n\r\n");
    assert_eq!(begun.reply().status(), 200, "what has begun is brought to its end");

    drop(flood);
    gateway.serves_again();
    assert_eq!(gateway.said("cannot accept"), 1, "once a minute is enough");
    comes_to_rest(gateway.id(), "rest after the flood");
}

#[test]
fn connections_that_carry_nothing_make_room_for_new_ones() {
    let _turn = turn();
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Process::start(&origin.url());
    let mut kept: Vec<Client> = Vec::new();
    let mut slowest = Duration::ZERO;

    for number in 0..FLOOD {
        let start = Instant::now();
        let mut client = match number % 4 {
            0 => Client::tls(gateway.tls),
            _ => Client::plain(gateway.plain),
        };
        assert_eq!(client.get("/a").status(), 200, "client {number}");
        slowest = slowest.max(start.elapsed());
        kept.push(client);
    }

    assert!(slowest < SOON, "{slowest:?}");
    assert!(gateway.descriptors() <= LIMIT, "as many as there may be");
    kept[0].ends_in_order();
    kept[1].ends_in_order();
    assert_eq!(kept.last_mut().unwrap().get("/a").status(), 200, "the last one stays");
    drop(kept);
    gateway.serves_again();
    let (shed, refused) = (gateway.shed("idle_client"), gateway.shed("no_descriptor"));
    assert!(shed >= FLOOD - LIMIT && refused == 0, "{shed} made room, {refused} were refused");
    println!("{shed} of {FLOOD} made room; the slowest new client took {slowest:?}");
}

#[test]
fn a_request_under_way_finds_a_descriptor_for_its_upstream() {
    let _turn = turn();
    // Each takes two descriptors: in one of the two turns the last one would go to the client.
    for count in [LIMIT, LIMIT + 1] {
        let origin = Origin::by_path([("/", vec![Step::ReadBody, Step::Stall, ok("ok")])]);
        let gateway = Process::start(&origin.url());
        let idle: Vec<Client> = (0..count)
            .map(|_| {
                let mut client = Client::plain(gateway.plain);
                assert_eq!(client.get("/up").status(), 200);
                client
            })
            .collect();

        let mut asking: Vec<Client> = (1..=12)
            .map(|count| {
                let mut client = Client::plain(gateway.plain);
                client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
                origin.wait_for_requests(count);
                client
            })
            .collect();

        origin.release();
        for client in &mut asking {
            assert_eq!(client.reply().status(), 200);
        }
        assert_eq!(gateway.shed("no_descriptor"), 0);
        drop((idle, asking));
        gateway.serves_again();
    }
}

#[test]
fn idle_http2_connections_make_room_by_goaway() {
    let _turn = turn();
    let gateway = Process::start("http://127.0.0.1:1");
    let mut kept: Vec<FrameClient> = Vec::new();
    let mut slowest = Duration::ZERO;

    for _ in 0..LIMIT + 10 {
        let start = Instant::now();
        let mut client = FrameClient::open(gateway.plain);
        client.ask(1, &request("GET", "/up"));
        client.wait_for("an answer", |frame| frame.stream == 1);
        slowest = slowest.max(start.elapsed());
        kept.push(client);
    }

    // These clients never answer the PING that asks whether they have read their GOAWAY.
    assert!(slowest < SOON, "{slowest:?}");
    assert_eq!(kept[0].ended(), Some(0), "it was told to go, and that it did nothing wrong");
    let last = kept.last_mut().unwrap();
    last.ask(3, &request("GET", "/up"));
    last.wait_for("another answer", |frame| frame.stream == 3);
    drop(kept);
    gateway.serves_again();
    println!("{} made room; the slowest took {slowest:?}", gateway.shed("idle_client"));
}

#[test]
fn where_nobody_can_make_room_a_new_client_is_told() {
    let _turn = turn();
    let origin = Origin::by_path([
        ("/slow", vec![Step::ReadBody, Step::Stall, ok("slow")]),
        ("/", vec![Step::ReadBody, ok("ok")]),
    ]);
    let gateway = Process::start(&origin.url());
    let mut slow: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = Client::plain(gateway.plain);
            // It has been idle before, and is not now.
            assert_eq!(client.get("/up").status(), 200);
            client.send("GET /slow HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            client
        })
        .collect();
    origin.wait_for_requests(4);
    let mut late = Client::plain(gateway.plain);
    late.send("GET /a HTTP/1.1\r\n");
    let mut begun = gateway.fill();

    // Again and again, so each time the descriptor that is kept back was taken again.
    let start = Instant::now();
    for _ in 0..3 {
        let mut plain = Client::plain(gateway.plain);
        let told = plain.get("/a");
        told.is_problem(503, "ServiceUnavailable");
        assert_eq!(told.header("connection"), Some("close"));
        plain.ends_in_order();
        Client::tls(gateway.tls).get("/a").is_problem(503, "ServiceUnavailable");
        H2Client::plain(gateway.plain).get("/a").is_problem(503, "ServiceUnavailable");
        H2Client::tls(gateway.tls).get("/a").is_problem(503, "ServiceUnavailable");
        // Others wait for it, so that nobody keeps it by silence.
        Client::plain(gateway.plain).is_closed();
    }
    println!("15 clients were told in {:?}", start.elapsed());
    assert!(start.elapsed() < 15 * SOON / 3);
    let share = share_of_a_core(gateway.id());
    assert!(share < 0.1, "{share} of a core");

    // Who asks whether the process lives is answered.
    for path in ["/livez", "/readyz", "/livez"] {
        assert_eq!(gateway.admin(path).status(), 200);
    }
    assert_eq!((gateway.shed("no_descriptor"), gateway.shed("idle_client")), (15, 0));
    // What is under way and needs an upstream gets no descriptor, and is not told that the upstream
    // is at fault.
    late.send("Host: gw.test\r\n\r\n");
    late.reply().is_problem(503, "ServiceUnavailable");

    // Nobody else has felt it.
    origin.release();
    for client in &mut slow {
        assert_eq!(client.reply().status(), 200);
    }
    for client in &mut begun {
        client.send("Host: gw.test\r\n\r\n");
        assert_eq!(client.reply().status(), 200);
    }
    drop((slow, begun, late));
    gateway.serves_again();
}

#[test]
fn idle_upstream_connections_make_room_where_no_client_can() {
    let _turn = turn();
    let origin = Origin::by_path([("/", vec![Step::ReadBody, Step::Stall, ok("ok"), Step::Drain])]);
    let gateway = Process::start(&origin.url());
    let mut clients: Vec<Client> = (0..8)
        .map(|_| {
            let mut client = Client::plain(gateway.plain);
            client.send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            client
        })
        .collect();
    origin.wait_for_requests(8);
    origin.release();
    for client in &mut clients {
        assert_eq!(client.reply().status(), 200);
    }
    assert_eq!(origin.open(), 8, "they are kept");
    drop(clients);

    let mut begun = gateway.fill();
    eventually("they are closed", || (origin.open() == 0).then_some(()));
    begun.extend(gateway.fill());
    let mut told = Client::plain(gateway.plain);
    told.get("/a").is_problem(503, "ServiceUnavailable");
    drop(begun);
    eventually("a new connection to be served", || {
        let mut client = Client::plain(gateway.plain);
        client.try_send("GET /up HTTP/1.1\r\nHost: gw.test\r\n\r\n").ok()?;
        (client.try_reply(Expects::Body).ok()?.status() == 200).then_some(())
    });
    assert_eq!(gateway.shed("idle_upstream"), 8);
}

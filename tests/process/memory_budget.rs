//! A process with a small memory budget, and clients that would take more: it stays under it, tells
//! whom it cannot serve, and is afterwards what it was before.

use crate::measure::{resident_of, turn};
use crate::own_process::Process;
use crate::rig::client::Client;
use crate::rig::eventually;
use crate::rig::origin::{Origin, Step, ok};

const MIB: usize = 1 << 20;
/// Descriptors of the gateway.
const LIMIT: usize = 10_000;
/// What it may grow by.
const ROOM: usize = 32 * MIB;
/// Clients would take about twice of that.
const CROWD: usize = 4_400;

#[test]
fn idle_connections_make_room_before_memory_runs_out() {
    let _turn = turn();
    let (gateway, budget) = small("http://127.0.0.1:1");
    let mut kept: Vec<Client> = Vec::new();
    let mut most = 0;

    for number in 0..CROWD {
        // Whoever comes while others are about to leave may be told so, and comes again.
        kept.push(eventually(&format!("client {number} to be served"), || {
            let mut client = Client::plain(gateway.plain);
            (client.get("/up").status() == 200).then_some(client)
        }));
        most = most.max(resident_of(gateway.id()));
    }

    let (shed, told) = (gateway.shed("idle_client"), gateway.shed("no_memory"));
    println!("{} of {} MiB at most, {shed} made room", most / MIB, budget / MIB);
    println!("{told} were told that memory was short");
    assert!(most < budget + budget / 10, "{most} of {budget}");
    assert!(shed > CROWD / 4 && told < shed, "{shed} made room, {told} were told");
    kept[0].ends_in_order();
    assert_eq!(kept.last_mut().unwrap().get("/up").status(), 200, "the last one stays");
}

#[test]
fn requests_beyond_the_budget_are_refused_and_the_others_end() {
    let _turn = turn();
    let origin = Origin::by_path([("/", vec![Step::ReadBody, Step::Stall, ok("ok")])]);
    let (gateway, budget) = small(&origin.url());
    let (mut held, mut told, mut most) = (Vec::new(), 0, 0);

    for _ in 0..CROWD {
        let mut client = Client::plain(gateway.plain);
        client.send("GET /slow HTTP/1.1\r\nHost: gw.test\r\n\r\n");
        held.push(client);
        most = most.max(resident_of(gateway.id()));
        if gateway.said("memory is short") > 0 {
            told += 1;
            if told == 200 {
                break;
            }
        }
    }

    println!("{} of {} MiB at most, {} clients", most / MIB, budget / MIB, held.len());
    assert!(told == 200, "memory is short before the last client has come");
    assert!(most < budget + budget / 10, "{most} of {budget}");
    assert_eq!(gateway.admin("/livez").status(), 200);
    origin.release();
    let mut refused = 0;
    for client in &mut held {
        let reply = client.reply();
        if reply.status() == 503 {
            reply.is_problem(503, "ServiceUnavailable");
            refused += 1;
        } else {
            assert_eq!(reply.status(), 200);
        }
    }
    println!("{refused} of {} were refused", held.len());
    assert!(refused > 0 && held.len() - refused > 1_000, "{refused}");
    drop(held);
    eventually("it to serve again", || {
        (Client::plain(gateway.plain).get("/up").status() == 200).then_some(())
    });
}

/// A process that may grow by so much: what it takes by itself is measured with another one.
fn small(upstream: &str) -> (Process, usize) {
    let alone = Process::with_limit(upstream, LIMIT);
    let budget = resident_of(alone.id()) + ROOM;
    drop(alone);
    let lines = format!("limits = {{ memory = \"{}KiB\" }}", budget >> 10);
    (Process::with(upstream, LIMIT, &lines), budget)
}

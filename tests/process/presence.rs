//! Clients that leave, or only end their side, while their requests are answered: whatever they
//! have sent ahead.

use std::time::{Duration, Instant};

use crate::measure::turn;
use crate::rig::PATIENCE;
use crate::rig::client::{Client, Ending, Expects};
use crate::rig::gateway::Gateway;
use crate::rig::origin::{Origin, Step, ok};

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// What stands behind a request: nothing, a request, more than a connection reads ahead and less than
/// the system takes for it: an end that has not arrived cannot be seen.
fn behind() -> [String; 3] {
    [String::new(), get("/next"), get("/next").repeat(1200)]
}

#[test]
fn a_client_that_has_gone_is_noticed_whatever_it_has_sent_ahead() {
    let _turn = turn();
    for resets in [false, true] {
        for behind in behind() {
            let origin = Origin::by_path([("/silent", vec![Step::ReadBody, Step::Drain])]);
            let gateway = Gateway::before(&origin.url());
            let mut client = Client::plain(gateway.plain());
            client.send(get("/silent") + &behind);
            origin.wait_for_requests(1);

            let left = Instant::now();
            if resets {
                client.leave()
            } else {
                drop(client)
            }

            // The upstream would be waited for for ten seconds.
            origin.wait_for_closed(1);
            let took = left.elapsed();
            assert!(took < Duration::from_secs(6), "{took:?}, {} bytes behind", behind.len());
            let line = gateway.log_line_where(|line| line["path"] == "/silent");
            assert_eq!(line["outcome"], "aborted", "{line}");
            assert_eq!(
                (&line["cause"], &line["origin"]),
                (&"client_left".into(), &"client".into())
            );
            assert_eq!(origin.requests().len(), 1, "nor is the next one asked for");
        }
    }
}

#[test]
fn a_client_that_has_only_ended_its_side_gets_its_answers() {
    let _turn = turn();
    let late = || vec![Step::ReadBody, Step::Pause(Duration::from_millis(50)), ok("late")];
    for connect in [over_tcp, over_tls] {
        // Whoever ends his side may have left, so that an answer has to come soon: on a machine
        // that is busy with other things it may not.
        let answered = (0..5).any(|_| {
            let origin = Origin::by_path([("/late", late()), ("/next", late())]);
            let gateway = Gateway::before(&origin.url());
            let mut client = connect(&gateway);
            client.send(get("/late") + &get("/next")).half_close();
            let mut whole = || {
                let reply = client.try_reply(Expects::Body);
                reply.is_ok_and(|reply| reply.ending == Ending::Complete && reply.text() == "late")
            };
            let both = whole() && whole();
            client.is_closed();
            both
        });
        assert!(answered);
    }
}

#[test]
fn an_answer_that_goes_on_is_brought_to_its_end() {
    let _turn = turn();
    // Longer in all than a silence may be.
    let every = Duration::from_millis(100);
    let head = crate::rig::origin::send("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n");
    let drips = Step::Drip { times: 20, every, bytes: vec![b'x'; 10] };
    let answered = (0..5).any(|_| {
        let origin = Origin::by_path([("/", vec![Step::ReadBody, head.clone(), drips.clone()])]);
        let gateway = Gateway::before(&origin.url());
        let mut client = over_tcp(&gateway);
        client.send(get("/")).half_close();
        let reply = client.try_reply(Expects::Body);
        reply.is_ok_and(|reply| reply.ending == Ending::Complete && reply.body.len() == 200)
    });
    assert!(answered);
    assert!(every * 20 < PATIENCE);
}

fn over_tcp(gateway: &Gateway) -> Client {
    Client::plain(gateway.plain())
}

fn over_tls(gateway: &Gateway) -> Client {
    Client::tls(gateway.tls())
}

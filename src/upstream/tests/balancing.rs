//! Who is asked, on sockets: what a balancer goes by is what calls have done.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};

use super::super::Duty;
use super::origin::Step::{Drain, Read, Sleep};
use super::origin::{Origin, Step, send};
use super::rig::{Rig, plain, request, settings};
use super::run;
use crate::config::model::{Balance, Upstream};

fn among(origins: &[&Origin], balance: Balance) -> Upstream {
    let mut upstream = settings(origins.iter().map(|origin| plain(origin.address)).collect());
    upstream.balance = balance;
    upstream
}

fn says(word: &str) -> Step {
    let length = word.len();
    send(&format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{word}"))
}

#[test]
fn by_least_whoever_is_under_way_counts_to_its_end() {
    run(async {
        let half = send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
        let script = [Read, half, Drain];
        let (one, two) = (Origin::new(&script).await, Origin::new(&script).await);
        let rig = Rig::new(among(&[&one, &two], Balance::Least));
        let asked = || (one.requests().len(), two.requests().len());
        let held = rig.send(request(Method::GET, "/")).await.unwrap();
        assert_eq!(asked(), (1, 0));
        for _ in 0..10 {
            drop(rig.send(request(Method::GET, "/")).await.unwrap());
        }
        assert_eq!(asked(), (1, 10), "one answer has not come to its end");
        drop(held);
        for _ in 0..10 {
            drop(rig.send(request(Method::GET, "/")).await.unwrap());
        }
        assert_eq!(asked(), (6, 15), "equals take turns");
    });
}

#[test]
fn by_p2c_the_slow_one_is_asked_once() {
    run(async {
        let slow = Origin::new(&[Read, Sleep(400), says("slow")]).await;
        let quick = Origin::new(&[Read, says("quick")]).await;
        let rig = Rig::new(among(&[&slow, &quick], Balance::P2c));
        for _ in 0..30 {
            rig.get("/").await.unwrap();
        }
        // Each is asked once to know it; from then on all are for the faster one.
        assert_eq!((slow.requests().len(), quick.requests().len()), (1, 29));
    });
}

#[test]
fn by_hash_a_caller_stays_and_moves_only_while_its_endpoint_is_gone() {
    run(async {
        let words = ["a", "b", "c"];
        let mut origins = Vec::new();
        for word in words {
            origins.push(Origin::new(&[Read, says(word)]).await);
        }
        let user = HeaderName::from_static("x-user");
        let origins: Vec<&Origin> = origins.iter().collect();
        let [first, second] = Rig::pair(among(&origins, Balance::Hash(user.clone())));
        let homes = async |rig: &Rig| {
            let mut homes = Vec::new();
            for number in 0..24 {
                let mut request = request(Method::GET, "/");
                let name = HeaderValue::from_str(&format!("user-{number}")).unwrap();
                request.headers_mut().insert(user.clone(), name);
                homes.push(rig.call(request).await.unwrap().body);
            }
            homes
        };
        let before = homes(&first).await;
        assert!(words.iter().all(|word| before.iter().any(|home| home == word)), "{before:?}");
        assert_eq!(before, homes(&second).await, "all workers agree");
        let gone = origins[1].address.to_string();
        assert!(first.boards.order("origin", &gone, Duty::Drain));
        let meanwhile = homes(&first).await;
        for (home, other) in before.iter().zip(&meanwhile) {
            assert!(other != "b" && (home == "b" || home == other), "{home} to {other}");
        }
        assert!(first.boards.order("origin", &gone, Duty::Serve));
        assert_eq!(before, homes(&first).await);
    });
}

#[test]
fn who_has_come_back_gets_a_sixteenth_at_first() {
    run(async {
        let script = [Read, says("ok")];
        let (cold, warm) = (Origin::new(&script).await, Origin::new(&script).await);
        let mut upstream = among(&[&cold, &warm], Balance::RoundRobin);
        // Longer than any test takes.
        upstream.slow_start = Duration::from_secs(3600);
        let rig = Rig::new(upstream);
        let address = cold.address.to_string();
        assert!(rig.boards.order("origin", &address, Duty::Drain));
        rig.get("/").await.unwrap();
        assert!(rig.boards.order("origin", &address, Duty::Serve));
        for _ in 0..34 {
            rig.get("/").await.unwrap();
        }
        assert_eq!((cold.requests().len(), warm.requests().len()), (2, 33));
    });
}

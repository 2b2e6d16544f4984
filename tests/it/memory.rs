//! Memory is short: what is new is refused, what is under way ends, and the end of it is seen.

use crate::rig::client::{self, Client};
use crate::rig::eventually;
use crate::rig::gateway::Setup;
use crate::rig::h2::H2Client;
use crate::rig::origin::{Origin, Step, ok};

/// No process is as small as this.
const NOTHING: &str = "1MiB";
/// None of a test is as large.
const PLENTY: &str = "1000GiB";

#[test]
fn while_memory_is_short_nothing_new_is_begun_and_what_is_under_way_ends() {
    let origin = Origin::by_path([
        ("/slow", vec![Step::ReadBody, Step::Stall, ok("slow")]),
        ("/", vec![Step::ReadBody, ok("ok")]),
    ]);
    let setup = |memory: &str| {
        Setup::before(&origin.url()).server(&format!("limits = {{ memory = \"{memory}\" }}"))
    };
    let gateway = setup(PLENTY).start();
    let mut slow = Client::plain(gateway.plain());
    slow.send("GET /slow HTTP/1.1\r\nHost: gw.test\r\n\r\n");
    let mut begun = Client::plain(gateway.plain());
    begun.send("GET /begun HTTP/1.1\r\n");
    let mut idle = Client::plain(gateway.plain());
    assert_eq!(idle.get("/a").status(), 200);
    origin.wait_for_requests(2);

    gateway.reload(&setup(NOTHING));
    eventually("memory to be short", || {
        (client::get(gateway.plain(), "/a").status() == 503).then_some(())
    });

    let asked = origin.requests().len();
    let told = client::get(gateway.plain(), "/a");
    told.is_problem(503, "ServiceUnavailable");
    assert_eq!(told.header("connection"), Some("close"));
    assert_eq!(told.json()["retryable"], true);
    let wait: u64 = told.header("retry-after").unwrap().parse().unwrap();
    assert!((5..=10).contains(&wait), "{wait}");
    let line = gateway.log_line(&told.request_id());
    assert_eq!(
        (&line["cause"], &line["code"]),
        (&"memory_limit".into(), &"fr.ammyServiceUnavailable".into())
    );
    Client::tls(gateway.tls()).get("/a").is_problem(503, "ServiceUnavailable");
    H2Client::tls(gateway.tls()).get("/a").is_problem(503, "ServiceUnavailable");
    // On a connection that stood before, too; one that carries nothing has to go.
    begun.send("Host: gw.test\r\n\r\n");
    begun.reply().is_problem(503, "ServiceUnavailable");
    idle.is_closed();
    assert_eq!(origin.requests().len(), asked, "no upstream has heard of any of them");
    let admin = "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    assert_eq!(client::ask(gateway.admin(), admin).status(), 200);
    assert!(gateway.metric("guichet_shed_total{route=\"\",reason=\"no_memory\"}") > Some(4.0));
    assert!(gateway.metric("guichet_shed_total{route=\"\",reason=\"idle_client\"}") >= Some(1.0));

    origin.release();
    assert_eq!(slow.reply().status(), 200, "it began before");
    gateway.reload(&setup(PLENTY));
    eventually("memory to be enough", || {
        (client::get(gateway.plain(), "/a").status() == 200).then_some(())
    });
}

//! What is known of an upstream that fails, over reloads of the process that knows it.

use crate::control::guichet;
use crate::daemon::Daemon;
use crate::measure::turn;
use crate::rig::client;
use crate::rig::eventually;
use crate::rig::origin::{Origin, Step, nobody, ok, send};

/// `ejecting` has one endpoint that nobody listens on; `breaking` answers that it cannot.
fn serves(gone: &str, good: &str, broken: &str, more: &str) -> String {
    format!(
        "version = 1\n[server]\nworkers = 2\n\
         [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
         [admin]\nbind = \"127.0.0.1:0\"\nsocket = \"admin.sock\"\n\
         [observe]\naccess_log = false\n\
         [upstream.ejecting]\nendpoints = [\"{gone}\", \"{good}\"]\n\
         eject = {{ failures = 1, over = \"1m\", for = \"10m\" }}\n{more}\n\
         [upstream.breaking]\nendpoints = [\"{broken}\"]\n\
         breaker = {{ failures = \"50%\", over = \"1m\", at_least = 2, open = \"10m\" }}\n{more}\n\
         [[route]]\nmatch = \"/eject\"\nupstream = \"ejecting\"\n\
         [[route]]\nmatch = \"/break\"\nupstream = \"breaking\"\n"
    )
}

#[test]
fn ejections_and_open_breakers_outlive_a_reload_that_leaves_their_upstream_as_it_was() {
    let _turn = turn();
    let gone = nobody();
    let good = Origin::scripted([Step::Read, ok("good"), Step::Again]);
    let busy = send("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    let broken = Origin::scripted([Step::Read, busy, Step::Again]);
    let text = |more: &str| serves(&gone, &good.url(), &broken.url(), more);
    let daemon = Daemon::start(&text(""), &[]);
    let get = |path: &str| client::get(daemon.address("plain"), path);
    let up = format!("guichet_upstream_endpoint_up{{upstream=\"ejecting\",endpoint=\"{gone}\"}}");
    let open = "guichet_upstream_breaker_state{upstream=\"breaking\"}";
    let state = || (daemon.metric(&up), daemon.metric(open));

    eventually("the ejection", || {
        assert_eq!(get("/eject").text(), "good", "another endpoint takes over");
        (daemon.metric(&up) == Some(0.0)).then_some(())
    });
    for _ in 0..2 {
        get("/break").is_problem(503, "ServiceUnavailable");
    }
    assert_eq!(state(), (Some(0.0), Some(2.0)));
    let asked = broken.requests().len();
    assert_eq!(asked, 2);

    // Something else changes.
    let reload = |text: &str| {
        daemon.write(text);
        let (code, out, err) = guichet(&daemon, &["reload"]);
        assert_eq!(code, 0, "{out}{err}");
    };
    reload(&format!("{}[[route]]\nmatch = \"/new\"\nrespond = {{ status = 204 }}\n", text("")));
    assert_eq!(get("/new").status(), 204);
    assert_eq!(state(), (Some(0.0), Some(2.0)));
    let reply = get("/break");
    reply.is_problem(503, "ServiceUnavailable");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((300..=900).contains(&wait), "what is left of ten minutes, and some spread: {wait}");
    assert_eq!(broken.requests().len(), asked, "nothing reaches it");

    // The upstreams themselves do.
    reload(&text("timeout = { first_byte = \"7s\" }"));
    assert_eq!(state(), (Some(1.0), Some(0.0)));
    get("/break");
    assert_eq!(broken.requests().len(), asked + 1, "it is asked anew");
}

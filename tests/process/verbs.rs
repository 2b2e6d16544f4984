//! Commands that change how a process serves, and tell how it does.

use serde_json::{Value, json};

use crate::control::{ask, guichet};
use crate::daemon::Daemon;
use crate::measure::turn;
use crate::rig::client;
use crate::rig::eventually;
use crate::rig::origin::{Origin, Step, nobody, ok};

fn serves(more: &str) -> String {
    format!(
        "version = 1\n[server]\nworkers = 1\n\
         [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
         [admin]\nbind = \"127.0.0.1:0\"\nsocket = \"admin.sock\"\n\
         [observe]\naccess_log = false\n{more}\n\
         [[route]]\nname = \"app.word\"\nmatch = \"GET /word\"\nrespond = {{ status = 204 }}\n\
         [[route]]\nname = \"other\"\nmatch = \"GET /other\"\nrespond = {{ status = 204 }}\n"
    )
}

#[test]
fn maintenance_is_switched_on_told_of_and_switched_off() {
    let _turn = turn();
    let window = "[[maintenance]]\nroutes = [\"other\"]\nfrom = 2099-01-01T00:00:00Z";
    let daemon = Daemon::start(&serves(window), &[]);
    let plain = daemon.address("plain");
    let status = |path| client::get(plain, path).status();
    let planned = "other: from 2099-01-01T00:00:00Z until the file changes, planned in the file\n";

    let on = ["maintenance", "on", "app.*", "--until", "2099-12-01T05:00:00+01:00"];
    let with = |more: &[&'static str]| guichet(&daemon, &[&on[..], more].concat());
    let (code, _, err) = with(&["--text", "de=Bald.", "--text", "en={x}\u{1}"]);
    assert_eq!(code, 1);
    assert!(err.contains("text.de") && err.contains("text.en"), "{err}");
    assert_eq!(with(&["--allow", "nowhere"]).0, 2);
    let (code, _, err) = with(&["--text", "en=a", "--text", "EN=b"]);
    assert_eq!((code, err.as_str()), (2, "guichet: --text says EN twice\n"));
    let endless = ["maintenance", "on", "app.*", "--text", "en=Back at {until}."];
    let (code, _, err) = guichet(&daemon, &endless);
    assert!(code == 2 && err.contains("add --until"), "{err}");
    assert_eq!(status("/word"), 204, "nothing was switched on");
    let (code, _, err) = with(&["--text", "en=Back at {until}.", "--allow", "192.0.2.7"]);
    assert_eq!(code, 0, "{err}");
    let said = "Back at 2099-12-01 05:00 (UTC+01:00).";
    let message = |language: &str| {
        let fields = format!("Host: gw.test\r\nAccept-Language: {language}");
        let refused = client::ask(plain, &format!("GET /word HTTP/1.1\r\n{fields}\r\n\r\n"));
        refused.is_problem(503, "ServiceUnavailable");
        refused.json()["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("en"), said);
    assert!(message("fr").contains("service"), "the text of the catalogue: {}", message("fr"));
    let (_, out, _) = guichet(&daemon, &["maintenance", "list"]);
    let told = format!("by hand, but not for 192.0.2.7/32\n  en: {said}\n");
    assert!(out.contains(&told), "{out}");
    let (code, out, err) = guichet(&daemon, &on);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out, "app.*: under maintenance until 2099-12-01T04:00:00Z\n");
    assert_eq!((status("/word"), status("/other")), (503, 204));

    let (code, out, _) = guichet(&daemon, &["maintenance", "list"]);
    let by_hand = "app.*: until 2099-12-01T04:00:00Z, switched on by hand\n";
    assert_eq!((code, out), (0, format!("{by_hand}{planned}")));
    let (code, out, _) = guichet(&daemon, &["maintenance", "list", "--json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert_eq!(
        told[0],
        json!({ "routes": "app.*", "from": null, "until": "2099-12-01T04:00:00Z",
                "by": "hand", "active": true, "allow": [], "text": {} })
    );
    assert_eq!((&told[1]["by"], &told[1]["active"]), (&"file".into(), &false.into()));

    let (_, out, _) = guichet(&daemon, &["status"]);
    assert!(
        out.contains(&format!("under maintenance: {by_hand}")) && !out.contains("2099-01"),
        "{out}"
    );

    let off = ["maintenance", "off", "app.*"];
    let (code, out, _) = guichet(&daemon, &off);
    assert_eq!((code, out.as_str()), (0, "app.*: maintenance is switched off\n"));
    assert_eq!(status("/word"), 204);
    let (code, out, err) = guichet(&daemon, &off);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("guichet: maintenance of app.* is not switched on\nhelp: "), "{err}");
}

#[test]
fn what_cannot_be_switched_is_told_by_the_exit_code() {
    let _turn = turn();
    let daemon = Daemon::start(&serves(""), &[]);
    let (code, _, err) = guichet(&daemon, &["maintenance", "on", "nothing"]);
    assert_eq!(code, 1);
    assert!(err.starts_with("guichet: no route is called nothing, "), "{err}");
    for (until, why) in [("2001-01-01T00:00:00Z", "has passed"), ("soon", "an offset belongs")] {
        let (code, _, err) = guichet(&daemon, &["maintenance", "on", "other", "--until", until]);
        assert_eq!(code, 2);
        assert!(err.contains(why), "{err}");
    }
    assert_eq!(guichet(&daemon, &["maintenance", "on", "a b?c"]).0, 2);
    let (code, out, _) = guichet(&daemon, &["maintenance", "list"]);
    assert_eq!((code, out.as_str()), (0, "nothing is under maintenance, and nothing is planned\n"));
    let nowhere = ["maintenance", "list", "--socket", "/nowhere.sock"];
    assert_eq!(guichet(&daemon, &nowhere).0, 5);
}

#[test]
fn upstreams_tell_which_endpoints_are_up_and_what_their_breaker_does() {
    let _turn = turn();
    let (origin, gone) = (Origin::by_path([("/up", vec![ok("ok"), Step::Again])]), nobody());
    let upstreams = format!(
        "[upstream.calm]\nendpoints = [\"{up}\"]\n\
         [upstream.app]\nendpoints = [\"{up}\", {{ url = \"{gone}\", weight = 3 }}]\n\
         [upstream.app.health]\npath = \"/up\"\nevery = \"100ms\"\ndown_after = 1\n[upstream.app.breaker]\n\
         [[route]]\nmatch = \"/up\"\nupstream = \"app\"",
        up = origin.url()
    );
    let daemon = Daemon::start(&serves(&upstreams), &[]);
    let told: Value = eventually("the probe's verdict", || {
        let (_, out, _) = guichet(&daemon, &["upstream", "list", "--json"]);
        let told: Value = serde_json::from_str(&out).unwrap();
        out.contains("\"down\"").then_some(told)
    });
    let named =
        |name: &str| told.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    let (app, calm) = (named("app"), named("calm"));
    assert_eq!((&app["breaker"], &calm["breaker"]), (&"closed".into(), &Value::Null));
    assert_eq!(
        app["endpoints"],
        json!([{ "endpoint": origin.url(), "weight": 1, "state": "up", "under_way": 0 },
               { "endpoint": gone, "weight": 3, "state": "down", "under_way": 0 }])
    );

    assert_eq!(client::get(daemon.address("plain"), "/up").status(), 200);
    let app = format!(
        "app: 0 connections active, 1 idle, breaker closed\n  up       weight 1  {}\n  \
         down     weight 3  {gone}\n",
        origin.url()
    );
    eventually("the connection to be back in the pool", || {
        let (code, out, _) = guichet(&daemon, &["upstream", "list"]);
        (code == 0 && out.contains(&app)).then_some(())
    });
}

#[test]
fn limits_tell_what_they_have_decided() {
    let _turn = turn();
    let limit = "[overload]\nin_flight = 7\n\
                 [limit.once]\nkey = \"header:x-tenant\"\nrate = \"1/d\"\n\
                 [[route]]\nmatch = \"/once\"\nrespond = { status = 204 }\nlimits = [\"once\"]";
    let daemon = Daemon::start(&serves(limit), &[]);
    let statuses = [(); 3].map(|()| client::get(daemon.address("plain"), "/once").status());
    assert_eq!(statuses, [204, 429, 429]);
    eventually("the requests to be counted", || {
        let (status, body) = ask(&daemon, "GET /v1/limits");
        assert_eq!(status, 200, "{body}");
        let told: Value = serde_json::from_str(&body).unwrap();
        let expected = json!({
            "name": "once", "key": "header:x-tenant", "rate": "1/d", "burst": 1, "status": 429,
            "allowed": 1, "refused": 2, "store": null,
        });
        assert_eq!(told["concurrency"], json!([{ "scope": "gateway", "in_flight": 7 }]));
        (told["rates"] == json!([expected])).then_some(())
    });
}

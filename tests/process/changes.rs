//! Change without loss: reloads, certificates, binaries, under clients that never stop asking, and not
//! one request without its answer. `CHANGES=full` makes as many changes as the promise names (100
//! reloads, 20 certificates, 5 binaries); otherwise there are fewer, for the sake of time.

use std::fs;
use std::process::Command;

use crate::daemon::Daemon;
use crate::load::Load;
use crate::measure::turn;
use crate::rig::client::Client;
use crate::rig::eventually;
use crate::rig::origin::Origin;
use crate::rig::tls::Validity::Now;
use crate::rig::tls::{self, Authority};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A gateway before `url` with a certificate from files; `more` are lines of the upstream.
fn configuration(url: &str, more: &str) -> String {
    format!(
        "version = 1\n[server]\nworkers = 2\n\
         [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
         protocols = [\"h2\", \"http/1.1\"]\n\
         [listen.tls]\nbind = [\"127.0.0.1:0\"]\n\
         tls = {{ cert = \"live.pem\", key = {{ file = \"live.key\" }} }}\n\
         [admin]\nbind = \"127.0.0.1:0\"\nsocket = \"admin.sock\"\n\
         [observe]\naccess_log = {{ to = \"access.log\" }}\n\
         [upstream.origin]\nendpoints = [\"{url}\"]\n{more}\n\
         [[route]]\nname = \"all\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\n"
    )
}

struct Rig {
    daemon: Daemon,
    authority: Authority,
    origin: Origin,
    load: Load,
}

impl Rig {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new();
        let live = (folder.path().join("live.pem"), folder.path().join("live.key"));
        authority.sign(&["localhost"], Now).replace(&live);
        let origin = Origin::answering(OK);
        let daemon = Daemon::start_in(folder, &configuration(&origin.url(), ""), &[]);
        let load = Load::start(daemon.address("plain"), daemon.address("tls"), "/a");
        eventually("the load", || (load.answered() > 100).then_some(()));
        Self { daemon, authority, origin, load }
    }

    fn command(&self, verb: &str) -> bool {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guichet"));
        command.arg("-c").arg(self.daemon.file()).arg(verb).output().unwrap().status.success()
    }

    /// Every client goes on after what has just been done.
    fn goes_on(&self) {
        let before = self.load.answered();
        eventually("more answers", || (self.load.answered() > before + 20).then_some(()));
    }

    /// Nobody has lost anything.
    fn lost_nothing(self, what: &str) {
        let (answered, lost) = self.load.stop();
        println!("{what}: {answered} requests answered, {} lost", lost.len());
        assert!(lost.is_empty(), "{} of {answered}: {:?}", lost.len(), &lost[..lost.len().min(5)]);
    }
}

fn count(full: usize, few: usize) -> usize {
    if std::env::var_os("CHANGES").is_some_and(|value| value == "full") { full } else { few }
}

#[test]
fn reloads_lose_nothing() {
    let _turn = turn();
    let rig = Rig::start();
    let reloads = count(100, 25);
    for reload in 0..reloads {
        // Every other one leaves the upstream as it is, and its connections with it.
        let more = match reload % 4 {
            0 => "pool = { idle = 9 }",
            1 => "pool = { idle = 9 }\n[[route]]\nmatch = \"/b\"\nrespond = { status = 200 }",
            2 => "",
            _ => "[listen.more]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"",
        };
        rig.daemon.write(&configuration(&rig.origin.url(), more));
        assert!(rig.command("reload"), "{}", rig.daemon.words());
        rig.goes_on();
    }
    let applied = rig.daemon.metric("guichet_config_reloads_total{result=\"applied\"}");
    assert_eq!(applied, Some(f64::from(u32::try_from(reloads).unwrap())));
    rig.lost_nothing(&format!("{reloads} reloads"));
}

#[test]
fn certificates_that_are_replaced_lose_nothing() {
    let _turn = turn();
    let rig = Rig::start();
    let swaps = count(20, 2);
    let live = (rig.daemon.folder().join("live.pem"), rig.daemon.folder().join("live.key"));
    for _ in 0..swaps {
        let next = rig.authority.sign(&["localhost"], Now);
        next.replace(&live);
        eventually("the new certificate", || {
            let config = tls::trusting_client(&["http/1.1"]);
            let client = Client::tls_as(rig.daemon.address("tls"), "localhost", config).unwrap();
            let shown = client.session().peer_certificates().unwrap()[0].to_vec();
            (shown == next.der()).then_some(())
        });
        rig.goes_on();
    }
    rig.lost_nothing(&format!("{swaps} certificates"));
}

#[test]
fn binaries_that_follow_each_other_lose_nothing() {
    let _turn = turn();
    let mut rig = Rig::start();
    let upgrades = count(5, 2);
    for _ in 0..upgrades {
        let before = rig.daemon.id();
        rig.daemon.upgrade();
        assert_ne!(rig.daemon.id(), before);
        rig.goes_on();
        // The one before ends by itself.
        eventually("its end", || rig.daemon.has_ended(before).then_some(()));
        assert!(rig.command("status"), "the admin socket has moved along");
    }
    let lines = fs::read_to_string(rig.daemon.folder().join("access.log")).unwrap();
    assert!(lines.lines().count() > 100);
    rig.lost_nothing(&format!("{upgrades} binaries"));
}

#[test]
fn a_binary_that_does_not_come_up_changes_nothing() {
    let _turn = turn();
    let rig = Rig::start();
    let fine = fs::read_to_string(rig.daemon.file()).unwrap();
    rig.daemon.write("version = 99\n");
    rig.daemon.signal("USR2");
    rig.daemon.hears("this process stays");
    rig.goes_on();
    rig.daemon.write(&fine);
    assert!(rig.command("reload"));
    rig.lost_nothing("a failed upgrade");
}

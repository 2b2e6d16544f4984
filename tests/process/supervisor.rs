//! What systemd gives, and what it is told.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use command_fds::{CommandFdExt as _, FdMapping};

use crate::daemon::Daemon;
use crate::measure::turn;
use crate::rig::client::{self, Client};

fn says(bind: &str) -> String {
    format!(
        "version = 1\n[server]\nworkers = 2\n\
         [listen.plain]\nbind = [\"{bind}\"]\nplain = \"allow\"\n\
         [admin]\nbind = \"127.0.0.1:0\"\n[observe]\naccess_log = false\n\
         [[route]]\nmatch = \"/word\"\nrespond = {{ status = 200, json = 1 }}\n"
    )
}

#[test]
fn sockets_that_came_with_the_process_are_used_and_others_are_told_of() {
    let _turn = turn();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let stray = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, other) = (socket.local_addr().unwrap(), stray.local_addr().unwrap());
    // Somebody has connected before anything serves.
    let mut early = Client::plain(address);
    early.send("GET /word HTTP/1.1\r\nHost: gw.test\r\n\r\n");

    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start_with(folder, &says(&address.to_string()), |command| {
        let mappings = vec![
            FdMapping { parent_fd: socket.into(), child_fd: 3 },
            FdMapping { parent_fd: stray.into(), child_fd: 4 },
        ];
        command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", "web.socket:stray.socket");
        command.fd_mappings(mappings).unwrap();
    });

    assert_eq!(daemon.address("plain"), address);
    assert_eq!(early.reply().status(), 200);
    for _ in 0..8 {
        assert_eq!(client::get(address, "/word").status(), 200);
    }
    daemon.hears(&format!("a socket on {other} (stray.socket) was handed over"));
    daemon.signal("TERM");
    assert_eq!(daemon.exit(), 0);
}

/// Stands for systemd's end of `NOTIFY_SOCKET`.
struct Supervisor(UnixDatagram);

impl Supervisor {
    /// The next message that says any of this.
    #[track_caller]
    fn hears(&self, word: &str) -> String {
        let mut message = [0; 1024];
        loop {
            let count = self.0.recv(&mut message).expect(word);
            let text = String::from_utf8(message[..count].to_vec()).unwrap();
            if text.lines().any(|line| line.starts_with(word)) {
                return text;
            }
        }
    }
}

#[test]
fn the_supervisor_is_told() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let supervisor = Supervisor(UnixDatagram::bind(&path).unwrap());
    supervisor.0.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    let mut daemon = Daemon::start_with(folder, &says("127.0.0.1:0"), |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    supervisor.hears("READY=1");

    daemon.signal("HUP");
    assert!(supervisor.hears("RELOADING=1").contains("MONOTONIC_USEC="));
    supervisor.hears("READY=1");

    daemon.upgrade();
    let text = supervisor.hears("MAINPID=");
    assert!(text.contains(&format!("MAINPID={}", daemon.id())), "{text}");

    daemon.signal("TERM");
    supervisor.hears("STOPPING=1");
}

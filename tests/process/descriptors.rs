//! A flood that takes every descriptor: the process lives, does not spin, and serves on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::measure::{comes_to_rest, share_of_a_core, turn};
use crate::rig::client::{Client, Expects};
use crate::rig::eventually;
use crate::rig::origin::Origin;

const FLOOD: usize = 200;

#[test]
fn a_flood_for_every_descriptor_is_waited_out() {
    let _turn = turn();
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let gateway = Process::start(&origin.url());
    let mut kept = Client::plain(gateway.address);
    let mut idle = Client::plain(gateway.address);
    assert_eq!(kept.get("/up").status(), 200);
    assert_eq!(idle.get("/up").status(), 200);

    let flood: Vec<TcpStream> =
        (0..FLOOD).map(|_| TcpStream::connect(gateway.address).unwrap()).collect();
    // More than the limit where one above it was inherited.
    eventually("the last descriptor to go", || (gateway.descriptors() >= LIMIT).then_some(()));

    // For as long as it lasts: what is connected is served, and nothing spins.
    for _ in 0..3 {
        let share = share_of_a_core(gateway.child.id());
        assert!(share < 0.5, "{share} of a core");
        assert_eq!(kept.get("/up").status(), 200);
    }
    // There is none left for an upstream: an answer in the vocabulary all the same.
    kept.get("/a").is_problem(502, "BadGateway");
    assert_eq!(idle.get("/up").status(), 200);

    drop(flood);
    eventually("a new connection to be served", || {
        let mut client = Client::plain(gateway.address);
        client.try_send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n").ok()?;
        (client.try_reply(Expects::Body).ok()?.status() == 200).then_some(())
    });
    assert_eq!(kept.get("/a").status(), 200);
    comes_to_rest(gateway.child.id(), "rest after the flood");
    println!("{} descriptors afterwards", gateway.descriptors());
}

/// guichet as a process of its own, with few descriptors.
struct Process {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Process {
    fn start(upstream: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guichet.toml");
        let text = format!(
            "version = 1\n[server]\nworkers = 1\n\
             [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
             [observe]\naccess_log = false\n\
             [upstream.origin]\nendpoints = [\"{upstream}\"]\n\
             [[route]]\nname = \"up\"\nmatch = \"/up\"\nrespond = {{ status = 200, json = {{}} }}\n\
             [[route]]\nname = \"all\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\n"
        );
        fs::write(&file, text).unwrap();
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -n {LIMIT} && exec \"$0\" run \"$1\""))
            .arg(env!("CARGO_BIN_EXE_guichet"))
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = said.find_map(|line| {
            let (_, after) = line.split_once("127.0.0.1:")?;
            let port: String = after.chars().take_while(char::is_ascii_digit).collect();
            Some(SocketAddr::from(([127, 0, 0, 1], port.parse().ok()?)))
        });
        // Read to its end, or the process would be stopped by its own words.
        thread::spawn(move || said.for_each(drop));
        Self { child, address: address.expect("it says where it listens"), _folder: folder }
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const LIMIT: usize = 64;

//! guichet as a process of its own: what it uses is its alone, and it may have few descriptors.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::measure::gauge;
use crate::rig::client::{self, Client, Expects, Reply};
use crate::rig::eventually;

/// Descriptors of the process.
pub const LIMIT: usize = 64;

pub struct Process {
    child: Child,
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    admin: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
    limit: usize,
    /// Descriptors before anybody had connected.
    before: usize,
    _folder: tempfile::TempDir,
}

impl Process {
    /// With few descriptors. `/up` is answered by the gateway, all else by the upstream.
    pub fn start(upstream: &str) -> Self {
        Self::with_limit(upstream, LIMIT)
    }

    /// With so many descriptors.
    pub fn with_limit(upstream: &str, limit: usize) -> Self {
        Self::with(upstream, limit, "")
    }

    /// With so many descriptors, and more lines of `[server]`.
    pub fn with(upstream: &str, limit: usize, server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guichet.toml");
        let text = format!(
            "version = 1\n[server]\nworkers = 1\n{server}\n\
             [listen.plain]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
             protocols = [\"h2\", \"http/1.1\"]\n\
             [listen.tls]\nbind = [\"127.0.0.1:0\"]\ntls = {{ self_signed = [\"localhost\"] }}\n\
             [admin]\nbind = \"127.0.0.1:0\"\n\
             [observe]\naccess_log = false\n\
             [upstream.origin]\nendpoints = [\"{upstream}\"]\npool = {{ idle_time = \"60s\" }}\n\
             timeout = {{ connect = \"10s\", first_byte = \"60s\", total = \"60s\" }}\n\
             [[route]]\nname = \"up\"\nmatch = \"/up\"\nrespond = {{ status = 200, json = {{}} }}\n\
             [[route]]\nname = \"all\"\nmatch = \"/{{*rest}}\"\nupstream = \"origin\"\n"
        );
        fs::write(&file, text).unwrap();
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("ulimit -n {limit} && exec \"$0\" run \"$1\""))
            .arg(env!("CARGO_BIN_EXE_guichet"))
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut address = |of: &str| {
            let mark = format!("{of} listens on ");
            let line = said.find_map(|line| line.split_once(&mark).map(|(_, at)| at.to_owned()));
            let line = line.expect("it says where it listens");
            let (_, at) = line.split_once("://").unwrap();
            at.trim().parse::<SocketAddr>().unwrap()
        };
        let (plain, tls, admin) = (address("plain"), address("tls"), address("admin"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        // Read to its end, or the process would be stopped by its own words.
        let kept = Arc::clone(&lines);
        thread::spawn(move || said.for_each(|line| kept.lock().unwrap().push(line)));
        let mut process =
            Self { child, plain, tls, admin, lines, limit, before: 0, _folder: folder };
        assert_eq!(client::get(plain, "/up").status(), 200);
        process.before = process.settles(None);
        process
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the admin port answers.
    pub fn admin(&self, path: &str) -> Reply {
        client::ask(self.admin, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))
    }

    /// Waits until so many client connections are open.
    pub fn wait_for_connections(&self, count: usize) {
        let count = f64::from(u32::try_from(count).unwrap());
        let enough = || (gauge(self.admin, "guichet_connections") >= count).then_some(());
        eventually("they arrive", enough);
    }

    /// Descriptors below the limit that are taken. Those above were inherited, and take none away.
    pub fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap();
        let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        numbers.filter(|number: &usize| *number < self.limit).count()
    }

    /// Lines of its log that hold these words.
    pub fn said(&self, words: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// How many were given up for want of room, for this reason.
    pub fn shed(&self, reason: &str) -> usize {
        let page =
            client::ask(self.admin, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").text();
        let series = format!("guichet_shed_total{{route=\"\",reason=\"{reason}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&series)).map_or(0, |at| at.parse().unwrap())
    }

    /// Takes every descriptor that is left with clients that have begun a request to `/up`: a line
    /// `Host` is all that is missing.
    pub fn fill(&self) -> Vec<Client> {
        let mut begun = Vec::new();
        while self.descriptors() < LIMIT {
            let mut client = Client::plain(self.plain);
            // It has arrived once it is answered; a count of descriptors may stand still when
            // another leaves at that moment. The beginning of a second request comes with the first:
            // sent after it, it could still be on its way when somebody is asked to make room.
            client.send("GET /up HTTP/1.1\r\nHost: gw.test\r\n\r\nGET /up HTTP/1.1\r\n");
            assert_eq!(client.reply().status(), 200);
            begun.push(client);
        }
        begun
    }

    /// Once all clients have left: new ones are served, and every descriptor is back.
    pub fn serves_again(&self) {
        eventually("a new connection to be served", || {
            let mut client = Client::plain(self.plain);
            client.try_send("GET /a HTTP/1.1\r\nHost: gw.test\r\n\r\n").ok()?;
            (client.try_reply(Expects::Body).ok()?.status() != 503).then_some(())
        });
        let after = self.settles(Some(self.before + MAY_STAY));
        println!("{} descriptors before, {after} after", self.before);
    }

    /// Waits until the number of descriptors stays what it is, and is not above `most`.
    fn settles(&self, most: Option<usize>) -> usize {
        let mut last = 0;
        eventually(&format!("the descriptors: {most:?}"), || {
            let now = self.descriptors();
            let still = std::mem::replace(&mut last, now) == now;
            (still && most.is_none_or(|most| now <= most)).then_some(now)
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Upstream connections that wait in the pool.
const MAY_STAY: usize = 8;

//! A real Redis or Valkey, started here on a port of its own, that can be killed, stalled and revived.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::eventually;

/// A server that keeps nothing on disk.
pub struct Store {
    program: &'static str,
    port: u16,
    password: Option<&'static str>,
    child: Child,
    folder: tempfile::TempDir,
}

impl Store {
    /// One of each kind that this machine has. Says so where there is none, because then a test that
    /// needs one tests nothing.
    pub fn kinds() -> Vec<&'static str> {
        let there = |program: &&str| {
            let asked = Command::new(program).arg("--version").stdout(Stdio::null()).status();
            asked.is_ok_and(|status| status.success())
        };
        let kinds: Vec<_> = ["redis-server", "valkey-server"].into_iter().filter(there).collect();
        if kinds.is_empty() {
            println!("SKIPPED: neither redis-server nor valkey-server is installed");
        }
        kinds
    }

    /// A server of the first kind that there is.
    pub fn any() -> Option<Self> {
        Self::kinds().first().map(|program| Self::start(program, None))
    }

    /// A server of this kind, which may want a password.
    pub fn start(program: &'static str, password: Option<&'static str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The port may be gone again by the time that the server asks for it.
        let found = (0..10).find_map(|_| {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let child = launch(program, port, password, &folder)?;
            Some((port, child))
        });
        let (port, child) = found.expect("a server that starts");
        Self { program, port, password, child, folder }
    }

    /// Its address, without a password.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends at once, and takes what it knows with it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts anew where it was, and knows nothing.
    pub fn revive(&mut self) {
        let (program, port, password) = (self.program, self.port, self.password);
        let folder = &self.folder;
        self.child = eventually("the port", || launch(program, port, password, folder));
    }

    /// Falls silent: connections stay, and nothing is answered.
    pub fn stall(&self) {
        self.signal("-STOP");
    }

    /// Goes on where it stopped.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// What it answers to a command, line by line as it is written on the wire.
    pub fn ask(&self, words: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let command: String =
            words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        let quit = "*1\r\n$4\r\nQUIT\r\n";
        write!(stream, "*{}\r\n{command}{quit}", words.len()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        lines.extend(text.lines().map(str::to_owned));
        lines
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it, and waits until it serves. None where it could not.
fn launch(
    program: &str,
    port: u16,
    password: Option<&str>,
    folder: &tempfile::TempDir,
) -> Option<Child> {
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
    command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(folder.path());
    if let Some(password) = password {
        command.args(["--requirepass", password]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let serves = lines.any(|line| line.to_lowercase().contains("ready to accept connections"));
    if !serves {
        let _ = child.kill();
        let _ = child.wait();
        return None;
    }
    // It would end if nobody read what it says.
    std::thread::spawn(move || lines.for_each(drop));
    Some(child)
}

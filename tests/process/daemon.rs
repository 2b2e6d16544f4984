//! guichet as somebody runs it: a file, arguments, signals, and what it says.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::rig::client::{self, Reply};
use crate::rig::eventually;

/// A process that serves a file.
pub struct Daemon {
    child: Child,
    /// The process that serves: the child, or one that has followed it.
    process: u32,
    said: Arc<Mutex<Vec<String>>>,
    file: PathBuf,
    folder: tempfile::TempDir,
}

impl Daemon {
    /// Runs a file with this text, and `[admin]`.
    pub fn start(text: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, text, arguments)
    }

    /// The same in a folder that has something already.
    pub fn start_in(folder: tempfile::TempDir, text: &str, arguments: &[&str]) -> Self {
        Self::start_with(folder, text, |command| {
            command.args(arguments);
        })
    }

    /// The same with anything else that a process can be given.
    pub fn start_with(
        folder: tempfile::TempDir,
        text: &str,
        with: impl FnOnce(&mut Command),
    ) -> Self {
        let file = folder.path().join("guichet.toml");
        if !file.exists() {
            fs::write(&file, text).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_guichet"));
        command
            .arg("run")
            .arg(&file)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        with(&mut command);
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        let process = child.id();
        let daemon = Self { child, process, said, file, folder };
        daemon.address("admin");
        daemon
    }

    pub fn id(&self) -> u32 {
        self.process
    }

    /// Has a new binary follow, and waits until it serves.
    #[track_caller]
    pub fn upgrade(&mut self) {
        let mark = |process: u32| format!("upgrade: process {process} serves");
        let known = self.said("upgrade: process ");
        self.signal("USR2");
        eventually("the new process", || (self.said("upgrade: process ") > known).then_some(()));
        let said = self.words();
        let line = said.lines().rev().find(|line| line.contains("upgrade: process ")).unwrap();
        let number = line.split("process ").nth(1).unwrap().split(' ').next().unwrap();
        self.process = number.parse().unwrap();
        assert!(said.contains(&mark(self.process)));
    }

    /// Whether a process that has served has ended.
    pub fn has_ended(&mut self, process: u32) -> bool {
        if process == self.child.id() {
            return self.child.try_wait().unwrap().is_some();
        }
        // Whoever has followed the child is nobody's child any more once that has ended.
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the file anew, as an editor does: beside it, then in its place.
    pub fn write(&self, text: &str) {
        let fresh = self.file.with_extension("new");
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, &self.file).unwrap();
    }

    pub fn signal(&self, name: &str) {
        let id = self.process.to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Where a listener listens, once it says so.
    #[track_caller]
    pub fn address(&self, listener: &str) -> SocketAddr {
        let mark = format!("{listener} listens on ");
        let line = self.hears(&mark);
        line.split_once("://").unwrap().1.trim().parse().unwrap()
    }

    /// The first line that holds these words, once it comes.
    #[track_caller]
    pub fn hears(&self, words: &str) -> String {
        eventually(words, || {
            let said = self.said.lock().unwrap();
            said.iter().find(|line| line.contains(words)).cloned()
        })
    }

    /// How many lines hold these words.
    pub fn said(&self, words: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    /// All that was said.
    pub fn words(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    pub fn admin(&self, path: &str) -> Reply {
        let asked = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        client::ask(self.address("admin"), &asked)
    }

    /// The value of one series of the metrics page.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let page = self.admin("/metrics").text();
        page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits for its end; its exit code.
    pub fn exit(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.process != self.child.id() {
            let _ = Command::new("kill").args(["-s", "KILL", &self.process.to_string()]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

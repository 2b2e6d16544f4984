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
        let file = folder.path().join("guichet.toml");
        if !file.exists() {
            fs::write(&file, text).unwrap();
        }
        let mut child = Command::new(env!("CARGO_BIN_EXE_guichet"))
            .arg("run")
            .arg(&file)
            .args(arguments)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&said);
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        thread::spawn(move || lines.for_each(|line| kept.lock().unwrap().push(line)));
        let daemon = Self { child, said, file, folder };
        daemon.address("admin");
        daemon
    }

    pub fn id(&self) -> u32 {
        self.child.id()
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
        let id = self.child.id().to_string();
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
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

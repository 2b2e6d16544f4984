//! guichet as a process, told by signals.
#![allow(clippy::print_stdout, reason = "a child speaks to its parent")]

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

use super::*;

/// guichet in a process of its own, because signals belong to processes: this test binary once
/// more, with one test of it, which sees the variable.
struct Process {
    child: Child,
    told: Lines<BufReader<ChildStderr>>,
}

impl Process {
    fn start(test: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", &format!("cli::run::tests::{test}")])
            .env(VARIABLE, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let told = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, told }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn hear(&mut self, event: &str) -> serde_json::Value {
        let parse = |line: io::Result<String>| serde_json::from_str(&line.unwrap()).ok();
        let mut lines = self.told.by_ref().filter_map(parse);
        lines.find(|line: &serde_json::Value| line["event"] == event).unwrap()
    }

    fn exit(self) -> String {
        let out = self.child.wait_with_output().unwrap().stdout;
        let out = String::from_utf8(out).unwrap();
        out.lines().find_map(|line| line.strip_prefix("EXIT ")).unwrap().to_owned()
    }
}

fn is_child() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// A configuration that answers nothing, with more lines of `[server]`.
fn config(bind: &str, server: &str) -> Loaded {
    let text = format!(
        "version = 1\n[server]\nworkers = 1\n{server}\n[listen.public]\nbind = [\"{bind}\"]\n\
         plain = \"allow\"\n[observe]\naccess_log = false\n"
    );
    config::load_text("test.toml", &text, &|_| None).unwrap()
}

fn serve(loaded: Loaded) {
    let report = super::serve(loaded, None, Watching::Never, Form::Json);
    println!("\nEXIT {}", report.exit as u8);
}

#[test]
fn it_tells_where_it_listens_and_drains_when_told() {
    if is_child() {
        return serve(config("127.0.0.1:0", ""));
    }
    let mut process = Process::start("it_tells_where_it_listens_and_drains_when_told");
    let listening = process.hear("listening");
    let address = listening["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    std::net::TcpStream::connect(address).unwrap();
    process.signal("HUP");
    assert_eq!(process.hear("reload")["result"], "refused", "there is no file");
    process.signal("USR1");
    process.signal("TERM");
    process.hear("draining");
    assert_eq!(process.exit(), "0");
}

#[test]
fn a_second_signal_ends_it_now() {
    if is_child() {
        return serve(config("127.0.0.1:0", "shutdown = { delay = \"1h\" }"));
    }
    let mut process = Process::start("a_second_signal_ends_it_now");
    process.hear("listening");
    process.signal("INT");
    process.hear("draining");
    process.signal("INT");
    // Nothing was open, so nothing was cut.
    assert_eq!(process.exit(), "0");
}

#[test]
fn a_taken_port_is_exit_code_8_with_help() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let report = super::serve(config(&address, ""), None, Watching::Never, Form::Text);
    assert_eq!(report.exit as u8, 8);
    assert!(report.err.starts_with("guichet: cannot bind [listen.public] to "), "{report:?}");
    assert!(report.err.contains("\nhelp: another process"), "{report:?}");
}

const VARIABLE: &str = "GUICHET_TEST_RUN";

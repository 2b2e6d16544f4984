//! `guichet run`: load, start, tell where it listens, obey signals, end with the right code.
//!
//! What is told goes to standard error, because standard output belongs to the access log.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::output::{Exit, Form, Report, complain};
use crate::admin;
use crate::config::model::{Config, Security};
use crate::config::{self, Colour, Loaded};
use crate::server::{self, Ended, Running, StartError, StartOptions};

/// Serves until a signal ends it.
pub(super) fn run(loaded: Loaded, form: Form) -> Report {
    complain(&warnings(&loaded, form));
    let fingerprint = loaded.effective.fingerprint();
    serve(&Arc::new(loaded.config), fingerprint, form)
}

fn serve(config: &Arc<Config>, fingerprint: String, form: Form) -> Report {
    let failed = |error: io::Error| Report::failed(Exit::Failed, format!("signals: {error}"));
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(error),
    };
    let signals = match Signals::install(&runtime) {
        Ok(signals) => signals,
        Err(error) => return failed(error),
    };
    let options = StartOptions {
        admin: Some(admin::service()),
        config_hash: fingerprint,
        ..StartOptions::new(&config::system_environment)
    };
    let running = match server::start(Arc::clone(config), &options) {
        Ok(running) => running,
        Err(error) => return refused(&error),
    };
    for warning in running.warnings() {
        complain(&told("warning", warning, form));
    }
    complain(&listening(config, &running, form));
    let end = runtime.block_on(oversee(&running, signals, form));
    conclude(running, end)
}

/// How overseeing came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The instance has ended, as it was asked to.
    Asked,
    /// It was told twice and still has not ended: the process goes without it.
    Abandoned,
    /// It has ended by itself.
    Unasked,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
    reopen: Signal,
    hand_over: Signal,
}

impl Signals {
    fn install(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
            reopen: signal(SignalKind::user_defined1())?,
            hand_over: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.terminate.recv() => Order::End,
            _ = self.interrupt.recv() => Order::End,
            _ = self.reload.recv() => Order::Reload,
            _ = self.reopen.recv() => Order::Reopen,
            _ = self.hand_over.recv() => Order::HandOver,
        }
    }
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    End,
    Reload,
    Reopen,
    HandOver,
}

async fn oversee(running: &Running, mut signals: Signals, form: Form) -> End {
    let mut draining = false;
    loop {
        let order = tokio::select! {
            order = signals.next() => order,
            () = running.ended() => return if draining { End::Asked } else { End::Unasked },
        };
        match order {
            Order::End if draining => {
                running.stop_now();
                // Workers only have to let go; one that cannot must not hold the process.
                let ended = tokio::time::timeout(LETTING_GO, running.ended()).await;
                return if ended.is_ok() { End::Asked } else { End::Abandoned };
            }
            Order::End => {
                draining = true;
                running.drain();
                complain(&told("draining", "until the last exchange ends; again: now", form));
            }
            Order::Reopen => running.reopen_logs(),
            Order::Reload => {
                complain(&told("reload", "not in this version: the configuration stays", form));
            }
            Order::HandOver => {
                complain(&told("upgrade", "not in this version: this process stays", form));
            }
        }
    }
}

fn conclude(running: Running, end: End) -> Report {
    let cut =
        |why| Report::failed(Exit::DeadlinePassed, format!("{why}: what was still open was cut"));
    match end {
        End::Asked => match running.join() {
            Ended::Clean => Report::fine(""),
            Ended::DeadlinePassed => cut("the drain deadline passed"),
            Ended::Stopped => cut("told twice to end"),
        },
        End::Abandoned => cut("told twice to end"),
        End::Unasked => Report::failed(Exit::Failed, "every worker has ended unasked"),
    }
}

fn refused(error: &StartError) -> Report {
    let exit = match error {
        StartError::Bind { .. } => Exit::CannotBind,
        StartError::Tls { .. } | StartError::Upstream(_) => Exit::Refused,
        StartError::Log { .. }
        | StartError::Thread(_)
        | StartError::Worker(_)
        | StartError::Leaving => Exit::Failed,
    };
    let help = error.hint().map_or_else(String::new, |hint| format!("\nhelp: {hint}"));
    Report::failed(exit, format!("{error}{help}"))
}

/// What somebody should look at in the file, before anything is served.
fn warnings(loaded: &Loaded, form: Form) -> String {
    let colour = if io::stderr().is_terminal() { Colour::Always } else { Colour::Never };
    match form {
        Form::Text => config::human(&loaded.warnings, &loaded.sources, colour),
        Form::Json => loaded.warnings.iter().fold(String::new(), |mut lines, warning| {
            let (file, at) = (warning.file, warning.span.as_ref().map_or(0, |span| span.start));
            let line = json!({
                "event": "warning", "id": warning.id.code(), "message": warning.message,
                "file": loaded.sources.name(file), "line": loaded.sources.position(file, at).line,
            });
            // Writing into a String cannot fail.
            let _ = writeln!(lines, "{line}");
            lines
        }),
    }
}

/// One line for each address.
fn listening(config: &Config, running: &Running, form: Form) -> String {
    let mut lines = String::new();
    let scheme = |name: &str| {
        let listener = config.listeners.iter().find(|listener| listener.name == name);
        match listener.map(|listener| &listener.security) {
            Some(Security::Tls(_)) => "https",
            Some(Security::Plain(_)) | None => "http",
        }
    };
    let public = running.addresses().iter().map(|(name, at)| (name.as_str(), scheme(name), *at));
    let admin = running.admin_address().map(|at| ("admin", "http", at));
    for (name, scheme, address) in public.chain(admin) {
        let url = format!("{scheme}://{address}");
        // Writing into a String cannot fail.
        let _ = match form {
            Form::Text => writeln!(lines, "guichet: {name} listens on {url}"),
            Form::Json => {
                writeln!(lines, "{}", json!({"event": "listening", "listener": name, "url": url}))
            }
        };
    }
    lines
}

fn told(event: &str, message: &str, form: Form) -> String {
    match form {
        Form::Text => format!("guichet: {event}: {message}\n"),
        Form::Json => format!("{}\n", json!({"event": event, "message": message})),
    }
}

const LETTING_GO: Duration = Duration::from_secs(1);

#[cfg(test)]
#[allow(clippy::print_stdout, reason = "a child speaks to its parent")]
mod tests {
    use std::io::{BufRead as _, BufReader, Lines};
    use std::process::{Child, ChildStderr, Command, Stdio};

    use super::*;
    use crate::server::tests::plain;

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

    fn serve(config: Config) {
        let report = super::serve(&Arc::new(config), "c0ffee".into(), Form::Json);
        println!("\nEXIT {}", report.exit as u8);
    }

    #[test]
    fn it_tells_where_it_listens_and_drains_when_told() {
        if is_child() {
            return serve(plain(&["127.0.0.1:0"], 2));
        }
        let mut process = Process::start("it_tells_where_it_listens_and_drains_when_told");
        let listening = process.hear("listening");
        let address = listening["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        std::net::TcpStream::connect(address).unwrap();
        for (signal, event) in [("HUP", "reload"), ("USR2", "upgrade")] {
            process.signal(signal);
            process.hear(event);
        }
        process.signal("USR1");
        process.signal("TERM");
        process.hear("draining");
        assert_eq!(process.exit(), "0");
    }

    #[test]
    fn a_second_signal_ends_it_now() {
        if is_child() {
            let mut config = plain(&["127.0.0.1:0"], 1);
            config.server.shutdown.delay = Duration::from_secs(3600);
            return serve(config);
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
        let report = super::serve(&Arc::new(plain(&[&address], 1)), String::new(), Form::Text);
        assert_eq!(report.exit as u8, 8);
        assert!(report.err.starts_with("guichet: cannot bind [listen.public] to "), "{report:?}");
        assert!(report.err.contains("\nhelp: another process"), "{report:?}");
    }

    const VARIABLE: &str = "GUICHET_TEST_RUN";
}

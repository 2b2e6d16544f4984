//! guichet in process, on ports that the system chooses, from a TOML literal.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use guichet::server;
use serde_json::Value;

use super::eventually;

/// A configuration in the making: what a test does not say has the rig's default, which is one
/// worker, a plain listener that serves, a TLS listener, and every line in the log.
pub struct Setup {
    server: String,
    plain: String,
    tls: String,
    upstream: String,
    routes: String,
    admin: String,
    rest: String,
    on_request: Option<OnRequest>,
}

/// Looks at every head before the gateway does; a panic in it stands for a bug of guichet's.
pub type OnRequest = fn(&http::request::Parts);

impl Setup {
    /// Everything goes to this endpoint.
    pub fn before(url: &str) -> Self {
        Self::new()
            .upstream(&format!("endpoints = [\"{url}\"]"))
            .route("name = \"all\"\nmatch = \"/{*rest}\"\nupstream = \"origin\"")
    }

    /// No upstream, no route.
    pub fn new() -> Self {
        Self {
            server: "workers = 1\n".into(),
            plain: "plain = \"allow\"\nprotocols = [\"h2\", \"http/1.1\"]\n".into(),
            tls: "tls = { self_signed = [\"localhost\"] }\n".into(),
            upstream: String::new(),
            routes: String::new(),
            admin: String::new(),
            rest: String::new(),
            on_request: None,
        }
    }

    /// More lines of `[server]`.
    pub fn server(mut self, lines: &str) -> Self {
        let _ = writeln!(self.server, "{lines}");
        self
    }

    /// So many workers.
    pub fn workers(mut self, count: usize) -> Self {
        self.server = self.server.replacen("workers = 1", &format!("workers = {count}"), 1);
        self
    }

    /// The lines of the plain listener, instead of `plain = "allow"`.
    pub fn plain(mut self, lines: &str) -> Self {
        self.plain = format!("{lines}\n");
        self
    }

    /// The lines of the TLS listener, instead of a self-signed certificate.
    pub fn tls(mut self, lines: &str) -> Self {
        self.tls = format!("{lines}\n");
        self
    }

    /// More lines of `[admin]`.
    pub fn admin(mut self, lines: &str) -> Self {
        let _ = writeln!(self.admin, "{lines}");
        self
    }

    /// More lines of `[upstream.origin]`.
    pub fn upstream(mut self, lines: &str) -> Self {
        let _ = writeln!(self.upstream, "{lines}");
        self
    }

    /// One more route; earlier calls stand earlier in the file.
    pub fn route(mut self, lines: &str) -> Self {
        let _ = writeln!(self.routes, "[[route]]\n{lines}");
        self
    }

    /// One more route, before those that stand already.
    pub fn route_first(mut self, lines: &str) -> Self {
        self.routes = format!("[[route]]\n{lines}\n{}", self.routes);
        self
    }

    /// Whole tables of their own.
    pub fn with(mut self, tables: &str) -> Self {
        let _ = writeln!(self.rest, "{tables}");
        self
    }

    /// Has every head looked at by this function first.
    pub fn on_request(mut self, look: OnRequest) -> Self {
        self.on_request = Some(look);
        self
    }

    /// Starts the gateway.
    #[track_caller]
    pub fn start(self) -> Gateway {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("access.log");
        let running = seam::start(&self.text(&log), self.on_request);
        Gateway { running, log, _folder: folder }
    }

    fn text(&self, log: &Path) -> String {
        let mut text = format!(
            "version = 1\n[server]\n{}\n[listen.plain]\nbind = [\"127.0.0.1:0\"]\n{}\n\
             [listen.tls]\nbind = [\"127.0.0.1:0\"]\n{}\n\
             [admin]\nbind = \"127.0.0.1:0\"\n{}\n\
             [observe]\naccess_log = {{ to = \"{}\" }}\n",
            self.server,
            self.plain,
            self.tls,
            self.admin,
            log.display()
        );
        if !self.upstream.is_empty() {
            let _ = write!(text, "[upstream.origin]\n{}\n", self.upstream);
        }
        text.push_str(&self.rest);
        text.push_str(&self.routes);
        text
    }
}

/// A running gateway; it drains when it is dropped.
pub struct Gateway {
    running: seam::Running,
    log: PathBuf,
    _folder: tempfile::TempDir,
}

impl Gateway {
    /// Everything goes to this endpoint, with the rig's defaults.
    #[track_caller]
    pub fn before(url: &str) -> Self {
        Setup::before(url).start()
    }

    /// Where a listener listens.
    pub fn address(&self, listener: &str) -> SocketAddr {
        self.running.address(listener)
    }

    /// The plain listener.
    pub fn plain(&self) -> SocketAddr {
        self.address("plain")
    }

    /// The TLS listener.
    pub fn tls(&self) -> SocketAddr {
        self.address("tls")
    }

    /// The admin listener.
    pub fn admin(&self) -> SocketAddr {
        self.running.admin()
    }

    /// Has another configuration follow, or says why it cannot.
    pub fn try_reload(&self, setup: &Setup) -> Result<server::Applied, String> {
        self.running.reload(&setup.text(&self.log))
    }

    /// Has another configuration follow.
    #[track_caller]
    pub fn reload(&self, setup: &Setup) -> server::Applied {
        self.try_reload(setup).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until every exchange of earlier configurations has ended, and nothing of them is left.
    #[track_caller]
    pub fn forgets_the_past(&self) {
        eventually("the past", || (self.running.leaving() == 0).then_some(()));
    }

    /// The value of one series of the metrics page.
    pub fn metric(&self, series: &str) -> Option<f64> {
        let page = super::client::ask(self.admin(), METRICS).text();
        page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// Begins to drain, as TERM does, and returns at once.
    pub fn begin_drain(&self) {
        self.running.begin_drain();
    }

    /// Drains to the end; whether everything ended before the deadline.
    pub fn drain(self) -> bool {
        self.running.drain()
    }

    /// Ends at once.
    pub fn stop(self) {
        self.running.stop();
    }

    /// Every access log line so far.
    pub fn log_lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|e| panic!("a log line is JSON: {e}: {line}"))
        };
        whole.lines().map(parse).collect()
    }

    /// The access log so far, byte by byte.
    pub fn log_bytes(&self) -> Vec<u8> {
        std::fs::read(&self.log).unwrap_or_default()
    }

    /// Waits for the line of this request; those of the steps of its flow are others.
    #[track_caller]
    pub fn log_line(&self, request_id: &str) -> Value {
        self.log_line_where(|line| line["request_id"] == request_id && line["kind"] != "step")
    }

    /// Waits for a line.
    #[track_caller]
    pub fn log_line_where(&self, fits: impl Fn(&Value) -> bool) -> Value {
        eventually("a log line", || self.log_lines().into_iter().find(&fits))
    }
}

const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

/// The only lines that know how guichet is started.
mod seam {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use guichet::config::{self, Colour};
    use guichet::server::{self, Ended, StartOptions};

    pub struct Running(server::Running);

    #[track_caller]
    pub fn start(text: &str, on_request: Option<super::OnRequest>) -> Running {
        let environment = |_: &str| None;
        let loaded = config::load_text("test.toml", text, &environment)
            .unwrap_or_else(|refused| panic!("{}\n{text}", refused.human(Colour::Never)));
        let options = StartOptions {
            admin: Some(guichet::admin::service(None)),
            on_request,
            ..StartOptions::new(&environment)
        };
        let running = server::start(Arc::new(loaded.config), &options);
        Running(running.unwrap_or_else(|error| panic!("{error}\n{text}")))
    }

    impl Running {
        pub fn address(&self, listener: &str) -> SocketAddr {
            let known = self.0.shared().addresses();
            known.into_iter().find(|(name, _)| name == listener).expect("a listener of this name").1
        }

        pub fn admin(&self) -> SocketAddr {
            self.0.admin_address().expect("an admin listener")
        }

        pub fn reload(&self, text: &str) -> Result<server::Applied, String> {
            let loaded = config::load_text("test.toml", text, &|_: &str| None)
                .map_err(|refused| refused.human(Colour::Never))?;
            let next = server::Next {
                config_hash: loaded.effective.fingerprint(),
                config: Arc::new(loaded.config),
                environment: Arc::new(|_| None),
            };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(self.0.handle().apply(next)).map_err(|error| error.to_string())
        }

        pub fn leaving(&self) -> usize {
            self.0.handle().ledger().leaving()
        }

        pub fn begin_drain(&self) {
            self.0.drain();
        }

        pub fn stop(self) {
            self.0.stop_now();
            self.0.join();
        }

        pub fn drain(self) -> bool {
            self.0.drain();
            self.0.join() == Ended::Clean
        }
    }
}

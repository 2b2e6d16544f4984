//! What the parts are done with: configurations, heads and a runtime.

use std::rc::Rc;
use std::sync::Arc;

use guichet::config::model::Config;
use guichet::config::{self, Colour};
use guichet::proxy::{Connection, Protocol};
use guichet::server::stage::{self, Guard, Stage};
use http::request::Parts;
use tokio::runtime::LocalRuntime;

/// Client code, as it comes most often.
pub(crate) const SMALL: &str = "GET /v1/users/42 HTTP/1.1\r\nHost: api.example.com\r\n\
    User-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n";

/// A browser.
pub(crate) const BROWSER: &str = "GET /v1/users/42?lang=fr HTTP/1.1\r\nHost: www.example.com\r\n\
    Connection: keep-alive\r\nCache-Control: max-age=0\r\nUpgrade-Insecure-Requests: 1\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/120.0.0.0 Safari/537.36\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
    Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n\
    Sec-Fetch-Dest: document\r\nReferer: https://www.example.com/shop\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: fr-CH,fr;q=0.9,en;q=0.8\r\n\
    Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=yes\r\n\r\n";

/// A gateway on its runtime.
pub(crate) struct Scene {
    pub(crate) runtime: LocalRuntime,
    pub(crate) stage: Stage,
}

impl Scene {
    pub(crate) fn new(config: &str) -> Self {
        Self::on(stage::runtime().unwrap(), config)
    }

    pub(crate) fn on(runtime: LocalRuntime, config: &str) -> Self {
        let inside = runtime.enter();
        let stage = Stage::new(&load(config)).unwrap();
        drop(inside);
        Self { runtime, stage }
    }

    pub(crate) fn connection(&self) -> Connection {
        self.stage.connection(Rc::default(), Protocol::Http1)
    }
}

/// A configuration with these routes and no access log.
pub(crate) fn quiet(rest: &str) -> String {
    format!("{FRAME}{rest}\n[observe]\naccess_log = false\n")
}

/// The same, with one that goes nowhere.
pub(crate) fn logging(rest: &str) -> String {
    format!("{FRAME}{rest}\n[observe]\naccess_log = {{ to = \"/dev/null\" }}\n")
}

pub(crate) fn load(text: &str) -> Arc<Config> {
    match config::load_text("bench.toml", text, &|_| None) {
        Ok(loaded) => Arc::new(loaded.config),
        Err(refused) => panic!("{}", refused.human(Colour::Never)),
    }
}

/// The request of a head, as the guard makes it.
pub(crate) fn request(config: &Config, head: &'static str) -> Parts {
    Guard::new(config).request(&bytes::Bytes::from_static(head.as_bytes())).unwrap()
}

/// One route, answered by the gateway itself.
pub(crate) const FIXED: &str = r#"
[[route]]
match = "GET /v1/users/{id}"
respond = { text = "a small answer of some ninety bytes, as interfaces of programs give them to others" }
"#;

const FRAME: &str = r#"
version = 1
[listen.plain]
bind = ["127.0.0.1:0"]
plain = "allow"
"#;

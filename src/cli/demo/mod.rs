//! `guichet demo`: a gateway before backends that misbehave, all on loopback, without a file.
//!
//! It prints `curl` lines to paste, each with what the backend says and what the client gets, then
//! serves until it is told to end. The access log goes to standard output, so that the private
//! reason of every failure can be read beside the public one.

mod origins;
mod script;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;

use clap::Args;

use self::origins::Manner;
use super::output::{Exit, Form, Report};
use super::run;
use crate::config;
use crate::reload::Watching;

/// Where the demonstration listens.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Ports {
    /// Port of the TLS listener.
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    pub(super) tls_port: u16,
    /// Port of the plain listener, which refuses.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(super) plain_port: u16,
    /// Port of livez, readyz and metrics.
    #[arg(long, value_name = "PORT", default_value_t = 9180)]
    pub(super) admin_port: u16,
}

/// Serves until a signal ends it.
pub(super) fn demo(ports: Ports, form: Form) -> Report {
    let text = match configuration(ports) {
        Ok(text) => text,
        Err(error) => return Report::failed(Exit::Failed, format!("demo backends: {error}")),
    };
    let loaded = match config::load_text("demo.toml", &text, &config::system_environment) {
        Ok(loaded) => loaded,
        Err(refused) => {
            return Report::failed(Exit::Refused, refused.human(config::Colour::Never));
        }
    };
    let printed = Report::fine(script::printed(ports)).print();
    if printed != Exit::Fine {
        return Report::failed(printed, "nobody reads what the demonstration has to say");
    }
    run::run(loaded, None, Watching::Never, form)
}

/// Starts the backends and writes the configuration of the gateway before them.
///
/// # Errors
/// A port of loopback cannot be bound.
fn configuration(ports: Ports) -> io::Result<String> {
    let Ports { tls_port, plain_port, admin_port } = ports;
    let mut text = format!(
        r#"version = 1

[server]
workers = 1

[listen.public]
bind = ["127.0.0.1:{tls_port}"]
tls  = {{ self_signed = ["localhost"] }}

[listen.plain]
bind  = ["127.0.0.1:{plain_port}"]
plain = "refuse"

[admin]
bind = "127.0.0.1:{admin_port}"

[errors.catalogue.OutOfStock]
status = 409
fr = "Cet article n'est plus disponible."
en = "This item is no longer available."
"#
    );
    for backend in BACKENDS {
        let address = match backend.manner {
            Some(manner) => origins::start(manner)?,
            None => nobody()?,
        };
        let Backend { name, route, more, .. } = backend;
        text.push_str(&format!(
            "\n[upstream.{name}]\nendpoints = [\"http://{address}\"]\n{more}\n\
             [[route]]\nname = \"{name}\"\nmatch = \"{route}\"\nupstream = \"{name}\"\n"
        ));
        if matches!(backend.manner, Some(Manner::GraphQl)) {
            text.push_str("[route.graphql]\n");
        }
    }
    Ok(text)
}

/// An address where nobody listens: it was free a moment ago.
fn nobody() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// One upstream with its one route.
struct Backend {
    name: &'static str,
    /// None is for a backend that is down.
    manner: Option<Manner>,
    route: &'static str,
    /// More keys of the upstream.
    more: &'static str,
}

const fn backend(
    name: &'static str,
    manner: Option<Manner>,
    route: &'static str,
    more: &'static str,
) -> Backend {
    Backend { name, manner, route, more }
}

#[rustfmt::skip]
const BACKENDS: [Backend; 11] = [
    backend("products", Some(Manner::Fine),        "GET /products",        ""),
    backend("legacy",   Some(Manner::StackTrace),  "GET /legacy",          ""),
    backend("slow",     Some(Manner::Silent),      "GET /slow",            "timeout = { first_byte = \"1s\" }"),
    backend("flaky",    Some(Manner::Reset),       "/flaky",               ""),
    backend("garbage",  Some(Manner::Noise),       "GET /garbage",         ""),
    backend("down",     None,                      "GET /down",            ""),
    backend("modern",   Some(Manner::ProblemJson), "GET,PUT /customers",   ""),
    backend("orders",   Some(Manner::SoldOut),     "POST /orders",         SOLD_OUT),
    backend("graph",    Some(Manner::GraphQl),     "/graphql",             ""),
    backend("quota",    Some(Manner::Quota),       "GET /quota",           ""),
    backend("report",   Some(Manner::Cut),         "GET /report",          ""),
];

const SOLD_OUT: &str = "errors = [{ when = { status = 409, json = { \"/error/code\" = \"SOLD_OUT\" } }, \
                        raise = \"OutOfStock\" }]";

//! `guichet status`, `reload`, `drain`, `maintenance`, `upstream`: what is said to a guichet that
//! runs, through its admin socket.

mod line;
mod told;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::line::Line;
use super::output::{Exit, Form, Report};
use crate::config::model::Admin;
use crate::config::{self, Environment};

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// How do you stand?
    Status,
    /// Read your configuration again.
    Reload,
    /// End, once what is under way has ended.
    Drain,
    /// Do not serve these routes, until then or until told otherwise.
    MaintenanceOn {
        /// A name, or how several begin and `*`.
        routes: &'a str,
        /// A moment.
        until: Option<&'a str>,
        /// Languages, and what is said in them.
        texts: &'a [(String, String)],
        /// Who is served all the same.
        allow: &'a [String],
    },
    /// Serve them again.
    MaintenanceOff {
        /// As they were switched on.
        routes: &'a str,
    },
    /// What is under maintenance?
    MaintenanceList,
    /// How do your upstreams stand?
    UpstreamList,
    /// Give this endpoint nothing new.
    UpstreamDrain {
        /// The name of its upstream.
        upstream: &'a str,
        /// Its URL, or what follows the scheme.
        endpoint: &'a str,
    },
    /// Give it requests again.
    UpstreamReady {
        /// The name of its upstream.
        upstream: &'a str,
        /// Its URL, or what follows the scheme.
        endpoint: &'a str,
    },
}

/// Says it, and tells the answer.
pub(super) fn say(
    said: Said<'_>,
    socket: Option<&Path>,
    file: Result<PathBuf, Report>,
    environment: Environment<'_>,
    form: Form,
) -> Report {
    let line = match reached(socket, file, environment) {
        Ok(line) => line,
        Err(report) => return report,
    };
    let (method, path) = said.request();
    let answer = match line.ask(method, &path, &said.body()) {
        Ok(answer) => answer,
        Err(error) => return Report::failed(Exit::Unreachable, unreached(&line, &error)),
    };
    if let (404, Some(sentence)) = (answer.status, said.unknown()) {
        return Report::failed(Exit::Failed, sentence);
    }
    let value = serde_json::from_slice::<Value>(&answer.body);
    // A reload that was refused is an error that brings its verdict along.
    let has_verdict =
        said == Said::Reload && value.as_ref().is_ok_and(|value| value["result"].is_string());
    if answer.status >= 400 && !has_verdict {
        return Report::failed(Exit::Failed, refused(&answer.body, answer.status));
    }
    let Ok(value) = value else {
        let sentence = format!("{line} does not answer like a guichet");
        return Report::failed(Exit::Failed, sentence);
    };
    let refused = said == Said::Reload && value["result"] != "applied";
    let exit = if refused { Exit::ReloadRefused } else { Exit::Fine };
    if form == Form::Json {
        return Report { exit, ..Report::fine(format!("{value:#}\n")) };
    }
    match said {
        Said::Status => Report::fine(told::status(&value)),
        Said::Reload => told::verdict(&value, exit),
        Said::Drain => Report::fine(told::drain(&value)),
        Said::MaintenanceOn { routes, .. } => Report::fine(told::maintenance_on(routes, &value)),
        Said::MaintenanceOff { routes } => Report::fine(told::maintenance_off(routes, &value)),
        Said::MaintenanceList => Report::fine(told::maintenance(&value)),
        Said::UpstreamList => Report::fine(told::upstreams(&value)),
        Said::UpstreamDrain { upstream, endpoint } | Said::UpstreamReady { upstream, endpoint } => {
            Report::fine(told::endpoint(upstream, endpoint, &value))
        }
    }
}

impl Said<'_> {
    /// Names and URLs of endpoints stand in a target as they are.
    fn request(self) -> (&'static str, Cow<'static, str>) {
        match self {
            Self::Status => ("GET", "/v1/status".into()),
            Self::Reload => ("POST", "/v1/reload".into()),
            Self::Drain => ("PUT", "/v1/drain".into()),
            Self::MaintenanceOn { routes, .. } => {
                ("PUT", format!("/v1/maintenance/{routes}").into())
            }
            Self::MaintenanceOff { routes } => {
                ("DELETE", format!("/v1/maintenance/{routes}").into())
            }
            Self::MaintenanceList => ("GET", "/v1/maintenance".into()),
            Self::UpstreamList => ("GET", "/v1/upstreams".into()),
            Self::UpstreamDrain { upstream, endpoint } => {
                ("PUT", format!("/v1/upstreams/{upstream}/{endpoint}").into())
            }
            Self::UpstreamReady { upstream, endpoint } => {
                ("DELETE", format!("/v1/upstreams/{upstream}/{endpoint}").into())
            }
        }
    }

    /// What is sent along.
    fn body(self) -> Vec<u8> {
        let Self::MaintenanceOn { until, texts, allow, .. } = self else { return Vec::new() };
        let mut terms = serde_json::Map::new();
        if let Some(until) = until {
            terms.insert("until".into(), until.into());
        }
        if !texts.is_empty() {
            let texts = texts.iter().map(|(tag, text)| (tag.clone(), Value::from(text.as_str())));
            terms.insert("text".into(), Value::Object(texts.collect()));
        }
        if !allow.is_empty() {
            terms.insert("allow".into(), allow.into());
        }
        Value::Object(terms).to_string().into_bytes()
    }

    /// What it means that there is no such thing, where what was named is the reason.
    fn unknown(self) -> Option<String> {
        match self {
            Self::MaintenanceOn { routes, .. } => Some(format!(
                "no route is called {routes}, nothing was switched on\n\
                 help: names are those of the configuration that runs; `users.*` means all that \
                 begin so"
            )),
            Self::MaintenanceOff { routes } => Some(format!(
                "maintenance of {routes} is not switched on\n\
                 help: `guichet maintenance list` says what is; what the file plans ends with the \
                 file"
            )),
            Self::UpstreamDrain { upstream, endpoint }
            | Self::UpstreamReady { upstream, endpoint } => Some(format!(
                "no upstream {upstream} has an endpoint {endpoint}, nothing was changed\n\
                 help: `guichet upstream list` says what there is; a URL is needed whole where two \
                 differ in nothing but the scheme"
            )),
            Self::Status
            | Self::Reload
            | Self::Drain
            | Self::MaintenanceList
            | Self::UpstreamList => None,
        }
    }
}

/// The way to the process: the socket that was named, or what the configuration says.
fn reached(
    socket: Option<&Path>,
    file: Result<PathBuf, Report>,
    environment: Environment<'_>,
) -> Result<Line, Report> {
    if let Some(socket) = socket {
        return Ok(Line::Socket(socket.to_owned()));
    }
    let file = file?;
    let admin = match config::load(&file, environment) {
        Ok(loaded) => loaded.config.admin,
        // A file that is refused is the very reason to ask how the process stands.
        Err(_) => of_a_refused_file(&file),
    };
    let none = || {
        let sentence = format!(
            "{} has no [admin] socket, so nothing can be said to who runs it\n\
             help: add `socket = \"/run/guichet/admin.sock\"` to [admin] and restart, or name the \
             socket with --socket",
            file.display()
        );
        Report::failed(Exit::Unreachable, sentence)
    };
    let admin = admin.ok_or_else(none)?;
    if let Some(socket) = admin.socket {
        return Ok(Line::Socket(socket));
    }
    let token = match admin.token.map(|token| token.read(environment)).transpose() {
        Ok(token) => token,
        Err(error) => return Err(Report::failed(Exit::Unreachable, error)),
    };
    admin.bind.map(|address| Line::Tcp(address, token)).ok_or_else(none)
}

/// What can be told of the socket where the file as a whole cannot be taken.
fn of_a_refused_file(file: &Path) -> Option<Admin> {
    let table: toml::Table = std::fs::read_to_string(file).ok()?.parse().ok()?;
    let socket = table.get("admin")?.get("socket")?.as_str()?;
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    Some(Admin { bind: None, socket: Some(folder.join(socket)), token: None })
}

fn unreached(line: &Line, error: &std::io::Error) -> String {
    format!("nobody answers on {line}: {error}\nhelp: is guichet running, and are you its user?")
}

/// The message of an error of the vocabulary.
fn refused(body: &[u8], status: u16) -> String {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = ["message", "detail", "title"].iter().find_map(|name| error[*name].as_str());
    let told = error["parameters"].as_array().into_iter().flatten();
    let told: Vec<_> = told.filter_map(|it| it["message"].as_str()).collect();
    // Where more is wrong than the first thing, all of it is told.
    let all = told.join("\n");
    let message = if told.len() > 1 { Some(&*all) } else { message };
    match (error["code"].as_str(), message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (_, Some(message)) => message.to_owned(),
        (_, None) => format!("the answer was {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(text: &str) -> Result<String, Report> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guichet.toml");
        std::fs::write(&file, text).unwrap();
        let line = reached(None, Ok(file), &|name| (name == "TOKEN").then(|| "t0ken".into()));
        line.map(|line| line.to_string().replace(&*folder.path().to_string_lossy(), "."))
    }

    #[test]
    fn the_way_is_what_the_file_says_even_if_it_is_refused() {
        let fine = include_str!("../../../config/minimal.toml");
        let with = |admin: &str| format!("{fine}\n[admin]\n{admin}\n");
        assert_eq!(reach(&with("socket = \"a.sock\"")).unwrap(), "./a.sock");
        let both = with("socket = \"a.sock\"\nbind = \"127.0.0.1:9180\"");
        assert_eq!(reach(&both).unwrap(), "./a.sock");
        let token = with("bind = \"127.0.0.1:9180\"\ntoken = { env = \"TOKEN\" }");
        assert_eq!(reach(&token).unwrap(), "127.0.0.1:9180");
        assert_eq!(reach(&with("sokcet = 1\nsocket = \"a.sock\"")).unwrap(), "./a.sock");
        let none = reach(fine).err().unwrap();
        assert_eq!(none.exit as u8, 5);
        assert!(none.err.contains("has no [admin] socket"), "{}", none.err);
    }

    #[test]
    fn the_socket_that_is_named_wins() {
        let report = Report::failed(Exit::Refused, "no file");
        let line = reached(Some(Path::new("/x")), Err(report.clone()), &|_| None).ok().unwrap();
        assert_eq!(line.to_string(), "/x");
        assert_eq!(reached(None, Err(report.clone()), &|_| None).err(), Some(report));
    }
}

//! What `guichet run` says on standard error, to people or to programs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use serde_json::json;

use crate::cli::output::Form;
use crate::config::model::{Config, Security};
use crate::config::{self, Colour, Loaded, Severity};
use crate::reload::Verdict;
use crate::server::Running;

/// What somebody should look at in the file, before anything is served; notes are for `check`.
pub(super) fn warnings(loaded: &Loaded, form: Form) -> String {
    let found = loaded.warnings.iter().filter(|found| found.severity == Severity::Warning);
    let colour = if io::stderr().is_terminal() { Colour::Always } else { Colour::Never };
    match form {
        Form::Text => {
            let found: Vec<_> = found.cloned().collect();
            config::human(&found, &loaded.sources, colour)
        }
        Form::Json => found.fold(String::new(), |mut lines, warning| {
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
pub(super) fn listening(config: &Config, running: &Running, form: Form) -> String {
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
    let control = config.admin.as_ref().and_then(|admin| admin.socket.as_ref());
    if let Some(socket) = control {
        let socket = socket.display();
        // Writing into a String cannot fail.
        let _ = match form {
            Form::Text => writeln!(lines, "guichet: control listens on {socket}"),
            Form::Json => writeln!(
                lines,
                "{}",
                json!({"event": "listening", "listener": "control", "socket": socket.to_string()})
            ),
        };
    }
    lines
}

/// What came of a reload: everything that was found, then one sentence.
pub(super) fn verdict(verdict: &Verdict, form: Form) -> String {
    match form {
        Form::Text => {
            format!("{}guichet: reload {}\n", verdict.text, verdict.summary())
        }
        Form::Json => {
            let mut object = verdict.to_json();
            object["event"] = "reload".into();
            format!("{object}\n")
        }
    }
}

/// One event.
pub(super) fn told(event: &str, message: &str, form: Form) -> String {
    match form {
        Form::Text => format!("guichet: {event}: {message}\n"),
        Form::Json => format!("{}\n", json!({"event": event, "message": message})),
    }
}

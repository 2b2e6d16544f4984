//! `guichet version`.

use serde_json::json;

use super::output::{Form, Report};

/// Name and version, as text or as one JSON object.
pub(super) fn version(form: Form) -> Report {
    let version = env!("CARGO_PKG_VERSION");
    match form {
        Form::Text => Report::fine(format!("guichet {version}\n")),
        Form::Json => Report::fine(format!("{}\n", json!({"name": "guichet", "version": version}))),
    }
}

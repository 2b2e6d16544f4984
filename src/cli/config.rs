//! `guichet config`: a file to begin with, the values that hold, the schema for editors.

use std::path::Path;

use serde_json::json;

use super::load;
use super::output::{Form, Report};
use crate::config::{self, Starter};

/// A small file to begin with.
pub(super) fn init() -> Report {
    Report::fine(config::starter(Starter::Minimal))
}

/// Every value that holds, and where it came from.
pub(super) fn show(file: &Path, form: Form) -> Report {
    let loaded = match load(file) {
        Ok(loaded) => loaded,
        Err(report) => return report,
    };
    let toml = loaded.effective.to_toml(&loaded.sources);
    Report::fine(match form {
        Form::Text => toml,
        Form::Json => {
            let shown = json!({ "hash": loaded.effective.fingerprint(), "toml": toml });
            format!("{shown:#}\n")
        }
    })
}

/// The JSON Schema of the file.
pub(super) fn schema() -> Report {
    Report::fine(config::schema())
}

//! `guichet config`: a file to begin with, the values that hold, and the schema.

use super::output::{Form, Report};
use crate::config::{self, Loaded, Starter};

/// Prints the shortest useful file.
pub(super) fn init() -> Report {
    Report::fine(config::starter(Starter::Minimal))
}

/// Prints every value that holds, secrets as `***`.
pub(super) fn show(loaded: &Loaded, form: Form) -> Report {
    Report::fine(match form {
        Form::Text => loaded.effective.to_toml(&loaded.sources),
        Form::Json => format!("{:#}\n", loaded.effective.to_json()),
    })
}

/// Prints the JSON Schema.
pub(super) fn schema() -> Report {
    Report::fine(config::schema())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_that_hold_are_shown_without_secrets() {
        let text = init().out.replace(
            "{ self_signed = [\"localhost\"] }",
            "{ cert = \"a.pem\", key = { file = \"private.key\" } }",
        );
        let loaded = config::load_text("guichet.toml", &text, &|_| None).unwrap();
        let toml = show(&loaded, Form::Text).out;
        assert!(toml.contains("key = \"***\"") && toml.contains("# guichet.toml:"), "{toml}");
        let json: serde_json::Value = serde_json::from_str(&show(&loaded, Form::Json).out).unwrap();
        assert_eq!(json["upstream"]["app"]["pool"]["idle"], 256);
        assert_eq!(json["listen"]["public"]["tls"]["key"], "***");
        assert!(!toml.contains("private.key") && !json.to_string().contains("private.key"));
    }
}

//! `guichet config`: a file to start from, the values that hold, the schema for editors.

use std::path::Path;

use crate::config::{self, Environment, Refused, Starter};

/// `config init`: the text of a starter file.
pub fn init(which: Starter) -> String {
    config::starter(which)
}

/// `config show`: the values that hold, each with where it came from; secrets are `***`.
///
/// # Errors
/// The configuration is refused.
pub fn show(path: &Path) -> Result<String, Refused> {
    show_within(path, &config::system_environment)
}

/// [`show`] with a given environment.
///
/// # Errors
/// The configuration is refused.
pub fn show_within(path: &Path, environment: Environment<'_>) -> Result<String, Refused> {
    let loaded = config::load(path, environment)?;
    Ok(loaded.effective.to_toml(&loaded.sources))
}

/// `config show --json`: the same values without where they came from.
///
/// # Errors
/// The configuration is refused.
pub fn show_json(path: &Path) -> Result<String, Refused> {
    let loaded = config::load(path, &config::system_environment)?;
    Ok(loaded.effective.to_json())
}

/// `config schema`: the JSON Schema of the file.
pub fn schema() -> String {
    config::schema()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starter_shows_its_values_and_their_origins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.toml");
        std::fs::write(&path, init(Starter::Minimal)).unwrap();
        let text = show_within(&path, &|_| None).unwrap();
        assert!(text.contains("g.toml:6"), "{text}");
        assert!(text.contains("connect = \"500ms\"  # default"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&show_json(&path).unwrap()).unwrap();
        assert_eq!(json["upstream"]["app"]["timeout"]["connect"], "500ms");
        assert!(show(Path::new("/nonexistent/g.toml")).is_err());
        assert!(schema().contains("2020-12"));
    }
}

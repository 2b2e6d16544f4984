//! `guichet check`: every mistake of a configuration at once.

use std::path::Path;

use crate::config::{self, Colour, Diagnostic, Environment, Loaded, Refused, Severity, Sources};

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people: the line, a caret, the likely fix.
    Human(Colour),
    /// One JSON array.
    Json,
    /// Workflow commands of GitHub.
    Github,
}

/// Checks a file: what to print, and the exit code. 0 fine, 3 refused, 4 warnings under `strict`.
pub fn check(path: &Path, strict: bool, format: Format) -> (String, u8) {
    check_within(path, strict, format, &config::system_environment)
}

/// [`check`] with a given environment.
pub fn check_within(
    path: &Path,
    strict: bool,
    format: Format,
    environment: Environment<'_>,
) -> (String, u8) {
    match config::load(path, environment) {
        Ok(Loaded { config, warnings, sources, .. }) => {
            let mut text = printed(&warnings, &sources, format);
            if let Format::Human(_) = format {
                let shape = format!(
                    "{}, {} and {}",
                    count(config.listeners.len(), "listener"),
                    count(config.upstreams.len(), "upstream"),
                    count(config.routes.len(), "route"),
                );
                let verdict = match warnings.len() {
                    0 => format!("{} is fine: {shape}\n", path.display()),
                    found => format!(
                        "{} is taken with {}: {shape}\n",
                        path.display(),
                        count(found, "warning")
                    ),
                };
                text.push_str(&verdict);
            }
            (text, if strict && !warnings.is_empty() { WARNINGS } else { FINE })
        }
        Err(Refused { diagnostics, sources }) => {
            let mut text = printed(&diagnostics, &sources, format);
            if let Format::Human(_) = format {
                text.push_str(&summary(path, &diagnostics));
            }
            (text, REFUSED)
        }
    }
}

fn printed(diagnostics: &[Diagnostic], sources: &Sources, format: Format) -> String {
    match format {
        Format::Human(colour) => config::human(diagnostics, sources, colour),
        Format::Json => config::json(diagnostics, sources),
        Format::Github => config::github(diagnostics, sources),
    }
}

fn summary(path: &Path, diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    let mut text = format!("{} is refused: {}", path.display(), count(errors, "error"));
    if errors < diagnostics.len() {
        text.push_str(&format!(", {}", count(diagnostics.len() - errors, "warning")));
    }
    let first = diagnostics.iter().find(|found| found.severity == Severity::Error);
    if let Some(first) = first {
        text.push_str(&format!("\n`guichet explain {}` says more", first.id.code()));
    }
    text.push('\n');
    text
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

const FINE: u8 = 0;
const REFUSED: u8 = 3;
const WARNINGS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, strict: bool, format: Format) -> (String, u8) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.toml");
        std::fs::write(&path, text).unwrap();
        let (text, exit) = check_within(&path, strict, format, &|_| None);
        (text.replace(&path.display().to_string(), "g.toml"), exit)
    }

    const HUMAN: Format = Format::Human(Colour::Never);
    const FILE: &str = "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\nplain = \"allow\"\n\
                        [[route]]\nmatch = \"/\"\nrespond = { text = \"x\" }\n";

    #[test]
    fn a_right_file_is_fine() {
        assert_eq!(
            run(FILE, true, HUMAN),
            ("g.toml is fine: 1 listener, 0 upstreams and 1 route\n".to_owned(), 0)
        );
        assert_eq!(run(FILE, true, Format::Json), ("[]\n".to_owned(), 0));
        assert_eq!(run(FILE, true, Format::Github), (String::new(), 0));
    }

    #[test]
    fn warnings_fail_only_when_strict() {
        let file = format!("{FILE}[upstream.x]\nendpoints = [\"http://127.0.0.1:9\"]\n");
        let (text, exit) = run(&file, false, HUMAN);
        assert!(text.contains("warning[G0901]") && text.contains("with 1 warning"), "{text}");
        assert_eq!(exit, 0);
        assert_eq!(run(&file, true, HUMAN).1, 4);
    }

    #[test]
    fn a_wrong_file_is_refused_with_a_summary() {
        let (text, exit) = run("version = 1\n", false, HUMAN);
        assert_eq!(exit, 3);
        assert!(text.ends_with("g.toml is refused: 1 error\n`guichet explain G0212` says more\n"));
        assert_eq!(check(Path::new("/nonexistent/g.toml"), false, Format::Json).1, 3);
    }
}

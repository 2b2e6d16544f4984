//! `guichet check`: every mistake of a configuration at once. Opens no socket, resolves no name.

use std::path::Path;

use super::args::CheckFormat;
use super::output::{Exit, Report};
use crate::config::{self, Colour, Diagnostic, Loaded, Severity, Sources};

/// Judges a file. People read diagnostics on standard error, programs on standard output.
pub(super) fn check(file: &Path, strict: bool, format: CheckFormat, colour: Colour) -> Report {
    let (diagnostics, sources, verdict, exit) =
        match config::load(file, &config::system_environment) {
            Ok(loaded) => {
                let verdict = fine(file, &loaded);
                let warned = strict && !loaded.warnings.is_empty();
                let exit = if warned { Exit::Warnings } else { Exit::Fine };
                (loaded.warnings, loaded.sources, verdict, exit)
            }
            Err(refused) => {
                let verdict = refusal(file, &refused.diagnostics);
                (refused.diagnostics, refused.sources, verdict, Exit::Refused)
            }
        };
    match format {
        CheckFormat::Human => told(&diagnostics, &sources, verdict, exit, colour),
        CheckFormat::Json => {
            Report { out: config::json(&diagnostics, &sources), err: String::new(), exit }
        }
        CheckFormat::Github => {
            Report { out: config::github(&diagnostics, &sources), err: String::new(), exit }
        }
    }
}

fn told(
    diagnostics: &[Diagnostic],
    sources: &Sources,
    verdict: String,
    exit: Exit,
    colour: Colour,
) -> Report {
    let mut err = config::human(diagnostics, sources, colour);
    if exit == Exit::Refused {
        err.push_str(&verdict);
        return Report { out: String::new(), err, exit };
    }
    Report { out: verdict, err, exit }
}

fn fine(file: &Path, loaded: &Loaded) -> String {
    let config = &loaded.config;
    format!(
        "{}: fine ({}, {}, {}, {})\n",
        file.display(),
        count(config.listeners.len(), "listener"),
        count(config.upstreams.len(), "upstream"),
        count(config.routes.len(), "route"),
        count(loaded.warnings.len(), "warning"),
    )
}

fn refusal(file: &Path, diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics.iter().filter(|found| found.severity == Severity::Error).count();
    format!("{}: refused ({})\n", file.display(), count(errors, "error"))
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

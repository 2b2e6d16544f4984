//! `guichet check`: every mistake at once. Nothing is opened, resolved or written.

use std::path::Path;

use super::args::CheckFormat;
use super::output::{Exit, Report};
use crate::config::model::{Flow, Next, Ways};
use crate::config::{self, Colour, Diagnostic, Environment, Loaded, Severity, Sources};

/// Whether warnings fail the check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// A warning is only told.
    Lenient,
    /// A warning is exit code 4; a note is none.
    Strict,
}

/// Judges a file.
pub(super) fn check(
    file: &Path,
    strictness: Strictness,
    format: CheckFormat,
    colour: Colour,
    environment: Environment<'_>,
) -> Report {
    match config::load(file, environment) {
        Ok(loaded) => {
            let mut report = told(&loaded.warnings, &loaded.sources, format, colour);
            if format == CheckFormat::Human {
                report.out = fine(file, &loaded);
            }
            report.exit = match strictness {
                Strictness::Strict if how_many(&loaded.warnings, Severity::Warning) > 0 => {
                    Exit::Warnings
                }
                Strictness::Strict | Strictness::Lenient => Exit::Fine,
            };
            report
        }
        Err(refused) => {
            let mut report = told(&refused.diagnostics, &refused.sources, format, colour);
            if format == CheckFormat::Human {
                report.err.push_str(&verdict(file, &refused.diagnostics));
            }
            report.exit = Exit::Refused;
            report
        }
    }
}

/// Diagnostics for people go beside the verdict; for programs they are what was asked for.
fn told(found: &[Diagnostic], sources: &Sources, format: CheckFormat, colour: Colour) -> Report {
    match format {
        CheckFormat::Human => {
            let err = config::human(found, sources, colour);
            Report { out: String::new(), err, exit: Exit::Fine }
        }
        CheckFormat::Json => Report::fine(config::json(found, sources)),
        CheckFormat::Github => Report::fine(config::github(found, sources)),
    }
}

fn fine(file: &Path, loaded: &Loaded) -> String {
    let mut parts = vec![
        count(loaded.config.routes.len(), "route"),
        count(loaded.config.upstreams.len(), "upstream"),
    ];
    let flows = &loaded.config.flows;
    if !flows.is_empty() {
        parts.push(count(flows.len(), "flow"));
    }
    lesser(&loaded.warnings, &mut parts);
    let mut told = format!("{}: fine, {}\n", file.display(), parts.join(", "));
    for flow in flows {
        told.push_str(&ways(flow));
    }
    told
}

/// How many ways lead through a flow, and how many of them end without a result of its own.
fn ways(flow: &Flow) -> String {
    let Ways { all, bare } = flow.ways;
    let ways = if all == 1 { "1 way".to_owned() } else { format!("{all} ways") };
    let rest = match bare {
        0 => "each with a result".to_owned(),
        bare if bare == all => "all without a result of its own".to_owned(),
        bare => format!("{bare} without a result of its own"),
    };
    let failing = flow.steps.iter().filter(|step| step.on_error == Next::End);
    let failing: Vec<&str> = failing.map(|step| step.name.as_str()).collect();
    let named = match failing.as_slice() {
        [] => String::new(),
        names => format!(" (where {} fails)", names.join(" or ")),
    };
    format!("  flow {}: {ways}, {rest}{named}\n", flow.name)
}

fn verdict(file: &Path, found: &[Diagnostic]) -> String {
    let mut parts = vec![count(how_many(found, Severity::Error), "error")];
    lesser(found, &mut parts);
    let first = found.iter().find(|found| found.severity == Severity::Error);
    let first = first.map_or("CODE", |found| found.id.code());
    let file = file.display();
    format!("{file}: refused, {}; `guichet explain {first}` says more\n", parts.join(", "))
}

/// How many warnings and notes, where there are any.
fn lesser(found: &[Diagnostic], parts: &mut Vec<String>) {
    for severity in [Severity::Warning, Severity::Note] {
        match how_many(found, severity) {
            0 => {}
            number => parts.push(count(number, severity.as_str())),
        }
    }
}

fn how_many(found: &[Diagnostic], severity: Severity) -> usize {
    found.iter().filter(|found| found.severity == severity).count()
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, strictness: Strictness, format: CheckFormat) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("guichet.toml");
        std::fs::write(&file, text).unwrap();
        check(&file, strictness, format, Colour::Never, &|_| None)
    }

    const FINE: &str = include_str!("../../config/minimal.toml");

    #[test]
    fn a_fine_file_is_one_line() {
        let report = checked(FINE, Strictness::Strict, CheckFormat::Human);
        assert!(report.out.ends_with("guichet.toml: fine, 1 route, 1 upstream\n"), "{report:?}");
        assert_eq!((report.err.as_str(), report.exit), ("", Exit::Fine));
        assert_eq!(checked(FINE, Strictness::Strict, CheckFormat::Json).out, "[]\n");
        assert_eq!(checked(FINE, Strictness::Strict, CheckFormat::Github).out, "");
    }

    #[test]
    fn ways_through_flows_are_counted() {
        let text = format!(
            "{FINE}\n[[route]]\nmatch = \"/f\"\nflow = \"f\"\n[flow.f]\n\
             [[flow.f.step]]\nname = \"a\"\ncall = \"GET app:/\"\non_error = \"bad\"\n\
             [[flow.f.step]]\nname = \"b\"\nwhen = \"a.status == 200\"\ncall = \"GET app:/\"\n\
             [[flow.f.result]]\nname = \"bad\"\nerror = \"${{a.error}}\"\n"
        );
        let report = checked(&text, Strictness::Strict, CheckFormat::Human);
        // a fails; b succeeds, is skipped, or fails.
        let expected = "  flow f: 4 ways, 3 without a result of its own (where b fails)\n";
        assert!(report.out.ends_with(expected), "{report:?}");
        assert!(report.out.contains("fine, 2 routes, 1 upstream, 1 flow\n"), "{report:?}");
    }

    #[test]
    fn warnings_count_only_when_asked_for() {
        let text = format!("{FINE}\n[upstream.spare]\nendpoints = [\"http://127.0.0.1:1\"]\n");
        let report = checked(&text, Strictness::Lenient, CheckFormat::Human);
        assert!(report.out.ends_with("fine, 1 route, 2 upstreams, 1 warning\n"), "{report:?}");
        assert!(report.err.starts_with("warning[G0901]"), "{report:?}");
        assert_eq!(report.exit, Exit::Fine);
        let report = checked(&text, Strictness::Strict, CheckFormat::Github);
        assert!(report.out.starts_with("::warning "), "{report:?}");
        assert_eq!(report.exit, Exit::Warnings);
    }

    #[test]
    fn a_note_fails_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let document = "openapi: 3.1.0\npaths: {/a: {get: {parameters: [{in: query, name: b, \
                        schema: {type: object}}]}}}\n";
        std::fs::write(at("api.yaml"), document).unwrap();
        let lines = "\n[[openapi]]\nfile = \"api.yaml\"\nupstream = \"app\"\n";
        std::fs::write(at("g.toml"), format!("{FINE}{lines}")).unwrap();
        let strict =
            |format| check(&at("g.toml"), Strictness::Strict, format, Colour::Never, &|_| None);
        let report = strict(CheckFormat::Human);
        assert!(report.err.starts_with("note[G0907]"), "{report:?}");
        assert!(report.out.ends_with("fine, 2 routes, 1 upstream, 1 note\n"), "{report:?}");
        assert_eq!(report.exit, Exit::Fine);
        let report = strict(CheckFormat::Github);
        assert!(report.out.starts_with("::notice "), "{report:?}");
        assert!(strict(CheckFormat::Json).out.contains("\"severity\":\"note\""));
        std::fs::write(at("g.toml"), format!("{FINE}{lines}x = 1\n")).unwrap();
        let report = strict(CheckFormat::Human);
        assert!(
            report.err.ends_with("refused, 1 error, 1 note; `guichet explain G0101` says more\n"),
            "{report:?}"
        );
    }

    #[test]
    fn mistakes_are_told_and_counted() {
        let text = FINE.replace("endpoints", "endpoint");
        let report = checked(&text, Strictness::Lenient, CheckFormat::Human);
        assert_eq!((report.out.as_str(), report.exit), ("", Exit::Refused));
        assert!(report.err.contains("did you mean `endpoints`?"), "{}", report.err);
        assert!(report.err.contains("guichet.toml: refused, "), "{}", report.err);
        let report = checked(&text, Strictness::Lenient, CheckFormat::Json);
        assert!(report.out.starts_with('[') && report.err.is_empty(), "{report:?}");
        assert_eq!(report.exit, Exit::Refused);
    }
}

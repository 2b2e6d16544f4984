//! Diagnostics for people, for programs, and for code review on GitHub.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use serde_json::json;

use super::diagnostic::{Diagnostic, Severity};
use super::source::{FileId, Place, Sources};

/// Whether the text carries colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escapes, for a terminal.
    Always,
}

/// As compilers print: message, place, the line with a caret, and the likely fix.
pub fn human(diagnostics: &[Diagnostic], sources: &Sources, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics {
        out.push_str(&one(diagnostic, sources, &renderer));
        out.push_str("\n\n");
    }
    out
}

/// One JSON array; line and column count from 1.
pub fn json(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let all: Vec<_> = diagnostics
        .iter()
        .map(|diagnostic| {
            let others: Vec<_> = diagnostic
                .others
                .iter()
                .map(|(place, words)| {
                    let at = sources.position(place.file, place.start);
                    json!({ "file": sources.name(place.file), "line": at.line,
                            "column": at.column, "message": words })
                })
                .collect();
            let mut object = json!({
                "id": diagnostic.id.code(),
                "severity": diagnostic.severity.as_str(),
                "message": diagnostic.message,
                "file": sources.name(diagnostic.file),
                "label": diagnostic.label,
                "help": diagnostic.help,
                "related": others,
            });
            if let Some(span) = &diagnostic.span {
                let start = sources.position(diagnostic.file, span.start);
                let end = sources.position(diagnostic.file, span.end);
                object["line"] = start.line.into();
                object["column"] = start.column.into();
                object["end_line"] = end.line.into();
                object["end_column"] = end.column.into();
            }
            object
        })
        .collect();
    let mut out = serde_json::Value::Array(all).to_string();
    out.push('\n');
    out
}

/// Workflow commands that put each diagnostic beside its line in a pull request.
pub fn github(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics {
        let mut message = diagnostic.message.clone();
        for help in &diagnostic.help {
            message.push_str("\nhelp: ");
            message.push_str(help);
        }
        let start = diagnostic.span.as_ref().map_or(0, |span| span.start);
        let at = sources.position(diagnostic.file, start);
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "::{} file={},line={},col={},title={}::{}",
            match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Note => "notice",
            },
            property(sources.name(diagnostic.file)),
            at.line,
            at.column,
            diagnostic.id.code(),
            data(&message),
        );
    }
    out
}

fn one(diagnostic: &Diagnostic, sources: &Sources, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = level
        .primary_title(normalize_untrusted_str(&diagnostic.message))
        .id(diagnostic.id.code())
        .elements(Vec::<Origin<'_>>::new());
    group = match &diagnostic.span {
        None => group.element(Origin::path(sources.name(diagnostic.file))),
        Some(span) => snippets(group, diagnostic, span, sources),
    };
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    renderer.render(&[group])
}

/// The line at fault, and the other places: in the same snippet where they stand in the same file, and
/// about as far from the left. A document may be one line of a megabyte, and one snippet would show all
/// that is between.
fn snippets<'s>(
    mut group: Group<'s>,
    diagnostic: &'s Diagnostic,
    span: &Range<usize>,
    sources: &'s Sources,
) -> Group<'s> {
    let mut files = vec![diagnostic.file];
    let mut apart = Vec::new();
    for (place, words) in &diagnostic.others {
        if is_far(sources.text(diagnostic.file), span.start, *place, diagnostic.file) {
            apart.push((place, words));
        } else if !files.contains(&place.file) {
            files.push(place.file);
        }
    }
    for file in files {
        let text = sources.text(file);
        let mut snippet = Snippet::source(text).path(sources.name(file)).line_start(1);
        if file == diagnostic.file {
            let primary = AnnotationKind::Primary.span(visible(text, span));
            snippet = snippet.annotation(primary.label(diagnostic.label.as_deref()));
        }
        let others = diagnostic.others.iter().filter(|(place, _)| place.file == file);
        for (place, words) in others {
            if apart.iter().any(|(far, _)| *far == place) {
                continue;
            }
            let other = AnnotationKind::Context.span(visible(text, &place.span()));
            snippet = snippet.annotation(other.label(words.as_str()));
        }
        group = group.element(snippet);
    }
    for (place, words) in apart {
        let text = sources.text(place.file);
        let other = AnnotationKind::Context.span(visible(text, &place.span()));
        let snippet = Snippet::source(text).path(sources.name(place.file)).line_start(1);
        group = group.element(snippet.annotation(other.label(words.as_str())));
    }
    group
}

/// Whether a place stands much further to the right, or to the left, in the same file.
fn is_far(text: &str, at: usize, place: Place, file: FileId) -> bool {
    let column = |at: usize| {
        let before = text.as_bytes().get(..at).unwrap_or_default();
        at - memchr::memrchr(b'\n', before).map_or(0, |line| line + 1)
    };
    place.file == file && column(at).abs_diff(column(place.start)) > FAR
}

/// A span on character boundaries that ends on the line where it begins: a caret under the first
/// line says as much as a frame around thirty.
fn visible(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    let line = text.get(start..end).and_then(|slice| slice.find('\n'));
    start..line.map_or(end, |at| start + at)
}

/// Bytes that one still reads as one line.
const FAR: usize = 200;

/// Escapes of a workflow command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes of a workflow command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::diagnostic::Id;
    use super::*;

    fn sample() -> (Vec<Diagnostic>, Sources) {
        let mut sources = Sources::default();
        let file = sources.add("a,b.toml".into(), PathBuf::new(), "a = 1\nbb = 2\n".into());
        let place = Place { file, start: 6, end: 8 };
        let one = Diagnostic::at(Id::UnknownKey, place, "unknown key `bb`")
            .other(Place { file, start: 0, end: 1 }, "near this")
            .help("100 % sure");
        let two = Diagnostic::whole(Id::NoListener, file, "nothing listens");
        (vec![one, two], sources)
    }

    #[test]
    fn people_see_the_line() {
        let (diagnostics, sources) = sample();
        let text = human(&diagnostics, &sources, Colour::Never);
        assert!(text.contains("error[G0101]: unknown key `bb`"), "{text}");
        assert!(text.contains("--> a,b.toml:2:1"), "{text}");
        assert!(text.contains("help: 100 % sure"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert!(human(&diagnostics, &sources, Colour::Always).contains('\u{1b}'));
    }

    #[test]
    fn places_far_apart_in_one_line_are_shown_apart() {
        let mut sources = Sources::default();
        let text = format!("[1,{}2]\n", "0,".repeat(5000));
        let file = sources.add("a.json".into(), PathBuf::new(), text.clone());
        let place = |start| Place { file, start, end: start + 1 };
        let last = text.find('2').unwrap();
        let made = Diagnostic::at(Id::UnknownKey, place(last), "far").other(place(1), "from this");
        let said = human(&[made], &sources, Colour::Never);
        assert!(
            said.contains("from this") && said.contains(&format!("a.json:1:{}", last + 1)),
            "{said}"
        );
        assert!(said.lines().all(|line| line.len() < 300), "{said}");
    }

    #[test]
    fn programs_get_an_array() {
        let (diagnostics, sources) = sample();
        let parsed: serde_json::Value =
            serde_json::from_str(&json(&diagnostics, &sources)).unwrap();
        assert_eq!(parsed[0]["id"], "G0101");
        assert_eq!((parsed[0]["line"].as_u64(), parsed[0]["column"].as_u64()), (Some(2), Some(1)));
        assert_eq!(parsed[0]["end_column"], 3);
        assert!(parsed[1].get("line").is_none());
    }

    #[test]
    fn workflow_commands_are_escaped() {
        let (diagnostics, sources) = sample();
        assert_eq!(
            github(&diagnostics, &sources).lines().next(),
            Some(
                "::error file=a%2Cb.toml,line=2,col=1,title=G0101::unknown key `bb`%0Ahelp: 100 \
                 %25 sure"
            )
        );
    }
}

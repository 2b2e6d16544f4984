//! What is wrong with a configuration: one [`Diagnostic`] for each mistake, all of them gathered
//! in one [`Report`] before anything is refused.

mod id;

use std::ops::Range;

pub use id::Id;

use super::source::{FileId, Place};

/// Whether a file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file is refused as a whole.
    Error,
    /// The file is taken, but somebody should look; `check --strict` fails.
    Warning,
    /// The file is right as it is, and there is something to know; nothing fails.
    Note,
}

impl Severity {
    /// The word that is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One mistake, with where it stands and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub id: Id,
    /// Whether it refuses the file.
    pub severity: Severity,
    /// One sentence without a full stop: what is wrong.
    pub message: String,
    /// The file at fault.
    pub file: FileId,
    /// The bytes at fault; none where the file as a whole is.
    pub span: Option<Range<usize>>,
    /// A few words that stand beside the caret.
    pub label: Option<String>,
    /// Other places that explain it, each with a few words.
    pub others: Vec<(Place, String)>,
    /// The likely fix, one sentence each.
    pub help: Vec<String>,
}

impl Diagnostic {
    pub(crate) fn at(id: Id, place: Place, message: impl Into<String>) -> Self {
        let mut made = Self::whole(id, place.file, message);
        made.span = Some(place.span());
        made
    }

    pub(crate) fn whole(id: Id, file: FileId, message: impl Into<String>) -> Self {
        Self {
            id,
            severity: id.severity(),
            message: message.into(),
            file,
            span: None,
            label: None,
            others: Vec::new(),
            help: Vec::new(),
        }
    }

    pub(crate) fn label(mut self, words: impl Into<String>) -> Self {
        self.label = Some(words.into());
        self
    }

    pub(crate) fn help(mut self, sentence: impl Into<String>) -> Self {
        self.help.push(sentence.into());
        self
    }

    pub(crate) fn help_if(mut self, sentence: Option<impl Into<String>>) -> Self {
        self.help.extend(sentence.map(Into::into));
        self
    }

    pub(crate) fn other(mut self, place: Place, words: impl Into<String>) -> Self {
        self.others.push((place, words.into()));
        self
    }
}

/// Everything that was found so far. Bounded: a hopeless file is refused with its first mistakes.
#[derive(Debug, Default)]
pub(crate) struct Report {
    found: Vec<Diagnostic>,
}

impl Report {
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        // Warnings leave room for the errors that may follow: a file with one is never taken.
        let room = match diagnostic.severity {
            Severity::Error => MOST_DIAGNOSTICS,
            Severity::Warning | Severity::Note => MOST_DIAGNOSTICS / 2,
        };
        // What stands in one place and holds for many routes is said once.
        if self.found.len() < room && !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.found.iter().any(|found| found.severity == Severity::Error)
    }

    /// The diagnostics in the order of the files and their lines.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| {
            (found.file, found.span.as_ref().map(|span| span.start), found.id)
        });
        self.found.dedup();
        self.found
    }
}

const MOST_DIAGNOSTICS: usize = 200;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_ordered_and_found_again() {
        let codes: Vec<_> = Id::ALL.iter().map(|id| id.code()).collect();
        assert!(codes.is_sorted());
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), codes.len());
        assert!(Id::ALL.iter().all(|id| Id::by_code(&id.code().to_lowercase()) == Some(*id)));
        assert_eq!(Id::by_code("G9999"), None);
    }

    #[test]
    fn the_ninth_group_refuses_no_file() {
        for id in Id::ALL.iter().filter(|id| id.code().starts_with("G09")) {
            assert_ne!(id.severity(), Severity::Error);
        }
    }

    #[test]
    fn a_report_is_bounded() {
        let mut report = Report::default();
        for at in 0..10_000 {
            let place = Place { file: FileId::MAIN, start: at, end: at };
            report.push(Diagnostic::at(Id::Syntax, place, "x"));
        }
        assert_eq!(report.into_sorted().len(), MOST_DIAGNOSTICS);
    }
}

//! What came of a reload, or would come of one.

use serde_json::{Value, json};

use crate::base::{clock, date};
use crate::config::{self, Colour, Diagnostic, Loaded, Refused, Severity, Sources};
use crate::observe::ReloadResult;
use crate::server::Applied;

/// What came of a reload.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether the file was taken.
    pub result: ReloadResult,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The generation that serves now.
    pub generation: u64,
    /// Hash of its configuration.
    pub hash: String,
    /// What was found, as `guichet check --json` says it.
    pub diagnostics: Value,
    /// What else there is to say, one sentence each.
    pub remarks: Vec<String>,
    /// All of it as people read it.
    pub text: String,
}

/// What a reload would say.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whether the file would be taken, as far as that can be told without opening anything.
    pub accepted: bool,
    /// What was found.
    pub diagnostics: Value,
    /// The same as people read it.
    pub text: String,
}

impl Verdict {
    /// The file was taken. What there is to know of it, `check` says.
    pub(super) fn applied(applied: &Applied, found: &[Diagnostic], sources: &Sources) -> Self {
        let warnings = found.iter().filter(|found| found.severity != Severity::Note);
        let warnings: Vec<_> = warnings.cloned().collect();
        let mut text = config::human(&warnings, sources, Colour::Never);
        for warning in &applied.warnings {
            text.push_str(&format!("warning: {warning}\n"));
        }
        Self {
            diagnostics: as_value(&warnings, sources),
            remarks: applied.warnings.clone(),
            text,
            ..Self::new(ReloadResult::Applied)
        }
    }

    /// The file is not fit.
    pub(super) fn refused(refused: &Refused) -> Self {
        Self {
            diagnostics: as_value(&refused.diagnostics, &refused.sources),
            text: refused.human(Colour::Never),
            ..Self::new(ReloadResult::Refused)
        }
    }

    /// The file is fit, but what it names is not.
    pub(super) fn failed(sentence: &str, hint: Option<String>) -> Self {
        let mut text = format!("error: {sentence}\n");
        if let Some(hint) = &hint {
            text.push_str(&format!("help: {hint}\n"));
        }
        let remarks = std::iter::once(sentence.to_owned()).chain(hint).collect();
        Self { remarks, text, ..Self::new(ReloadResult::Refused) }
    }

    fn new(result: ReloadResult) -> Self {
        Self {
            result,
            at: clock::unix_millis(),
            generation: 0,
            hash: String::new(),
            diagnostics: json!([]),
            remarks: Vec::new(),
            text: String::new(),
        }
    }

    /// Whether anything is wrong with the file itself.
    pub fn has_diagnostics(&self) -> bool {
        self.diagnostics.as_array().is_some_and(|found| !found.is_empty())
    }

    /// One sentence.
    pub fn summary(&self) -> String {
        let Self { generation, hash, .. } = self;
        match self.result {
            ReloadResult::Applied => format!("applied: generation {generation}, {hash}"),
            ReloadResult::Refused => {
                format!("refused: generation {generation}, {hash}, stays as it was")
            }
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "result": self.result.as_str(),
            "at": date::rfc3339(self.at),
            "generation": self.generation,
            "hash": self.hash,
            "diagnostics": self.diagnostics,
            "remarks": self.remarks,
            "text": self.text,
        })
    }
}

impl Checked {
    pub(super) fn new(loaded: Result<Loaded, Refused>) -> Self {
        let (accepted, found, sources) = match loaded {
            Ok(loaded) => (true, loaded.warnings, loaded.sources),
            Err(refused) => (false, refused.diagnostics, refused.sources),
        };
        let text = config::human(&found, &sources, Colour::Never);
        Self { accepted, diagnostics: as_value(&found, &sources), text }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        json!({
            "accepted": self.accepted,
            "diagnostics": self.diagnostics,
            "text": self.text,
        })
    }
}

fn as_value(found: &[Diagnostic], sources: &Sources) -> Value {
    serde_json::from_str(&config::json(found, sources)).unwrap_or_default()
}

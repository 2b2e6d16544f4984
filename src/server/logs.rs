//! The writers of the access log: the one that is written to now, and those that still have lines.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::StartError;
use crate::config::model::{Config, LogTarget};
use crate::observe::{LogHandle, LogWriter, Lost, RetiredWriter, log};

/// All writers of an instance. Touched when it starts, is reloaded, reopens its files, and ends.
#[derive(Debug, Default)]
pub(super) struct Logs(Mutex<Writers>);

#[derive(Debug, Default)]
struct Writers {
    now: Option<OpenLog>,
    lost: Option<Lost>,
    /// Their last lines come from exchanges that are not over.
    before: Vec<RetiredWriter>,
}

/// A writer, and where it writes.
#[derive(Debug)]
pub(super) struct OpenLog {
    target: LogTarget,
    writer: LogWriter,
}

impl Logs {
    /// Opens what a configuration writes to; none where that is open already, or nothing is written.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(super) fn open(&self, config: &Config) -> Result<Option<OpenLog>, StartError> {
        let Some(settings) = &config.observe.access_log else { return Ok(None) };
        if self.writers().now.as_ref().is_some_and(|now| now.target == settings.to) {
            return Ok(None);
        }
        let target = match &settings.to {
            LogTarget::Stdout => "stdout".to_owned(),
            LogTarget::Stderr => "stderr".to_owned(),
            LogTarget::File(path) => path.display().to_string(),
        };
        let told = |error: io::Error| StartError::Log { target, error };
        let writer = LogWriter::start(&settings.to).map_err(told)?;
        Ok(Some(OpenLog { target: settings.to.clone(), writer }))
    }

    /// A way to the writer that is, or is about to be, the one of now.
    pub(super) fn handle(&self, opened: Option<&OpenLog>) -> Option<LogHandle> {
        match opened {
            Some(opened) => Some(opened.writer.handle()),
            None => self.writers().now.as_ref().map(|now| now.writer.handle()),
        }
    }

    /// Takes what was opened for the one of now. The one before ends with its last handle.
    pub(super) fn turn(&self, opened: Option<OpenLog>) {
        let Some(opened) = opened else { return };
        let mut writers = self.writers();
        let lost = opened.writer.lost().after(writers.lost.take());
        writers.lost = Some(lost);
        let before = writers.now.replace(opened);
        writers.before.retain(|before| !before.is_over());
        writers.before.extend(before.map(|before| before.writer.retire()));
    }

    /// Lines that were lost so far.
    pub(super) fn lost(&self) -> Option<Lost> {
        self.writers().lost.clone()
    }

    /// Opens the file anew, after something else has renamed it.
    pub(super) fn reopen(&self) {
        if let Some(now) = &self.writers().now {
            now.writer.reopen();
        }
    }

    /// Writes the last lines, once every worker has ended.
    pub(super) fn finish(&self, limit: Duration) {
        let Writers { now, before, .. } = std::mem::take(&mut *self.writers());
        let finished = now.map_or(Ok(()), |now| now.writer.finish(limit));
        let all = before.into_iter().map(|before| before.finish(limit)).chain([finished]);
        for error in all.filter_map(Result::err) {
            log::error("access_log", error);
        }
    }

    fn writers(&self) -> MutexGuard<'_, Writers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

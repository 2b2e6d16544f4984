//! Where others ask for a reload, and find out about the last one.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::verdict::{Checked, Verdict};
use crate::config::Effective;

/// Asks for reloads, from any thread. Cloning it shares it.
#[derive(Clone, Debug)]
pub struct Desk {
    asks: mpsc::Sender<Ask>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    file: Option<String>,
    effective: Value,
    last: Option<Verdict>,
}

/// What is asked.
#[derive(Debug)]
pub enum Ask {
    /// Read the configuration again.
    Reload(oneshot::Sender<Verdict>),
    /// Say what a reload would say, of this text instead of the file where there is one.
    Check(Option<String>, oneshot::Sender<Option<Checked>>),
}

/// A desk for what was loaded from a file, and the ear of whoever serves it.
pub fn desk(file: Option<&Path>, effective: &Effective) -> (Desk, mpsc::Receiver<Ask>) {
    let (asks, asked) = mpsc::channel(WAITING);
    // Whoever asks may stand elsewhere.
    let whole = |file| std::path::absolute(file).unwrap_or_else(|_| PathBuf::from(file));
    let file = file.map(|file| whole(file).display().to_string());
    let known = Known { file, effective: effective.to_json(), last: None };
    (Desk { asks, known: Arc::new(Mutex::new(known)) }, asked)
}

impl Desk {
    /// Has the configuration read again; none where nobody does such a thing any more.
    pub async fn reload(&self) -> Option<Verdict> {
        let (told, verdict) = oneshot::channel();
        self.asks.send(Ask::Reload(told)).await.ok()?;
        verdict.await.ok()
    }

    /// The same without waiting for it. Where many wait already, they say the same.
    pub fn reload_soon(&self) {
        let (told, _) = oneshot::channel();
        let _ = self.asks.try_send(Ask::Reload(told));
    }

    /// What a reload would say of the file, or of this text in its place; none where there is neither.
    pub async fn check(&self, text: Option<String>) -> Option<Checked> {
        let (told, checked) = oneshot::channel();
        self.asks.send(Ask::Check(text, told)).await.ok()?;
        checked.await.ok()?
    }

    /// The values that hold, secrets as `***`.
    pub fn effective(&self) -> Value {
        self.known().effective.clone()
    }

    /// The file that is read.
    pub fn file(&self) -> Option<String> {
        self.known().file.clone()
    }

    /// The last reload, if there was one.
    pub fn last(&self) -> Option<Verdict> {
        self.known().last.clone()
    }

    /// These values hold now.
    pub(super) fn serves(&self, effective: &Effective) {
        self.known().effective = effective.to_json();
    }

    /// A reload has ended.
    pub(super) fn heard(&self, verdict: &Verdict) {
        self.known().last = Some(verdict.clone());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reloads that may wait for the one under way.
const WAITING: usize = 8;

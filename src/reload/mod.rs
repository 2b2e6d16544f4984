//! F9: the configuration, read again while it serves.
//!
//! Whoever wants it (a signal, the admin socket, a file that has changed) asks the one [`Reloader`].
//! The file goes through the same rooms as at start, and is taken whole or refused whole: where
//! anything is wrong with it, or with what it names, nothing has changed, and the [`Verdict`] says
//! why. It is counted, told, and remembered for whoever asks later.
//!
//! Secrets of upstreams, callers and stores (keys, certificates, authorities, addresses with a password)
//! are looked at once a second and read again when they change, under the configuration that runs: a
//! file that somebody is still working on is not taken for that. The files of the configuration itself
//! are looked at where that was asked for (`--watch`): once a second, too, and as soon as the system
//! tells of a change (`looks`, `folders`), because there somebody waits to see what comes of it.
//! Nobody waits so for secrets, and they come in pairs, of which the second needs its time.
//! Certificates of listeners have a way of their own (`server::tls`), which does not touch anything
//! else.

mod desk;
mod files;
mod folders;
mod looks;
mod verdict;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

pub use self::desk::{Desk, desk};
pub use self::verdict::{Checked, Verdict};

use self::desk::Ask;
use self::files::Files;
use self::folders::Folders;
use self::looks::Looks;
use crate::config::model::Config;
use crate::config::{self, Loaded, Sources, system_environment};
use crate::observe::{ReloadResult, log};
use crate::server::{Applied, Environment, Handle, Next};

/// Whether the files of the configuration are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Only when somebody asks.
    Never,
    /// Once a second, and when the system tells of a change.
    Always,
}

/// Reads the configuration again, for one running instance.
pub struct Reloader {
    /// None where the configuration came from no file.
    file: Option<PathBuf>,
    watching: Watching,
    instance: Handle,
    environment: Environment,
    files: Files,
    /// Time between two looks while nothing is told.
    every: Duration,
    desk: Desk,
    asked: mpsc::Receiver<Ask>,
}

impl Reloader {
    /// For an instance that serves what was loaded from `file`: from these sources, to be exact.
    pub fn new(
        file: Option<&Path>,
        sources: &Sources,
        watching: Watching,
        instance: Handle,
        (desk, asked): (Desk, mpsc::Receiver<Ask>),
    ) -> Self {
        let environment: Environment = Arc::new(system_environment);
        let files = Files::new(sources.paths(), &instance.shared().config(), &*environment);
        let file = file.map(Path::to_owned);
        Self { file, watching, instance, environment, files, every: EVERY, desk, asked }
    }

    /// Serves whoever asks, and looks at files, for as long as it is polled. The beginning of a reload
    /// is told, and its verdict.
    pub async fn run(self, begins: impl Fn(), tell: impl Fn(&Verdict)) {
        let looks = Looks::new(self.folders(), self.every);
        self.run_by(looks, begins, tell).await;
    }

    /// The same, with these looks at the files of the configuration.
    async fn run_by(
        mut self,
        mut looks: Looks<Folders>,
        begins: impl Fn(),
        tell: impl Fn(&Verdict),
    ) {
        let mut tick = tokio::time::interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.attend(self.files.configuration());
            tokio::select! {
                Some(ask) = self.asked.recv() => match ask {
                    Ask::Reload(told) => {
                        begins();
                        let verdict = self.reload().await;
                        tell(&verdict);
                        // A signal waits for nothing.
                        let _ = told.send(verdict);
                    }
                    Ask::Check(text, told) => {
                        let _ = told.send(self.check(text.as_deref()));
                    }
                },
                () = looks.due(), if self.watching == Watching::Always => {
                    if let Some(verdict) = self.look().await {
                        tell(&verdict);
                    }
                }
                _ = tick.tick() => {
                    if self.files.secrets_changed() {
                        let outcome = self.renew().await;
                        tell(&self.conclude(outcome));
                    }
                }
            }
        }
    }

    /// The system's word on the files of the configuration, where anybody wants it and it gives it.
    fn folders(&self) -> Option<Folders> {
        match self.watching {
            Watching::Never => None,
            Watching::Always => Folders::new()
                .inspect_err(|error| {
                    log::warn(
                        "watch",
                        format_args!(
                            "the system does not tell of changes in files: {error}; they are looked \
                             at once a second all the same"
                        ),
                    );
                })
                .ok(),
        }
    }

    /// Reads the file again and has it served, or says why not.
    async fn reload(&mut self) -> Verdict {
        let Some(file) = self.file.clone() else {
            let why = "this configuration came from no file: there is nothing to read again";
            return self.conclude(Err(Verdict::failed(why, None)));
        };
        let outcome = match self.read(&file) {
            Ok(loaded) => self.apply(loaded).await,
            Err(refused) => Err(*refused),
        };
        self.conclude(outcome)
    }

    /// What a reload would say of the file, or of a text in its place; nothing is touched that it names.
    fn check(&self, text: Option<&str>) -> Option<Checked> {
        let file = self.file.as_deref();
        let loaded = match text {
            Some(text) => {
                let folder = file.and_then(Path::parent).unwrap_or_else(|| Path::new(""));
                config::load_text_in(folder, "what was sent", text, &*self.environment)
            }
            None => config::load(file?, &*self.environment),
        };
        Some(Checked::new(loaded))
    }

    /// One look at every file of the configuration.
    async fn look(&mut self) -> Option<Verdict> {
        if !self.files.configuration_changed() {
            return None;
        }
        let file = self.file.clone()?;
        let hash = self.instance.ledger().config_hash();
        let outcome = match self.read(&file) {
            // Somebody has touched a file, or written something else beside it.
            Ok(loaded) if loaded.effective.fingerprint() == hash => return None,
            Ok(loaded) => self.apply(loaded).await,
            Err(refused) => Err(*refused),
        };
        Some(self.conclude(outcome))
    }

    /// What stands in the file. A refusal is counted here, where it is certain; all others are
    /// counted by the instance.
    fn read(&mut self, file: &Path) -> Result<Loaded, Box<Verdict>> {
        let load = || config::load(file, &*self.environment);
        // Which files there are is known after a reading; what they hold must not have been read
        // before they were first looked at.
        self.files.are_read(match load() {
            Ok(loaded) => loaded.sources.paths(),
            Err(refused) => refused.sources.paths(),
        });
        load().map_err(|refused| {
            self.instance.ledger().reloads().count(ReloadResult::Refused);
            Box::new(Verdict::refused(&refused))
        })
    }

    async fn apply(&mut self, loaded: Loaded) -> Result<Verdict, Verdict> {
        let Loaded { config, warnings, sources, effective } = loaded;
        let config = Arc::new(config);
        let secrets = files::secrets(&config, &*self.environment);
        let applied = self.follow(config, effective.fingerprint()).await?;
        self.files.need(secrets);
        self.desk.serves(&effective);
        Ok(Verdict::applied(&applied, &warnings, &sources))
    }

    /// Has the running configuration follow itself, with its secrets as they are now.
    async fn renew(&mut self) -> Result<Verdict, Verdict> {
        self.files.secrets_are_read();
        let config = self.instance.shared().config();
        let applied = self.follow(config, self.instance.ledger().config_hash()).await?;
        Ok(Verdict::applied(&applied, &[], &Sources::default()))
    }

    /// Has a configuration follow the running one.
    async fn follow(&self, config: Arc<Config>, config_hash: String) -> Result<Applied, Verdict> {
        let next = Next { config, config_hash, environment: Arc::clone(&self.environment) };
        let applied = self.instance.apply(next).await;
        applied.map_err(|error| Verdict::failed(&error.to_string(), error.hint()))
    }

    /// What serves now, beside what came of it.
    fn conclude(&self, outcome: Result<Verdict, Verdict>) -> Verdict {
        let mut verdict = outcome.unwrap_or_else(|refused| refused);
        verdict.generation = self.instance.shared().generation();
        verdict.hash = self.instance.ledger().config_hash();
        self.desk.heard(&verdict);
        verdict
    }
}

const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;

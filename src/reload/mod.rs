//! F9: the configuration, read again while it serves.
//!
//! Whoever wants it (a signal, the admin socket, a file that has changed) asks the one [`Reloader`].
//! The file goes through the same rooms as at start, and is taken whole or refused whole: where
//! anything is wrong with it, or with what it names, nothing has changed, and the [`Verdict`] says
//! why. It is counted, told, and remembered for whoever asks later.
//!
//! Secrets of upstreams, callers and stores (keys, certificates, authorities, addresses with a password)
//! are looked at once a second and read again when they change, under the configuration that runs: a file that somebody is still working on is
//! not taken for that. The files of the configuration itself are looked at where that was asked for
//! (`--watch`). Certificates of listeners have a way of their own (`server::tls`), which does not
//! touch anything else.

mod desk;
mod files;
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
use crate::config::model::Config;
use crate::config::{self, Loaded, Sources, system_environment};
use crate::observe::ReloadResult;
use crate::server::{Applied, Environment, Handle, Next};

/// Whether the files of the configuration are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watching {
    /// Only when somebody asks.
    Never,
    /// Once a second.
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
        Self { file, watching, instance, environment, files, desk, asked }
    }

    /// Serves whoever asks, and looks at files, for as long as it is polled. The beginning of a reload
    /// is told, and its verdict.
    pub async fn run(mut self, begins: impl Fn(), tell: impl Fn(&Verdict)) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
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
                _ = tick.tick() => {
                    if let Some(verdict) = self.look().await {
                        tell(&verdict);
                    }
                }
            }
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

    /// One look at every file.
    async fn look(&mut self) -> Option<Verdict> {
        if self.watching == Watching::Always
            && self.files.configuration_changed()
            && let Some(file) = self.file.clone()
        {
            let hash = self.instance.ledger().config_hash();
            let outcome = match self.read(&file) {
                // Somebody has touched a file, or written something else beside it.
                Ok(loaded) if loaded.effective.fingerprint() == hash => return None,
                Ok(loaded) => self.apply(loaded).await,
                Err(refused) => Err(*refused),
            };
            return Some(self.conclude(outcome));
        }
        if self.files.secrets_changed() {
            let outcome = self.renew().await;
            return Some(self.conclude(outcome));
        }
        None
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
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::pin::pin;

    use super::*;
    use crate::base::clock;
    use crate::server::tests::handle;

    const TEXT: &str = "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n\
                        [store.s]\nurl = { file = \"url\" }\n\
                        [[route]]\nmatch = \"/\"\nrespond = { status = 204 }\n";

    #[tokio::test(start_paused = true)]
    async fn what_has_changed_is_read_once_it_has_settled_within_two_seconds() {
        let folder = tempfile::tempdir().unwrap();
        let (file, secret) = (folder.path().join("guichet.toml"), folder.path().join("url"));
        fs::write(&secret, "redis://127.0.0.1:1").unwrap();
        fs::write(&file, TEXT).unwrap();
        let Ok(loaded) = config::load(&file, &|_| None) else { panic!("a good file") };
        let at_desk = desk(Some(&file), &loaded.effective);
        // Whoever asks it for anything is refused, which is told as well as all else.
        let instance = handle(loaded.config, loaded.effective.fingerprint());
        let watching = Watching::Always;
        let reloader = Reloader::new(Some(&file), &loaded.sources, watching, instance, at_desk);
        let (told, start) = (RefCell::new(Vec::new()), clock::now());
        let tell = |_: &Verdict| told.borrow_mut().push((clock::now() - start).as_millis());
        let mut run = pin!(reloader.run(|| {}, tell));
        let mut pass = async |millis| {
            let time = tokio::time::timeout(Duration::from_millis(millis), &mut run);
            assert!(time.await.is_err());
            std::mem::take(&mut *told.borrow_mut())
        };
        assert!(pass(500).await.is_empty());
        fs::write(&secret, "redis://127.0.0.1:2").unwrap();
        assert_eq!(pass(5_000).await, [2_000], "a secret, found by one look, read at the next");
        fs::write(&file, TEXT.replace("204", "2004")).unwrap();
        assert_eq!(pass(5_000).await, [7_000], "a file of the configuration");
        for times in 1..10 {
            fs::write(&file, format!("# {}\n", "x".repeat(times))).unwrap();
            assert!(pass(1_000).await.is_empty(), "somebody still writes it");
        }
        assert_eq!(pass(5_000).await.len(), 1);
        fs::write(&file, TEXT).unwrap();
        assert!(pass(5_000).await.is_empty(), "what serves already is no news");
    }
}

//! The files that a configuration is made of, and those that it names.

use std::path::PathBuf;

use crate::base::FileWatch;
use crate::config::model::{Config, StoreUrl};
use crate::config::{Environment, Secret};

/// What is looked at while an instance serves.
#[derive(Debug)]
pub(super) struct Files {
    configuration: FileWatch,
    secrets: FileWatch,
}

impl Files {
    /// `read` is what the running configuration was read from.
    pub(super) fn new(read: Vec<PathBuf>, config: &Config, environment: Environment<'_>) -> Self {
        Self {
            // Any of it may have changed since.
            configuration: FileWatch::unread(read),
            secrets: FileWatch::new(secrets(config, environment)),
        }
    }

    /// The files of the configuration, and the folders in which others were looked for.
    pub(super) fn configuration(&self) -> &[PathBuf] {
        self.configuration.paths()
    }

    /// Whether any file of the configuration is other than when it was read.
    pub(super) fn configuration_changed(&mut self) -> bool {
        self.configuration.has_changed()
    }

    /// The configuration is about to be read from these.
    pub(super) fn are_read(&mut self, paths: Vec<PathBuf>) {
        self.configuration = FileWatch::new(paths);
    }

    /// Whether any secret is other than when it was read.
    pub(super) fn secrets_changed(&mut self) -> bool {
        self.secrets.has_changed()
    }

    /// The secrets are about to be read.
    pub(super) fn secrets_are_read(&mut self) {
        self.secrets.was_read();
    }

    /// These are the secrets from now on. Those that were known already are not new.
    pub(super) fn need(&mut self, secrets: Vec<PathBuf>) {
        if self.secrets.paths() != secrets {
            self.secrets = FileWatch::new(secrets);
        }
    }
}

/// Files that the configuration names and that are read with it, certificates of listeners aside.
pub(super) fn secrets(config: &Config, environment: Environment<'_>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let token = config.admin.as_ref().and_then(|admin| admin.token.as_ref());
    paths.extend(token.and_then(|token| token.path(environment)));
    for upstream in &config.upstreams {
        let tls = &upstream.tls;
        paths.extend(tls.ca.iter().chain(&tls.cert).cloned());
        paths.extend(tls.key.as_ref().and_then(|key| Secret::path(key, environment)));
    }
    for store in &config.stores {
        match &store.url {
            StoreUrl::Secret(secret) => paths.extend(secret.path(environment)),
            StoreUrl::Open(_) => {}
        }
    }
    for policy in &config.auth {
        paths.extend(policy.authorities().cloned());
        paths.extend(policy.secret().and_then(|secret| secret.path(environment)));
    }
    paths
}

//! Secrets: where they come from, and a type that cannot be printed.

use std::fmt;
use std::path::PathBuf;

/// A secret by reference: it is read when it is needed and never stored in the configuration.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// `{ file = "…" }`.
    File(PathBuf),
    /// `{ env = "…" }`.
    Env(String),
    /// `{ credential = "…" }`: a file in systemd's `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// STAND-IN until the configuration's own: reads the secret.
    ///
    /// # Errors
    /// A sentence that says where it was looked for.
    pub fn read(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Vec<u8>, String> {
        let from_file = |path: &std::path::Path| {
            std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
        };
        match self {
            Self::File(path) => from_file(path),
            Self::Env(name) => environment(name)
                .map(String::into_bytes)
                .ok_or_else(|| format!("the environment variable {name} is not set")),
            Self::Credential(name) => {
                let directory = environment("CREDENTIALS_DIRECTORY")
                    .ok_or("CREDENTIALS_DIRECTORY is not set: systemd sets it")?;
                from_file(&PathBuf::from(directory).join(name))
            }
        }
    }
}

//! Secrets: where they come from, and a type that cannot be printed.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::source::{FileId, Place, Sources};
use super::substitute::{Environment, is_name};
use super::tree::{Node, Table};

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
    /// Reads the secret; line breaks at its end are not part of it. At most 1 MiB.
    ///
    /// # Errors
    /// A sentence for the operator that names the reference, never the secret.
    pub fn read(&self, environment: Environment<'_>) -> Result<Vec<u8>, String> {
        let mut secret = match self {
            Self::File(path) => read_file(path)?,
            Self::Env(name) => environment(name)
                .ok_or_else(|| format!("the environment variable {name} is not set"))?
                .into_bytes(),
            Self::Credential(name) => {
                let path = self.path(environment).ok_or_else(|| {
                    format!(
                        "the credential {name} cannot be read: {CREDENTIALS} is not set, so this \
                         is no systemd unit with LoadCredential="
                    )
                })?;
                read_file(&path)?
            }
        };
        while secret.ends_with(b"\n") || secret.ends_with(b"\r") {
            secret.pop();
        }
        if secret.is_empty() {
            return Err(format!("{} is empty", self.reference()));
        }
        Ok(secret)
    }

    /// The file that it stands in; none where it stands in the environment itself, or where the
    /// folder of credentials is unknown.
    pub fn path(&self, environment: Environment<'_>) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(path.clone()),
            Self::Env(_) => None,
            Self::Credential(name) => Some(Path::new(&environment(CREDENTIALS)?).join(name)),
        }
    }

    /// What is missing already now, as far as that can be told without rights.
    pub(crate) fn missing(&self, environment: Environment<'_>) -> Option<String> {
        match self {
            Self::File(path) => {
                is_missing(path).then(|| format!("there is no file {}", path.display()))
            }
            Self::Env(name) => environment(name)
                .is_none()
                .then(|| format!("the environment variable {name} is not set")),
            // Outside of its unit the folder is unknown, and `check` mostly runs there.
            Self::Credential(name) => {
                let path = self.path(environment)?;
                is_missing(&path).then(|| format!("there is no credential {name}"))
            }
        }
    }

    /// How it is called in sentences.
    pub(crate) fn reference(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Env(name) => format!("the environment variable {name}"),
            Self::Credential(name) => format!("the credential {name}"),
        }
    }
}

/// Whether a file is surely not there; one that may not be looked at is given the benefit of doubt.
pub(crate) fn is_missing(path: &Path) -> bool {
    matches!(path.metadata(), Err(error) if error.kind() == std::io::ErrorKind::NotFound)
}

/// The form of a secret: exactly one of `file`, `env` and `credential`, a fitting string each.
pub(crate) fn reference(table: &Table) -> Result<(&str, &str), (Option<Place>, String)> {
    let [entry] = table.entries.as_slice() else {
        let message = match table.entries.as_slice() {
            [] => "this secret says nowhere to read it from",
            _ => "a secret is read from one place",
        };
        return Err((None, message.to_owned()));
    };
    let place = entry.node.place;
    let fits = match entry.key.as_str() {
        "file" => |text: &str| !text.is_empty() && !text.contains('\0'),
        "env" => is_name,
        "credential" => {
            |text: &str| !text.is_empty() && !text.starts_with('.') && !text.contains(['/', '\0'])
        }
        _ => return Err((Some(entry.place), format!("a secret has no `{}`", entry.key))),
    };
    if entry.node.is_broken() {
        return Ok((entry.key.as_str(), ""));
    }
    match entry.node.as_str() {
        Some(text) if fits(text) => Ok((entry.key.as_str(), text)),
        Some(_) | None => {
            Err((Some(place), format!("this cannot be the `{}` of a secret", entry.key)))
        }
    }
}

/// Reads a secret's reference from a tree whose form has been checked.
pub(crate) fn from_node(node: &Node, sources: &Sources) -> Option<Secret> {
    let (kind, text) = reference(node.as_table()?).ok()?;
    let file: FileId = node.place.file;
    match kind {
        "file" => Some(Secret::File(sources.resolve(file, text))),
        "env" => Some(Secret::Env(text.to_owned())),
        _ => Some(Secret::Credential(text.to_owned())),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("{} is longer than 1 MiB: this is no secret", path.display()));
    }
    Ok(bytes)
}

const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        assert_eq!(format!("{:?}", Secret::Env("TOKEN".into())), "***");
    }

    #[test]
    fn secrets_are_read_from_files_variables_and_credentials() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "s3cret\r\n\n").unwrap();
        std::fs::write(folder.path().join("empty"), "\n").unwrap();
        let root = folder.path().to_str().unwrap().to_owned();
        let environment = |name: &str| match name {
            CREDENTIALS => Some(root.clone()),
            "TOKEN" => Some("t0ken".to_owned()),
            _ => None,
        };
        let read = |secret: Secret| secret.read(&environment);
        assert_eq!(read(Secret::File(folder.path().join("key"))), Ok(b"s3cret".to_vec()));
        assert_eq!(read(Secret::Credential("key".into())), Ok(b"s3cret".to_vec()));
        assert_eq!(read(Secret::Env("TOKEN".into())), Ok(b"t0ken".to_vec()));
        assert!(read(Secret::Env("NONE".into())).unwrap_err().contains("NONE"));
        assert!(read(Secret::Credential("empty".into())).unwrap_err().contains("is empty"));
        assert!(read(Secret::File(folder.path().join("none"))).is_err());
        assert!(Secret::Credential("key".into()).read(&|_| None).is_err());
        assert_eq!(Secret::Credential("key".into()).missing(&|_| None), None);
        assert!(Secret::Credential("none".into()).missing(&environment).is_some());
        assert!(Secret::File(folder.path().join("none")).missing(&environment).is_some());
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big");
        std::fs::write(&path, vec![b'x'; usize::try_from(LONGEST + 1).unwrap()]).unwrap();
        assert!(Secret::File(path).read(&|_| None).unwrap_err().contains("1 MiB"));
    }
}

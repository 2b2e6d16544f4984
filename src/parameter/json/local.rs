//! References of a schema to other files: those of its own folder and below, and no other. Nothing
//! is ever fetched, so that a check of the configuration opens no socket.

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Retrieve, Uri};
use serde_json::Value;

use super::strict;
use crate::base::percent;

/// Files of a schema, with what they hold.
pub(super) type Files = Vec<(PathBuf, Vec<u8>)>;

/// The folder of a schema.
pub(super) struct Folder {
    root: PathBuf,
    /// Files that may still be read.
    left: AtomicUsize,
    read: Arc<Mutex<Files>>,
}

impl Folder {
    /// `root` is in canonical form.
    pub(super) fn new(root: &Path) -> Self {
        let (left, read) = (AtomicUsize::new(MOST_FILES), Arc::default());
        Self { root: root.to_owned(), left, read }
    }

    /// What has been read, from now on: the folder itself is given away.
    pub(super) fn read(&self) -> Arc<Mutex<Files>> {
        Arc::clone(&self.read)
    }

    fn open(&self, uri: &str) -> Result<Value, String> {
        let refused = || {
            format!("`{uri}` is not fetched: a reference leads to a file in the schema's folder")
        };
        let path = uri.strip_prefix("file://").ok_or_else(refused)?;
        let path = percent::decoded(path).map_err(|_| refused())?;
        let path = Path::new(&*path).canonicalize();
        let path = path.map_err(|error| format!("`{uri}` cannot be read: {error}"))?;
        if !path.starts_with(&self.root) {
            return Err(refused());
        }
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(format!("the schema leads to more than {MOST_FILES} files"));
        }
        let bytes = read(&path).map_err(|why| format!("`{uri}` cannot be read: {why}"))?;
        let schema = strict::read(&bytes);
        self.read.lock().unwrap_or_else(PoisonError::into_inner).push((path, bytes));
        schema.map_err(|unfit| format!("`{uri}` is not JSON: {}", words(&unfit)))
    }
}

impl Retrieve for Folder {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        self.open(uri.as_str()).map_err(Into::into)
    }
}

/// For schemas that refer to nothing outside themselves.
pub(super) struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        Err(format!("`{}` is not fetched", uri.as_str()).into())
    }
}

/// The bytes of one file of a schema.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    let length = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    match length {
        Ok(length) if length as u64 > MOST_BYTES => Err("it is larger than 1 MiB".to_owned()),
        Ok(_) => Ok(bytes),
        Err(error) => Err(error.to_string()),
    }
}

/// Why a file of a schema is not JSON, for the operator.
pub(super) fn words(unfit: &strict::Unfit) -> String {
    match unfit {
        strict::Unfit::Syntax(why) => why.clone(),
        strict::Unfit::Deep => "it is nested too deeply".to_owned(),
        strict::Unfit::Twice(pointer) => format!("`{pointer}` stands twice"),
    }
}

const MOST_FILES: usize = 64;
const MOST_BYTES: u64 = 1 << 20;

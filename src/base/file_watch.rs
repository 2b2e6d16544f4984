//! Files that somebody may change: when to read them again.
//!
//! A file may be replaced in place, by a rename, or by a symbolic link far up (as Kubernetes does with
//! a ConfigMap), on a file system that tells of nothing; a look sees all of it, costs a `stat` for each
//! file, and cannot be lost. So it is looks that decide, and what an operating system tells of files
//! does no more than bring them forward (`reload::looks`). Files are read when two looks in a row found
//! the same, so that what is being written is left alone.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

/// Files, and how they were when they were read.
#[derive(Clone, Debug, Default)]
pub struct FileWatch {
    paths: Vec<PathBuf>,
    read: Vec<Option<Footprint>>,
    seen: Vec<Option<Footprint>>,
}

/// What a file cannot change without changing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Footprint {
    file: (u64, u64),
    size: u64,
    /// Of the content, in seconds and nanoseconds.
    modified: (i64, i64),
    /// Of the rights and the place as well: a file that becomes readable is worth another try.
    changed: (i64, i64),
}

impl FileWatch {
    /// Files or folders that are about to be read: what changes meanwhile is seen by the next look.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let read = footprints(&paths);
        Self { paths, seen: read.clone(), read }
    }

    /// Files that were read before anybody looked at them: the first looks tell a change.
    pub fn unread(paths: Vec<PathBuf>) -> Self {
        let (seen, read) = (footprints(&paths), vec![None; paths.len()]);
        Self { paths, read, seen }
    }

    /// Looks. Whether they are other than when they were read, and have settled.
    pub fn has_changed(&mut self) -> bool {
        let now = footprints(&self.paths);
        let settled = now == self.seen;
        self.seen = now;
        settled && self.seen != self.read
    }

    /// They were read, well or not, as the last look found them.
    pub fn was_read(&mut self) {
        self.read.clone_from(&self.seen);
    }

    /// The paths that are looked at.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }
}

fn footprints(paths: &[PathBuf]) -> Vec<Option<Footprint>> {
    let footprint = |path: &PathBuf| {
        // Through symbolic links: what counts is the file at their end.
        let of = path.metadata().ok()?;
        Some(Footprint {
            file: (of.dev(), of.ino()),
            size: of.size(),
            modified: (of.mtime(), of.mtime_nsec()),
            changed: (of.ctime(), of.ctime_nsec()),
        })
    };
    paths.iter().map(footprint).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_change_is_told_once_it_has_settled_and_until_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        fs::write(&file, "one").unwrap();
        let mut watch = FileWatch::new(vec![file.clone()]);
        assert!(!watch.has_changed());
        fs::write(&file, "two, longer").unwrap();
        assert!(!watch.has_changed(), "it may still be written");
        assert!(watch.has_changed() && watch.has_changed());
        watch.was_read();
        assert!(!watch.has_changed());
        fs::remove_file(&file).unwrap();
        assert!(!watch.has_changed());
        assert!(watch.has_changed(), "what is gone has changed, too");
    }

    #[test]
    fn a_link_that_points_elsewhere_far_up_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        for version in ["1", "2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("a"), "same").unwrap();
        }
        symlink("1", at("data")).unwrap();
        symlink("data/a", at("a")).unwrap();
        let mut watch = FileWatch::new(vec![at("a")]);
        symlink("2", at("next")).unwrap();
        fs::rename(at("next"), at("data")).unwrap();
        watch.has_changed();
        assert!(watch.has_changed());
    }

    #[test]
    fn a_new_file_changes_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut watch = FileWatch::new(vec![folder.path().to_owned()]);
        fs::write(folder.path().join("new"), "").unwrap();
        watch.has_changed();
        assert!(watch.has_changed());
    }
}

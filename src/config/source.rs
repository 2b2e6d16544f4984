//! The texts that a configuration is made of, and places within them.
//!
//! Every value keeps the [`Place`] it came from until the model is built, so that each diagnostic
//! can show the very characters at fault, whichever file they stand in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;

/// One of the files of a configuration: the main one is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub(crate) u16);

impl FileId {
    /// The file that was named on the command line.
    pub const MAIN: Self = Self(0);
}

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Place {
    pub(crate) fn new(file: FileId, span: &Range<usize>) -> Self {
        Self { file, start: span.start, end: span.end.max(span.start) }
    }

    /// The bytes, without the file.
    pub fn span(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Where a byte stands, as people count: both from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The files of a configuration, with their texts.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
    /// Boxed, so that a refusal, which carries all of this, stays small.
    beside: Box<Beside>,
}

/// What is read with the files and does not stand in the tree, by its SHA-256: documents and schemas.
/// None where it could not be read.
#[derive(Debug, Default)]
struct Beside(BTreeMap<PathBuf, Option<Digest>>);

/// SHA-256.
type Digest = [u8; 32];

#[derive(Debug)]
struct Source {
    name: String,
    folder: PathBuf,
    text: String,
    /// Byte at which each line begins.
    lines: Vec<usize>,
    /// Folders in which the files were looked for that it includes.
    searched: Vec<PathBuf>,
}

impl Sources {
    /// Adds a file and gives it the next id. `folder` is what relative paths in it start from.
    pub(crate) fn add(&mut self, name: String, folder: PathBuf, text: String) -> FileId {
        // The number of files is bounded far below by `include`.
        let id = u16::try_from(self.files.len()).unwrap_or(u16::MAX);
        let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        self.files.push(Source { name, folder, text, lines, searched: Vec::new() });
        FileId(id)
    }

    /// The files' names in the order in which they were read.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// What decides which text is read: the files, and the folders in which others were looked for.
    /// A change of any of them may be a change of the configuration.
    pub fn paths(&self) -> Vec<PathBuf> {
        let files = self.files.iter().map(|file| PathBuf::from(&file.name));
        let searched = self.files.iter().flat_map(|file| file.searched.iter().cloned());
        let mut paths: Vec<_> = files.chain(searched).collect();
        let beside = self.beside.0.keys().filter(|path| !paths.contains(path)).cloned();
        let beside: Vec<_> = beside.collect();
        paths.extend(beside);
        paths
    }

    /// A file that the configuration names was read with it.
    pub(crate) fn rests_on(&mut self, path: PathBuf, content: &[u8]) {
        let digest = digest::digest(&digest::SHA256, content);
        self.beside.0.insert(path, digest.as_ref().try_into().ok());
    }

    /// The same of one of these files.
    pub(crate) fn rests_on_text(&mut self, file: FileId) {
        let digest = digest::digest(&digest::SHA256, self.text(file).as_bytes());
        self.beside.0.insert(self.name(file).into(), digest.as_ref().try_into().ok());
    }

    /// A file that the configuration names is about to be read.
    pub(crate) fn looks_for(&mut self, path: &Path) {
        if !self.beside.0.contains_key(path) {
            self.beside.0.insert(path.to_owned(), None);
        }
    }

    /// What the files that were read beside hold, in a fixed order.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.beside.0.values().flatten()
    }

    pub(crate) fn searched(&mut self, by: FileId, folder: PathBuf) {
        let file = self.files.get_mut(usize::from(by.0));
        if let Some(file) = file.filter(|file| !file.searched.contains(&folder)) {
            file.searched.push(folder);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.files.iter().map(|file| file.text.len()).sum()
    }

    /// The name of a file, as it was given or found.
    pub fn name(&self, file: FileId) -> &str {
        self.file(file).map_or("?", |file| file.name.as_str())
    }

    /// The text of a file; secrets that were written out in it are masked.
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| file.text.as_str())
    }

    /// The text of a place; empty if it does not lie on character boundaries.
    pub fn slice(&self, place: Place) -> &str {
        self.text(place.file).get(place.span()).unwrap_or_default()
    }

    /// Where a byte of a file stands.
    pub fn position(&self, file: FileId, at: usize) -> Position {
        let Some(source) = self.file(file) else { return Position { line: 1, column: 1 } };
        let line = source.lines.partition_point(|start| *start <= at).max(1);
        let start = source.lines.get(line - 1).copied().unwrap_or_default();
        let before = source.text.as_bytes().get(start..at.min(source.text.len()));
        // Counting the bytes that begin a character also works in the middle of one.
        let column =
            before.unwrap_or_default().iter().filter(|byte| (**byte & 0xC0) != 0x80).count() + 1;
        Position { line, column }
    }

    /// `file:line` of a place, for the comments of `config show`.
    pub fn label(&self, place: Place) -> String {
        let line = self.position(place.file, place.start).line;
        format!("{}:{line}", self.name(place.file))
    }

    /// A path as written in a file, from the folder of that file if it is relative.
    pub(crate) fn resolve(&self, file: FileId, path: &str) -> PathBuf {
        let folder = self.file(file).map(|file| file.folder.as_path());
        folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
    }

    /// The place of `within` of a decoded string: exact where the string is written plainly, the
    /// whole string where escapes or variables moved its bytes.
    pub(crate) fn within(&self, place: Place, decoded: &str, within: &Range<usize>) -> Place {
        let raw = self.slice(place);
        if raw.get(1..raw.len().saturating_sub(1)) != Some(decoded) || raw.starts_with("'''") {
            return place;
        }
        let start = (place.start + 1 + within.start).min(place.end - 1);
        Place {
            file: place.file,
            start,
            end: (place.start + 1 + within.end).clamp(start, place.end),
        }
    }

    /// Overwrites a place with asterisks, so that a secret written into the file by mistake is
    /// never shown by a diagnostic.
    pub(crate) fn mask(&mut self, place: Place) {
        let Some(source) = self.files.get_mut(usize::from(place.file.0)) else { return };
        let Some(secret) = source.text.get(place.span()) else { return };
        let stars: String =
            secret.bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        source.text.replace_range(place.span(), &stars);
    }

    fn file(&self, file: FileId) -> Option<&Source> {
        self.files.get(usize::from(file.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Sources {
        let mut sources = Sources::default();
        sources.add("a.toml".into(), PathBuf::from("conf"), text.into());
        sources
    }

    fn place(start: usize, end: usize) -> Place {
        Place { file: FileId::MAIN, start, end }
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let sources = one("é = 1\nb = 2\n");
        assert_eq!(sources.position(FileId::MAIN, 0), Position { line: 1, column: 1 });
        assert_eq!(sources.position(FileId::MAIN, 2), Position { line: 1, column: 2 });
        assert_eq!(sources.position(FileId::MAIN, 7), Position { line: 2, column: 1 });
        assert_eq!(sources.position(FileId::MAIN, 999), Position { line: 3, column: 1 });
        assert_eq!(sources.label(place(7, 8)), "a.toml:2");
    }

    #[test]
    fn a_plain_string_is_pointed_into_and_an_escaped_one_is_not() {
        let sources = one("a = \"/x/{id\"\nb = \"\\u0041b\"\n");
        assert_eq!(sources.within(place(4, 12), "/x/{id", &(3..6)), place(8, 11));
        assert_eq!(sources.within(place(17, 26), "Ab", &(1..2)), place(17, 26));
    }

    #[test]
    fn a_masked_secret_is_gone() {
        let mut sources = one("key = \"hunter2\"\nx = 1\n");
        sources.mask(place(6, 15));
        assert_eq!(sources.text(FileId::MAIN), "key = *********\nx = 1\n");
    }

    #[test]
    fn relative_paths_start_from_the_folder_of_their_file() {
        let sources = one("");
        assert_eq!(sources.resolve(FileId::MAIN, "tls/a.pem"), PathBuf::from("conf/tls/a.pem"));
        assert_eq!(sources.resolve(FileId::MAIN, "/a.pem"), PathBuf::from("/a.pem"));
    }
}

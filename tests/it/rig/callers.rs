//! Credentials for tests: files of keys as an operator writes them.

use std::fmt::Write as _;

use tempfile::TempDir;

/// A file of API keys: the name, the key itself, and more lines of each entry. Its path.
pub fn keys(folder: &TempDir, entries: &[(&str, &str, &str)]) -> String {
    let mut text = String::new();
    for (name, key, more) in entries {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
        let hex = digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let _ = writeln!(text, "[[key]]\nname = \"{name}\"\nsha256 = \"{hex}\"\n{more}");
    }
    write(folder, "keys.toml", &text)
}

/// A file of this name and text. Its path.
pub fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

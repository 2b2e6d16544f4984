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

/// A file with one user, whose password costs so much: KiB and passes. Its path.
pub fn users(folder: &TempDir, name: &str, password: &str, (memory, passes): (u32, u32)) -> String {
    use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, Version};
    let params = Params::new(memory, passes, 1, None).unwrap();
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = hasher.hash_password_with_salt(password.as_bytes(), b"salt of a test").unwrap();
    let text = format!("[[user]]\nname = \"{name}\"\npassword = \"{hash}\"\n");
    write(folder, "users.toml", &text)
}

/// As `Authorization: Basic` has it.
pub fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

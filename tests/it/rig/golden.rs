//! Goldens: files that a person can read, compared byte for byte. `BLESS=1` rewrites them.

use std::fs;
use std::path::Path;

/// Compares `actual` with `tests/golden/PATH`.
#[track_caller]
pub fn matches(path: &str, actual: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path);
    #[allow(clippy::disallowed_methods, reason = "a test's own switch")]
    if std::env::var("BLESS").is_ok_and(|value| value == "1") {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(expected, actual, "{} differs; BLESS=1 rewrites it", file.display());
}

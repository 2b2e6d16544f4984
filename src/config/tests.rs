//! Laws of reading: whatever bytes come, there is a verdict and never a panic.

use proptest::prelude::*;

use super::*;

fn judged(bytes: &[u8]) -> Result<Loaded, Refused> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("any.toml");
    std::fs::write(&path, bytes).unwrap();
    load(&path, &|name| (name == "SET").then(|| "8080".to_owned()))
}

/// Printing must not panic either: places have to lie within their file.
fn print(result: &Result<Loaded, Refused>) {
    let (diagnostics, sources) = match result {
        Ok(loaded) => (&loaded.warnings, &loaded.sources),
        Err(refused) => (&refused.diagnostics, &refused.sources),
    };
    human(diagnostics, sources, Colour::Never);
    json(diagnostics, sources);
    github(diagnostics, sources);
}

#[test]
fn a_file_that_is_not_there_or_not_text_is_told() {
    let absent = load(Path::new("/nowhere/guichet.toml"), &|_| None).unwrap_err();
    assert!(absent.human(Colour::Never).contains("/nowhere/guichet.toml"));
    let binary = judged(b"version = 1\n\xff\xfe").unwrap_err();
    assert!(binary.human(Colour::Never).contains("UTF-8"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_get_a_verdict(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        print(&judged(&bytes));
    }

    #[test]
    fn a_damaged_file_gets_a_verdict(
        at in any::<prop::sample::Index>(),
        removed in 0usize..40,
        put in "[\\[\\]{}=\"',.#\\n a-z0-9${}]{0,12}",
    ) {
        let whole = starter(Starter::Full).replace("# ", "");
        let mut start = at.index(whole.len());
        while !whole.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = (start + removed).min(whole.len());
        while !whole.is_char_boundary(end) {
            end += 1;
        }
        let damaged = format!("{}{put}{}", &whole[..start], &whole[end..]);
        print(&judged(damaged.as_bytes()));
    }
}

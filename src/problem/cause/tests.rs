use super::*;
use std::collections::HashSet;

#[test]
fn words_are_unique_snake_case() {
    let words: HashSet<_> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
    assert_eq!(words.len(), Cause::ALL.len());
    let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    assert!(words.iter().all(|word| plain(word)));
}

#[test]
fn blame_agrees_with_the_class_of_the_status() {
    for cause in Cause::ALL {
        let status = cause.code().row().status;
        match cause.source() {
            Source::Client => assert!(
                status < 500 || matches!(status, 501 | 505),
                "{} blames the client with {status}",
                cause.as_str()
            ),
            Source::Gateway | Source::Upstream => assert!(status >= 500, "{}", cause.as_str()),
        }
    }
}

//! "Did you mean": the known word that is nearest to what was typed.

/// The nearest candidate, if it is near enough to be a likely slip.
pub(crate) fn nearest<'c>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // Nobody mistypes a word this long, and the distance takes quadratic time.
    if typed.len() > 64 {
        return None;
    }
    let lower = typed.to_lowercase();
    let bound = (typed.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 64)
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A list of words for a sentence: `` `a`, `b` or `c` ``.
pub(crate) fn one_of<'c>(words: impl IntoIterator<Item = &'c str>) -> String {
    let mut quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.pop() {
        None => String::new(),
        Some(last) if quoted.is_empty() => last,
        Some(last) => format!("{} or {last}", quoted.join(", ")),
    }
}

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let width = b.len() + 1;
    let mut rows = vec![0usize; (a.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    for row in 0..=a.len() {
        rows[at(row, 0)] = row;
    }
    for column in 0..width {
        rows[at(0, column)] = column;
    }
    for row in 1..=a.len() {
        for column in 1..width {
            let same = usize::from(a[row - 1] != b[column - 1]);
            let mut best = (rows[at(row - 1, column)] + 1)
                .min(rows[at(row, column - 1)] + 1)
                .min(rows[at(row - 1, column - 1)] + same);
            let swapped =
                row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1];
            if swapped {
                best = best.min(rows[at(row - 2, column - 2)] + 1);
            }
            rows[at(row, column)] = best;
        }
    }
    rows[at(a.len(), b.len())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let words = ["endpoints", "protocol", "timeout", "tls"];
        assert_eq!(nearest("endpoint", words), Some("endpoints"));
        assert_eq!(nearest("Timeuot", words), Some("timeout"));
        assert_eq!(nearest("tsl", words), Some("tls"));
        assert_eq!(nearest("weather", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(one_of(["a"]), "`a`");
    }

    proptest! {
        #[test]
        fn a_distance_is_symmetric_and_zero_only_for_equals(a in ".{0,12}", b in ".{0,12}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
        }
    }
}

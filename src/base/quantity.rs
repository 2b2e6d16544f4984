//! Quantities as operators write them: `"5s"`, `"250ms"`, `"16KiB"`. A bare number is refused,
//! because nobody remembers whether it was seconds or milliseconds.

use std::time::Duration;

/// Parses a duration: a whole number directly followed by `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a duration with its unit, such as \"250ms\", \"5s\" or \"2m\"";
    let (number, unit) = split(text).ok_or(EXPECTED)?;
    let millis_per_unit: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(EXPECTED.into()),
    };
    let millis = number.checked_mul(millis_per_unit).ok_or("this duration is too long")?;
    Ok(Duration::from_millis(millis))
}

/// Parses a size: a whole number directly followed by `B`, `KiB`, `MiB` or `GiB`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "expected a size with its unit, such as \"512B\", \"16KiB\" or \"2MiB\"";
    let (number, unit) = split(text).ok_or(EXPECTED)?;
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(EXPECTED.into()),
    };
    number.checked_mul(1 << shift).ok_or_else(|| "this size is too large".into())
}

/// So many of something in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many, at least one.
    pub count: u32,
    /// In how much time.
    pub per: Duration,
}

/// Parses a rate: a whole number, `/`, and `s`, `m`, `h` or `d`.
///
/// # Errors
/// A sentence that says what is expected.
pub fn parse_rate(text: &str) -> Result<Rate, String> {
    const EXPECTED: &str = "expected a number and a unit of time, such as \"100/s\" or \"30/m\"";
    let (number, unit) = split(text).ok_or(EXPECTED)?;
    let seconds = match unit {
        "/s" => 1,
        "/m" => 60,
        "/h" => 3_600,
        "/d" => 86_400,
        _ => return Err(EXPECTED.into()),
    };
    if number == 0 {
        return Err("a rate of 0 would refuse everything: take the route away instead".into());
    }
    match u32::try_from(number) {
        Ok(count) if count <= MOST_COUNTED => Ok(Rate { count, per: Duration::from_secs(seconds) }),
        Ok(_) | Err(_) => Err(format!("a rate counts to {MOST_COUNTED} at most")),
    }
}

/// Writes a duration in the largest unit that divides it, so that `config show` round-trips.
pub fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
        if millis > 0 && millis.is_multiple_of(size) {
            return format!("{}{unit}", millis / size);
        }
    }
    if millis == 0 { "0s".into() } else { format!("{millis}ms") }
}

/// Writes a size in the largest unit that divides it.
pub fn format_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes}B")
}

fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit))
}

const MOST_COUNTED: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_the_guide_shows() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("365d"), Ok(Duration::from_secs(365 * 86_400)));
        assert_eq!(parse_size("16KiB"), Ok(16 << 10));
    }

    #[test]
    fn refuses_bare_numbers_and_foreign_units() {
        for text in ["5", "", "s", "5 s", "-5s", "1.5s", "5S", "5min", "99999999999999999999s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        for text in ["5", "", "KiB", "5kb", "5KB", "18446744073709551615GiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_have_a_number_and_a_unit_of_time() {
        let second = Duration::from_secs(1);
        assert_eq!(parse_rate("100/s"), Ok(Rate { count: 100, per: second }));
        assert_eq!(parse_rate("30/m"), Ok(Rate { count: 30, per: second * 60 }));
        for text in ["100", "100/", "/s", "0/s", "1.5/s", "-1/s", "10 /s", "10/ms", "2000000/s"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_rate(&text);
            let _ = parse_duration(&text);
            let _ = parse_size(&text);
        }

        #[test]
        fn what_is_written_reads_back(millis in 0u64..1 << 40, bytes in 0u64..1 << 50) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
        }
    }
}

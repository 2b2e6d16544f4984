//! Dates and moments as RFC 3339 writes them, and no other way: four digits of a year, capital `T`
//! and `Z` or small ones, an offset that is always there.

use jiff::civil::Date;

/// `2026-01-31`: `full-date`, and a day that exists.
pub(super) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else { return false };
    let year =
        two(*y1, *y2).zip(two(*y3, *y4)).map(|(high, low)| i16::from(high) * 100 + i16::from(low));
    let (Some(year), Some(month), Some(day)) = (year, two(*m1, *m2), two(*d1, *d2)) else {
        return false;
    };
    Date::new(year, month, day).is_ok()
}

/// `2026-01-31T12:00:00.5+01:00`: `date-time`. A leap second is one at the end of a day in UTC.
pub(super) fn is_moment(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else { return false };
    let [b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = rest.as_bytes() else {
        return false;
    };
    let time = (two(*h1, *h2), two(*m1, *m2), two(*s1, *s2));
    let (Some(hour @ 0..24), Some(minute @ 0..60), Some(second @ 0..=60)) = time else {
        return false;
    };
    let rest = match rest {
        [b'.', digits @ ..] => {
            let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
            if end == 0 {
                return false;
            }
            digits.get(end..).unwrap_or_default()
        }
        rest => rest,
    };
    let offset = match rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (Some(hours @ 0..24), Some(minutes @ 0..60)) = (two(*h1, *h2), two(*m1, *m2))
            else {
                return false;
            };
            let offset = i32::from(hours) * 60 + i32::from(minutes);
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return false,
    };
    let utc = (i32::from(hour) * 60 + i32::from(minute) - offset).rem_euclid(DAY);
    is_date(date) && (second < 60 || utc == DAY - 1)
}

fn two(high: u8, low: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'));
    i8::try_from(digit(high)? * 10 + digit(low)?).ok()
}

/// Minutes.
const DAY: i32 = 24 * 60;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_that_exist() {
        for right in ["2026-01-31", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(right), "{right}");
        }
        for wrong in [
            "",
            "2026-02-29",
            "1900-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-04-31",
            "2026-1-31",
            "31/01/2026",
            "20260131",
            "2026-01-31 ",
            "+026-01-31",
            "2026-01-3a",
            "２026-01-1",
        ] {
            assert!(!is_date(wrong), "{wrong}");
        }
    }

    #[test]
    fn moments_with_their_offset() {
        for right in [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00z",
            "2026-01-31T12:00:00.123456789+01:00",
            "2026-01-31T00:00:00-23:59",
            "2016-12-31T23:59:60Z",
            "2017-01-01T00:59:60+01:00",
        ] {
            assert!(is_moment(right), "{right}");
        }
        for wrong in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:60:00Z",
            "2026-01-31T12:00:60Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00 01:00",
            "2026-01-31T12:00:00+0100",
            "2026-01-31T12:00:00+24:00",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00ZZ",
            "2026-01-31T12:00Z",
        ] {
            assert!(!is_moment(wrong), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in ".{0,40}", like in "[0-9TtZz:.+-]{0,30}") {
            let _ = (is_date(&text), is_moment(&text), is_date(&like), is_moment(&like));
        }

        #[test]
        fn what_jiff_prints_is_right(seconds in 0_i64..4_000_000_000) {
            let moment = jiff::Timestamp::from_second(seconds).unwrap().to_string();
            prop_assert!(is_moment(&moment), "{}", moment);
            prop_assert!(is_date(&moment[..10]));
        }
    }
}

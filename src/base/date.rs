//! Moments as text: the `Date` of replies (RFC 9110, sections 5.6.7 and 6.6.1), worked out once a
//! second and worker, and what programs read (RFC 3339).

use std::cell::RefCell;

use jiff::Timestamp;

use super::clock;

/// Appends the date of now, `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn write(out: &mut Vec<u8>) {
    let second = clock::unix_millis() / 1000;
    LAST.with_borrow_mut(|last| {
        if last.0 != second {
            *last = (second, text(second));
        }
        out.extend_from_slice(last.1.as_bytes());
    });
}

/// A moment in milliseconds since 1970, `1994-11-06T08:49:37.5Z`.
pub fn rfc3339(millis: u64) -> String {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}

fn text(second: u64) -> String {
    let time = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    time.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

thread_local! {
    static LAST: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_http_wants_it() {
        assert_eq!(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(text(u64::MAX).len(), 29);
        let mut out = Vec::new();
        write(&mut out);
        write(&mut out);
        assert_eq!(out.len(), 58);
    }

    #[test]
    fn a_moment_is_written_as_programs_want_it() {
        assert_eq!(rfc3339(784_111_777_500), "1994-11-06T08:49:37.5Z");
        assert_eq!(rfc3339(u64::MAX), "1970-01-01T00:00:00Z");
    }
}

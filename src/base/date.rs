//! The `Date` of replies (RFC 9110, sections 5.6.7 and 6.6.1), worked out once a second and worker.

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
}

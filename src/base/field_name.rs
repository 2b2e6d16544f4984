//! The names of fields as they come from a wire.
//!
//! `http` has its own table of names, and makes room on the heap for every other one. Some of those
//! stand in nearly every request of a browser, a mesh or another gateway; they are known here, so
//! that reading them takes no allocation.

use http::HeaderName;
use http::header::InvalidHeaderName;

/// The name, in its one form.
///
/// # Errors
/// It is no token.
#[inline]
pub fn read(name: &[u8]) -> Result<HeaderName, InvalidHeaderName> {
    // Hardly any name of the library's own table looks like one of these.
    let foreign = matches!(
        name,
        [b'x' | b'X', b'-', ..] | [b's' | b'S', _, _, b'-', ..] | [b't' | b'T', _, b'a' | b'A', ..]
    );
    match if foreign { known(name) } else { None } {
        Some(known) => Ok(known),
        None => HeaderName::from_bytes(name),
    }
}

/// Apart from the others, who should not carry its weight.
#[inline(never)]
fn known(name: &[u8]) -> Option<HeaderName> {
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"sec-ch-ua" => const { HeaderName::from_static("sec-ch-ua") },
        b"sec-ch-ua-mobile" => const { HeaderName::from_static("sec-ch-ua-mobile") },
        b"sec-ch-ua-platform" => const { HeaderName::from_static("sec-ch-ua-platform") },
        b"sec-fetch-dest" => const { HeaderName::from_static("sec-fetch-dest") },
        b"sec-fetch-mode" => const { HeaderName::from_static("sec-fetch-mode") },
        b"sec-fetch-site" => const { HeaderName::from_static("sec-fetch-site") },
        b"sec-fetch-user" => const { HeaderName::from_static("sec-fetch-user") },
        b"traceparent" => const { HeaderName::from_static("traceparent") },
        b"tracestate" => const { HeaderName::from_static("tracestate") },
        b"x-api-key" => const { HeaderName::from_static("x-api-key") },
        b"x-correlation-id" => const { HeaderName::from_static("x-correlation-id") },
        b"x-csrf-token" => const { HeaderName::from_static("x-csrf-token") },
        b"x-forwarded-for" => const { HeaderName::from_static("x-forwarded-for") },
        b"x-forwarded-host" => const { HeaderName::from_static("x-forwarded-host") },
        b"x-forwarded-port" => const { HeaderName::from_static("x-forwarded-port") },
        b"x-forwarded-proto" => const { HeaderName::from_static("x-forwarded-proto") },
        b"x-powered-by" => const { HeaderName::from_static("x-powered-by") },
        b"x-real-ip" => const { HeaderName::from_static("x-real-ip") },
        b"x-request-id" => const { HeaderName::from_static("x-request-id") },
        b"x-requested-with" => const { HeaderName::from_static("x-requested-with") },
        b"x-runtime" => const { HeaderName::from_static("x-runtime") },
        _ => return None,
    })
}

/// The longest of the names above.
const LONGEST: usize = 18;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_everybody_sends_take_no_allocation() {
        for name in [
            "Host",
            "accept",
            "User-Agent",
            "Sec-Fetch-Site",
            "sec-ch-ua-platform",
            "TRACEPARENT",
            "X-Request-ID",
            "x-forwarded-for",
        ] {
            let read = || read(name.as_bytes()).unwrap();
            assert_eq!(read(), HeaderName::from_bytes(name.as_bytes()).unwrap());
            let counted = allocation_counter::measure(|| drop(read()));
            assert_eq!(counted.count_total, 0, "{name}");
        }
    }

    proptest! {
        #[test]
        fn names_read_as_the_library_reads_them(
            name in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..24),
                "(?i)(x-|sec-|trace)[a-z-]{0,20}".prop_map(String::into_bytes),
                "(?i)(x-request-id|sec-fetch-mode|sec-ch-ua-platform|tracestate)".prop_map(String::into_bytes),
            ],
        ) {
            let (read, library) = (read(&name), HeaderName::from_bytes(&name));
            prop_assert_eq!(read.ok(), library.ok());
        }
    }
}

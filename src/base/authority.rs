//! What a host may look like: one rule for `Host` on HTTP/1 and `:authority` on HTTP/2.

use std::net::Ipv6Addr;

/// Whether this is a name or an address with an optional port, and nothing else: no user, no path,
/// no blank, no port that cannot be (RFC 9110, section 7.2).
pub fn is_authority(authority: &[u8]) -> bool {
    let (name_fits, rest) = if let [b'[', inner @ ..] = authority {
        let Some(end) = inner.iter().position(|byte| *byte == b']') else { return false };
        let address = std::str::from_utf8(&inner[..end]).unwrap_or_default();
        (address.parse::<Ipv6Addr>().is_ok(), &inner[end + 1..])
    } else {
        let end = authority.iter().position(|byte| *byte == b':').unwrap_or(authority.len());
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (end > 0 && authority[..end].iter().all(plain), &authority[end..])
    };
    let port_fits = match rest {
        [] => true,
        [b':', port @ ..] => {
            port.len() <= 5
                && port.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok())
        }
        _ => false,
    };
    name_fits && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_addresses_and_ports() {
        for good in
            ["gw.test", "gw.test:8443", "[::1]", "[::1]:80", "192.0.2.1", "a_b-c", "localhost"]
        {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            ":80",
            "a:",
            "a:99999",
            "a:+1",
            "a:x",
            "u@a",
            "a/b",
            "a b",
            "[::1",
            "[x]",
            "gw.test, evil.test",
            "[::1]x",
            "a:80:80",
            "a:0x50",
            "a:000080",
            "gw%2etest",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }
}

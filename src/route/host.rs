//! Hosts as routes name them: `api.example.fr`, `192.0.2.1`, `[2001:db8::1]`, `*.example.fr`.
//!
//! A host is compared without case, without port and without the dot of the root. `*.` stands for
//! one or more labels, so `*.example.fr` takes `a.b.example.fr`, but not `example.fr` itself.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::PatternError;

/// A host as routes name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// `api.example.fr`, lower case, no port; an IPv6 address stands in brackets.
    Exact(String),
    /// `*.example.fr`: holds `example.fr`; any number of labels before it.
    Suffix(String),
}

impl HostPattern {
    /// Parses a host pattern.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        refuse_surroundings(text)?;
        if let Some(address) = ipv6(text) {
            return Ok(Self::Exact(format!("[{address}]")));
        }
        refuse_port(text)?;
        let (suffix, start) = match text.strip_prefix("*.") {
            Some(suffix) => (suffix, 2),
            None => (text, 0),
        };
        let name = suffix.strip_suffix('.').unwrap_or(suffix);
        check_name(name, start)?;
        let address = name.parse::<Ipv4Addr>().is_ok();
        match name.rsplit('.').next() {
            Some(last) if last.bytes().all(|byte| byte.is_ascii_digit()) => {
                if start > 0 || !address {
                    let at = 0..text.len();
                    return Err(PatternError::new(at, "this is neither a name nor an address"));
                }
            }
            Some(_) | None => {}
        }
        let name = name.to_ascii_lowercase();
        Ok(if start > 0 { Self::Suffix(name) } else { Self::Exact(name) })
    }

    /// Whether this pattern takes `host`, which must be in the form of [`fold`].
    pub(super) fn takes(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Suffix(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|labels| labels.len() > 1 && labels.ends_with('.')),
        }
    }
}

/// Brings the host of a request, without port, to the form in which hosts are compared: lower
/// case, without the last dot, IPv6 in brackets and in its shortest form. Lends back what is so
/// already.
pub(super) fn fold(host: &str) -> Cow<'_, str> {
    if host.starts_with('[') || host.contains(':') {
        return ipv6(host).map_or(Cow::Borrowed(host), |ip| Cow::Owned(format!("[{ip}]")));
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}

/// The parents of a host, longest first: `b.c.fr`, `c.fr`, `fr` of `a.b.c.fr`.
pub(super) fn parents(host: &str) -> impl Iterator<Item = &str> {
    // A first label that is empty is no label, so a dot at the start opens no parent.
    host.match_indices('.').filter(|(at, _)| *at > 0).filter_map(|(at, _)| host.get(at + 1..))
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

/// Refuses what belongs to a URL, not to a host.
fn refuse_surroundings(text: &str) -> Result<(), PatternError> {
    let end = text.len();
    if text.is_empty() {
        return Err(PatternError::new(0..0, "a host is missing; leave `hosts` out for every host"));
    }
    if text == "*" {
        return Err(PatternError::new(0..end, "leave `hosts` out for every host"));
    }
    if let Some(at) = text.find("://") {
        return Err(PatternError::new(
            0..at + 3,
            format!("a host has no scheme: write \"{}\"", host_of(&text[at + 3..])),
        ));
    }
    if let Some(at) = text.find('/') {
        let message =
            format!("a host has no path, which stands in `match`: write \"{}\"", &text[..at]);
        return Err(PatternError::new(at..end, message));
    }
    if let Some(at) = text.find('@') {
        return Err(PatternError::new(0..at + 1, "a host has no user name"));
    }
    Ok(())
}

fn refuse_port(text: &str) -> Result<(), PatternError> {
    let Some(at) = text.rfind(':') else { return Ok(()) };
    let message = match &text[..at] {
        host if host.contains([':', '[']) && ipv6(host).is_none() => {
            "this is not an IPv6 address".into()
        }
        host => format!("ports are not compared: write \"{host}\""),
    };
    Err(PatternError::new(at..text.len(), message))
}

fn host_of(rest: &str) -> &str {
    rest.split('/').next().unwrap_or(rest)
}

/// RFC 1123, section 2.1, with the underscore that real names have. `start` is where `name` stands.
fn check_name(name: &str, start: usize) -> Result<(), PatternError> {
    let whole = start..start + name.len();
    if name.len() > 253 {
        return Err(PatternError::new(whole, "a host name has at most 253 characters"));
    }
    let mut at = start;
    for label in name.split('.') {
        let range = at..at + label.len();
        at = range.end + 1;
        if label.is_empty() {
            return Err(PatternError::new(whole, "a label of this host is empty"));
        }
        if label.len() > 63 {
            return Err(PatternError::new(range, "a label has at most 63 characters"));
        }
        if label.contains('*') {
            let message = "`*` stands for whole labels, at the start alone: \"*.example.fr\"";
            return Err(PatternError::new(range, message));
        }
        if !label.is_ascii() {
            let message = "write names beyond ASCII in their A-label form: \"xn--…\"";
            return Err(PatternError::new(range, message));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !label.bytes().all(fits) || label.starts_with('-') || label.ends_with('-') {
            let message = format!("`{}` is not a label of a host name", label.escape_default());
            return Err(PatternError::new(range, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(name: &str) -> Result<HostPattern, PatternError> {
        Ok(HostPattern::Exact(name.into()))
    }

    #[test]
    fn names_addresses_and_suffixes() {
        assert_eq!(HostPattern::parse("API.Example.fr"), exact("api.example.fr"));
        assert_eq!(HostPattern::parse("api.example.fr."), exact("api.example.fr"));
        assert_eq!(HostPattern::parse("localhost"), exact("localhost"));
        assert_eq!(HostPattern::parse("192.0.2.1"), exact("192.0.2.1"));
        assert_eq!(HostPattern::parse("[2001:DB8:0::1]"), exact("[2001:db8::1]"));
        assert_eq!(HostPattern::parse("::1"), exact("[::1]"));
        assert_eq!(HostPattern::parse("my_service-1.local"), exact("my_service-1.local"));
        let suffix = HostPattern::Suffix("example.fr".into());
        assert_eq!(HostPattern::parse("*.Example.fr"), Ok(suffix));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, at, hint) in [
            ("", 0..0, "leave `hosts` out"),
            ("*", 0..1, "leave `hosts` out"),
            ("https://api.fr/v1", 0..8, "\"api.fr\""),
            ("api.fr/v1", 6..9, "\"api.fr\""),
            ("me@api.fr", 0..3, "user name"),
            ("api.fr:8443", 6..11, "\"api.fr\""),
            ("[::1]:8443", 5..10, "\"[::1]\""),
            ("[::g]", 2..5, "IPv6"),
            ("api.*.fr", 4..5, "\"*.example.fr\""),
            ("*api.fr", 0..4, "\"*.example.fr\""),
            ("a..fr", 0..5, "empty"),
            ("café.fr", 0..5, "xn--"),
            ("-a.fr", 0..2, "not a label"),
            ("a b.fr", 0..3, "not a label"),
            ("1.2.3", 0..5, "neither"),
            ("1.2.3.400", 0..9, "neither"),
            ("*.0.0.1", 0..7, "neither"),
        ] {
            let error = HostPattern::parse(text).unwrap_err();
            assert!(error.message.contains(hint), "{text}: {}", error.message);
            assert_eq!(error.at, at, "{text}: {}", error.message);
        }
        assert!(HostPattern::parse(&"a".repeat(64)).is_err());
        assert!(HostPattern::parse(&"a.".repeat(128)).is_err());
    }

    #[test]
    fn a_suffix_needs_a_label_before_it() {
        let suffix = HostPattern::Suffix("example.fr".into());
        assert!(suffix.takes("a.example.fr"));
        assert!(suffix.takes("a.b.example.fr"));
        for host in ["example.fr", ".example.fr", "badexample.fr", "example.fr.evil", ""] {
            assert!(!suffix.takes(host), "{host}");
        }
    }

    #[test]
    fn hosts_of_requests_are_folded_without_copying() {
        assert!(matches!(fold("api.example.fr"), Cow::Borrowed("api.example.fr")));
        assert!(matches!(fold("api.example.fr."), Cow::Borrowed("api.example.fr")));
        assert_eq!(fold("API.example.fr."), "api.example.fr");
        assert_eq!(fold("[2001:DB8:0:0::1]"), "[2001:db8::1]");
        assert_eq!(fold("[nonsense"), "[nonsense");
        assert_eq!(parents("a.b.fr").collect::<Vec<_>>(), ["b.fr", "fr"]);
        assert_eq!(parents("localhost").count(), 0);
        assert_eq!(parents(".fr").count(), 0);
    }

    proptest! {
        #[test]
        fn never_panics(text in ".*") {
            if let Err(error) = HostPattern::parse(&text) {
                prop_assert!(error.at.end <= text.len() && error.at.start <= error.at.end);
            }
            let _ = fold(&text);
        }

        #[test]
        fn parents_are_what_suffixes_take(host in "[.a-c]{0,8}", name in "[a-c]{1,2}(\\.[a-c])?") {
            let suffix = HostPattern::Suffix(name.clone());
            let listed = parents(&host).any(|parent| parent == name);
            prop_assert_eq!(suffix.takes(&host), listed);
        }
    }
}

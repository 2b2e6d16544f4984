//! Origins as browsers write them, and what else `cors` lists.

use http::{HeaderName, Method};

use crate::config::model::OriginPattern;

/// `https://app.example.fr`, `https://*.example.fr`, `null` or `*`.
pub(crate) fn origin(text: &str) -> Result<OriginPattern, String> {
    if text == "*" {
        return Ok(OriginPattern::Any);
    }
    if text == "null" {
        return Ok(OriginPattern::Exact(text.into()));
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("the scheme is missing: write \"https://{text}\""));
    };
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let small = text.to_ascii_lowercase();
        return Err(format!("browsers write origins in small letters: \"{small}\""));
    }
    if !is_scheme(scheme) {
        return Err(format!("`{scheme}` is no scheme"));
    }
    if let Some(at) = rest.find(['/', '?', '#']) {
        let bare = &text[..scheme.len() + 3 + at];
        return Err(format!("an origin has no path, not even `/`: write \"{bare}\""));
    }
    if rest.contains('@') {
        return Err("an origin names no user".into());
    }
    let (host, port) = port(rest)?;
    if matches!((scheme, port), ("https", Some(443)) | ("http", Some(80))) {
        return Err(format!("browsers leave the usual port out: write \"{scheme}://{host}\""));
    }
    let below = host.strip_prefix("*.");
    check_host(below.unwrap_or(host))?;
    Ok(match below {
        Some(_) => OriginPattern::Below {
            scheme: format!("{scheme}://").into(),
            suffix: rest.trim_start_matches('*').into(),
        },
        None => OriginPattern::Exact(text.into()),
    })
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn port(rest: &str) -> Result<(&str, Option<u16>), String> {
    match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => match port.parse::<u16>() {
            Ok(number) if number.to_string() == port => Ok((host, Some(number))),
            Ok(_) | Err(_) => Err(format!("`{port}` is no port: a port is a number up to 65535")),
        },
        Some(_) | None => Ok((rest, None)),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if host.contains('*') {
        return Err("`*` stands for whole labels at the front: \"https://*.example.fr\"".into());
    }
    if !host.is_ascii() {
        return Err("write the host as browsers send it, in punycode: \"https://xn--…\"".into());
    }
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    if let Some(address) = address {
        let read = address.parse::<std::net::Ipv6Addr>();
        return read.map(drop).map_err(|_| format!("`{host}` is no IPv6 address"));
    }
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if host.len() <= 253 && host.split('.').all(fits) {
        return Ok(());
    }
    Err(format!("`{host}` is no host name"))
}

/// A method, in capital letters.
pub(crate) fn method(text: &str) -> Result<Method, String> {
    if text == "*" {
        return Err("leave `methods` out for those of the route".into());
    }
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(format!("methods are in capital letters: \"{}\"", text.to_ascii_uppercase()));
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| "it is not a method of HTTP".to_owned())
}

/// The name of a field, or `*`.
pub(crate) fn shared_header(text: &str) -> Result<(), String> {
    match HeaderName::from_bytes(text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(_) => Err("names have letters, digits and `-`".into()),
    }
}

/// `text/*`, `*+json`, or one type.
pub(crate) fn media_pattern(text: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-/*".contains(&byte);
    if text.contains(';') {
        return Err("leave the parameters out: they make no difference here".into());
    }
    let bare = text.matches('*').count();
    if !text.bytes().all(plain) || bare > 1 || text.matches('/').count() > 1 || text == "*" {
        return Err("write one type, \"text/*\" or \"*+json\"".into());
    }
    if bare == 0 && !text.contains('/') {
        return Err(format!("a type has two parts: \"application/{text}\""));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for right in [
            "https://app.example.fr",
            "https://*.example.fr",
            "https://*.example.fr:8443",
            "http://localhost:3000",
            "http://[::1]:3000",
            "capacitor://localhost",
            "null",
            "*",
        ] {
            assert!(origin(right).is_ok(), "{right}: {:?}", origin(right));
        }
        for (wrong, said) in [
            ("app.example.fr", "https://app.example.fr"),
            ("https://App.example.fr", "https://app.example.fr"),
            ("https://app.example.fr/", "\"https://app.example.fr\""),
            ("https://app.example.fr:443", "\"https://app.example.fr\""),
            ("http://app.example.fr:80", "\"http://app.example.fr\""),
            ("https://app.example.fr:0443", "port"),
            ("https://app.example.fr:99999", "port"),
            ("https://app.*.fr", "front"),
            ("https://*", "front"),
            ("https://*app.fr", "front"),
            ("https://a@app.fr", "user"),
            ("https://été.fr", "punycode"),
            ("https://app..fr", "host name"),
            ("https://", "host name"),
            ("://app.fr", "scheme"),
        ] {
            let why = origin(wrong).unwrap_err();
            assert!(why.contains(said), "{wrong}: {why}");
        }
    }

    #[test]
    fn a_wildcard_stands_for_labels_and_for_nothing_else() {
        let below = origin("https://*.example.fr").unwrap();
        for right in
            ["https://a.example.fr", "https://a-1.b.example.fr", "https://xn--x.example.fr"]
        {
            assert!(below.takes(right), "{right}");
        }
        for wrong in [
            "https://example.fr",
            "https://.example.fr",
            "https://a..example.fr",
            "https://.a.example.fr",
            "http://a.example.fr",
            "https://a.example.fr:8443",
            "https://a.example.fr.evil.test",
            "https://evil.test/.example.fr",
            "https://evil.test:1.example.fr",
            "https://u@a.example.fr",
            "https://aexample.fr",
            "https://evil.test#.example.fr",
            "https://A.example.fr",
            "null",
            "",
        ] {
            assert!(!below.takes(wrong), "{wrong}");
        }
    }

    proptest! {
        /// Whatever a wildcard takes is an origin below its name, and can be written back.
        #[test]
        fn what_a_wildcard_takes_is_below_it(
            front in "(https://|http://)?[ -~]{0,40}",
            end in "(\\.example\\.fr|example\\.fr|\\.example\\.fr:1|)",
        ) {
            let asked = format!("{front}{end}");
            if origin("https://*.example.fr").unwrap().takes(&asked) {
                let host = asked.strip_prefix("https://").unwrap();
                let url: http::Uri = asked.parse().unwrap();
                prop_assert_eq!(url.authority().unwrap().as_str(), host);
                prop_assert_eq!(url.host().unwrap(), host);
                prop_assert!(host.ends_with(".example.fr") && host.len() > ".example.fr".len());
            }
        }

        /// What is listed is taken by its own bytes alone.
        #[test]
        fn what_is_listed_is_taken_by_its_own_bytes(asked in "\\PC{0,60}") {
            let known = origin("https://app.example.fr:8443").unwrap();
            prop_assert_eq!(known.takes(&asked), asked == "https://app.example.fr:8443");
            if let Ok(OriginPattern::Exact(text)) = origin(&asked) {
                prop_assert_eq!(&*text, asked.as_str());
                prop_assert!(http::HeaderValue::from_str(&text).is_ok());
            }
        }
    }
}

//! Who may ask: the defence of a loopback port against web pages.
//!
//! A page of `evil.example` can point its own name at 127.0.0.1 and then read the answers of
//! anything that listens there (DNS rebinding). Its requests carry that name in Host, so only
//! addresses and `localhost` are answered. A page that asks for the true address gives itself away
//! by Origin.

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderValue, Request, Version};

use crate::problem::{Cause, Problem};

/// Refuses a request that names a host of somebody else's, or comes from a page elsewhere.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(authority(host).ok_or_else(bad_host)?),
        // Every client that could be a browser sends Host; only HTTP/1.0 may leave it out.
        (None, None) if request.version() == Version::HTTP_10 => None,
        (_, _) => return Err(bad_host()),
    };
    // A target in absolute form overrules Host (RFC 9112, section 3.2.2): both must be ours.
    let asked = host.iter().chain(request.uri().authority());
    if asked.clone().any(|authority| !is_local(authority.host())) {
        let detail = "Host is neither an address nor localhost";
        return Err(Problem::new(Cause::WrongHost).with_detail(detail));
    }
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let same = host.is_some_and(|host| is_origin(origin, &host));
    if same { Ok(()) } else { Err(Problem::new(Cause::WrongHost).with_detail("Origin differs")) }
}

fn bad_host() -> Problem {
    Problem::new(Cause::BadHost)
}

/// Host as an authority: no user information, and behind a colon a port or nothing.
fn authority(host: &HeaderValue) -> Option<Authority> {
    let authority = Authority::try_from(host.as_bytes()).ok()?;
    let rest = authority.as_str().strip_prefix(authority.host())?;
    let port_fits = rest.is_empty() || rest == ":" || authority.port_u16().is_some();
    port_fits.then_some(authority)
}

fn is_local(host: &str) -> bool {
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => host.eq_ignore_ascii_case("localhost") || host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// Whether an Origin (RFC 6454, section 7) is this very listener's.
fn is_origin(origin: &HeaderValue, host: &Authority) -> bool {
    let rest = origin.as_bytes().strip_prefix(b"http://");
    rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cause(host: &[u8], origin: Option<&[u8]>) -> Option<Cause> {
        let mut request = Request::get("/livez").body(()).unwrap();
        request.headers_mut().insert(HOST, HeaderValue::from_bytes(host).unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert(ORIGIN, HeaderValue::from_bytes(origin).unwrap());
        }
        check(&request).err().map(|problem| problem.cause())
    }

    #[test]
    fn addresses_and_localhost_are_answered() {
        for host in ["127.0.0.1", "127.0.0.1:9180", "10.0.0.7:80", "[::1]", "[::1]:9180"] {
            assert_eq!(cause(host.as_bytes(), None), None, "{host}");
        }
        assert_eq!(cause(b"LocalHost:9180", None), None);
    }

    #[test]
    fn names_are_misdirected() {
        let names =
            ["evil.example", "localhost.evil.example", "evil.example:9180", "127.0.0.1.nip"];
        for host in names {
            assert_eq!(cause(host.as_bytes(), None), Some(Cause::WrongHost), "{host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in
            ["", "a b", "127.0.0.1:x", "127.0.0.1:99999", "user@127.0.0.1", "[::1", "caf\u{e9}"]
        {
            let found = cause(host.as_bytes(), None);
            assert!(matches!(found, Some(Cause::BadHost | Cause::WrongHost)), "{host}");
        }
    }

    #[test]
    fn host_may_be_missing_in_http_1_0_and_doubled_nowhere() {
        let mut request = Request::get("/livez").version(Version::HTTP_10).body(()).unwrap();
        assert!(check(&request).is_ok());
        *request.version_mut() = Version::HTTP_11;
        assert_eq!(check(&request).unwrap_err().cause(), Cause::BadHost);
        request.headers_mut().append(HOST, HeaderValue::from_static("127.0.0.1"));
        assert!(check(&request).is_ok());
        request.headers_mut().append(HOST, HeaderValue::from_static("127.0.0.1"));
        assert_eq!(check(&request).unwrap_err().cause(), Cause::BadHost);
    }

    #[test]
    fn a_target_in_absolute_form_must_be_ours_too() {
        let request = Request::get("http://evil.example/metrics").header(HOST, "127.0.0.1");
        let problem = check(&request.body(()).unwrap()).unwrap_err();
        assert_eq!(problem.cause(), Cause::WrongHost);
    }

    #[test]
    fn a_page_from_elsewhere_is_refused() {
        let host = b"127.0.0.1:9180";
        assert_eq!(cause(host, Some(b"http://127.0.0.1:9180")), None);
        let others =
            ["null", "http://127.0.0.1:8080", "https://127.0.0.1:9180", "http://evil.example", ""];
        for origin in others {
            assert_eq!(cause(host, Some(origin.as_bytes())), Some(Cause::WrongHost), "{origin}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(host in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(value) = HeaderValue::from_bytes(&host) {
                let _ = authority(&value).map(|authority| is_local(authority.host()));
            }
        }
    }
}

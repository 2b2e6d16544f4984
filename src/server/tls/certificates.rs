//! A listener's certificates as they were read, chosen by the name that the client asks for.
//!
//! An exact name wins over a wildcard, the order of the file decides between certificates of one
//! name, and a certificate whose kind of key the client cannot verify is passed over. A client that
//! asks for an unknown name, or for none, gets the first certificate (RFC 6066, section 3 lets a
//! server go on) and finds out by itself whether that will do.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::files;
use super::self_signed;
use super::x509::Facts;
use crate::base::clock;
use crate::config::model::CertificateSource;

/// Certificates with their keys, and who is served by which.
#[derive(Debug)]
pub(super) struct Certificates {
    held: Vec<Arc<CertifiedKey>>,
    facts: Vec<Facts>,
    /// Names as they stand in the certificates, wildcards included → indices into `held`.
    by_name: HashMap<String, Vec<usize>>,
    every: Vec<usize>,
}

impl Certificates {
    /// Reads or makes every certificate.
    ///
    /// # Errors
    /// A sentence that names the file and what to do about it.
    pub(super) fn load(
        sources: &[CertificateSource],
        provider: &CryptoProvider,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut held = Vec::with_capacity(sources.len());
        for source in sources {
            let certified = match source {
                CertificateSource::Files { cert, key } => {
                    files::certified_key(cert, key, provider, environment)?
                }
                CertificateSource::SelfSigned(names) => {
                    let (certificate, key) = self_signed::make(names)?;
                    CertifiedKey::from_der(vec![certificate], key, provider)
                        .map_err(|error| format!("the self-signed certificate: {error}"))?
                }
            };
            held.push(Arc::new(certified));
        }
        if held.is_empty() {
            return Err("tls names no certificate: give cert and key, or self_signed".into());
        }
        Ok(Self::new(held))
    }

    fn new(held: Vec<Arc<CertifiedKey>>) -> Self {
        let facts: Vec<Facts> = held
            .iter()
            .map(|certified| certified.cert.first().map(|der| Facts::of(der)).unwrap_or_default())
            .collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, facts) in facts.iter().enumerate() {
            for name in &facts.names {
                by_name.entry(name.clone()).or_default().push(index);
            }
        }
        let every = (0..held.len()).collect();
        Self { held, facts, by_name, every }
    }

    /// Whether the certificate that a client asking for `server_name` was given covers `host`.
    pub(super) fn serves(&self, server_name: Option<&str>, host: &str) -> bool {
        let Some(server_name) = server_name else { return true };
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.eq_ignore_ascii_case(server_name) {
            return true;
        }
        let host = canonical(host);
        self.matching(server_name).iter().any(|index| {
            let names = &self.facts[*index].names;
            names.contains(&host) || wildcard(&host).is_some_and(|name| names.contains(&name))
        })
    }

    /// Name and last day (seconds since 1970) of each certificate, for the metrics page.
    pub(super) fn expiries(&self) -> impl Iterator<Item = (&str, i64)> {
        self.facts.iter().filter_map(|facts| {
            Some((facts.names.first().map_or("unnamed", String::as_str), facts.not_after?))
        })
    }

    /// Certificates that are over, or soon will be.
    pub(super) fn warnings(&self) -> Vec<String> {
        let now = clock::unix_seconds();
        let warn = |(name, not_after): (&str, i64)| {
            let end = Timestamp::from_second(not_after).ok()?;
            if not_after < now {
                return Some(expired(name, not_after));
            }
            let soon = not_after < now.saturating_add(SOON);
            soon.then(|| format!("the certificate of {name} expires at {end}: renew it"))
        };
        self.expiries().filter_map(warn).collect()
    }

    /// A certificate whose time is over, in words; none where all are valid.
    pub(super) fn over(&self) -> Option<String> {
        let now = clock::unix_seconds();
        let (name, end) = self.expiries().find(|(_, not_after)| *not_after < now)?;
        Some(expired(name, end))
    }

    /// Which certificates these are, in words for the log.
    pub(super) fn described(&self) -> String {
        let described = |(name, not_after): (&str, i64)| match Timestamp::from_second(not_after) {
            Ok(end) => format!("{name} until {end}"),
            Err(_) => name.to_owned(),
        };
        self.expiries().map(described).collect::<Vec<_>>().join(", ")
    }

    /// The certificates for a name, in the order of the file; all of them where none has it.
    fn matching(&self, server_name: &str) -> &[usize] {
        self.by_name
            .get(server_name)
            .or_else(|| self.by_name.get(&wildcard(server_name)?))
            .unwrap_or(&self.every)
    }

    fn choose(
        &self,
        server_name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let candidates = server_name.map_or(&self.every[..], |name| self.matching(name));
        let usable = |index: &&usize| self.held[**index].key.choose_scheme(schemes).is_some();
        let index = candidates.iter().find(usable).or_else(|| candidates.first())?;
        Some(Arc::clone(&self.held[*index]))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls hands the name over in lower case.
        self.choose(hello.server_name(), hello.signature_schemes())
    }
}

fn expired(name: &str, not_after: i64) -> String {
    match Timestamp::from_second(not_after) {
        Ok(end) => format!("the certificate of {name} expired at {end}"),
        Err(_) => format!("the certificate of {name} has expired"),
    }
}

/// `*.example.fr` for `api.example.fr`: a wildcard stands for exactly one label.
fn wildcard(name: &str) -> Option<String> {
    let (label, rest) = name.split_once('.')?;
    (!label.is_empty()).then(|| format!("*.{rest}"))
}

/// A host as the names of certificates are written here.
fn canonical(host: &str) -> String {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match inner.and_then(|inner| inner.parse::<Ipv6Addr>().ok()) {
        Some(address) => IpAddr::V6(address).to_string(),
        None => host.to_ascii_lowercase(),
    }
}

/// Two weeks, in seconds.
const SOON: i64 = 14 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn certificates(of: &[&[&str]]) -> Certificates {
        let sources: Vec<_> = of
            .iter()
            .map(|names| {
                let names = names.iter().map(|name| (*name).to_owned());
                CertificateSource::SelfSigned(names.collect())
            })
            .collect();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Certificates::load(&sources, &provider, &|_| None).unwrap()
    }

    #[test]
    fn an_exact_name_wins_over_a_wildcard_and_the_first_certificate_is_the_default() {
        let held = certificates(&[&["other.fr"], &["*.x.fr"], &["api.x.fr", "x.fr"]]);
        let chosen = |name: Option<&str>| {
            let key = held.choose(name, &[SignatureScheme::ECDSA_NISTP256_SHA256]).unwrap();
            held.held.iter().position(|held| Arc::ptr_eq(held, &key))
        };
        assert_eq!(chosen(Some("api.x.fr")), Some(2));
        assert_eq!(chosen(Some("www.x.fr")), Some(1));
        assert_eq!(chosen(Some("a.www.x.fr")), Some(0), "a wildcard stands for one label");
        assert_eq!(chosen(Some("x.fr")), Some(2));
        assert_eq!(chosen(Some("unknown.fr")), Some(0));
        assert_eq!(chosen(None), Some(0));
    }

    #[test]
    fn a_client_that_can_verify_no_certificate_still_gets_one_to_refuse() {
        let held = certificates(&[&["x.fr"]]);
        assert!(held.choose(Some("x.fr"), &[SignatureScheme::RSA_PSS_SHA256]).is_some());
    }

    #[test]
    fn a_connection_serves_the_hosts_of_the_certificate_it_was_given() {
        let held = certificates(&[&["x.fr", "*.x.fr", "127.0.0.1", "::1"], &["y.fr"]]);
        for (server_name, host, expected) in [
            (Some("x.fr"), "x.fr", true),
            (Some("x.fr"), "API.x.fr", true),
            (Some("x.fr"), "api.x.fr.", true),
            (Some("x.fr"), "127.0.0.1", true),
            (Some("x.fr"), "[::1]", true),
            (Some("x.fr"), "[0:0::1]", true),
            (Some("x.fr"), "a.b.x.fr", false),
            (Some("x.fr"), "y.fr", false),
            (Some("y.fr"), "x.fr", false),
            (Some("unknown.fr"), "unknown.fr", true),
            (Some("unknown.fr"), "x.fr", true),
            (Some("unknown.fr"), "other.fr", false),
            (None, "anything", true),
        ] {
            assert_eq!(held.serves(server_name, host), expected, "{server_name:?} {host}");
        }
    }

    #[test]
    fn a_listener_without_certificates_is_refused() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        assert!(Certificates::load(&[], &provider, &|_| None).is_err());
    }

    #[test]
    fn certificates_near_their_end_are_told_of() {
        let year = |year: i32| {
            let mut params = rcgen::CertificateParams::new(vec!["x.fr".to_owned()]).unwrap();
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap().der().clone();
            let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into();
            let provider = rustls::crypto::aws_lc_rs::default_provider();
            let certified = CertifiedKey::from_der(vec![certificate], key, &provider).unwrap();
            Certificates::new(vec![Arc::new(certified)])
        };
        let over = year(2001).warnings();
        assert_eq!(over, ["the certificate of x.fr expired at 2001-01-01T00:00:00Z"]);
        assert_eq!(year(9000).warnings(), Vec::<String>::new());
    }
}

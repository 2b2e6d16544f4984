//! Certificates made at start, for development: nobody trusts them, and they live in memory only.

use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::base::clock;

/// Makes a P-256 key and a certificate for `names` (DNS names, wildcards or addresses), valid for
/// ninety days, of which one has passed. Renewal makes another one in time.
///
/// # Errors
/// A sentence that says which name is none.
pub(super) fn make(
    names: &[String],
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), String> {
    let refused = |error: rcgen::Error| {
        format!("cannot make a self-signed certificate for {}: {error}", names.join(", "))
    };
    let mut params = CertificateParams::new(names).map_err(refused)?;
    params.distinguished_name.push(DnType::CommonName, "guichet, self-signed for development");
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let now = date_time_ymd(1970, 1, 1) + Duration::from_millis(clock::unix_millis());
    // Clocks differ, and a day is more than clocks differ by.
    params.not_before = now - DAY;
    params.not_after = now + 89 * DAY;
    let key = KeyPair::generate().map_err(refused)?;
    let certificate = params.self_signed(&key).map_err(refused)?;
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    Ok((certificate.der().clone(), key.into()))
}

const DAY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use rustls::client::verify_server_name;
    use rustls::pki_types::ServerName;
    use rustls::server::ParsedCertificate;

    use super::*;

    #[test]
    fn the_certificate_serves_the_names_it_was_made_for() {
        let names = ["localhost", "*.example.fr", "127.0.0.1", "::1"].map(str::to_owned);
        let (certificate, _) = make(&names).unwrap();
        let parsed = ParsedCertificate::try_from(&certificate).unwrap();
        for name in ["localhost", "api.example.fr", "127.0.0.1", "::1"] {
            verify_server_name(&parsed, &ServerName::try_from(name).unwrap()).unwrap();
        }
        let other = ServerName::try_from("other.fr").unwrap();
        assert!(verify_server_name(&parsed, &other).is_err());
    }

    #[test]
    fn it_is_valid_now_and_no_longer_than_the_profiles_allow() {
        let (certificate, _) = make(&["localhost".to_owned()]).unwrap();
        let end = super::super::x509::Facts::of(&certificate).not_after.unwrap();
        let left = end - clock::unix_seconds();
        assert!((88 * 86_400..=89 * 86_400).contains(&left), "{left}");
    }

    #[test]
    fn what_is_no_name_is_refused_with_a_sentence() {
        let error = make(&["café".to_owned()]).unwrap_err();
        assert!(error.starts_with("cannot make a self-signed certificate for café"), "{error}");
    }
}

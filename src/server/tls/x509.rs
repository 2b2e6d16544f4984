//! The two facts of a certificate that rustls does not tell: its names and its last day.
//!
//! A reader of just enough DER (X.690) to walk to them in RFC 5280's structure. It reads files of
//! the operator that rustls has already accepted, so what it does not understand it skips.

use std::net::IpAddr;

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::base::peer::CertificateNames;

/// What a certificate says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// DNS names in lower case, wildcards (`*.example.fr`) and addresses as text.
    pub(super) names: Vec<String>,
    /// Seconds since 1970 of the last moment of its validity.
    pub(super) not_after: Option<i64>,
}

impl Facts {
    /// Reads a certificate in DER.
    pub(super) fn of(der: &[u8]) -> Self {
        read(der).unwrap_or_default()
    }
}

/// The names by which a client may be known.
pub(super) fn client_names(der: &[u8]) -> CertificateNames {
    client(der).unwrap_or_default()
}

fn client(der: &[u8]) -> Option<CertificateNames> {
    let mut outer = Der(Der(der).expect(SEQUENCE)?);
    let mut certificate = Der(outer.expect(SEQUENCE)?);
    if certificate.tag() == Some(VERSION) {
        certificate.next()?;
    }
    // Serial number, signature algorithm, issuer, validity.
    for _ in 0..4 {
        certificate.next()?;
    }
    let mut names = CertificateNames {
        common: common_name(certificate.expect(SEQUENCE)?),
        ..CertificateNames::default()
    };
    for (tag, content) in certificate {
        if tag == EXTENSIONS {
            let known = |(tag, content): (u8, &[u8])| match tag {
                DNS_NAME => Some(std::str::from_utf8(content).ok()?.to_ascii_lowercase().into()),
                URI | EMAIL => Some(std::str::from_utf8(content).ok()?.into()),
                _ => None,
            };
            names.alternative =
                alternative_names(content).into_iter().flatten().filter_map(known).collect();
        }
    }
    Some(names)
}

/// The last common name of a subject, which is the most specific one.
fn common_name(subject: &[u8]) -> Option<Box<str>> {
    let attributes = Der(subject).filter(|(tag, _)| *tag == SET).flat_map(|(_, set)| Der(set));
    let names = attributes.filter_map(|(_, attribute)| {
        let mut attribute = Der(attribute);
        if attribute.expect(OBJECT_IDENTIFIER)? != ID_COMMON_NAME {
            return None;
        }
        let (tag, text) = attribute.next()?;
        // UTF8String or PrintableString: others are not written any more.
        let text = std::str::from_utf8(text).ok().filter(|_| matches!(tag, 0x0c | 0x13))?;
        Some(text.into())
    });
    names.last()
}

fn read(der: &[u8]) -> Option<Facts> {
    let mut outer = Der(Der(der).expect(SEQUENCE)?);
    let mut certificate = Der(outer.expect(SEQUENCE)?);
    if certificate.tag() == Some(VERSION) {
        certificate.next()?;
    }
    // Serial number, signature algorithm, issuer.
    certificate.next()?;
    certificate.next()?;
    certificate.next()?;
    let mut validity = Der(certificate.expect(SEQUENCE)?);
    validity.next()?;
    let not_after = validity.next().and_then(|(tag, text)| moment(tag, text));
    let mut names = Vec::new();
    for (tag, content) in certificate {
        if tag == EXTENSIONS {
            names = subject_alternative_names(content);
        }
    }
    Some(Facts { names, not_after })
}

fn subject_alternative_names(extensions: &[u8]) -> Vec<String> {
    let names = alternative_names(extensions).into_iter().flatten();
    names.filter_map(|(tag, content)| general_name(tag, content)).collect()
}

fn alternative_names(extensions: &[u8]) -> Option<Der<'_>> {
    for (_, extension) in Der(Der(extensions).expect(SEQUENCE).unwrap_or_default()) {
        let mut extension = Der(extension);
        if extension.expect(OBJECT_IDENTIFIER) != Some(ID_SUBJECT_ALT_NAME) {
            continue;
        }
        if extension.tag() == Some(BOOLEAN) {
            extension.next();
        }
        let value = extension.expect(OCTET_STRING).unwrap_or_default();
        return Some(Der(Der(value).expect(SEQUENCE).unwrap_or_default()));
    }
    None
}

fn general_name(tag: u8, content: &[u8]) -> Option<String> {
    match tag {
        DNS_NAME => Some(std::str::from_utf8(content).ok()?.to_ascii_lowercase()),
        IP_ADDRESS => {
            let v4 = <[u8; 4]>::try_from(content).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(content).map(IpAddr::from));
            Some(address.ok()?.to_string())
        }
        _ => None,
    }
}

/// `UTCTime` or `GeneralizedTime`, in the one form that RFC 5280, section 4.1.2.5 allows each.
fn moment(tag: u8, text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year = year.parse::<i16>().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let time = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    Some(Offset::UTC.to_timestamp(time).ok()?.as_second())
}

/// A run of DER values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next value, where it has this tag.
    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < LONG_FORM {
            (usize::from(*first), rest)
        } else {
            let (length, rest) = rest.split_at_checked(usize::from(first - LONG_FORM))?;
            // Four octets are four gigabytes: no certificate is longer.
            if length.len() > 4 {
                return None;
            }
            (length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, content))
    }
}

const BOOLEAN: u8 = 0x01;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const EMAIL: u8 = 0x81;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const LONG_FORM: u8 = 0x80;
/// 2.5.4.3.
const ID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17.
const ID_SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(names: &[&str], year: i32) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn names_and_last_day_are_read() {
        let facts =
            Facts::of(&certificate(&["API.example.fr", "*.x.fr", "127.0.0.1", "::1"], 2041));
        assert_eq!(facts.names, ["api.example.fr", "*.x.fr", "127.0.0.1", "::1"]);
        assert_eq!(facts.not_after, Some(2_243_462_400));
    }

    #[test]
    fn a_client_is_known_by_its_subject_and_its_alternative_names() {
        let mut params = rcgen::CertificateParams::new(vec!["B.internal".to_owned()]).unwrap();
        let uri = "spiffe://x/billing".try_into().unwrap();
        params.subject_alt_names.push(rcgen::SanType::URI(uri));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "o");
        params.distinguished_name.push(rcgen::DnType::CommonName, "billing");
        let key = rcgen::KeyPair::generate().unwrap();
        let names = client_names(params.self_signed(&key).unwrap().der());
        assert_eq!(names.common.as_deref(), Some("billing"));
        let alternative: Vec<&str> = names.alternative.iter().map(|name| &**name).collect();
        assert_eq!(alternative, ["b.internal", "spiffe://x/billing"]);
    }

    #[test]
    fn both_forms_of_time_are_read() {
        assert_eq!(moment(UTC_TIME, b"700101000001Z"), Some(1));
        assert_eq!(moment(UTC_TIME, b"491231235959Z"), Some(2_524_607_999));
        assert_eq!(moment(GENERALIZED_TIME, b"20500101000000Z"), Some(2_524_608_000));
        for wrong in [&b"700101000001"[..], b"Z", b"7001010000Z", b"701301000001Z", b"\xff\xffZ"] {
            assert_eq!(moment(UTC_TIME, wrong), None);
        }
        assert_eq!(Facts::of(&certificate(&[], 2060)).not_after, Some(2_842_992_000));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Facts::of(&bytes);
        }

        #[test]
        fn never_panics_on_what_is_nearly_a_certificate(at in 0usize..400, byte in any::<u8>()) {
            let mut der = certificate(&["a.fr", "127.0.0.1"], 2060);
            let at = at % der.len();
            der[at] = byte;
            let _ = (Facts::of(&der), client_names(&der));
            let _ = Facts::of(&der[..at]);
        }
    }
}

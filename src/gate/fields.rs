//! One pass over the fields of a request: what is there that somebody will ask for later.
//!
//! Looking a name up in a header map costs a hash; a request has few fields and many questions, so
//! they are all answered in one walk.

use http::{HeaderMap, HeaderValue};

use crate::problem::Preferences;

/// Fields that were seen; each is a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(u32);

impl Seen {
    /// `Connection`.
    pub const CONNECTION: Self = Self(1);
    /// Hop-by-hop fields other than `Connection` (RFC 9110, section 7.6.1), and `Expect`, which
    /// guichet answers itself.
    pub const HOP: Self = Self(1 << 1);
    /// `TE`.
    pub const TE: Self = Self(1 << 2);
    /// `Upgrade`.
    pub const UPGRADE: Self = Self(1 << 3);
    /// `Forwarded`.
    pub const FORWARDED: Self = Self(1 << 4);
    /// `X-Forwarded-For`.
    pub const X_FORWARDED_FOR: Self = Self(1 << 5);
    /// Other `X-Forwarded-*` fields, `X-Real-IP`.
    pub const X_FORWARDED: Self = Self(1 << 6);
    /// `Via`.
    pub const VIA: Self = Self(1 << 7);
    /// `traceparent`.
    pub const TRACE: Self = Self(1 << 8);
    /// A name with an underscore, or `Proxy`: what CGI-minded upstreams confuse with other names.
    pub const ALIAS: Self = Self(1 << 9);
    /// `Content-Length`.
    pub const LENGTH: Self = Self(1 << 10);
    /// `Expect`.
    pub const EXPECT: Self = Self(1 << 11);
    /// More than one `Cookie` line.
    pub const COOKIES: Self = Self(1 << 12);
    /// A `Content-Length` that is not one plain number: several lines, no digits, or none at all.
    pub const ODD_LENGTH: Self = Self(1 << 13);
    /// An `Expect` other than `100-continue`.
    pub const ODD_EXPECT: Self = Self(1 << 14);
    /// A value with a blank before or behind it, which HTTP/1 would take off.
    pub const BLANK_EDGE: Self = Self(1 << 15);

    /// A field by which upstreams are told who calls.
    pub const IDENTITY: Self = Self(1 << 16);

    /// Whether all of `other` was seen.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of the three was seen.
    pub const fn has_any(self, one: Self, two: Self, three: Self) -> bool {
        self.0 & (one.0 | two.0 | three.0) != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// What one walk over the fields found. Values are shared, not copied.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Which fields are there.
    pub named: Seen,
    /// How many field lines.
    pub count: usize,
    /// Bytes of all field lines, as RFC 9113 section 6.5.2 counts them less the overhead.
    pub bytes: usize,
    /// `Host`; its first line.
    pub host: Option<HeaderValue>,
    /// How many `Host` lines.
    pub hosts: usize,
    /// `X-Request-ID`.
    pub request_id: Option<HeaderValue>,
    /// `traceparent`.
    pub traceparent: Option<HeaderValue>,
    /// `User-Agent`.
    pub user_agent: Option<HeaderValue>,
    /// `Accept`, `Accept-Language`, `Content-Type`: how an error would be dressed.
    pub accept: Option<HeaderValue>,
    /// See `accept`.
    pub accept_language: Option<HeaderValue>,
    /// See `accept`.
    pub content_type: Option<HeaderValue>,
}

impl Fields {
    /// Walks over the fields.
    pub fn gather(headers: &HeaderMap) -> Self {
        let mut fields = Self::default();
        let mut cookies = 0;
        for (name, value) in headers {
            fields.count += 1;
            let text = name.as_str();
            let bytes = value.as_bytes();
            fields.bytes += text.len() + bytes.len() + 4;
            if matches!(bytes, [b' ' | b'\t', ..] | [.., b' ' | b'\t']) {
                fields.named.add(Seen::BLANK_EDGE);
            }
            match text {
                "host" => {
                    fields.hosts += 1;
                    fields.host.get_or_insert_with(|| value.clone());
                }
                "user-agent" => fields.user_agent = Some(value.clone()),
                "accept" => {
                    fields.accept.get_or_insert_with(|| value.clone());
                }
                "accept-language" => {
                    fields.accept_language.get_or_insert_with(|| value.clone());
                }
                "content-type" => fields.content_type = Some(value.clone()),
                "content-length" => {
                    let plain = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
                    if !plain || fields.named.has(Seen::LENGTH) {
                        fields.named.add(Seen::ODD_LENGTH);
                    }
                    fields.named.add(Seen::LENGTH);
                }
                "x-request-id" => fields.request_id = Some(value.clone()),
                "traceparent" => {
                    // Two of them are as good as none (W3C Trace Context, section 3.2.1).
                    fields.traceparent =
                        if fields.named.has(Seen::TRACE) { None } else { Some(value.clone()) };
                    fields.named.add(Seen::TRACE);
                }
                "connection" => fields.named.add(Seen::CONNECTION),
                "upgrade" => fields.named.add(Seen::UPGRADE),
                "te" => fields.named.add(Seen::TE),
                "expect" => {
                    if !bytes.eq_ignore_ascii_case(b"100-continue") {
                        fields.named.add(Seen::ODD_EXPECT);
                    }
                    fields.named.add(Seen(Seen::HOP.0 | Seen::EXPECT.0));
                }
                "keep-alive"
                | "proxy-connection"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "transfer-encoding"
                | "http2-settings" => fields.named.add(Seen::HOP),
                "forwarded" => fields.named.add(Seen::FORWARDED),
                "x-forwarded-for" => fields.named.add(Seen::X_FORWARDED_FOR),
                "x-forwarded-proto" | "x-forwarded-host" | "x-forwarded-port"
                | "x-forwarded-server" | "x-forwarded-scheme" | "x-forwarded-ssl"
                | "x-forwarded-prefix" | "x-real-ip" => fields.named.add(Seen::X_FORWARDED),
                "cookie" => {
                    cookies += 1;
                    if cookies > 1 {
                        fields.named.add(Seen::COOKIES);
                    }
                }
                "via" => fields.named.add(Seen::VIA),
                "x-consumer" | "x-consumer-scopes" | "x-auth-policy" => {
                    fields.named.add(Seen::IDENTITY);
                }
                "proxy" => fields.named.add(Seen::ALIAS),
                _ if text.as_bytes().contains(&b'_') => fields.named.add(Seen::ALIAS),
                _ => {}
            }
        }
        fields
    }

    /// The fields that decide how an error is dressed.
    pub fn preferences(&self) -> Preferences<'_> {
        Preferences {
            accept: self.accept.as_ref(),
            accept_language: self.accept_language.as_ref(),
            content_type: self.content_type.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_walk_answers_every_question() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "gw.test"),
            ("te", "trailers"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x_real_ip", "1"),
            ("expect", "100-continue"),
            ("accept", "text/html"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let fields = Fields::gather(&headers);
        assert_eq!(fields.count, 6);
        assert_eq!(fields.host.as_ref().unwrap(), "gw.test");
        for seen in [Seen::TE, Seen::X_FORWARDED_FOR, Seen::ALIAS, Seen::HOP, Seen::EXPECT] {
            assert!(fields.named.has(seen));
        }
        for unseen in [Seen::VIA, Seen::CONNECTION, Seen::LENGTH] {
            assert!(!fields.named.has(unseen));
        }
        let preferences = fields.preferences();
        assert_eq!(preferences.accept.unwrap(), "text/html");
        assert!(preferences.accept_language.is_none() && preferences.content_type.is_none());
    }

    #[test]
    fn two_traceparents_are_none() {
        let mut headers = HeaderMap::new();
        headers.append("traceparent", HeaderValue::from_static("a"));
        headers.append("traceparent", HeaderValue::from_static("b"));
        assert!(Fields::gather(&headers).traceparent.is_none());
    }
}

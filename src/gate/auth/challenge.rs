//! What a policy wants to be shown, and where that stands: its challenge, and what is taken out of a
//! request once it has been looked at.

use http::header::{AUTHORIZATION, HeaderName};
use http::request::Parts;
use http::{HeaderValue, Uri};

use super::identity::Identity;
use super::said::Refusal;
use super::{Callers, Policy, Way, credentials};
use crate::config::model::{AuthRule, KeyPlace};
use crate::problem::BuiltIn;

impl Callers {
    /// Takes the credentials out of what the upstream gets, unless it is to have them.
    pub fn strip(&self, rule: &AuthRule, identity: &Identity, head: &mut Parts) {
        for policy in rule.policies.iter().map(|id| self.policies.get(*id)) {
            if policy.pass && identity.by.contains(&policy.id) {
                continue;
            }
            if let Way::Forward(forward) = &policy.way {
                // What its answer says is told beside; what a client says is not it.
                for name in forward.taken() {
                    head.headers.remove(name);
                }
            }
            match policy.credential() {
                Some(Credential::Header(name)) => {
                    head.headers.remove(name);
                }
                Some(Credential::Query(name)) => cut(&mut head.uri, name),
                None => {}
            }
        }
    }
}

/// Where a policy's credentials stand.
enum Credential<'a> {
    Header(&'a HeaderName),
    Query(&'a str),
}

impl Policy {
    fn credential(&self) -> Option<Credential<'_>> {
        match &self.way {
            Way::ApiKey(keys) => Some(match keys.place() {
                KeyPlace::Header(name) => Credential::Header(name),
                KeyPlace::Query(name) => Credential::Query(name),
            }),
            Way::Basic(_) | Way::Jwt(_) => Some(Credential::Header(&AUTHORIZATION)),
            Way::Mtls(_) | Way::Forward(_) => None,
        }
    }

    /// What it wants to be shown (RFC 9110, section 11.6.1). API keys and certificates have no
    /// registered scheme; `ApiKey` is what others say, too.
    pub(super) fn challenges(&self, refusal: &Refusal, rule: &AuthRule) -> Vec<HeaderValue> {
        if !refusal.challenges().is_empty() {
            return refusal.challenges().to_vec();
        }
        let realm = &self.realm;
        let forbidden = refusal.cause.code() != BuiltIn::Unauthorized;
        let text = match &self.way {
            // RFC 6750, section 3.
            Way::Jwt(_) if forbidden => format!(
                "Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{}\"",
                rule.scopes.join(" ")
            ),
            Way::Jwt(_) if refusal.is_missing() => format!("Bearer realm=\"{realm}\""),
            Way::Jwt(_) => format!("Bearer realm=\"{realm}\", error=\"invalid_token\""),
            // A 401 must have one, and no other status needs any.
            Way::ApiKey(_) | Way::Basic(_) | Way::Mtls(_) if forbidden => return Vec::new(),
            // Who decides has to say what it wants; where it does not, the vocabulary does.
            Way::Forward(_) => return Vec::new(),
            Way::ApiKey(keys) => match keys.place() {
                KeyPlace::Header(name) => format!("ApiKey realm=\"{realm}\", header=\"{name}\""),
                KeyPlace::Query(name) => format!("ApiKey realm=\"{realm}\", query=\"{name}\""),
            },
            Way::Basic(_) => format!("Basic realm=\"{realm}\", charset=\"UTF-8\""),
            Way::Mtls(_) => format!("ClientCertificate realm=\"{realm}\""),
        };
        HeaderValue::from_str(&text).into_iter().collect()
    }
}

/// Takes a parameter out of the query.
fn cut(uri: &mut Uri, name: &str) {
    let Some(query) = uri.query() else { return };
    let path = uri.path();
    let target = match credentials::without(query, name) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    // It is a part of what was a target already.
    parts.path_and_query = target.parse().ok();
    if let Ok(new) = Uri::from_parts(parts) {
        *uri = new;
    }
}

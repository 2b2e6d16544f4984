//! Who a caller is, as a policy has found out, and how the upstream is told.
//!
//! An identity is made once (when a file is read, or a token is verified) and shared from then on:
//! a request that is recognised counts references and allocates nothing.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::base::AuthId;

/// Who a caller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The policies that have recognised it; the first one names it.
    pub(super) by: Vec<AuthId>,
    /// What that policy is called.
    pub(super) policy: HeaderValue,
    /// What it is called.
    consumer: HeaderValue,
    scopes: Vec<Box<str>>,
    /// The same as a field; none where there are none.
    scopes_value: Option<HeaderValue>,
    /// What a limit may count by.
    pub(super) claims: Vec<(Box<str>, Box<str>)>,
    /// What the upstream is told beside.
    pub(super) fields: Vec<(HeaderName, HeaderValue)>,
}

impl Identity {
    /// A caller that one policy has recognised. None where its name cannot stand in a header.
    pub(super) fn new(
        by: AuthId,
        policy: &HeaderValue,
        consumer: &str,
        scopes: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Option<Self> {
        if consumer.is_empty() || consumer.len() > LONGEST_NAME {
            return None;
        }
        let consumer = HeaderValue::from_str(consumer).ok()?;
        let scopes: Vec<Box<str>> = scopes.into_iter().map(Into::into).collect();
        let scopes_value = written(&scopes);
        let (policy, by) = (policy.clone(), vec![by]);
        let (claims, fields) = (Vec::new(), Vec::new());
        Some(Self { by, policy, consumer, scopes, scopes_value, claims, fields })
    }

    /// The same caller, as more policies know it: what each of them allows, it may do.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.by.extend_from_slice(&other.by);
        for scope in &other.scopes {
            if !self.scopes.contains(scope) {
                self.scopes.push(scope.clone());
            }
        }
        self.scopes_value = written(&self.scopes);
        self.claims.extend_from_slice(&other.claims);
        self.fields.extend_from_slice(&other.fields);
        self
    }

    /// What it is called.
    pub fn consumer(&self) -> &HeaderValue {
        &self.consumer
    }

    /// What tells it from all others: names are unique within a policy.
    pub fn key(&self) -> (&[u8], &[u8]) {
        (self.policy.as_bytes(), self.consumer.as_bytes())
    }

    /// What it may do.
    pub fn scopes(&self) -> Vec<&str> {
        self.scopes.iter().map(|scope| &**scope).collect()
    }

    /// A claim of its token.
    pub fn claim(&self, name: &str) -> Option<&str> {
        let found = self.claims.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| &**value)
    }

    /// Whether it may do all of this.
    pub(super) fn may(&self, scopes: &[String]) -> bool {
        scopes.iter().all(|scope| self.scopes.iter().any(|known| **known == **scope))
    }

    /// Tells the upstream. What the client has sent under these names is gone by now.
    pub fn tell(&self, headers: &mut HeaderMap) {
        headers.insert(CONSUMER, self.consumer.clone());
        headers.insert(POLICY, self.policy.clone());
        if let Some(scopes) = &self.scopes_value {
            headers.insert(SCOPES, scopes.clone());
        }
        for (name, value) in &self.fields {
            headers.insert(name.clone(), value.clone());
        }
    }
}

fn written(scopes: &[Box<str>]) -> Option<HeaderValue> {
    if scopes.is_empty() {
        return None;
    }
    HeaderValue::from_str(&scopes.join(" ")).ok()
}

/// Whether a field is one by which upstreams are told who calls: from clients it is never taken.
pub fn is_identity_field(name: &str) -> bool {
    matches!(name, "x-consumer" | "x-consumer-scopes" | "x-auth-policy")
}

/// Bytes of a caller's name.
const LONGEST_NAME: usize = 256;

const CONSUMER: HeaderName = HeaderName::from_static("x-consumer");
const SCOPES: HeaderName = HeaderName::from_static("x-consumer-scopes");
const POLICY: HeaderName = HeaderName::from_static("x-auth-policy");

/// The fields by which upstreams are told who calls.
pub const FIELDS: [HeaderName; 3] = [CONSUMER, SCOPES, POLICY];

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: u16, consumer: &str, scopes: &[&str]) -> Identity {
        let policy = HeaderValue::from_str(&format!("p{id}")).unwrap();
        Identity::new(AuthId(id), &policy, consumer, scopes.iter().copied()).unwrap()
    }

    #[test]
    fn the_upstream_is_told_who_calls() {
        let mut headers = HeaderMap::new();
        known(0, "acme", &["a", "b"]).tell(&mut headers);
        assert_eq!(headers["x-consumer"], "acme");
        assert_eq!(headers["x-consumer-scopes"], "a b");
        assert_eq!(headers["x-auth-policy"], "p0");
        assert!(FIELDS.iter().all(|name| is_identity_field(name.as_str())));
    }

    #[test]
    fn two_policies_allow_what_each_of_them_allows_and_the_first_names() {
        let both = known(0, "acme", &["a"]).and(&known(1, "ann", &["a", "b"]));
        assert!(both.may(&["a".into(), "b".into()]) && !both.may(&["c".into()]));
        assert_eq!(
            (both.consumer(), &both.by[..]),
            (&"acme".parse().unwrap(), &[AuthId(0), AuthId(1)][..])
        );
    }

    #[test]
    fn a_name_that_would_break_a_header_is_nobody() {
        let policy = HeaderValue::from_static("p");
        for name in ["", "a\r\nb", &"x".repeat(257)] {
            assert!(Identity::new(AuthId(0), &policy, name, [""; 0]).is_none(), "{name:?}");
        }
    }
}

//! `type = "api_key"`: a key in a header or in the query, known by its SHA-256 digest.
//!
//! Keys are long and random, so one hash is enough (a password would need a slow one), and a digest
//! can be looked up in a table: whoever times the look-up learns about digests, which he cannot
//! choose, and not about keys. The file has digests alone. A name may have several keys, which is how
//! one is replaced: the new one is added, clients change over, the old one is taken away.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use http::HeaderValue;

use super::Shown;
use super::credentials::{only, parameter};
use super::identity::Identity;
use super::said::{Refusal, Said};
use crate::base::AuthId;
use crate::config::model::KeyPlace;
use crate::config::{self, Callers, Environment, Secret};
use crate::problem::Cause;

/// The keys that one policy knows.
#[derive(Debug)]
pub(super) struct ApiKeys {
    place: KeyPlace,
    known: HashMap<[u8; SHA256_OUTPUT_LEN], Known>,
}

#[derive(Debug)]
struct Known {
    identity: Arc<Identity>,
    /// The last moment, in milliseconds since 1970.
    expires: Option<u64>,
}

impl ApiKeys {
    /// Reads the file of keys.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn load(
        id: AuthId,
        policy: &HeaderValue,
        place: KeyPlace,
        keys: &Secret,
        environment: Environment<'_>,
    ) -> Result<Self, String> {
        let text = keys.read(environment).map_err(|why| format!("keys: {why}"))?;
        let entries = config::callers(&keys.reference(), &text, Callers::Keys)
            .map_err(|bad| format!("keys: {bad}"))?;
        let mut known = HashMap::with_capacity(entries.len());
        for entry in entries {
            let digest = <[u8; SHA256_OUTPUT_LEN]>::try_from(&entry.secret.0[..]);
            let identity = Identity::new(id, policy, &entry.name, entry.scopes);
            // Both were checked when the file was read.
            let (Ok(digest), Some(identity)) = (digest, identity) else { continue };
            known.insert(digest, Known { identity: Arc::new(identity), expires: entry.expires });
        }
        Ok(Self { place, known })
    }

    /// Where the key stands.
    pub(super) fn place(&self) -> &KeyPlace {
        &self.place
    }

    /// Looks at a request.
    pub(super) fn look(&self, shown: &Shown<'_>) -> Said {
        match &self.place {
            KeyPlace::Header(name) => match only(shown.headers, name) {
                Ok(key) => self.recognise(key.map(HeaderValue::as_bytes), shown.now),
                Err(refusal) => refusal.into(),
            },
            KeyPlace::Query(name) => match parameter(shown.target.query(), name) {
                Ok(key) => self.recognise(key.as_deref(), shown.now),
                Err(refusal) => refusal.into(),
            },
        }
    }

    fn recognise(&self, key: Option<&[u8]>, now: u64) -> Said {
        let Some(key) = key else {
            return Refusal::new(Cause::AuthMissing, "no key was shown").into();
        };
        let digest = digest(&SHA256, key);
        match self.known.get(digest.as_ref()) {
            Some(known) if known.expires.is_none_or(|end| now <= end) => {
                Said::Known(Arc::clone(&known.identity))
            }
            Some(known) => {
                let name = known.identity.consumer().to_str().unwrap_or_default();
                Refusal::new(Cause::KeyExpired, format!("the key of {name} has expired")).into()
            }
            None => Refusal::new(Cause::KeyUnknown, "nobody has this key").into(),
        }
    }
}

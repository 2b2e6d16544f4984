//! `type = "jwt"`: a bearer token (RFC 6750) that its issuer has signed (RFC 7519, RFC 8725).
//!
//! What a token says of itself decides nothing: the header's `kid` only chooses among the issuer's own
//! keys, `alg` must be one that both the configuration and that key allow, and keys or addresses in
//! the header (`jwk`, `jku`, `x5u`) are not looked at. There is no algorithm with a shared secret, so
//! a public key can never be taken for one.

mod claims;
mod header;
mod key_ring;
mod key_set;
mod renewal;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderValue;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode};
use serde_json::Value;

pub use self::renewal::KeySource;

use self::claims::Wanted;
use self::header::Header;
pub(super) use self::key_ring::KeyRing;
use super::Shown;
use super::credentials::of_scheme;
use super::recent::{Known, Recent};
use super::said::{Look, Question, Refusal, Said};
use crate::base::AuthId;
use crate::config::Environment;
use crate::config::model::{self, JwtAlgorithm};
use crate::problem::Cause;

/// What one policy takes for a token.
#[derive(Debug)]
pub(super) struct Tokens {
    id: AuthId,
    policy: HeaderValue,
    algorithms: Vec<JwtAlgorithm>,
    wanted: Wanted,
    ring: Arc<KeyRing>,
}

/// Whether a request may wait for keys that are not here yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It may.
    Some,
    /// It has.
    Over,
}

impl Tokens {
    /// Reads the keys where they stand in a file. Keys that are fetched go on from where they were
    /// `before`.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn load(
        id: AuthId,
        policy: &HeaderValue,
        jwt: &model::Jwt,
        claims: Vec<String>,
        before: Option<&Self>,
        environment: Environment<'_>,
    ) -> Result<Self, String> {
        let ring = match (&jwt.keys, before) {
            (model::KeySource::File(secret), before) => {
                let text = secret.read(environment).map_err(|why| format!("jwks: {why}"))?;
                let place = secret.reference();
                let ring = KeyRing::of(&text).map_err(|why| format!("jwks: {place}: {why}"))?;
                match before.filter(|before| before.ring.is_of(&text)) {
                    Some(before) => Arc::clone(&before.ring),
                    None => Arc::new(ring),
                }
            }
            (model::KeySource::Fetched { .. }, Some(before)) => Arc::clone(&before.ring),
            (model::KeySource::Fetched { .. }, None) => Arc::default(),
        };
        let wanted = Wanted::new(jwt, claims);
        let (policy, algorithms) = (policy.clone(), jwt.algorithms.clone());
        Ok(Self { id, policy, algorithms, wanted, ring })
    }

    /// Whether it takes what another one takes, and makes the same of it, where settings are the same.
    pub(super) fn takes_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.ring, &other.ring) && self.wanted == other.wanted
    }

    /// The keys.
    pub(super) fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Looks at a request.
    pub(super) fn look(&self, shown: &Shown<'_>, recent: &Recent, patience: Patience) -> Look {
        let token = match of_scheme(shown.headers, "Bearer") {
            Ok(Some(token)) => token,
            Ok(None) => return Refusal::new(Cause::AuthMissing, "no token was shown").into(),
            Err(refusal) => return refusal.into(),
        };
        if token.len() > LONGEST {
            let detail = format!("the token is longer than {LONGEST} bytes");
            return Refusal::new(Cause::TokenLimit, detail).into();
        }
        let state = self.ring.state();
        let mark = recent.mark(token);
        if let Some(identity) = recent.find(&mark, shown.now, state) {
            return Said::Known(identity).into();
        }
        match self.verify(token, shown.now) {
            Ok(known) => {
                let identity = Arc::clone(&known.identity);
                recent.keep(mark, known);
                Said::Known(identity).into()
            }
            Err(refusal) if refusal.cause == Cause::TokenKey && patience == Patience::Some => {
                if self.ring.is_worth_waiting() {
                    return Look::Ask(Question::Keys(Arc::clone(&self.ring)));
                }
                refusal.into()
            }
            Err(refusal) => refusal.into(),
        }
    }

    fn verify(&self, token: &[u8], now: u64) -> Result<Known, Refusal> {
        let header = Header::read(token)?;
        let Some((keys, state)) = self.ring.keys() else {
            let detail = "the issuer's keys could not be fetched yet";
            return Err(Refusal::new(Cause::TokenKeysMissing, detail));
        };
        let algorithm = header.algorithm.filter(|it| self.algorithms.contains(it));
        let Some(algorithm) = algorithm else {
            let detail = "the token's algorithm is not among `algorithms`";
            return Err(Refusal::new(Cause::TokenAlgorithm, detail));
        };
        let Some(key) = keys.find(header.kid.as_deref(), algorithm) else {
            return Err(Refusal::new(Cause::TokenKey, "the issuer has no such key"));
        };
        if !key.permits(algorithm) {
            let detail = "the key is not for the token's algorithm";
            return Err(Refusal::new(Cause::TokenAlgorithm, detail));
        }
        let mut validation = Validation::new(key_set::named(algorithm));
        // The claims are judged here, so that each mistake has its own cause.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let token = decode::<Value>(token, key.decoding(), &validation).map_err(|error| {
            if matches!(error.kind(), ErrorKind::InvalidSignature) {
                return Refusal::new(Cause::TokenSignature, "the signature is not the issuer's");
            }
            Refusal::new(Cause::TokenMalformed, "the token cannot be read")
        })?;
        self.wanted.judge(self.id, &self.policy, &token.claims, now, state)
    }
}

/// Bytes of a token.
const LONGEST: usize = 8 << 10;

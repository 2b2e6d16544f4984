//! The keys of an issuer (RFC 7517): those among them that can verify a signature, each with the
//! algorithms that it is for.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::config::model::JwtAlgorithm;

/// The keys of an issuer.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Key>);

/// One of them.
pub(super) struct Key {
    kid: Option<String>,
    algorithms: Vec<JwtAlgorithm>,
    decoding: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.kid).field(&self.algorithms).finish()
    }
}

impl KeySet {
    /// Reads a JWK Set. Keys of other kinds than are known here may stand in it, and are left aside.
    ///
    /// # Errors
    /// It is none, or has no key to verify signatures with.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the key set is longer than {} KiB", LONGEST >> 10));
        }
        let set: Value =
            serde_json::from_slice(text).map_err(|_| "the key set is not JSON".to_owned())?;
        let Some(Value::Array(all)) = set.get("keys") else {
            return Err("the key set has no list `keys`".into());
        };
        let keys: Vec<Key> = all.iter().take(MOST).filter_map(key).collect();
        if keys.is_empty() {
            return Err("the key set has no key to verify signatures with".into());
        }
        Ok(Self(keys))
    }

    /// The key that a token names; where it names none, the only one that its algorithm fits.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: JwtAlgorithm) -> Option<&Key> {
        if kid.is_some() {
            return self.0.iter().find(|key| key.kid.as_deref() == kid);
        }
        let mut fitting = self.0.iter().filter(|key| key.permits(algorithm));
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

impl Key {
    /// Whether it is for this algorithm.
    pub(super) fn permits(&self, algorithm: JwtAlgorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// For the verifier.
    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

fn key(value: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    use JwtAlgorithm as A;
    let by_kind: &[A] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => {
            &[A::Rs256, A::Rs384, A::Rs512, A::Ps256, A::Ps384, A::Ps512]
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[A::Es256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[A::Es384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            &[A::EdDsa]
        }
        // A shared secret has no place in a set that everybody can read.
        AlgorithmParameters::EllipticCurve(_)
        | AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::OctetKey(_)
        | AlgorithmParameters::Other(_)
        | _ => return None,
    };
    let mut algorithms = by_kind.to_vec();
    if let Some(only) = jwk.common.key_algorithm {
        algorithms.retain(|algorithm| announced(*algorithm) == only);
    }
    let decoding = DecodingKey::from_jwk(&jwk).ok()?;
    (!algorithms.is_empty()).then_some(Key { kid: jwk.common.key_id, algorithms, decoding })
}

/// The algorithm as the verifier calls it.
pub(super) fn named(algorithm: JwtAlgorithm) -> Algorithm {
    match algorithm {
        JwtAlgorithm::Rs256 => Algorithm::RS256,
        JwtAlgorithm::Rs384 => Algorithm::RS384,
        JwtAlgorithm::Rs512 => Algorithm::RS512,
        JwtAlgorithm::Ps256 => Algorithm::PS256,
        JwtAlgorithm::Ps384 => Algorithm::PS384,
        JwtAlgorithm::Ps512 => Algorithm::PS512,
        JwtAlgorithm::Es256 => Algorithm::ES256,
        JwtAlgorithm::Es384 => Algorithm::ES384,
        JwtAlgorithm::EdDsa => Algorithm::EdDSA,
    }
}

/// The algorithm as `alg` of a key has it.
fn announced(algorithm: JwtAlgorithm) -> KeyAlgorithm {
    match algorithm {
        JwtAlgorithm::Rs256 => KeyAlgorithm::RS256,
        JwtAlgorithm::Rs384 => KeyAlgorithm::RS384,
        JwtAlgorithm::Rs512 => KeyAlgorithm::RS512,
        JwtAlgorithm::Ps256 => KeyAlgorithm::PS256,
        JwtAlgorithm::Ps384 => KeyAlgorithm::PS384,
        JwtAlgorithm::Ps512 => KeyAlgorithm::PS512,
        JwtAlgorithm::Es256 => KeyAlgorithm::ES256,
        JwtAlgorithm::Es384 => KeyAlgorithm::ES384,
        JwtAlgorithm::EdDsa => KeyAlgorithm::EdDSA,
    }
}

const LONGEST: usize = 256 << 10;
/// Keys of a set.
const MOST: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_verify_a_signature_is_left_aside() {
        let set = |keys: &str| KeySet::parse(format!("{{\"keys\":[{keys}]}}").as_bytes());
        let secret = r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#;
        let other = r#"{"kty":"LWE","x":1}"#;
        let sealing = r#"{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}"#;
        let good =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert!(set(&[secret, other, sealing].join(",")).is_err());
        assert_eq!(set(&[secret, other, good].join(",")).unwrap().0.len(), 1);
        assert!(KeySet::parse(&vec![b' '; LONGEST + 1]).unwrap_err().contains("256 KiB"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_set_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = KeySet::parse(&bytes);
        }

        #[test]
        fn any_keys_are_taken_or_left(key in "[\"a-zA-Z0-9{}:,_]{0,80}") {
            let _ = KeySet::parse(format!("{{\"keys\":[{{{key}}}]}}").as_bytes());
        }
    }
}

//! An issuer of tokens: signs whatever it is told to, wrong things included.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key, and the name under which it is published.
pub struct Issuer {
    kid: &'static str,
    algorithm: &'static str,
    key: Key,
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

impl Issuer {
    /// With a new key on P-256.
    pub fn es256(kid: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid, algorithm: "ES256", key: Key::Ec(key) }
    }

    /// With a new key on P-384.
    pub fn es384(kid: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        Self { kid, algorithm: "ES384", key: Key::Ec(key) }
    }

    /// With a new key on Curve25519.
    pub fn eddsa(kid: &'static str) -> Self {
        Self { kid, algorithm: "EdDSA", key: Key::Ed(Ed25519KeyPair::generate().unwrap()) }
    }

    /// With a new RSA key.
    pub fn rs256(kid: &'static str) -> Self {
        let key = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
        Self { kid, algorithm: "RS256", key: Key::Rsa(key) }
    }

    /// The same, for signatures of the newer kind.
    pub fn ps256(kid: &'static str) -> Self {
        Self { algorithm: "PS256", ..Self::rs256(kid) }
    }

    /// Its public key, as it is published.
    pub fn jwk(&self) -> Value {
        match &self.key {
            Key::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                json!({
                    "kty": "EC", "crv": if x.len() == 32 { "P-256" } else { "P-384" },
                    "kid": self.kid, "use": "sig", "x": encode(x), "y": encode(y),
                })
            }
            Key::Ed(key) => json!({
                "kty": "OKP", "crv": "Ed25519", "kid": self.kid,
                "x": encode(key.public_key().as_ref()),
            }),
            Key::Rsa(key) => {
                let public = key.public_key();
                json!({
                    "kty": "RSA", "kid": self.kid, "alg": self.algorithm,
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
        }
    }

    /// Its public key in DER, which some take for a shared secret.
    pub fn public_key(&self) -> Vec<u8> {
        match &self.key {
            Key::Ec(key) => key.public_key().as_ref().to_vec(),
            Key::Ed(key) => key.public_key().as_ref().to_vec(),
            Key::Rsa(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.signed(&json!({ "alg": self.algorithm, "kid": self.kid, "typ": "JWT" }), claims)
    }

    /// A token with this header, signed with this key whatever the header says.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let bytes = message.as_bytes();
        let random = SystemRandom::new();
        let signature = match &self.key {
            Key::Ec(key) => key.sign(&random, bytes).unwrap().as_ref().to_vec(),
            Key::Ed(key) => key.sign(bytes).as_ref().to_vec(),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let padding =
                    if self.algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                key.sign(padding, &random, bytes, &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", encode(&signature))
    }
}

/// The first two parts of a token.
pub fn message(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()))
}

/// A key set.
pub fn set(issuers: &[&Issuer]) -> String {
    let keys: Vec<Value> = issuers.iter().map(|issuer| issuer.jwk()).collect();
    json!({ "keys": keys }).to_string()
}

/// Base64 as tokens have it.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

//! An issuer of tokens: signs whatever it is told to, wrong things included.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A key, and the name under which it is published.
pub struct Issuer {
    kid: &'static str,
    key: Key,
}

enum Key {
    Es256(EcdsaKeyPair),
    Rs256(rsa::KeyPair),
}

impl Issuer {
    /// With a new key on P-256.
    pub fn es256(kid: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid, key: Key::Es256(key) }
    }

    /// With a new RSA key.
    pub fn rs256(kid: &'static str) -> Self {
        Self { kid, key: Key::Rs256(rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap()) }
    }

    /// Its public key, as it is published.
    pub fn jwk(&self) -> Value {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                json!({
                    "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig",
                    "x": encode(&point[1..33]), "y": encode(&point[33..]),
                })
            }
            Key::Rs256(key) => {
                let public = key.public_key();
                json!({
                    "kty": "RSA", "kid": self.kid, "alg": "RS256",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
        }
    }

    /// Its public key in DER, which some take for a shared secret.
    pub fn public_key(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => key.public_key().as_ref().to_vec(),
            Key::Rs256(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        let algorithm = match self.key {
            Key::Es256(_) => "ES256",
            Key::Rs256(_) => "RS256",
        };
        self.signed(&json!({ "alg": algorithm, "kid": self.kid, "typ": "JWT" }), claims)
    }

    /// A token with this header, signed with this key whatever the header says.
    pub fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let random = SystemRandom::new();
        let signature = match &self.key {
            Key::Es256(key) => key.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
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

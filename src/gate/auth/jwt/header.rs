//! The header of a token (RFC 7515, section 4): which key and which algorithm it claims.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::config::model::JwtAlgorithm;
use crate::gate::auth::said::Refusal;
use crate::problem::Cause;

/// What a token says of how it is signed. Nothing of it is believed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// None where it is `none`, or anything else that nobody here knows.
    pub(super) algorithm: Option<JwtAlgorithm>,
    pub(super) kid: Option<String>,
}

impl Header {
    /// Reads the first part of a token of three.
    ///
    /// # Errors
    /// It is no token, or one with extensions that must be understood.
    pub(super) fn read(token: &[u8]) -> Result<Self, Refusal> {
        let broken = || Refusal::new(Cause::TokenMalformed, "this is not a signed token");
        let mut parts = token.split(|byte| *byte == b'.');
        let (Some(first), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(broken());
        };
        let header = URL_SAFE_NO_PAD.decode(first).map_err(|_| broken())?;
        let Ok(Value::Object(header)) = serde_json::from_slice(&header) else {
            return Err(broken());
        };
        if header.contains_key("crit") {
            let detail = "the token has extensions that must be understood";
            return Err(Refusal::new(Cause::TokenMalformed, detail));
        }
        let kid = match header.get("kid") {
            Some(Value::String(kid)) => Some(kid.clone()),
            None => None,
            Some(_) => return Err(broken()),
        };
        let algorithm = header.get("alg").and_then(Value::as_str);
        Ok(Self { algorithm: algorithm.and_then(JwtAlgorithm::by_name), kid })
    }
}

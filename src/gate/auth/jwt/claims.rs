//! The claims of a token whose signature is right (RFC 7519, section 4.1): whether it is for us, from
//! whom we trust, and for now; and who it makes of its bearer.

use std::sync::Arc;

use http::HeaderValue;
use serde_json::Value;

use crate::base::AuthId;
use crate::config::model;
use crate::gate::auth::identity::Identity;
use crate::gate::auth::recent::Known;
use crate::gate::auth::said::Refusal;
use crate::problem::Cause;

/// What a token must say.
#[derive(Debug, PartialEq)]
pub(super) struct Wanted {
    issuer: String,
    audience: Vec<String>,
    /// Seconds.
    leeway: f64,
    consumer: String,
    scopes: String,
    /// Claims that limits count by.
    kept: Vec<String>,
}

impl Wanted {
    /// As the configuration says.
    pub(super) fn new(jwt: &model::Jwt, kept: Vec<String>) -> Self {
        Self {
            issuer: jwt.issuer.clone(),
            audience: jwt.audience.clone(),
            leeway: jwt.leeway.as_secs_f64(),
            consumer: jwt.consumer.clone(),
            scopes: jwt.scopes.clone(),
            kept,
        }
    }

    /// Judges the claims of a token at a moment, in milliseconds since 1970.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub(super) fn judge(
        &self,
        id: AuthId,
        policy: &HeaderValue,
        claims: &Value,
        now: u64,
        state: u64,
    ) -> Result<Known, Refusal> {
        let seconds = now as f64 / 1000.0;
        let malformed = |detail: &'static str| Refusal::new(Cause::TokenMalformed, detail);
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Refusal::new(Cause::TokenIssuer, "the token is somebody else's"));
        }
        if !self.is_for_us(claims.get("aud")) {
            return Err(Refusal::new(Cause::TokenAudience, "the token is for somebody else"));
        }
        let end = claims.get("exp").ok_or_else(|| malformed("the token never expires"))?;
        let end = end.as_f64().ok_or_else(|| malformed("`exp` is no number"))? + self.leeway;
        if seconds >= end {
            return Err(Refusal::new(Cause::TokenExpired, "the token has expired"));
        }
        if let Some(begin) = claims.get("nbf") {
            let begin = begin.as_f64().ok_or_else(|| malformed("`nbf` is no number"))?;
            if seconds + self.leeway < begin {
                return Err(Refusal::new(Cause::TokenEarly, "the token is not valid yet"));
            }
        }
        let consumer = claims.get(&self.consumer).and_then(text);
        let consumer = consumer.ok_or_else(|| malformed("the token does not say whose it is"))?;
        let identity = Identity::new(id, policy, &consumer, scopes(claims.get(&self.scopes)));
        let Some(mut identity) = identity else {
            return Err(malformed("whose token it is cannot stand in a header"));
        };
        identity.claims = self
            .kept
            .iter()
            .filter_map(|name| Some((name.as_str().into(), text(claims.get(name)?)?.into())))
            .collect();
        // Towards zero, and no further than the number reaches.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let until = (end * 1000.0) as u64;
        Ok(Known { identity: Arc::new(identity), until: until.saturating_sub(1), state })
    }

    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let known = |value: &Value| {
            value.as_str().is_some_and(|text| self.audience.iter().any(|own| own == text))
        };
        match audience {
            Some(Value::Array(all)) => all.iter().any(known),
            Some(one) => known(one),
            None => false,
        }
    }
}

/// Numbers name somebody, too.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Words between blanks (RFC 8693, section 4.2), or a list of them.
fn scopes(value: Option<&Value>) -> Vec<Box<str>> {
    let words: Vec<&str> = match value {
        Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    };
    // A scope that is no word would look like several to who reads the header.
    let word = |word: &&str| crate::config::scope(word).is_ok();
    words.into_iter().filter(word).take(MOST_SCOPES).map(Into::into).collect()
}

const MOST_SCOPES: usize = 128;

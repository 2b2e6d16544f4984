//! Attacks on tokens, each with the very refusal that it gets.

#[allow(unreachable_pub, reason = "borrowed from the integration tests")]
#[path = "../../../../tests/it/rig/tokens.rs"]
mod tokens;

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use self::tokens::{Issuer, encode, message, set};
use crate::gate::auth::tests::{Rig, challenges};
use crate::problem::Cause;

/// Seconds since 1970, in all of these tests.
const NOW: u64 = 1_800_000_000;

fn claims() -> Value {
    json!({
        "iss": "https://id.test", "aud": ["other", "api"], "sub": "ann", "exp": NOW + 60,
        "scope": "read write",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

const POLICY: &str = "[auth.staff]\ntype = \"jwt\"\nissuer = \"https://id.test\"\n\
    audience = [\"api\"]\njwks = { env = \"JWKS\" }\n";

fn rig(issuers: &[&Issuer]) -> Rig {
    let keys = set(issuers);
    let mut rig = Rig::new(POLICY, "\"staff\"", &|_| Some(keys.clone()));
    rig.now = NOW * 1000;
    rig
}

impl Rig {
    fn bears(&mut self, token: &str) -> &mut Self {
        self.show("authorization", &format!("Bearer {token}"))
    }

    #[track_caller]
    fn refuses(&mut self, token: &str, cause: Cause) {
        assert_eq!(self.bears(token).cause(), cause, "{token}");
    }
}

#[test]
fn a_good_token_says_who_bears_it_and_is_remembered_until_it_ends() {
    let issuer = Issuer::es256("a");
    let mut rig = rig(&[&issuer]);
    let missing = rig.refused();
    assert_eq!(
        (missing.cause(), challenges(&missing)),
        (Cause::AuthMissing, vec!["Bearer realm=\"staff\""])
    );
    rig.bears(&issuer.token(&claims()));
    let first = rig.passes();
    assert_eq!(first.consumer(), "ann");
    assert!(std::sync::Arc::ptr_eq(&first, &rig.passes()), "it was verified once");
    // Thirty seconds of leeway.
    rig.now = (NOW + 89) * 1000;
    rig.passes();
    rig.now = (NOW + 90) * 1000;
    assert_eq!(rig.cause(), Cause::TokenExpired);
}

#[test]
fn every_algorithm_of_the_list_is_verified_with_its_own_kind_of_key() {
    let issuers = [
        Issuer::es256("a"),
        Issuer::rs256("b"),
        Issuer::es384("c"),
        Issuer::ps256("d"),
        Issuer::eddsa("e"),
    ];
    let keys = set(&issuers.iter().collect::<Vec<_>>());
    let listing = |list: &str| {
        let policy = format!("{POLICY}algorithms = [{list}]\n");
        let mut rig = Rig::new(&policy, "\"staff\"", &|_| Some(keys.clone()));
        rig.now = NOW * 1000;
        rig
    };
    let mut all = listing("\"ES256\", \"RS256\", \"ES384\", \"PS256\", \"EdDSA\"");
    for issuer in &issuers {
        assert_eq!(all.bears(&issuer.token(&claims())).passes().consumer(), "ann");
    }
    // Without a name the only key that fits is meant.
    let nameless = issuers[0].signed(&json!({ "alg": "ES256" }), &claims());
    all.bears(&nameless).passes();
    // None of them is taken where the list does not have it.
    let mut usual = rig(&issuers.iter().collect::<Vec<_>>());
    for issuer in &issuers[2..] {
        usual.refuses(&issuer.token(&claims()), Cause::TokenAlgorithm);
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let issuer = Issuer::es256("a");
    let mut rig = rig(&[&issuer]);
    for alg in ["none", "None", "NONE", "nOnE"] {
        let header = json!({ "alg": alg, "kid": "a" });
        rig.refuses(&format!("{}.", message(&header, &claims())), Cause::TokenAlgorithm);
        rig.refuses(&issuer.signed(&header, &claims()), Cause::TokenAlgorithm);
    }
    rig.refuses(&message(&json!({ "alg": "ES256" }), &claims()), Cause::TokenMalformed);
}

#[test]
fn a_public_key_is_never_taken_for_a_shared_secret() {
    let issuer = Issuer::rs256("a");
    let mut rig = rig(&[&issuer]);
    for alg in ["HS256", "HS384", "HS512"] {
        let message = message(&json!({ "alg": alg, "kid": "a" }), &claims());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &issuer.public_key());
        let tag = encode(hmac::sign(&key, message.as_bytes()).as_ref());
        rig.refuses(&format!("{message}.{tag}"), Cause::TokenAlgorithm);
    }
}

#[test]
fn an_algorithm_of_another_kind_of_key_is_refused() {
    let (ec, rsa) = (Issuer::es256("a"), Issuer::rs256("b"));
    let mut rig = rig(&[&ec, &rsa]);
    rig.refuses(
        &ec.signed(&json!({ "alg": "RS256", "kid": "a" }), &claims()),
        Cause::TokenAlgorithm,
    );
    rig.refuses(
        &rsa.signed(&json!({ "alg": "ES256", "kid": "b" }), &claims()),
        Cause::TokenAlgorithm,
    );
    // The key would do it, the configuration would not.
    rig.refuses(
        &rsa.signed(&json!({ "alg": "PS256", "kid": "b" }), &claims()),
        Cause::TokenAlgorithm,
    );
}

#[test]
fn a_key_name_opens_nothing_but_the_issuers_own_drawer() {
    let (issuer, stranger) = (Issuer::es256("a"), Issuer::es256("a"));
    let mut rig = rig(&[&issuer]);
    for kid in ["../../dev/null", "a' OR '1'='1", "", "A", "a\u{0}"] {
        let header = json!({ "alg": "ES256", "kid": kid });
        rig.refuses(&stranger.signed(&header, &claims()), Cause::TokenKey);
    }
    rig.refuses(&stranger.token(&claims()), Cause::TokenSignature);
    // A key that a token brings along is not looked at.
    let header = json!({
        "alg": "ES256", "kid": "a", "jwk": stranger.jwk(), "jku": "https://evil.test/jwks",
        "x5u": "https://evil.test/x5c",
    });
    rig.refuses(&stranger.signed(&header, &claims()), Cause::TokenSignature);
    rig.refuses(
        &issuer.signed(&json!({ "alg": "ES256", "kid": 7 }), &claims()),
        Cause::TokenMalformed,
    );
    let header = json!({ "alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false });
    rig.refuses(&issuer.signed(&header, &claims()), Cause::TokenMalformed);
}

#[test]
fn a_token_of_another_time_is_refused() {
    let issuer = Issuer::es256("a");
    let mut rig = rig(&[&issuer]);
    for (claims, cause) in [
        (with("exp", json!(NOW - 31)), Cause::TokenExpired),
        (with("exp", json!(-1)), Cause::TokenExpired),
        (with("nbf", json!(NOW + 31)), Cause::TokenEarly),
        (without("exp"), Cause::TokenMalformed),
        (with("exp", json!("9999999999")), Cause::TokenMalformed),
        (with("nbf", json!("0")), Cause::TokenMalformed),
    ] {
        rig.refuses(&issuer.token(&claims), cause);
    }
    for claims in
        [with("exp", json!(NOW - 29)), with("nbf", json!(NOW + 29)), with("exp", json!(1e300))]
    {
        rig.bears(&issuer.token(&claims)).passes();
    }
}

#[test]
fn a_token_for_or_of_somebody_else_is_refused() {
    let issuer = Issuer::es256("a");
    let mut rig = rig(&[&issuer]);
    for (claims, cause) in [
        (with("iss", json!("https://id.test/")), Cause::TokenIssuer),
        (with("iss", json!(["https://id.test"])), Cause::TokenIssuer),
        (without("iss"), Cause::TokenIssuer),
        (with("aud", json!("ap")), Cause::TokenAudience),
        (with("aud", json!([])), Cause::TokenAudience),
        (with("aud", json!({ "api": true })), Cause::TokenAudience),
        (without("aud"), Cause::TokenAudience),
        (without("sub"), Cause::TokenMalformed),
        (with("sub", json!("ann\r\nx-admin: 1")), Cause::TokenMalformed),
        (with("sub", json!(null)), Cause::TokenMalformed),
    ] {
        rig.refuses(&issuer.token(&claims), cause);
    }
    rig.bears(&issuer.token(&with("aud", json!("api")))).passes();
}

#[test]
fn a_huge_token_is_refused_before_it_is_read() {
    let issuer = Issuer::es256("a");
    let mut rig = rig(&[&issuer]);
    let token = issuer.token(&with("pad", json!("x".repeat(8 << 10))));
    rig.refuses(&token, Cause::TokenLimit);
    rig.refuses(&"[".repeat(8 << 10), Cause::TokenMalformed);
    let deep = format!("{}.e30.e30", encode("[".repeat(4 << 10).as_bytes()));
    rig.refuses(&deep, Cause::TokenMalformed);
}

#[test]
fn a_token_that_was_touched_is_refused_and_never_repeated() {
    let issuer = Issuer::es256("a");
    let mut rig = rig(&[&issuer]);
    let good = issuer.token(&claims());
    rig.bears(&good).passes();
    let (head, tail) = good.split_at(good.rfind('.').unwrap());
    let other = issuer.token(&with("sub", json!("root")));
    let swapped = format!("{}{tail}", &other[..other.rfind('.').unwrap()]);
    rig.refuses(&swapped, Cause::TokenSignature);
    rig.refuses(&format!("{head}."), Cause::TokenSignature);
    let refused = rig.bears(&swapped).refused();
    assert_eq!(challenges(&refused), ["Bearer realm=\"staff\", error=\"invalid_token\""]);
    assert!(!format!("{refused:?}").contains(&swapped[..20]));
}

#[test]
fn scopes_are_words_or_a_list_and_a_lack_is_told() {
    let issuer = Issuer::es256("a");
    let keys = set(&[&issuer]);
    let policy = format!("{POLICY}scopes = \"roles\"\nconsumer = \"id\"\n");
    let rule = "{ any = [\"staff\"], scopes = [\"read\"] }";
    let mut rig = Rig::new(&policy, rule, &|_| Some(keys.clone()));
    rig.now = NOW * 1000;
    let mut claims = with("roles", json!(["read", "a b", 7]));
    claims["id"] = json!(42);
    assert_eq!(rig.bears(&issuer.token(&claims)).passes().consumer(), "42");
    claims["roles"] = json!("write");
    let refused = rig.bears(&issuer.token(&claims)).refused();
    assert_eq!(refused.cause(), Cause::InsufficientScope);
    let told = "Bearer realm=\"staff\", error=\"insufficient_scope\", scope=\"read\"";
    assert_eq!(challenges(&refused), [told]);
}

proptest! {
    #[test]
    fn any_bytes_are_no_token(bytes in "[ -~]{0,200}") {
        let issuer = Issuer::es256("a");
        let mut rig = rig(&[&issuer]);
        rig.show("authorization", &format!("Bearer {bytes}"));
        prop_assert_ne!(rig.cause(), Cause::Panic);
    }

    #[test]
    fn any_claims_are_judged(claims in "[\"a-z0-9{}:,\\[\\]]{0,80}", at in 0usize..200) {
        let issuer = Issuer::es256("a");
        let mut rig = rig(&[&issuer]);
        let claims: Value = serde_json::from_str(&claims).unwrap_or_else(|_| json!({ "exp": claims }));
        rig.bears(&issuer.token(&claims));
        prop_assert_ne!(rig.cause(), Cause::Panic);
        let token = issuer.token(&super::tests::claims());
        let at = at % token.len();
        rig.bears(&format!("{}{}", &token[..at], &token[at + 1..]));
        prop_assert_ne!(rig.cause(), Cause::Panic);
    }
}

//! Who calls: a key that is known, a token that was verified before, and one that was not.

#[allow(dead_code, unreachable_pub, reason = "borrowed from the integration tests")]
#[path = "../../tests/it/rig/tokens.rs"]
mod tokens;

use std::hint::black_box;
use std::sync::Arc;

use guichet::base::hex;
use guichet::config::{self, Colour};
use guichet::gate::{Callers, Decision, Policies, Shown};
use http::HeaderValue;
use serde_json::json;

use self::tokens::{Issuer, set};
use crate::Part;
use crate::scene::{SMALL, Scene, quiet, request};

pub(crate) const PARTS: &[Part] = &[
    Part::new("callers/api_key", || recognised("keyed", "x-api-key", "a key", 1)),
    Part::new("callers/token/remembered", || token(1)),
    Part::new("callers/token/verified", || token(MANY)),
];

fn token(different: u64) -> Box<dyn FnMut()> {
    recognised("staff", "authorization", "", different)
}

/// A caller that is looked at, by turns one of so many.
fn recognised(policy: &str, field: &'static str, value: &str, different: u64) -> Box<dyn FnMut()> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.as_bytes());
    let mut digits = [0; 64];
    hex::write(digest.as_ref(), &mut digits);
    let keys =
        format!("[[key]]\nname = \"a\"\nsha256 = \"{}\"\n", String::from_utf8_lossy(&digits));
    let issuer = Issuer::es256("a");
    let jwks = set(&[&issuer]);
    let environment = move |name: &str| match name {
        "KEYS" => Some(keys.clone()),
        "JWKS" => Some(jwks.clone()),
        _ => None,
    };
    let text = quiet(&format!(
        "[auth.keyed]\ntype = \"api_key\"\nkeys = {{ env = \"KEYS\" }}\n\
         [auth.staff]\ntype = \"jwt\"\nissuer = \"i\"\naudience = [\"a\"]\njwks = {{ env = \"JWKS\" }}\n\
         [[route]]\nmatch = \"/{{*rest}}\"\nrespond = {{ status = 204 }}\nauth = \"{policy}\"\n"
    ));
    let config = config::load_text("bench.toml", &text, &environment)
        .unwrap_or_else(|refused| panic!("{}", refused.human(Colour::Never)))
        .config;
    let policies = Policies::load(&config, &environment, None).unwrap().unwrap();
    let callers = Callers::new(policies, None).unwrap();
    let scene = Scene::new(&quiet(crate::scene::FIXED));
    let connection = scene.connection();
    let config = Arc::new(config);
    let mut head = request(&config, SMALL);
    let claims = |number: u64| json!({ "iss": "i", "aud": "a", "sub": "ann", "exp": 4_000_000_000_u64, "n": number });
    let values: Vec<HeaderValue> = (0..different)
        .map(|number| match value {
            "" => format!("Bearer {}", issuer.token(&claims(number))).parse().unwrap(),
            key => key.parse().unwrap(),
        })
        .collect();
    let host = HeaderValue::from_static("api.example.com");
    let mut turn = 0;
    Box::new(move || {
        turn = (turn + 1) % values.len();
        head.headers.insert(field, values[turn].clone());
        let shown = Shown {
            headers: &head.headers,
            method: &head.method,
            target: &head.uri,
            host: &host,
            ip: [127, 0, 0, 1].into(),
            peer: &connection.peer,
            now: 1_800_000_000_000,
        };
        let rule = config.routes[0].auth.as_ref().unwrap();
        let decision = callers.decide(rule, &shown, scene.stage.gateway().witness());
        assert!(matches!(black_box(decision), Decision::Known(_)));
    })
}

/// More than are remembered.
const MANY: u64 = 5000;

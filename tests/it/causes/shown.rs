//! Requests whose callers are refused, for the scenarios of causes.

use guichet::problem::Cause;
use serde_json::{Value, json};

use super::{Proof, proof};
use crate::rig::client::{self, Client};
use crate::rig::gateway::Setup;
use crate::rig::origin::{Origin, Step};
use crate::rig::tls::{self, Authority, Validity};
use crate::rig::tokens::{self, Issuer};
use crate::rig::{callers, eventually};

/// A route that wants an API key, and a request with these fields.
pub(super) fn with_key(rule: &str, fields: &str) -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let keys = callers::keys(
        &folder,
        &[("acme", "valid", ""), ("old", "expired", "expires = 1999-01-01T00:00:00Z")],
    );
    let policy = format!("[auth.keyed]\ntype = \"api_key\"\nkeys = {{ file = \"{keys}\" }}");
    guarded(&policy, rule, fields)
}

pub(super) fn tokens_of(jwks: &str) -> String {
    format!(
        "[auth.who]\ntype = \"jwt\"\nissuer = \"https://id.test\"\naudience = [\"api\"]\n\
         jwks = {jwks}"
    )
}

/// A token that is made of a good one's parts.
pub(super) fn with_token(make: impl FnOnce(&Issuer, &Value) -> String) -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::es256("a");
    let keys = callers::write(&folder, "jwks.json", &tokens::set(&[&issuer]));
    let claims = json!({
        "iss": "https://id.test", "aud": "api", "sub": "ann", "exp": 4_000_000_000_u64,
    });
    let fields = format!("Authorization: Bearer {}\r\n", make(&issuer, &claims));
    guarded(&tokens_of(&format!("{{ file = \"{keys}\" }}")), "\"who\"", &fields)
}

pub(super) fn with_claim(name: &str, value: Value) -> Proof {
    with_token(|issuer, claims| {
        let mut claims = claims.clone();
        claims[name] = value;
        issuer.token(&claims)
    })
}

/// More guesses than are verified at once, each of them costly.
pub(super) fn verifier_busy() -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let users = callers::users(&folder, "ann", "right", (16 << 10, 3));
    let gateway = Setup::new()
        .with(&format!("[auth.who]\ntype = \"basic\"\nusers = {{ file = \"{users}\" }}"))
        .route("match = \"/a\"\nrespond = { status = 204 }\nauth = \"who\"")
        .start();
    let guess = |number: usize| {
        let guess = callers::base64(&format!("ann:guess-{number}"));
        format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nAuthorization: Basic {guess}\r\n\r\n")
    };
    let mut guessing: Vec<Client> = Vec::new();
    for number in 0..60 {
        let mut client = Client::plain(gateway.plain());
        client.send(guess(number));
        guessing.push(client);
    }
    let reply = eventually("a full queue", || {
        let reply = client::ask(gateway.plain(), &guess(60));
        (reply.status() == 503).then_some(reply)
    });
    assert_eq!(reply.header("retry-after"), Some("1"));
    proof(&gateway, reply)
}

/// No certificate, or a good one of somebody who is not known.
pub(super) fn certificate(cause: Cause) -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let ca = authority.file(&folder);
    let gateway = Setup::new()
        .with("[auth.who]\ntype = \"mtls\"\n[[auth.who.clients]]\nsan = \"known.test\"")
        .tls(&format!(
            "tls = {{ self_signed = [\"localhost\"], client_ca = \"{}\", \
             client_auth = \"optional\" }}",
            ca.display()
        ))
        .route("match = \"/a\"\nrespond = { status = 204 }\nauth = \"who\"")
        .start();
    let config = match cause {
        Cause::CertificateMissing => tls::trusting_client(&["http/1.1"]),
        _ => {
            let stranger = authority.sign(&["stranger.test"], Validity::Now);
            tls::known_client(&["http/1.1"], &stranger)
        }
    };
    let mut client = Client::tls_as(gateway.tls(), "localhost", config).unwrap();
    let reply = client.ask("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
    proof(&gateway, reply)
}

/// A route behind a policy, and a request with these fields.
pub(super) fn guarded(policy: &str, rule: &str, fields: &str) -> Proof {
    let gateway = Setup::new()
        .with(policy)
        .route(&format!("match = \"/a\"\nrespond = {{ status = 204 }}\nauth = {rule}"))
        .start();
    let request = format!("GET /a HTTP/1.1\r\nHost: gw.test\r\n{fields}\r\n");
    let reply = client::ask(gateway.plain(), &request);
    assert_eq!(reply.header("www-authenticate").is_some(), reply.status() == 401, "{reply:?}");
    proof(&gateway, reply)
}

/// A wrong password.
pub(super) fn wrong_password() -> Proof {
    let folder = tempfile::tempdir().unwrap();
    let users = callers::users(&folder, "ann", "right", (8, 1));
    let policy = format!("[auth.who]\ntype = \"basic\"\nusers = {{ file = \"{users}\" }}");
    let wrong = format!("Authorization: Basic {}\r\n", callers::base64("ann:wrong"));
    guarded(&policy, "\"who\"", &wrong)
}

/// Somebody else decides.
pub(super) fn asked(steps: impl IntoIterator<Item = Step>) -> Proof {
    let origin = Origin::scripted(steps);
    let policy = format!(
        "[auth.who]\ntype = \"forward\"\nupstream = \"judge\"\ntimeout = \"300ms\"\n\
         [upstream.judge]\nendpoints = [\"{}\"]",
        origin.url()
    );
    guarded(&policy, "\"who\"", "Authorization: x\r\n")
}

//! Callers whose proofs take some asking: tokens with keys that are fetched, passwords, certificates.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::rig::client::{self, Client, Expects, Reply};
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::Origin;
use crate::rig::tls::{self, Authority, Validity};
use crate::rig::tokens::{self, Issuer};
use crate::rig::{callers, eventually};

/// Where an issuer publishes its keys.
struct Publisher {
    url: String,
    /// What it answers; nothing at all where there is none.
    set: Arc<Mutex<Option<String>>>,
    asked: Arc<Mutex<usize>>,
}

impl Publisher {
    fn new(set: Option<String>) -> Self {
        Self::behind(None, set)
    }

    /// As [`Self::new`], behind TLS, with a certificate of these names.
    fn secure(authority: &Authority, names: &[&str], set: String) -> Self {
        let identity = authority.sign(names, Validity::Now);
        Self::behind(Some(identity.server_config(&[])), Some(set))
    }

    fn behind(security: Option<Arc<rustls::ServerConfig>>, set: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url = match &security {
            None => format!("http://{address}/keys"),
            Some(_) => format!("https://localhost:{}/keys", address.port()),
        };
        let (set, asked) = (Arc::new(Mutex::new(set)), Arc::new(Mutex::new(0)));
        let (theirs, count) = (Arc::clone(&set), Arc::clone(&asked));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                *count.lock().unwrap() += 1;
                let Some(body) = theirs.lock().unwrap().clone() else { continue };
                match &security {
                    None => publish(&mut stream, &body),
                    Some(config) => {
                        let session = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
                        publish(&mut rustls::StreamOwned::new(session, stream), &body);
                    }
                }
            }
        });
        Self { url, set, asked }
    }

    fn publishes(&self, set: Option<String>) {
        *self.set.lock().unwrap() = set;
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

fn publish(stream: &mut (impl Read + Write), body: &str) {
    let mut lines = BufReader::new(&mut *stream).lines();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    drop(lines);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes()).and_then(|()| stream.flush());
}

fn claims(subject: &str) -> Value {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    json!({ "iss": "https://id.test", "aud": "api", "sub": subject, "exp": now + 600 })
}

fn guarded(policy: &str, more: &str) -> Setup {
    Setup::new()
        .with(policy)
        .route(&format!("match = \"/a\"\nrespond = {{ status = 204 }}\nauth = \"who\"\n{more}"))
}

fn tokens(jwks: &str) -> String {
    format!(
        "[auth.who]\ntype = \"jwt\"\nissuer = \"https://id.test\"\naudience = [\"api\"]\n\
         jwks = {jwks}\n"
    )
}

fn fetched(publisher: &Publisher) -> String {
    tokens(&format!("\"{}\"", publisher.url))
}

fn shows(gateway: &Gateway, authorization: &str) -> Reply {
    let request =
        format!("GET /a HTTP/1.1\r\nHost: gw.test\r\nAuthorization: {authorization}\r\n\r\n");
    client::ask(gateway.plain(), &request)
}

fn bears(gateway: &Gateway, token: &str) -> Reply {
    shows(gateway, &format!("Bearer {token}"))
}

/// Waits until the keys are there.
fn served(gateway: &Gateway, token: &str) {
    eventually("the issuer's keys", || (bears(gateway, token).status() == 204).then_some(()));
}

#[test]
fn before_the_first_keys_are_here_a_token_is_told_to_come_back() {
    let publisher = Publisher::new(None);
    let issuer = Issuer::es256("a");
    let gateway = guarded(&fetched(&publisher), "").start();
    let token = issuer.token(&claims("ann"));
    let reply = bears(&gateway, &token);
    reply.is_problem(503, "ServiceUnavailable");
    assert!(reply.header("retry-after").is_some() && reply.header("www-authenticate").is_none());
    assert_eq!(gateway.log_line(&reply.request_id())["cause"], "token_keys_missing");
    publisher.publishes(Some(tokens::set(&[&issuer])));
    served(&gateway, &token);
    let line = gateway.log_line(&bears(&gateway, &token).request_id());
    assert_eq!(line["consumer"], "ann");
}

#[test]
fn keys_come_over_tls_from_whom_the_authority_vouches_for() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let set = tokens::set(&[&old]);
    let ca = |authority: &Authority| format!("ca = \"{}\"\n", authority.file(&folder).display());
    let publisher = Publisher::secure(&authority, &["localhost"], set.clone());
    let gateway = guarded(&(fetched(&publisher) + &ca(&authority)), "").start();
    let (first, second) = (old.token(&claims("ann")), new.token(&claims("ann")));
    served(&gateway, &first);
    publisher.publishes(Some(tokens::set(&[&new])));
    assert_eq!((bears(&gateway, &second).status(), bears(&gateway, &first).status()), (204, 401));
    // Of somebody else, by another name, and by the authorities of the system, which do not know this one.
    let other = Publisher::secure(&authority, &["other.test"], set);
    for policy in [
        fetched(&publisher) + &ca(&stranger),
        fetched(&other) + &ca(&authority),
        fetched(&publisher),
    ] {
        let asked = || publisher.asked() + other.asked();
        let before = asked();
        let gateway = guarded(&policy, "").start();
        eventually("a question", || (asked() > before).then_some(()));
        // It is asked again once the first answer has been refused.
        eventually("another question", || (asked() > before + 1).then_some(()));
        bears(&gateway, &second).is_problem(503, "ServiceUnavailable");
    }
}

#[test]
fn a_new_key_is_fetched_when_it_is_met_and_an_old_one_is_forgotten_with_its_tokens() {
    let (old, new) = (Issuer::es256("old"), Issuer::es256("new"));
    let publisher = Publisher::new(Some(tokens::set(&[&old])));
    let gateway = guarded(&fetched(&publisher), "").start();
    let (first, second) = (old.token(&claims("ann")), new.token(&claims("ann")));
    served(&gateway, &first);
    publisher.publishes(Some(tokens::set(&[&new])));
    assert_eq!(bears(&gateway, &second).status(), 204, "it waits for the new keys");
    let reply = bears(&gateway, &first);
    assert_eq!(reply.status(), 401, "what the old key has signed is not remembered either");
    assert_eq!(gateway.log_line(&reply.request_id())["cause"], "token_key");
}

#[test]
fn the_last_good_keys_stay_while_the_issuer_is_down_and_invented_keys_do_not_have_it_asked() {
    let issuer = Issuer::es256("a");
    let publisher = Publisher::new(Some(tokens::set(&[&issuer])));
    let gateway = guarded(&fetched(&publisher), "").start();
    let token = issuer.token(&claims("ann"));
    served(&gateway, &token);
    publisher.publishes(None);
    let before = publisher.asked();
    for number in 0..20 {
        let header = json!({ "alg": "ES256", "kid": format!("invented-{number}") });
        let reply = bears(&gateway, &issuer.signed(&header, &claims("eve")));
        assert_eq!(reply.status(), 401);
    }
    assert!(publisher.asked() - before <= 4, "{}", publisher.asked() - before);
    assert_eq!(bears(&gateway, &issuer.token(&claims("bob"))).status(), 204);
    // A reload keeps the keys, too.
    gateway.reload(&guarded(&fetched(&publisher), ""));
    assert_eq!(bears(&gateway, &token).status(), 204);
}

#[test]
fn limits_count_by_a_claim() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::es256("a");
    let keys = callers::write(&folder, "jwks.json", &tokens::set(&[&issuer]));
    let policy = tokens(&format!("{{ file = \"{keys}\" }}"))
        + "[limit.per-user]\nkey = \"jwt:sub\"\nrate = \"1/d\"\n";
    let gateway = guarded(&policy, "limits = [\"per-user\"]").start();
    let status = |who: &str| bears(&gateway, &issuer.token(&claims(who))).status();
    assert_eq!([status("ann"), status("ann"), status("bob")], [204, 429, 204]);
}

#[test]
fn a_password_is_verified_and_nothing_tells_a_wrong_name_from_a_wrong_password() {
    let folder = tempfile::tempdir().unwrap();
    let users = callers::users(&folder, "ann", "s3:cret", (8, 1));
    let policy = format!("[auth.who]\ntype = \"basic\"\nusers = {{ file = \"{users}\" }}\n");
    let gateway = guarded(&policy, "").start();
    let basic = |text: &str| shows(&gateway, &format!("Basic {}", callers::base64(text)));
    for _ in 0..2 {
        let reply = basic("ann:s3:cret");
        assert_eq!(reply.status(), 204);
        assert_eq!(gateway.log_line(&reply.request_id())["consumer"], "ann");
    }
    for wrong in ["ann:other", "bob:s3:cret", "ann:"] {
        let reply = basic(wrong);
        reply.is_problem(401, "Unauthorized");
        let told = reply.header("www-authenticate");
        assert_eq!(told, Some("Basic realm=\"who\", charset=\"UTF-8\""));
        assert_eq!(gateway.log_line(&reply.request_id())["cause"], "password_wrong");
    }
    let log = String::from_utf8(gateway.log_bytes()).unwrap();
    assert!(!log.contains("s3:cret") && !log.contains(&callers::base64("ann:s3:cret")));
}

#[test]
fn a_client_is_known_by_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let gateway = guarded(
        "[auth.who]\ntype = \"mtls\"\n[[auth.who.clients]]\nsan = \"billing.test\"\n\
         name = \"billing\"\nscopes = [\"read\"]\n",
        "",
    )
    .tls(&format!(
        "tls = {{ self_signed = [\"localhost\"], client_ca = \"{}\", client_auth = \"optional\" }}",
        authority.file(&folder).display()
    ))
    .start();
    let ask = |config: Arc<rustls::ClientConfig>| {
        let mut client = Client::tls_as(gateway.tls(), "localhost", config).unwrap();
        client.send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.try_reply(Expects::Body).unwrap()
    };
    let signed =
        |name: &str| tls::known_client(&["http/1.1"], &authority.sign(&[name], Validity::Now));
    let reply = ask(signed("Billing.test"));
    assert_eq!(reply.status(), 204);
    assert_eq!(gateway.log_line(&reply.request_id())["consumer"], "billing");
    ask(signed("other.test")).is_problem(403, "Forbidden");
    let missing = ask(tls::trusting_client(&["http/1.1"]));
    missing.is_problem(401, "Unauthorized");
    assert_eq!(missing.header("www-authenticate"), Some("ClientCertificate realm=\"who\""));
}

#[test]
fn an_upstream_is_asked_and_its_word_goes_on_to_the_other_one() {
    let judge = Origin::answering(
        "HTTP/1.1 200 OK\r\nX-User: ann\r\nX-Team: blue\r\nContent-Length: 2\r\n\r\nok",
    );
    let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let policy = |cache: &str| {
        format!(
            "[auth.who]\ntype = \"forward\"\nupstream = \"judge\"\npath = \"/verify\"\n\
             take = [\"x-team\", \"x-role\"]\nconsumer = \"x-user\"\ncache = \"{cache}\"\n\
             [upstream.judge]\nendpoints = [\"{}\"]\n",
            judge.url()
        )
    };
    for (cache, asked) in [("0s", 3), ("1m", 5)] {
        let setup = |route: &str| {
            Setup::new()
                .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
                .with(&policy(cache))
                .route(&format!("match = \"{route}\"\nupstream = \"origin\"\nauth = \"who\""))
        };
        let gateway = setup("/{*rest}").start();
        for target in ["/a?x=1", "/a?x=1", "/b"] {
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: gw.test\r\nAuthorization: s3cret\r\n\
                 X-Role: admin\r\nX-Other: 1\r\n\r\n"
            );
            let reply = client::ask(gateway.plain(), &request);
            assert_eq!(reply.status(), 200, "{}", reply.text());
            assert_eq!(gateway.log_line(&reply.request_id())["consumer"], "ann");
            // What is remembered outlives a reload that changes something else.
            gateway.reload(&setup("/{*other}"));
        }
        assert_eq!(judge.requests().len(), asked, "with a cache of {cache}");
    }
    let question = judge.last();
    assert_eq!(question.head.target(), "/verify");
    let told = |name| question.header(name);
    assert_eq!((told("authorization"), told("x-forwarded-uri")), (Some("s3cret"), Some("/b")));
    assert_eq!((told("x-forwarded-method"), told("host")), (Some("GET"), Some("gw.test")));
    assert_eq!((told("x-other"), told("x-role")), (None, None));
    let seen = origin.last();
    assert_eq!((seen.header("x-team"), seen.header("x-role")), (Some("blue"), None));
    assert_eq!(
        (seen.header("x-consumer"), seen.header("authorization")),
        (Some("ann"), Some("s3cret"))
    );
    assert_eq!(judge.connections(), 2, "one for each gateway");
}

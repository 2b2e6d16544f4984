//! Rules over several policies, with API keys: who passes, what is told, what is counted.

use std::sync::Arc;

use http::header::WWW_AUTHENTICATE;

use super::*;
use crate::base::ListenerId;
use crate::config;
use crate::config::model::AuthRule;
use crate::observe::{Names, Registers, Witness};
use crate::problem::{Cause, Problem};

/// A configuration with policies, on the way to one route.
pub(super) struct Rig {
    pub(super) config: Config,
    pub(super) callers: Callers,
    pub(super) witness: Witness,
    pub(super) headers: HeaderMap,
    pub(super) target: Uri,
    pub(super) peer: Peer,
    pub(super) now: u64,
}

impl Rig {
    /// `rule` is what stands behind `auth =`.
    pub(super) fn new(policies: &str, rule: &str, environment: Environment<'_>) -> Self {
        let text = format!(
            "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n{policies}\n[[route]]\n\
             name = \"one\"\nmatch = \"/a\"\nrespond = {{ status = 204 }}\nauth = {rule}\n"
        );
        let config = match config::load_text("t.toml", &text, environment) {
            Ok(loaded) => loaded.config,
            Err(refused) => panic!("{}", refused.human(config::Colour::Never)),
        };
        let names = Arc::new(Names::new(&config));
        let registers = Arc::new(Registers::new(&names));
        let witness = Witness::new(registers, names, Arc::clone(&config.errors.catalogue), None);
        let policies = Policies::load(&config, environment, None).unwrap().unwrap();
        let peer = Peer {
            address: ([127, 0, 0, 1], 1).into(),
            listener: ListenerId(0),
            tls: None,
            trusted: false,
        };
        let (headers, target, now) = (HeaderMap::new(), Uri::from_static("/a"), 1_000);
        let callers = Callers::new(policies, None).unwrap();
        Self { config, callers, witness, headers, target, peer, now }
    }

    pub(super) fn rule(&self) -> &AuthRule {
        self.config.routes[0].auth.as_ref().unwrap()
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        Shown {
            headers: &self.headers,
            method: &Method::GET,
            target: &self.target,
            host: &HOST,
            ip: self.peer.ip(),
            peer: &self.peer,
            now: self.now,
        }
    }

    pub(super) fn show(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    pub(super) fn passes(&self) -> Arc<Identity> {
        match self.callers.decide(self.rule(), &self.shown(), &self.witness) {
            Decision::Known(identity) => identity,
            Decision::Refused(problem) => panic!("{:?}", problem.detail()),
            Decision::Ask(inquiry) => panic!("{inquiry:?}"),
        }
    }

    pub(super) fn refused(&self) -> Problem {
        match self.callers.decide(self.rule(), &self.shown(), &self.witness) {
            Decision::Known(identity) => panic!("{identity:?}"),
            Decision::Refused(problem) => problem,
            Decision::Ask(inquiry) => panic!("{inquiry:?}"),
        }
    }

    pub(super) fn cause(&self) -> Cause {
        self.refused().cause()
    }
}

static HOST: HeaderValue = HeaderValue::from_static("gw.test");

pub(super) fn challenges(problem: &Problem) -> Vec<&str> {
    let all = problem.headers().iter().filter(|(name, _)| *name == WWW_AUTHENTICATE);
    all.map(|(_, value)| value.to_str().unwrap()).collect()
}

fn entry(name: &str, key: &str, more: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    let mut hex = [0; 64];
    crate::base::hex::write(digest.as_ref(), &mut hex);
    let hex = std::str::from_utf8(&hex).unwrap();
    format!("[[key]]\nname = \"{name}\"\nsha256 = \"{hex}\"\n{more}\n")
}

fn rig(rule: &str) -> Rig {
    let environment = |name: &str| match name {
        "PARTNERS" => Some(
            entry("acme", "k1", "scopes = [\"read\"]")
                + &entry("acme", "k2", "")
                + &entry("old", "k3", "expires = 1970-01-01T00:00:02Z"),
        ),
        "ROBOTS" => Some(entry("r2", "beep", "scopes = [\"write\"]")),
        _ => None,
    };
    let policies = "[auth.partners]\ntype = \"api_key\"\nkeys = { env = \"PARTNERS\" }\n\
                    [auth.robots]\ntype = \"api_key\"\nrealm = \"R\"\nquery = \"robot\"\n\
                    keys = { env = \"ROBOTS\" }\n";
    Rig::new(policies, rule, &environment)
}

#[test]
fn two_keys_of_one_name_are_both_valid_and_one_that_is_over_is_not() {
    let mut rig = rig("\"partners\"");
    for key in ["k1", "k2"] {
        assert_eq!(rig.show("x-api-key", key).passes().consumer(), "acme");
    }
    rig.show("x-api-key", "k3").now = 2_000;
    assert_eq!(rig.passes().consumer(), "old");
    rig.now = 2_001;
    assert_eq!(rig.cause(), Cause::KeyExpired);
}

#[test]
fn what_is_wrong_with_a_key_is_told_apart_and_never_repeated() {
    let mut rig = rig("\"partners\"");
    let missing = rig.refused();
    assert_eq!(missing.cause(), Cause::AuthMissing);
    assert_eq!(challenges(&missing), ["ApiKey realm=\"partners\", header=\"x-api-key\""]);
    let wrong = rig.show("x-api-key", "hunter2").refused();
    assert_eq!(wrong.cause(), Cause::KeyUnknown);
    assert!(!format!("{wrong:?}").contains("hunter2"));
    rig.headers.append("x-api-key", "k1".parse().unwrap());
    assert_eq!(rig.cause(), Cause::AuthMalformed);
}

#[test]
fn any_takes_the_first_that_knows_the_caller_and_all_takes_every_one() {
    let mut any = rig("{ any = [\"partners\", \"robots\"] }");
    assert_eq!(challenges(&any.refused()).len(), 2);
    any.target = Uri::from_static("/a?robot=beep");
    assert_eq!(any.passes().consumer(), "r2");
    any.show("x-api-key", "wrong");
    assert_eq!(any.passes().consumer(), "r2", "one of them is enough");
    any.target = Uri::from_static("/a?robot=boop");
    assert_eq!(any.cause(), Cause::KeyUnknown);

    let mut all = rig("{ all = [\"partners\", \"robots\"], scopes = [\"read\", \"write\"] }");
    all.show("x-api-key", "k1");
    assert_eq!(challenges(&all.refused()), ["ApiKey realm=\"R\", query=\"robot\""]);
    all.target = Uri::from_static("/a?robot=beep");
    assert_eq!(all.passes().consumer(), "acme");
    assert_eq!(all.show("x-api-key", "k2").cause(), Cause::InsufficientScope, "it may not read");
}

#[test]
fn a_word_of_who_decides_is_for_one_question_alone() {
    let policy = "[upstream.judge]\nendpoints = [\"http://127.0.0.1:1\"]\n[auth.who]\n\
                  type = \"forward\"\nupstream = \"judge\"\npath = \"/\"\ncache = \"1m\"\n";
    let rig = Rig::new(policy, "\"who\"", &|_| None);
    let mark = |shown: Shown<'_>| {
        let (policy, recent) = (rig.callers.policies.get(AuthId(0)), rig.callers.recent(AuthId(0)));
        match policy.look(&shown, recent, Patience::Some) {
            Look::Ask(Question::Upstream(asked)) => asked.mark(),
            Look::Ask(_) | Look::Said(_) => panic!("it asks an upstream"),
        }
    };
    let target = Uri::from_static("/a?bc");
    let asked = || Shown { target: &target, ..rig.shown() };
    assert_eq!(mark(asked()), mark(asked()));
    let (moved, host) = (Uri::from_static("/ab?c"), HeaderValue::from_static("other.test"));
    let cookie = HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_static("a=1"))]);
    for (what, other) in [
        ("method", Shown { method: &Method::POST, ..asked() }),
        ("target", Shown { target: &moved, ..asked() }),
        ("host", Shown { host: &host, ..asked() }),
        ("address", Shown { ip: [192, 0, 2, 1].into(), ..asked() }),
        ("credentials", Shown { headers: &cookie, ..asked() }),
    ] {
        assert_ne!(mark(other), mark(asked()), "another {what}");
    }
}

#[test]
fn a_caller_without_the_scope_is_forbidden_and_not_unknown() {
    let mut rig = rig("{ any = [\"partners\", \"robots\"], scopes = [\"write\"] }");
    rig.show("x-api-key", "k1");
    let refused = rig.refused();
    assert_eq!(refused.cause(), Cause::InsufficientScope);
    assert!(challenges(&refused).is_empty());
    rig.target = Uri::from_static("/a?robot=beep");
    assert_eq!(rig.passes().consumer(), "r2", "another policy may know more of the caller");
}

#[test]
fn credentials_go_no_further() {
    let mut rig = rig("{ any = [\"partners\", \"robots\"] }");
    rig.show("x-api-key", "k1").target = Uri::from_static("/p?a=1&robot=x");
    let identity = rig.passes();
    let request = http::Request::get("/p?a=1&robot=x&b=2").header("x-api-key", "k1");
    let mut head = request.body(()).unwrap().into_parts().0;
    rig.callers.strip(rig.rule(), &identity, &mut head);
    assert_eq!((head.uri.to_string().as_str(), head.headers.len()), ("/p?a=1&b=2", 0));
}

#[test]
fn what_was_found_out_outlives_a_reload_that_leaves_all_it_rests_on_alone() {
    const HASH: &str =
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$dGhpcyBpcyBhIGhhc2ggb2YgMzIgYnl0ZXMu";
    let load = |first: &str, users: &str, port: u16, cache: &str| {
        let text = format!(
            "version = 1\n[listen.a]\nbind = [\"127.0.0.1:0\"]\n{first}[upstream.judge]\n\
             endpoints = [\"http://127.0.0.1:{port}\"]\n\
             [auth.asked]\ntype = \"forward\"\nupstream = \"judge\"\npath = \"/\"\n\
             cache = \"{cache}\"\n\
             [auth.named]\ntype = \"basic\"\nusers = {{ env = \"USERS\" }}\n[[route]]\n\
             match = \"/a\"\nrespond = {{ status = 204 }}\nauth = {{ any = [\"asked\", \"named\"] }}\n"
        );
        let users = format!("[[user]]\nname = \"{users}\"\npassword = \"{HASH}\"\n");
        (text, users)
    };
    let made = |(text, users): (String, String), before: Option<&(Config, Callers)>| {
        let environment = move |name: &str| (name == "USERS").then(|| users.clone());
        let config = match config::load_text("t.toml", &text, &environment) {
            Ok(loaded) => loaded.config,
            Err(refused) => panic!("{}", refused.human(config::Colour::Never)),
        };
        let known = before.map(|(config, callers)| (config, &*callers.policies));
        let policies = Policies::load(&config, &environment, known).unwrap().unwrap();
        let callers = Callers::new(policies, before.map(|(_, callers)| callers)).unwrap();
        (config, callers)
    };
    let before = made(load("", "ann", 1, "1m"), None);
    let kept = |following: (String, String)| {
        let (_, callers) = made(following, Some(&before));
        let kept = |at: usize| Rc::ptr_eq(&callers.recent[at], &before.1.recent[at]);
        [kept(0), kept(1)]
    };
    assert_eq!(kept(load("", "ann", 1, "1m")), [true, true]);
    assert_eq!(kept(load("", "bob", 1, "1m")), [true, false], "the file says something else");
    assert_eq!(kept(load("", "ann", 2, "1m")), [false, true], "somebody else decides");
    assert_eq!(kept(load("", "ann", 1, "2m")), [false, true], "another setting");
    let first = "[auth.aaa]\ntype = \"basic\"\nusers = { env = \"USERS\" }\n";
    let (_, callers) = made(load(first, "ann", 1, "1m"), Some(&before));
    let known = |at: &Rc<Recent>| before.1.recent.iter().any(|known| Rc::ptr_eq(known, at));
    assert!(!callers.recent.iter().any(known), "another place is another name in identities");
}

//! Who the caller is: the policies of `[auth.*]`, and what a route wants of them.
//!
//! A policy looks at a request and says one of three things: this is so-and-so, or no and why, or
//! that it has to ask first (a password takes its time, a key set has to be fetched).
//! [`Callers::decide`] puts together what the policies of a route have said; where one has to ask,
//! [`Callers::inquire`] waits for the answer and decides again with it.
//!
//! Invariants: nothing that a client has sent stands in a log line or in a reply; a request that is
//! refused has been looked at by every policy that could have let it pass; the work that a stranger
//! can cause is bounded, each kind where it is done.

mod api_key;
mod basic;
mod challenge;
mod credentials;
mod forward;
mod identity;
mod jwt;
mod mtls;
mod recent;
mod rule;
mod said;

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Uri, response};

pub use self::forward::Judgement;
pub use self::identity::{FIELDS as IDENTITY_FIELDS, Identity, is_identity_field};
pub use self::jwt::KeySource;
pub use self::rule::{Decision, Inquiry};

use self::api_key::ApiKeys;
use self::basic::{Users, Verifiers};
use self::forward::Forward;
use self::jwt::{Patience, Tokens};
use self::mtls::Clients;
use self::recent::Recent;
use self::said::{Look, Question, Refusal, Said};
use crate::base::{AuthId, Peer};
use crate::config::model::{self, AuthKind, Config, LimitKey};
use crate::config::{Environment, carry};
use crate::problem::{Cause, Problem};

/// Every policy of a configuration, shared by all workers.
#[derive(Debug)]
pub struct Policies(Box<[Policy]>);

/// One `[auth.*]`.
#[derive(Debug)]
struct Policy {
    id: AuthId,
    name: String,
    realm: String,
    pass: bool,
    way: Way,
    /// The same one as before where what has been found out since still holds.
    era: Arc<Era>,
}

/// A time in which a policy and all that it judges by stay as they are. It is known by the address of
/// its `Arc`, which no other has.
#[derive(Debug, Default)]
struct Era;

/// How a policy finds out.
#[derive(Debug)]
enum Way {
    ApiKey(ApiKeys),
    Basic(Users),
    Jwt(Tokens),
    Mtls(Clients),
    Forward(Forward),
}

/// The policies as one worker asks them.
#[derive(Debug)]
pub struct Callers {
    policies: Arc<Policies>,
    /// By policy.
    recent: Vec<Rc<Recent>>,
}

/// What policies are made of.
struct Making<'a, 'e> {
    environment: Environment<'e>,
    /// Claims that limits count by.
    claims: &'a [String],
    /// Started with the first policy that needs them.
    verifiers: &'a mut Option<Arc<Verifiers>>,
}

/// Calls an upstream for a policy: the hand that does it stands on a floor of its own.
pub trait Call {
    /// Calls it, and leaves the body of the answer aside.
    fn call(&self, asked: Judgement) -> impl Future<Output = Result<response::Parts, Problem>>;
}

/// What a request shows of its caller.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// Its method.
    pub method: &'a Method,
    /// Its target, as it was sent.
    pub target: &'a Uri,
    /// The host that it is for.
    pub host: &'a HeaderValue,
    /// The client's address, as trusted proxies say it.
    pub ip: IpAddr,
    /// The connection that it came by.
    pub peer: &'a Peer,
    /// Milliseconds since 1970.
    pub now: u64,
}

impl Policies {
    /// Reads what the policies of a configuration need; none where it has none. Keys that were
    /// fetched `before` are taken over, and so is what a policy has found out that judges as before.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(
        config: &Config,
        environment: Environment<'_>,
        before: Option<(&Config, &Self)>,
    ) -> Result<Option<Arc<Self>>, String> {
        if config.auth.is_empty() {
            return Ok(None);
        }
        let claims = counted(config);
        let mut verifiers = None;
        let all: Result<Box<[_]>, String> = (0..)
            .map(AuthId)
            .zip(&config.auth)
            .map(|(id, auth)| {
                let known = before.and_then(|(config, policies)| {
                    policies.0.get(carry::unchanged(&config.auth, auth)?)
                });
                let making = Making { environment, claims: &claims, verifiers: &mut verifiers };
                let policy = Policy::load(id, auth, known, making)
                    .map_err(|why| format!("[auth.{}] {why}", auth.name))?;
                let known = known.filter(|known| policy.judges_like(known));
                let judge = before.is_none_or(|(before, _)| same_judge(auth, before, config));
                match known.filter(|_| judge) {
                    Some(known) => Ok(Policy { era: Arc::clone(&known.era), ..policy }),
                    None => Ok(policy),
                }
            })
            .collect();
        Ok(Some(Arc::new(Self(all?))))
    }

    fn get(&self, id: AuthId) -> &Policy {
        &self.0[usize::from(id.0)]
    }
}

/// Whether the upstream that decides, if one does, is as it was.
fn same_judge(auth: &model::Auth, before: &Config, now: &Config) -> bool {
    match &auth.kind {
        AuthKind::Forward(forward) => {
            let at = |config: &Config| usize::from(forward.upstream.0) < config.upstreams.len();
            at(before)
                && at(now)
                && before.upstream(forward.upstream) == now.upstream(forward.upstream)
        }
        AuthKind::ApiKey { .. }
        | AuthKind::Basic { .. }
        | AuthKind::Jwt(_)
        | AuthKind::Mtls { .. } => true,
    }
}

/// Claims that limits count by.
fn counted(config: &Config) -> Vec<String> {
    let claims = config.limits.iter().filter_map(|limit| match &limit.key {
        LimitKey::Claim(name) => Some(name.clone()),
        LimitKey::Ip
        | LimitKey::Header(_)
        | LimitKey::Route
        | LimitKey::Gateway
        | LimitKey::ApiKey => None,
    });
    claims.collect()
}

impl Policy {
    fn load(
        id: AuthId,
        auth: &model::Auth,
        before: Option<&Self>,
        making: Making<'_, '_>,
    ) -> Result<Self, String> {
        let name = HeaderValue::from_str(&auth.name).map_err(|error| error.to_string())?;
        let Making { environment, claims, verifiers } = making;
        let way = match &auth.kind {
            AuthKind::ApiKey { place, keys } => {
                Way::ApiKey(ApiKeys::load(id, &name, place.clone(), keys, environment)?)
            }
            AuthKind::Basic { users } => {
                let verifiers = match verifiers {
                    Some(verifiers) => verifiers,
                    none => none.insert(Verifiers::start()?),
                };
                Way::Basic(Users::load(id, &name, users, verifiers, environment)?)
            }
            AuthKind::Jwt(jwt) => {
                let known = before.and_then(|before| match &before.way {
                    Way::Jwt(tokens) => Some(tokens),
                    Way::ApiKey(_) | Way::Basic(_) | Way::Mtls(_) | Way::Forward(_) => None,
                });
                Way::Jwt(Tokens::load(id, &name, jwt, claims.to_vec(), known, environment)?)
            }
            AuthKind::Mtls { clients } => Way::Mtls(Clients::new(id, &name, clients)),
            AuthKind::Forward(forward) => Way::Forward(Forward::new(id, &name, forward)),
        };
        let (name, realm, pass) = (auth.name.clone(), auth.realm.clone(), auth.pass);
        Ok(Self { id, name, realm, pass, way, era: Arc::default() })
    }

    /// Whether what `before` has found out under the same settings is what this one would find out:
    /// identities know policies by their places, and files are not their names.
    fn judges_like(&self, before: &Self) -> bool {
        self.id == before.id
            && match (&self.way, &before.way) {
                (Way::Basic(now), Way::Basic(before)) => now.knows_the_same(before),
                (Way::Jwt(now), Way::Jwt(before)) => now.takes_the_same(before),
                (Way::Forward(_), Way::Forward(_)) => true,
                // These remember nothing.
                _ => false,
            }
    }

    fn look(&self, shown: &Shown<'_>, recent: &Recent, patience: Patience) -> Look {
        match &self.way {
            Way::ApiKey(keys) => keys.look(shown).into(),
            Way::Basic(users) => users.look(shown, recent),
            Way::Jwt(tokens) => tokens.look(shown, recent, patience),
            Way::Mtls(clients) => clients.look(shown).into(),
            Way::Forward(forward) => forward.look(shown, recent),
        }
    }
}

impl Callers {
    /// The policies, for one worker, which goes on with what it has found out `before` where that
    /// still holds. None where the system has no random numbers.
    pub fn new(policies: Arc<Policies>, before: Option<&Self>) -> Option<Self> {
        let kept = |policy: &Policy| {
            let before = before?;
            let same = |known: &Policy| Arc::ptr_eq(&known.era, &policy.era);
            Some(Rc::clone(&before.recent[before.policies.0.iter().position(same)?]))
        };
        let recent = policies.0.iter().map(|policy| match kept(policy) {
            Some(recent) => Some(recent),
            None => Recent::new().map(Rc::new),
        });
        Some(Self { recent: recent.collect::<Option<_>>()?, policies })
    }

    fn recent(&self, id: AuthId) -> &Recent {
        &self.recent[usize::from(id.0)]
    }

    /// Waits for what a policy had to ask.
    async fn ask(
        &self,
        id: AuthId,
        question: Question,
        shown: &Shown<'_>,
        call: &impl Call,
    ) -> Said {
        match question {
            Question::Upstream(asked) => {
                let mark = asked.mark();
                let answer = call.call(*asked).await;
                match &self.policies.get(id).way {
                    Way::Forward(forward) => {
                        forward.answered(mark, answer, shown.now, self.recent(id))
                    }
                    // Nobody else asks an upstream.
                    Way::ApiKey(_) | Way::Basic(_) | Way::Jwt(_) | Way::Mtls(_) => {
                        Refusal::new(Cause::AuthUnavailable, "nobody has asked").into()
                    }
                }
            }
            Question::Password(claim) => claim.verified(shown.now, self.recent(id)).await,
            Question::Keys(ring) => {
                ring.fetch().await;
                match self.policies.get(id).look(shown, self.recent(id), Patience::Over) {
                    Look::Said(said) => said,
                    // It was told not to.
                    Look::Ask(_) => Refusal::new(Cause::TokenKey, "it asks again").into(),
                }
            }
        }
    }
}

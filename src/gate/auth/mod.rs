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
}

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
    recent: Vec<Recent>,
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
    /// fetched `before` are taken over.
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
                Policy::load(id, auth, known, making)
                    .map_err(|why| format!("[auth.{}] {why}", auth.name))
            })
            .collect();
        Ok(Some(Arc::new(Self(all?))))
    }

    fn get(&self, id: AuthId) -> &Policy {
        &self.0[usize::from(id.0)]
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
        Ok(Self { id, name, realm, pass, way })
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
    /// The policies, for one worker. None where the system has no random numbers.
    pub fn new(policies: Arc<Policies>) -> Option<Self> {
        let recent: Option<Vec<Recent>> = policies.0.iter().map(|_| Recent::new()).collect();
        Some(Self { policies, recent: recent? })
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

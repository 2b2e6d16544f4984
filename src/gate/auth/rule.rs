//! What a route wants of its callers, held against what its policies say.

use std::sync::Arc;

use http::HeaderValue;
use http::header::{HeaderName, WWW_AUTHENTICATE};

use super::identity::Identity;
use super::said::{Refusal, Said};
use super::{Callers, Policy, Shown, Way, credentials};
use crate::base::AuthId;
use crate::config::model::{AuthRule, KeyPlace, Need};
use crate::observe::{AuthResult, Witness};
use crate::problem::{BuiltIn, Cause, Problem};

/// What becomes of a request.
#[derive(Debug)]
pub enum Decision {
    /// This is who calls.
    Known(Arc<Identity>),
    /// It may not pass.
    Refused(Problem),
}

impl Callers {
    /// Has the policies of a route look at a request.
    pub fn decide(&self, rule: &AuthRule, shown: &Shown<'_>, witness: &Witness) -> Decision {
        let mut refusals: Vec<(AuthId, Refusal)> = Vec::new();
        let mut known: Option<Arc<Identity>> = None;
        for id in &rule.policies {
            match self.policies.get(*id).look(shown) {
                Said::Known(identity) => match rule.need {
                    Need::Any if identity.may(&rule.scopes) => {
                        witness.auth_decided(*id, AuthResult::Passed);
                        return Decision::Known(identity);
                    }
                    Need::Any => refusals.push((*id, lacking(rule))),
                    Need::All => {
                        known = Some(match known {
                            None => identity,
                            Some(before) => Arc::new(Identity::clone(&before).and(&identity)),
                        });
                    }
                },
                Said::Refused(refusal) => refusals.push((*id, refusal)),
            }
        }
        if let (Some(identity), true) = (known, refusals.is_empty()) {
            if identity.may(&rule.scopes) {
                identity.by.iter().for_each(|id| witness.auth_decided(*id, AuthResult::Passed));
                return Decision::Known(identity);
            }
            refusals.push((identity.by[0], lacking(rule)));
        }
        for (id, refusal) in &refusals {
            witness.auth_decided(*id, refusal.result());
        }
        Decision::Refused(self.problem(refusals))
    }

    /// Takes the credentials out of what the upstream gets, unless it is to have them.
    pub fn strip(&self, rule: &AuthRule, identity: &Identity, head: &mut http::request::Parts) {
        for policy in rule.policies.iter().map(|id| self.policies.get(*id)) {
            if policy.pass && identity.by.contains(&policy.id) {
                continue;
            }
            match policy.credential() {
                Some(Credential::Header(name)) => {
                    head.headers.remove(name);
                }
                Some(Credential::Query(name)) => cut(&mut head.uri, name),
                None => {}
            }
        }
    }

    /// The one refusal that says most, with what the client can do about it.
    fn problem(&self, refusals: Vec<(AuthId, Refusal)>) -> Problem {
        let main = refusals.iter().rev().max_by_key(|(_, refusal)| refusal.weight());
        // A rule without policies was refused with the file.
        let Some((id, main)) = main else { return Cause::AuthMissing.into() };
        let name = &self.policies.get(*id).name;
        let mut problem =
            Problem::new(main.cause).with_detail(format_args!("{name}: {}", main.detail));
        if let Some(wait) = main.retry_after() {
            problem = problem.with_retry_after(wait);
        }
        let code = main.cause.code();
        if code == BuiltIn::ServiceUnavailable || code == BuiltIn::GatewayTimeout {
            return problem;
        }
        for (id, refusal) in refusals {
            let told = refusal.cause.code() == code;
            if told && !refusal.challenges().is_empty() {
                for value in refusal.challenges().iter().cloned() {
                    problem = problem.with_header(WWW_AUTHENTICATE, value);
                }
            } else if told && let Some(value) = self.policies.get(id).challenge(&refusal) {
                problem = problem.with_header(WWW_AUTHENTICATE, value);
            }
        }
        problem
    }
}

/// Where a policy's credentials stand.
enum Credential<'a> {
    Header(&'a HeaderName),
    Query(&'a str),
}

impl Policy {
    fn credential(&self) -> Option<Credential<'_>> {
        match &self.way {
            Way::ApiKey(keys) => Some(match keys.place() {
                KeyPlace::Header(name) => Credential::Header(name),
                KeyPlace::Query(name) => Credential::Query(name),
            }),
        }
    }

    /// What it wants to be shown (RFC 9110, section 11.6.1). API keys have no registered scheme;
    /// `ApiKey` is what others say, too.
    fn challenge(&self, refusal: &Refusal) -> Option<HeaderValue> {
        let realm = &self.realm;
        let text = match &self.way {
            // RFC 9110 wants a challenge with every 401, and with no other status.
            Way::ApiKey(_) if refusal.cause.code() != BuiltIn::Unauthorized => return None,
            Way::ApiKey(keys) => match keys.place() {
                KeyPlace::Header(name) => format!("ApiKey realm=\"{realm}\", header=\"{name}\""),
                KeyPlace::Query(name) => format!("ApiKey realm=\"{realm}\", query=\"{name}\""),
            },
        };
        HeaderValue::from_str(&text).ok()
    }
}

fn lacking(rule: &AuthRule) -> Refusal {
    Refusal::new(Cause::InsufficientScope, format!("all of {} are needed", rule.scopes.join(", ")))
}

/// Takes a parameter out of the query.
fn cut(uri: &mut http::Uri, name: &str) {
    let Some(query) = uri.query() else { return };
    let path = uri.path();
    let target = match credentials::without(query, name) {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    // It is a part of what was a target already.
    parts.path_and_query = target.parse().ok();
    if let Ok(new) = http::Uri::from_parts(parts) {
        *uri = new;
    }
}

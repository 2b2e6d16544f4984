//! Who the caller is: the policies of `[auth.*]`, and what a route wants of them.
//!
//! A policy looks at a request and says one of three things: this is so-and-so, or no and why, or
//! that it has to ask first (a password takes its time, a key set has to be fetched, an upstream
//! decides). [`Callers::decide`] puts together what the policies of a route have said; where one has
//! to ask, whoever called it waits for the answer, and decides again with it.
//!
//! Invariants: nothing that a client has sent stands in a log line or in a reply; a request that is
//! refused has been looked at by every policy that could have let it pass; the work that a stranger
//! can cause is bounded, each kind where it is done.

mod api_key;
mod credentials;
mod identity;
mod rule;
mod said;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

pub use self::identity::{FIELDS as IDENTITY_FIELDS, Identity, is_identity_field};
pub use self::rule::Decision;

use self::api_key::ApiKeys;
use self::said::Said;
use crate::base::{AuthId, Peer};
use crate::config::Environment;
use crate::config::model::{self, AuthKind, Config};

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
}

/// The policies as one worker asks them.
#[derive(Debug)]
pub struct Callers {
    policies: Arc<Policies>,
}

/// What a request shows of its caller.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// Its query, as it was sent.
    pub query: Option<&'a str>,
    /// The connection that it came by.
    pub peer: &'a Peer,
    /// Milliseconds since 1970.
    pub now: u64,
}

impl Policies {
    /// Reads what the policies of a configuration need; none where it has none.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn load(
        config: &Config,
        environment: Environment<'_>,
    ) -> Result<Option<Arc<Self>>, String> {
        if config.auth.is_empty() {
            return Ok(None);
        }
        let all: Result<Box<[_]>, String> = (0..)
            .map(AuthId)
            .zip(&config.auth)
            .map(|(id, auth)| {
                Policy::load(id, auth, environment)
                    .map_err(|why| format!("[auth.{}] {why}", auth.name))
            })
            .collect();
        Ok(Some(Arc::new(Self(all?))))
    }

    fn get(&self, id: AuthId) -> &Policy {
        &self.0[usize::from(id.0)]
    }
}

impl Policy {
    fn load(id: AuthId, auth: &model::Auth, environment: Environment<'_>) -> Result<Self, String> {
        let name = HeaderValue::from_str(&auth.name).map_err(|error| error.to_string())?;
        let way = match &auth.kind {
            AuthKind::ApiKey { place, keys } => {
                Way::ApiKey(ApiKeys::load(id, &name, place.clone(), keys, environment)?)
            }
            AuthKind::Basic { .. }
            | AuthKind::Jwt(_)
            | AuthKind::Mtls { .. }
            | AuthKind::Forward(_) => return Err("is of a type that is not known here".into()),
        };
        let (name, realm, pass) = (auth.name.clone(), auth.realm.clone(), auth.pass);
        Ok(Self { id, name, realm, pass, way })
    }

    fn look(&self, shown: &Shown<'_>) -> Said {
        match &self.way {
            Way::ApiKey(keys) => keys.look(shown),
        }
    }
}

impl Callers {
    /// The policies, for one worker.
    pub fn new(policies: Arc<Policies>) -> Self {
        Self { policies }
    }
}

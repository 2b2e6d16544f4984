//! `type = "forward"`: an upstream is asked whether a request may pass, as nginx's `auth_request` and
//! Traefik's `forwardAuth` do.
//!
//! It gets the fields that the configuration names and what is asked for, and no body. A status of 2xx
//! is a yes, 401 and 403 are a no that the client is told, and anything else is no answer. A yes may
//! be remembered for a while, for the same request with the same credentials.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderName, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, Uri, response};

use super::Shown;
use super::identity::Identity;
use super::recent::{Known, Mark, Recent};
use super::said::{Look, Question, Refusal, Said};
use crate::base::{AuthId, UpstreamId};
use crate::config::model;
use crate::problem::{BuiltIn, Cause, Problem};

/// Whom one policy asks.
#[derive(Debug)]
pub(super) struct Forward {
    id: AuthId,
    policy: HeaderValue,
    /// Who it is where the answer does not say.
    usual: String,
    upstream: UpstreamId,
    uri: Uri,
    method: http::Method,
    send: Vec<HeaderName>,
    take: Vec<HeaderName>,
    consumer: Option<HeaderName>,
    timeout: Duration,
    /// Milliseconds.
    cache: u64,
}

/// A request to whoever decides.
#[derive(Debug)]
pub struct Judgement {
    /// Who decides.
    pub upstream: UpstreamId,
    /// The request, without a body.
    pub head: Parts,
    /// How long the answer may take.
    pub timeout: Duration,
    mark: Mark,
}

impl Forward {
    /// As the configuration says.
    pub(super) fn new(id: AuthId, policy: &HeaderValue, forward: &model::Forward) -> Self {
        Self {
            id,
            policy: policy.clone(),
            usual: policy.to_str().unwrap_or_default().to_owned(),
            upstream: forward.upstream,
            uri: Uri::from(forward.path.clone()),
            method: forward.method.clone(),
            send: forward.send.clone(),
            take: forward.take.clone(),
            consumer: forward.consumer.clone(),
            timeout: forward.timeout,
            cache: u64::try_from(forward.cache.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Looks at a request.
    pub(super) fn look(&self, shown: &Shown<'_>, recent: &Recent) -> Look {
        let mark = if self.cache == 0 { Mark::default() } else { recent.mark(&self.proof(shown)) };
        if self.cache > 0
            && let Some(identity) = recent.find(&mark, shown.now, 0)
        {
            return Said::Known(identity).into();
        }
        let asked = Judgement {
            upstream: self.upstream,
            head: self.request(shown),
            timeout: self.timeout,
            mark,
        };
        Look::Ask(Question::Upstream(Box::new(asked)))
    }

    /// Everything that the answer may depend on, each part with its length, so that no two requests
    /// look the same.
    fn proof(&self, shown: &Shown<'_>) -> Vec<u8> {
        let mut proof = Vec::with_capacity(512);
        let mut add = |part: &[u8]| {
            proof.extend_from_slice(&part.len().to_le_bytes());
            proof.extend_from_slice(part);
        };
        add(shown.method.as_str().as_bytes());
        add(shown.host.as_bytes());
        add(shown.target.path().as_bytes());
        add(shown.target.query().unwrap_or_default().as_bytes());
        add(shown.ip.to_string().as_bytes());
        for name in &self.send {
            add(name.as_str().as_bytes());
            for value in shown.headers.get_all(name) {
                add(value.as_bytes());
            }
        }
        proof
    }

    fn request(&self, shown: &Shown<'_>) -> Parts {
        let mut request = Request::new(());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        for name in &self.send {
            for value in shown.headers.get_all(name) {
                headers.append(name.clone(), value.clone());
            }
        }
        let target = shown.target.path_and_query().map_or("/", |target| target.as_str());
        let ip = shown.ip.to_string();
        let told = [
            ("x-forwarded-method", shown.method.as_str()),
            ("x-forwarded-proto", shown.peer.scheme()),
            ("x-forwarded-uri", target),
            ("x-forwarded-for", &ip),
        ];
        for (name, value) in told {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers.insert(HeaderName::from_static("x-forwarded-host"), shown.host.clone());
        headers.insert(HOST, shown.host.clone());
        request.into_parts().0
    }

    /// What the answer means.
    pub(super) fn answered(
        &self,
        mark: Mark,
        answer: Result<response::Parts, Problem>,
        now: u64,
        recent: &Recent,
    ) -> Said {
        let answer = match answer {
            Ok(answer) => answer,
            Err(problem) => {
                let why = problem.cause().as_str();
                let late = problem.cause().code() == BuiltIn::GatewayTimeout;
                let cause = if late { Cause::AuthTimeout } else { Cause::AuthUnavailable };
                return Refusal::new(cause, format!("who decides did not answer: {why}")).into();
            }
        };
        match answer.status {
            status if status.is_success() => match self.identity(&answer) {
                Some(identity) => {
                    let identity = Arc::new(identity);
                    if self.cache > 0 {
                        let until = now.saturating_add(self.cache);
                        let known = Known { identity: Arc::clone(&identity), until, state: 0 };
                        recent.keep(mark, known);
                    }
                    Said::Known(identity)
                }
                None => {
                    let detail = "who decides gives a name that cannot stand in a header";
                    Refusal::new(Cause::AuthUnavailable, detail).into()
                }
            },
            StatusCode::UNAUTHORIZED => {
                let challenges = answer.headers.get_all(WWW_AUTHENTICATE).iter().cloned().collect();
                Refusal::new(Cause::AuthRefused, "who decides says no")
                    .with_challenges(challenges)
                    .into()
            }
            StatusCode::FORBIDDEN => {
                Refusal::new(Cause::AuthForbidden, "who decides says that it may not").into()
            }
            status => {
                let detail = format!("who decides answered {}", status.as_u16());
                Refusal::new(Cause::AuthUnavailable, detail).into()
            }
        }
    }

    fn identity(&self, answer: &response::Parts) -> Option<Identity> {
        let named = self.consumer.as_ref().and_then(|name| answer.headers.get(name));
        let consumer = match named {
            Some(name) => name.to_str().ok()?,
            None => &self.usual,
        };
        let mut identity = Identity::new(self.id, &self.policy, consumer, [""; 0])?;
        let taken = self
            .take
            .iter()
            .filter_map(|name| Some((name.clone(), answer.headers.get(name)?.clone())));
        identity.fields = taken.collect();
        Some(identity)
    }
}

impl Forward {
    /// Fields that its answer alone may set.
    pub(super) fn taken(&self) -> &[HeaderName] {
        &self.take
    }
}

impl Judgement {
    /// The name under which the answer is remembered.
    pub(super) fn mark(&self) -> Mark {
        self.mark
    }
}

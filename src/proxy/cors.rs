//! What browsers of other origins are told. It stands on every reply of a route that has `cors`,
//! errors too: without it a page sees that a call failed, and never why.
//!
//! The gateway speaks for the route: what its upstream said of the same is replaced, since a browser
//! takes two answers for none. Nothing of it is inlined: most routes have none.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderMap,
    HeaderName, HeaderValue, VARY,
};
use http::{Response, StatusCode};

use super::Gateway;
use super::exchange::Exchange;
use super::headers;
use super::stream::Watched;
use crate::base::RouteId;
use crate::config::model::{Config, Cors};
use crate::gate::{self, Asked, Preflight, Shared};

/// What the replies of an exchange tell. Boxed, so that exchanges without carry one empty pointer.
#[derive(Debug)]
pub(super) struct Crossing {
    route: RouteId,
    shared: Shared,
}

impl Crossing {
    /// Looks at a request of a route with `cors`.
    #[inline(never)]
    pub(super) fn begin(route: RouteId, cors: &Cors, headers: &HeaderMap) -> Box<Self> {
        Box::new(Self { route, shared: gate::share(cors, headers) })
    }

    /// Writes what this reply tells.
    #[inline(never)]
    #[allow(clippy::boxed_local, reason = "it lives in its box, and is taken apart there")]
    pub(super) fn tell(self: Box<Self>, config: &Config, headers: &mut HeaderMap) {
        let Some(cors) = config.route(self.route).cors.as_deref() else { return };
        for name in OWNED {
            headers.remove(name);
        }
        let told = share(cors, self.shared, headers);
        if let (true, Some(expose)) = (told, &cors.expose) {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }
}

impl Gateway {
    /// Answers a browser's question about a route with `cors`, if this is one. Before maintenance,
    /// limits and authentication: the question carries no credentials, and refused here the page
    /// could not even read why its call is.
    #[inline(never)]
    pub(super) fn preflight(
        &self,
        exchange: &mut Exchange,
        asked: &Asked<'_>,
        fields: &HeaderMap,
    ) -> Option<Response<Watched>> {
        let Preflight { route, cors, shared, method } =
            gate::preflight(&self.config, asked, fields)?;
        exchange.record.routed(route.route);
        let mut response = Response::new(Watched::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static(QUESTION));
        if share(cors, shared, headers) {
            // A route of every method answers with the one that was asked for.
            let methods = cors.allow_methods.clone();
            let methods = methods.or_else(|| HeaderValue::from_str(method.as_str()).ok());
            let told = [
                (ACCESS_CONTROL_ALLOW_METHODS, methods),
                (ACCESS_CONTROL_ALLOW_HEADERS, cors.allow_headers.clone()),
                (ACCESS_CONTROL_MAX_AGE, Some(cors.max_age.clone())),
            ];
            for (name, value) in told {
                headers.extend(value.map(|value| (name, value)));
            }
        }
        headers::no_content(&mut response);
        Some(response)
    }
}

/// Names the origin that may read the reply; false where none may.
fn share(cors: &Cors, shared: Shared, headers: &mut HeaderMap) -> bool {
    if shared != Shared::All {
        // Also where none is named: a cache must not hand this reply to another origin.
        headers::vary(headers, "Origin");
    }
    let origin = match shared {
        Shared::All => HeaderValue::from_static("*"),
        Shared::With(origin) => origin,
        Shared::No => return false,
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if cors.credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

/// Fields of an upstream's reply that the gateway says itself.
const OWNED: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// What the answer to a preflight depends on, all of it.
const QUESTION: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

//! How the admin listener answers: a success as text, everything else through `problem::render`.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Map, Value};

use crate::base::RequestId;
use crate::config::model::Errors;
use crate::observe::Readiness;
use crate::problem::{self, Dialect, Format, Problem};

/// The request that is answered, and what the answer is made from.
pub(super) struct Reply<'a, B> {
    pub(super) request: &'a Request<B>,
    pub(super) readiness: &'a Readiness,
    pub(super) errors: &'a Errors,
}

impl<B> Reply<'_, B> {
    /// A success. HEAD gets the headers of GET and no body.
    pub(super) fn text(&self, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(http::header::CONTENT_LENGTH, body.len().into());
        let body = if *self.request.method() == Method::HEAD { Bytes::new() } else { body };
        self.finish(StatusCode::OK, headers, body, &RequestId::generate())
    }

    /// An error of the vocabulary, always as JSON, with the members of a verdict behind its own.
    pub(super) fn verdict(&self, problem: &Problem, verdict: &[u8]) -> Response<Full<Bytes>> {
        let members = |bytes: &[u8]| serde_json::from_slice::<Map<String, Value>>(bytes);
        self.rendered(problem, Some(Format::Json), |body| {
            let mut all = members(&body).unwrap_or_default();
            all.extend(members(verdict).unwrap_or_default());
            format!("{:#}\n", Value::Object(all)).into()
        })
    }

    /// An error of the vocabulary.
    pub(super) fn problem(&self, problem: &Problem) -> Response<Full<Bytes>> {
        self.rendered(problem, None, |body| body)
    }

    fn rendered(
        &self,
        problem: &Problem,
        wanted: Option<Format>,
        finish: impl FnOnce(Bytes) -> Bytes,
    ) -> Response<Full<Bytes>> {
        let Errors { catalogue, format, retry_after, .. } = self.errors;
        let headers = self.request.headers();
        let request_id = RequestId::generate();
        let reply = problem::Reply {
            format: wanted
                .unwrap_or_else(|| Format::choose(Dialect::Http, &headers.into(), *format)),
            language: catalogue.choose_language(headers.get(http::header::ACCEPT_LANGUAGE)),
            request_id: &request_id,
            method: self.request.method(),
            retry_after: *retry_after,
        };
        let rendered = problem::render(problem, &reply, catalogue);
        let mut headers = rendered.headers;
        let body = finish(rendered.body);
        headers.insert(http::header::CONTENT_LENGTH, body.len().into());
        self.finish(rendered.status, headers, body, &request_id)
    }

    fn finish(
        &self,
        status: StatusCode,
        mut headers: HeaderMap,
        body: Bytes,
        request_id: &RequestId,
    ) -> Response<Full<Bytes>> {
        headers.insert(REQUEST_ID, request_id.value().clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let stage = self.readiness.stage().as_str();
        headers.insert(READINESS, HeaderValue::from_static(stage));
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

const READINESS: HeaderName = HeaderName::from_static("readiness");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

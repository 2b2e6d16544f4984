//! `plain = "redirect"`: the same URL under https, with 308 so that method and body stay.

use http::{HeaderValue, Response, StatusCode, Uri, header};

use super::stream::Watched;
use crate::base::grpc::Speech;
use crate::config::model::{Config, Security};
use crate::gate::Asked;
use crate::problem::{Cause, Problem};

/// Answers with the https URL of the first TLS listener. No gRPC client follows it, so that a call is
/// refused.
///
/// # Errors
/// A call, or nowhere to go.
#[inline(never)]
pub(super) fn to_https(
    config: &Config,
    speech: Option<Speech>,
    asked: &Asked<'_>,
    uri: &Uri,
) -> Result<Response<Watched>, Problem> {
    if speech.is_some() {
        return Err(Problem::new(Cause::PlainHttp).closing());
    }
    let host = asked.host();
    if host.is_empty() {
        return Err(Problem::new(Cause::BadHost).with_detail("no host to redirect to"));
    }
    let port = match tls_port(config) {
        None | Some(443) => String::new(),
        Some(port) => format!(":{port}"),
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = format!("https://{host}{port}{}{query}", asked.path);
    let location = HeaderValue::from_str(&location).map_err(|_| Problem::new(Cause::BadTarget))?;
    let mut response = Response::new(Watched::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response.headers_mut().insert(header::LOCATION, location);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    Ok(response)
}

fn tls_port(config: &Config) -> Option<u16> {
    let tls =
        config.listeners.iter().find(|listener| matches!(listener.security, Security::Tls(_)))?;
    tls.bind.first().map(std::net::SocketAddr::port)
}

//! Fetches a small document now and then, over the way that requests take: name, TLS, HTTP/1.1. For
//! the control thread, which has what workers must not wait for.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONNECTION, HOST, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::timeout_at;

use super::connect::{Connection, Want, connect};
use super::endpoint::Endpoint;
use super::upload::Outgoing;
use super::{Credentials, Names, blame};
use crate::base::{EndpointId, clock};
use crate::config::model;

/// A document that can be fetched again and again.
pub struct Document {
    endpoint: Rc<Endpoint>,
    path: PathAndQuery,
    limit: Duration,
    longest: usize,
}

impl Document {
    /// A document at an upstream of one endpoint. Opens nothing.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn new(
        upstream: &model::Upstream,
        path: &PathAndQuery,
        credentials: &Credentials,
        names: &Names,
        longest: usize,
    ) -> Result<Self, String> {
        let tls = credentials.0.first().and_then(Option::as_ref);
        let endpoint = upstream.endpoints.first().ok_or("there is no endpoint")?;
        let tls = tls.filter(|_| endpoint.tls);
        let endpoint = Endpoint::new(EndpointId(0), endpoint, upstream, tls, names)?;
        Ok(Self { endpoint, path: path.clone(), limit: LIMIT, longest })
    }

    /// Fetches it.
    ///
    /// # Errors
    /// Why not, in words for the log.
    pub async fn fetch(&self) -> Result<(HeaderMap, Bytes), String> {
        let limit = clock::now() + self.limit;
        let fetched = timeout_at(limit, async {
            match connect(&self.endpoint.target, Want::Usual, limit).await {
                Ok(Connection::Http1(connection)) => {
                    let (wire, _, _open) = connection.into_parts();
                    let handshake = http1::handshake(TokioIo::new(wire)).await;
                    let (sender, driver) = handshake.map_err(|error| blame::describe(&error))?;
                    let (mut asked, mut driver) = (pin!(self.ask(sender)), pin!(driver));
                    tokio::select! {
                        said = &mut asked => said,
                        // What ended it is said to who asked.
                        _ = &mut driver => asked.await,
                    }
                }
                // Nothing but HTTP/1.1 was offered.
                Ok(Connection::Http2(_)) => Err("it speaks HTTP/2 unasked".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        fetched.await.unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }

    async fn ask(
        &self,
        mut sender: http1::SendRequest<Outgoing>,
    ) -> Result<(HeaderMap, Bytes), String> {
        let mut request = Request::new(Outgoing::default());
        *request.uri_mut() = Uri::from(self.path.clone());
        let headers = request.headers_mut();
        headers.insert(HOST, self.endpoint.target.host.value.clone());
        headers.insert(USER_AGENT, HeaderValue::from_static(NAME));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let answer = sender.send_request(request).await;
        let (head, mut body) = answer.map_err(|error| blame::describe(&error))?.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!("it answered {}", head.status.as_u16()));
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let frame = frame.map_err(|error| blame::describe(&error))?;
            let Ok(data) = frame.into_data() else { continue };
            if whole.len() + data.len() > self.longest {
                return Err(format!("it is longer than {} KiB", self.longest >> 10));
            }
            whole.extend_from_slice(&data);
        }
        Ok((head.headers, whole.freeze()))
    }
}

/// How a fetch calls itself.
const NAME: &str = concat!("guichet/", env!("CARGO_PKG_VERSION"));
/// The time for all of it.
const LIMIT: Duration = Duration::from_secs(5);

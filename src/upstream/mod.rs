//! Stub with the agreed face.
#![allow(missing_docs)]
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use tokio::io::DuplexStream;

use crate::base::clock::Instant;
use crate::base::{Body, EndpointId, UpstreamId};
use crate::problem::{Cause, Problem};

#[derive(Debug, Default)]
pub struct Upstreams;
#[derive(Debug, Clone)]
pub struct Credentials;
#[derive(Debug, Clone)]
pub struct Names;
impl Names { pub fn spawn(_: &tokio::runtime::Handle) -> Self { Self } }
impl Credentials { pub fn load(_: &[crate::config::model::Upstream], _: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> { Ok(Self) } }
impl Upstreams { pub fn new(_: &[crate::config::model::Upstream], _: &Credentials, _: &Names) -> Self { Self } }

pub type Interim = Rc<dyn Fn(StatusCode, &HeaderMap)>;
#[derive(Debug, Clone, Copy)]
pub enum Upgrade {
    No,
    Requested(&'static str),
}
pub struct CallOptions {
    pub deadline: Instant,
    pub first_byte: Option<Duration>,
    pub interim: Option<Interim>,
    pub upgrade: Upgrade,
}
#[derive(Debug, Default)]
pub struct Tally {
    pub endpoint: Option<EndpointId>,
    pub attempts: u8,
    pub connect: Duration,
    pub reused: bool,
}
#[derive(Debug)]
pub struct Stream;
pub type Tunnel = DuplexStream;
#[derive(Debug)]
pub struct UpstreamError;
impl From<UpstreamError> for Problem {
    fn from(_: UpstreamError) -> Self {
        Self::new(Cause::Reset)
    }
}
impl Stream {
    pub fn into_tunnel(self) -> Option<Tunnel> {
        None
    }
}
impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = UpstreamError;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        Poll::Ready(None)
    }
}
impl Upstreams {
    pub fn sweep(&self) {}
    pub async fn call(
        &self,
        _: UpstreamId,
        _: Request<Body>,
        _: CallOptions,
        _: &mut Tally,
    ) -> Result<Response<Stream>, UpstreamError> {
        Err(UpstreamError)
    }
}

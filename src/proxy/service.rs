//! The gateway as a service of hyper and of tower. It cannot fail; production calls it through
//! hyper, tests and embedders may wrap it with anybody's layers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;

use super::Gateway;
use super::connection::Connection;
use super::stream::Watched;
use crate::base::Inflow;

/// A gateway and the connection whose requests it answers.
#[derive(Clone, Debug)]
pub struct Service {
    gateway: Rc<Gateway>,
    connection: Rc<Connection>,
}

impl Service {
    /// Answers the requests of one connection.
    pub fn new(gateway: Rc<Gateway>, connection: Rc<Connection>) -> Self {
        Self { gateway, connection }
    }

    /// The connection.
    pub fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    /// Answers one request of an HTTP/1 connection.
    pub fn respond(
        &self,
        head: &mut Parts,
        body: Inflow,
    ) -> impl Future<Output = Response<Watched>> {
        self.gateway.handle(&self.connection, head, body)
    }

    /// Answers one request of an HTTP/2 connection.
    pub fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Watched>, Infallible>> + use<> {
        let gateway = Rc::clone(&self.gateway);
        let connection = Rc::clone(&self.connection);
        let (mut head, body) = request.into_parts();
        async move { Ok(gateway.handle(&connection, &mut head, Inflow::Http2(body)).await) }
    }
}

impl tower::Service<Request<Incoming>> for Service {
    type Response = Response<Watched>;
    type Error = Infallible;
    /// Boxed: this face is for embedders; the connections of guichet call `answer`.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Watched>, Infallible>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Box::pin(self.answer(request))
    }
}

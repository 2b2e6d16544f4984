//! Pingora as a proxy that does and logs what the others of the comparison do.
//!
//! Everything it has to know comes by environment: addresses (`PLAIN`, `TLS`, `REFUSE`, `ORIGIN`),
//! files (`CERT`, `KEY`, `ACCESS_LOG`), `WORKERS`, and for each status that it answers by itself a
//! body (`BODY_404`, `{id}` stands for the request's id) and fields (`FIELDS_404`, one a line).

mod log;
mod reply;

use std::env;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::listeners::tls::TlsSettings;
use pingora::prelude::{Error, HttpPeer, Result, Server};
use pingora::proxy::{ProxyHttp, Session, http_proxy_service};
use pingora::server::configuration::ServerConf;
use uuid::Uuid;

use log::{Line, Log};
use reply::Reply;

/// What a listener does.
struct Gateway {
    origin: String,
    log: Arc<Log>,
    /// Answers every request with this, if there is one.
    refusal: Option<Arc<Reply>>,
    unknown: Arc<Reply>,
    unavailable: Arc<Reply>,
}

/// What is known of one request.
struct Exchange {
    id: String,
    begun: Instant,
    /// The origin's error that goes out in another form.
    translated: bool,
}

#[async_trait]
impl ProxyHttp for Gateway {
    type CTX = Exchange;

    fn new_ctx(&self) -> Exchange {
        Exchange { id: Uuid::new_v4().to_string(), begun: Instant::now(), translated: false }
    }

    async fn request_filter(&self, session: &mut Session, exchange: &mut Exchange) -> Result<bool> {
        session.set_keepalive(Some(900));
        let path = session.req_header().uri.path();
        let reply = match &self.refusal {
            Some(refusal) => refusal,
            None if path.starts_with("/o/") || path.starts_with("/asis/") => return Ok(false),
            None => &self.unknown,
        };
        let body = reply.body(&exchange.id);
        let head = reply.head(&exchange.id, body.len())?;
        session.write_response_header(Box::new(head), false).await?;
        session.write_response_body(Some(body), true).await?;
        Ok(true)
    }

    async fn upstream_peer(&self, _: &mut Session, _: &mut Exchange) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.origin.as_str(), false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        let client = session
            .client_addr()
            .and_then(|address| address.as_inet())
            .map(|address| address.ip().to_string());
        let secure = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
        let head = session.req_header();
        let host = head.headers.get("host").map(|host| host.as_bytes().to_vec());
        let host = host.or_else(|| head.uri.authority().map(|authority| authority.as_str().into()));
        request.insert_header("X-Request-Id", exchange.id.as_str())?;
        request.insert_header("X-Forwarded-For", client.unwrap_or_default())?;
        request.insert_header("X-Forwarded-Proto", if secure { "https" } else { "http" })?;
        request.insert_header("X-Forwarded-Host", host.unwrap_or_default())?;
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        response: &mut ResponseHeader,
        exchange: &mut Exchange,
    ) -> Result<()> {
        exchange.translated =
            response.status == 503 && session.req_header().uri.path().starts_with("/o/");
        if exchange.translated {
            *response =
                self.unavailable.head(&exchange.id, self.unavailable.body(&exchange.id).len())?;
        } else {
            response.insert_header("X-Request-Id", exchange.id.as_str())?;
        }
        Ok(())
    }

    fn response_body_filter(
        &self,
        _: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        exchange: &mut Exchange,
    ) -> Result<Option<std::time::Duration>> {
        if exchange.translated {
            *body = end.then(|| self.unavailable.body(&exchange.id));
        }
        Ok(None)
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, exchange: &mut Exchange) {
        let client = session.client_addr().and_then(|address| address.as_inet());
        let head = session.req_header();
        let digest = session.digest();
        self.log.write(&Line {
            request_id: &exchange.id,
            client: client.map(|address| address.ip()),
            tls: digest
                .and_then(|digest| digest.ssl_digest.as_ref())
                .map_or("", |tls| &*tls.version),
            protocol: head.version,
            method: head.method.as_str(),
            host: head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or(""),
            path: head.uri.path(),
            status: session.response_written().map_or(0, |response| response.status.as_u16()),
            endpoint: &self.origin,
            taken: exchange.begun.elapsed(),
            sent: session.body_bytes_sent(),
            user_agent: head
                .headers
                .get("user-agent")
                .and_then(|agent| agent.to_str().ok())
                .unwrap_or(""),
            cause: error.map(|error| error.etype().as_str()).unwrap_or(""),
        });
    }
}

fn main() {
    let said = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let conf = ServerConf {
        threads: said("WORKERS").parse().expect("a number of workers"),
        upstream_keepalive_pool_size: 256,
        grace_period_seconds: Some(0),
        graceful_shutdown_timeout_seconds: Some(0),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();

    let log = Arc::new(Log::open(&said("ACCESS_LOG")));
    let reply = |status: u16| {
        Arc::new(Reply::new(
            status,
            &said(&format!("FIELDS_{status}")),
            &said(&format!("BODY_{status}")),
        ))
    };
    let gateway = |refusal| Gateway {
        origin: said("ORIGIN"),
        log: log.clone(),
        refusal,
        unknown: reply(404),
        unavailable: reply(503),
    };

    let mut open = http_proxy_service(&server.configuration, gateway(None));
    let mut tls =
        TlsSettings::intermediate(&said("CERT"), &said("KEY")).expect("certificate and key");
    tls.enable_h2();
    open.add_tcp(&said("PLAIN"));
    open.add_tls_with_settings(&said("TLS"), None, tls);
    let mut refusing = http_proxy_service(&server.configuration, gateway(Some(reply(426))));
    refusing.add_tcp(&said("REFUSE"));
    server.add_service(open);
    server.add_service(refusing);
    server.run_forever();
}

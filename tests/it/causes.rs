//! Every failure cause, provoked on real sockets. `provoke` matches on the whole of [`Cause`], so a
//! cause without a scenario does not compile, and the list cannot fall behind the vocabulary.

mod operations;
mod setups;
mod shown;

use std::time::Duration;

use guichet::problem::Cause;
use serde_json::{Value, json};

use self::operations::{is_graphql, operation, replied};
use self::setups::{
    all_drained, composed, declared, draining, formed, limited, none_healthy, only, over, raw,
    refused_as_data, tls_with, to_endpoint, to_origin,
};
use self::shown::{
    asked, certificate, guarded, tokens_of, verifier_busy, with_claim, with_key, with_token,
    wrong_password,
};
use crate::rig::client::{self, Client, Ending, Reply};
use crate::rig::each;
use crate::rig::gateway::{Gateway, Setup};
use crate::rig::origin::{Origin, Step, nobody, send};
use crate::rig::tls::{Authority, Validity};
use crate::rig::tokens::Issuer;

/// What a scenario leaves behind.
struct Proof {
    /// The answer, as far as there is one.
    reply: Option<Reply>,
    /// The line of the log; the admin listener writes none.
    line: Option<Value>,
}

#[test]
fn every_cause_has_its_status_code_headers_and_line() {
    each(
        Cause::ALL,
        |cause| cause.as_str().to_owned(),
        |&cause| {
            let Proof { reply, line } = provoke(cause);

            let row = cause.code().row();
            let (answered, complete) = match reply {
                Some(reply) if reply.status() >= 400 => {
                    match reply.header("content-type") {
                        Some("application/graphql-response+json") => {
                            is_graphql(&reply, row.status, row.name);
                        }
                        _ => drop(reply.is_problem(row.status, row.name)),
                    }
                    (true, true)
                }
                Some(reply) => {
                    assert_eq!(reply.ending, Ending::Cut);
                    (true, false)
                }
                None => (false, false),
            };
            if let Some(line) = line {
                assert_eq!(line["cause"], cause.as_str(), "{line}");
                assert_eq!(line["origin"], cause.source().as_str(), "{line}");
                assert_eq!(line["complete"], complete, "{line}");
                if answered {
                    assert_eq!(line["code"], format!("fr.ammy{}", row.name), "{line}");
                } else {
                    assert_eq!(line["outcome"], "aborted", "{line}");
                }
                if complete {
                    assert_eq!(line["status"], row.status, "{line}");
                }
            }
        },
    );
}

/// Makes it happen.
fn provoke(cause: Cause) -> Proof {
    match cause {
        Cause::BadRequestLine => raw("GET  / HTTP/1.1\r\nHost: gw.test\r\n\r\n"),
        Cause::BadTarget => raw("GET /%zz HTTP/1.1\r\nHost: gw.test\r\n\r\n"),
        Cause::BadHeader => raw("GET / HTTP/1.1\r\nHost: gw.test\r\nX-A : 1\r\n\r\n"),
        Cause::BadHost => raw("GET / HTTP/1.1\r\nHost: gw test\r\n\r\n"),
        Cause::BadFraming => raw("POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5\r\n\
             Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Cause::BadChunk => {
            raw("POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: chunked\r\n\r\n\
             zz\r\nhello\r\n0\r\n\r\n")
        }
        Cause::UnknownTransferCoding => {
            raw("POST / HTTP/1.1\r\nHost: gw.test\r\nTransfer-Encoding: xchunked\r\n\r\nhello")
        }
        Cause::TunnelRefused => {
            // The method is what is not allowed; the vocabulary has no better word for a tunnel.
            raw("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n")
        }
        Cause::BadVersion => raw("GET / HTTP/9.9\r\nHost: gw.test\r\n\r\n"),
        Cause::BadExpect => {
            raw("POST / HTTP/1.1\r\nHost: gw.test\r\nExpect: cake\r\nContent-Length: 0\r\n\r\n")
        }
        Cause::WrongHost => {
            let gateway = Setup::before(&nobody()).start();
            let request = "GET / HTTP/1.1\r\nHost: other.test\r\n\r\n";
            let reply = Client::tls(gateway.tls()).ask(request);
            proof(&gateway, reply)
        }
        Cause::HeaderTimeout => limited("header_time = \"200ms\"", "GET / HTTP/1.1\r\nHost: g"),
        Cause::BodyTimeout => limited(
            "body_idle = \"200ms\"",
            "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 10\r\n\r\nhello",
        ),
        Cause::HeaderLimit => limited(
            "header = \"1KiB\"",
            &format!("GET / HTTP/1.1\r\nHost: gw.test\r\nX-A: {}\r\n\r\n", "a".repeat(3000)),
        ),
        Cause::UriLimit => limited(
            "uri = \"1KiB\"",
            &format!("GET /{} HTTP/1.1\r\nHost: gw.test\r\n\r\n", "a".repeat(3000)),
        ),
        Cause::BodyLimit => limited(
            "body = \"1KiB\"",
            "POST / HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 5000\r\n\r\n",
        ),
        Cause::PlainHttp => {
            let gateway = Setup::before(&nobody()).plain("plain = \"refuse\"").start();
            let reply = client::get(gateway.plain(), "/a");
            proof(&gateway, reply)
        }
        Cause::MissingParameter => declared("/a"),
        Cause::InvalidParameter => declared("/a?n=x"),
        Cause::UnknownParameter => declared("/a?n=1&m=2"),
        Cause::MissingBody => formed("Content-Length: 0\r\n\r\n"),
        Cause::MediaType => formed("Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"),
        Cause::BadBody => {
            formed("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1\r\n\r\nx")
        }
        Cause::GraphqlSyntax
        | Cause::GraphqlOperation
        | Cause::GraphqlMethod
        | Cause::GraphqlDepth
        | Cause::GraphqlTokens
        | Cause::GraphqlAliases
        | Cause::GraphqlRootFields
        | Cause::GraphqlIntrospection
        | Cause::GraphqlBatch => operation(cause),
        Cause::NoRoute => {
            let gateway = only("GET /only");
            let reply = client::get(gateway.plain(), "/other");
            proof(&gateway, reply)
        }
        Cause::NoMethod => {
            let gateway = only("GET /only");
            let request = "PUT /only HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 0\r\n\r\n";
            let reply = client::ask(gateway.plain(), request);
            proof(&gateway, reply)
        }
        Cause::ClientLeft => {
            let origin = Origin::scripted([Step::Read, Step::Drain]);
            let gateway = Gateway::before(&origin.url());
            let mut client = Client::plain(gateway.plain());
            client.send("GET /left HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            origin.wait_for_requests(1);
            client.leave();
            let line = gateway.log_line_where(|line| line["path"] == "/left");
            Proof { reply: None, line: Some(line) }
        }
        Cause::Loop => {
            let origin = Origin::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            let gateway = Gateway::before(&origin.url());
            client::get(gateway.plain(), "/a");
            let via = origin.last().header("via").expect("guichet names itself").to_owned();
            let request = format!("GET /b HTTP/1.1\r\nHost: gw.test\r\nVia: {via}\r\n\r\n");
            let reply = client::ask(gateway.plain(), &request);
            proof(&gateway, reply)
        }
        Cause::Panic => {
            let gateway =
                Setup::before(&nobody()).on_request(|_| panic!("a bug, on purpose")).start();
            let reply = client::get(gateway.plain(), "/a");
            proof(&gateway, reply)
        }
        Cause::Configured => {
            let gateway = Setup::new()
                .route("name = \"off\"\nmatch = \"/off\"\nrespond = { code = \"ServerError\" }")
                .start();
            let reply = client::get(gateway.plain(), "/off");
            proof(&gateway, reply)
        }
        Cause::RateLimit => over("key = \"ip\""),
        Cause::CapacityLimit => over("key = \"gateway\""),
        Cause::StoreDown => {
            // Nobody listens there.
            let store = nobody().replace("http://", "redis://");
            let gateway = Setup::new()
                .with(&format!("[store.one]\nurl = \"{store}\"\non_down = \"refuse\""))
                .with("[limit.one]\nstore = \"one\"\nkey = \"ip\"\nrate = \"1/d\"")
                .route("match = \"/a\"\nrespond = { status = 204 }\nlimits = [\"one\"]")
                .start();
            let reply = client::get(gateway.plain(), "/a");
            proof(&gateway, reply)
        }
        Cause::Maintenance => {
            let gateway = Setup::before(&nobody()).with("[[maintenance]]").start();
            let reply = client::get(gateway.plain(), "/a");
            proof(&gateway, reply)
        }
        Cause::Overload => {
            let origin = Origin::scripted([Step::Read, Step::Drain]);
            let full = "in_flight = 1\n[overload.queue]\ndepth = 0";
            let gateway = Setup::before(&origin.url()).upstream(full).start();
            let mut first = Client::plain(gateway.plain());
            first.send("GET /first HTTP/1.1\r\nHost: gw.test\r\n\r\n");
            origin.wait_for_requests(1);
            let reply = client::get(gateway.plain(), "/second");
            proof(&gateway, reply)
        }
        Cause::ConnectionLimit => {
            let gateway = Setup::before(&nobody()).server("limits = { connections = 1 }").start();
            let mut first = Client::plain(gateway.plain());
            first.get("/first");
            let reply = client::get(gateway.plain(), "/second");
            proof(&gateway, reply)
        }
        Cause::MemoryLimit => {
            let gateway = Setup::before(&nobody()).server("limits = { memory = \"1MiB\" }").start();
            let reply = client::get(gateway.plain(), "/a");
            let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
            assert!((5..=10).contains(&wait), "{wait}");
            proof(&gateway, reply)
        }
        Cause::Draining => draining(),
        Cause::AdminToken => {
            let folder = tempfile::tempdir().unwrap();
            let secret = folder.path().join("token");
            std::fs::write(&secret, "t0ken").unwrap();
            let token = format!("token = {{ file = \"{}\" }}", secret.display());
            let gateway = Setup::before(&nobody()).admin(&token).start();
            let asked = "GET /v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
            Proof { reply: Some(client::ask(gateway.admin(), asked)), line: None }
        }
        Cause::AuthMissing => with_key("\"keyed\"", ""),
        Cause::AuthMalformed => with_key("\"keyed\"", "X-Api-Key: valid\r\nX-Api-Key: valid\r\n"),
        Cause::KeyUnknown => with_key("\"keyed\"", "X-Api-Key: nobodys\r\n"),
        Cause::KeyExpired => with_key("\"keyed\"", "X-Api-Key: expired\r\n"),
        Cause::InsufficientScope => {
            with_key("{ any = [\"keyed\"], scopes = [\"write\"] }", "X-Api-Key: valid\r\n")
        }
        Cause::PasswordWrong => wrong_password(),
        Cause::VerifierBusy => verifier_busy(),
        Cause::TokenMalformed => with_token(|_, _| "a.b.c".to_owned()),
        Cause::TokenLimit => with_token(|_, _| "x".repeat(9000)),
        Cause::TokenAlgorithm => with_token(|issuer, claims| {
            issuer.signed(&json!({ "alg": "none", "kid": "a" }), claims)
        }),
        Cause::TokenKey => with_token(|issuer, claims| {
            issuer.signed(&json!({ "alg": "ES256", "kid": "b" }), claims)
        }),
        Cause::TokenSignature => with_token(|_, claims| Issuer::es256("a").token(claims)),
        Cause::TokenExpired => with_claim("exp", json!(1_000_000_000)),
        Cause::TokenEarly => with_claim("nbf", json!(4_000_000_000_u64)),
        Cause::TokenIssuer => with_claim("iss", json!("https://other.test")),
        Cause::TokenAudience => with_claim("aud", json!("other")),
        Cause::TokenKeysMissing => {
            let policy = tokens_of(&format!("\"{}/keys\"", nobody()));
            guarded(&policy, "\"who\"", "Authorization: Bearer e30.e30.e30\r\n")
        }
        Cause::AuthRefused => {
            asked([Step::Read, send("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")])
        }
        Cause::AuthForbidden => {
            asked([Step::Read, send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")])
        }
        Cause::AuthUnavailable => {
            asked([Step::Read, send("HTTP/1.1 302 No\r\nContent-Length: 0\r\n\r\n")])
        }
        Cause::AuthTimeout => asked([Step::Read, Step::Drain]),
        Cause::CertificateMissing | Cause::CertificateUnknown => certificate(cause),
        Cause::Dns => to_endpoint("http://no-such-name.invalid:80", ""),
        Cause::ConnectRefused => to_endpoint(&nobody(), ""),
        Cause::ConnectUnreachable => to_endpoint("unix:/nonexistent/guichet-test.sock", ""),
        Cause::ConnectTimeout => {
            // The port accepts and never shakes hands: the handshake belongs to connecting.
            let origin = Origin::scripted([Step::Stall]);
            let url = format!("https://localhost:{}", origin.address().port());
            to_endpoint(&url, "timeout = { connect = \"300ms\" }")
        }
        Cause::TlsExpired => {
            tls_with(|authority| authority.sign(&["localhost"], Validity::Expired))
        }
        Cause::TlsUntrusted => tls_with(|_| Authority::new().sign(&["localhost"], Validity::Now)),
        Cause::TlsName => tls_with(|authority| authority.sign(&["other.test"], Validity::Now)),
        Cause::TlsHandshake => {
            let origin = Origin::scripted([send("HTTP/1.1 400 No\r\n\r\n"), Step::Drain]);
            to_endpoint(&format!("https://localhost:{}", origin.address().port()), "")
        }
        Cause::ProtocolMismatch => {
            let folder = tempfile::tempdir().unwrap();
            let authority = Authority::new();
            let identity = authority.sign(&["localhost"], Validity::Now);
            let origin = Origin::tls_without_alpn(&identity, [Step::Drain]);
            let ca = authority.file(&folder);
            let tls = format!("protocol = \"h2\"\ntls = {{ ca = \"{}\" }}", ca.display());
            to_endpoint(&origin.url(), &tls)
        }
        Cause::Reset => to_origin([Step::Read, Step::Reset], ""),
        Cause::Truncated => to_origin(
            [
                Step::Read,
                send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"),
                Step::Pause(Duration::from_millis(100)),
                Step::Close,
            ],
            "",
        ),
        Cause::BadResponse => to_origin([Step::Read, send("HTTP/1.1 nonsense\r\n\r\n")], ""),
        Cause::ResponseHeadLimit => {
            let field = format!("X-A: {}", "a".repeat(1 << 20));
            let head = format!("HTTP/1.1 200 OK\r\n{field}\r\nContent-Length: 0\r\n\r\n");
            to_origin([Step::Read, send(head), Step::Drain], "")
        }
        Cause::BadUpgrade => to_origin(
            [
                Step::Read,
                send(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\n\r\n",
                ),
                Step::Drain,
            ],
            "",
        ),
        Cause::FirstByteTimeout => {
            to_origin([Step::Read, Step::Drain], "timeout = { first_byte = \"200ms\" }")
        }
        Cause::IdleTimeout => to_origin(
            [Step::Read, send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), Step::Drain],
            "timeout = { idle = \"200ms\" }",
        ),
        Cause::TotalTimeout => {
            to_origin([Step::Read, Step::Drain], "timeout = { total = \"200ms\" }")
        }
        Cause::NoneHealthy => none_healthy(),
        Cause::AllDrained => all_drained(),
        Cause::BreakerOpen => {
            let rule = "breaker = { failures = \"100%\", at_least = 1, open = \"1m\" }";
            let gateway = Setup::before(&nobody()).upstream(rule).start();
            client::get(gateway.plain(), "/first").is_problem(502, "BadGateway");
            let reply = client::get(gateway.plain(), "/second");
            proof(&gateway, reply)
        }
        Cause::GraphqlRefused => refused_as_data(),
        Cause::ReplyLimit => composed("limit = \"1KiB\"", "", 2000),
        Cause::FlowValue => {
            composed("", "[[flow.one.result]]\nname = \"done\"\ndata = \"${step1.body.none}\"", 2)
        }
        Cause::FlowResult => composed("returns = \"integer\"", "", 2),
        Cause::GraphqlErrors => replied("{\"data\":null,\"errors\":[{\"message\":\"m\"}]}"),
        Cause::GraphqlReply => replied("<html></html>"),
        Cause::UpstreamStatus => {
            to_origin([Step::Read, send("HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")], "")
        }
    }
}

fn proof(gateway: &Gateway, reply: Reply) -> Proof {
    let line = gateway.log_line(&reply.request_id());
    Proof { reply: Some(reply), line: Some(line) }
}

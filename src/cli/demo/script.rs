//! What the demonstration prints: scenes, each with its `curl` line, what the backend says and
//! what the client gets.

use std::fmt::Write as _;

use super::Ports;

/// One kind of failure.
pub(super) struct Scene {
    /// What it shows.
    pub(super) title: &'static str,
    /// What the backend says, for people.
    pub(super) backend: &'static str,
    /// What the client gets.
    pub(super) client: Client,
    /// What is asked, and how.
    pub(super) ask: Ask,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// The backend's own answer, untouched.
    Untouched(u16),
    /// An error of the vocabulary: status and name.
    Problem(u16, &'static str),
    /// A beginning, and a cut that it cannot take for an end.
    Cut,
}

/// One request.
pub(super) struct Ask {
    /// Which door it knocks on.
    pub(super) door: Door,
    /// More of `curl`'s words, before the URL.
    pub(super) words: &'static str,
    /// Path and query.
    pub(super) path: &'static str,
}

/// A listener, and what is spoken to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// TLS, as it should be.
    Tls,
    /// The plain listener.
    Plain,
    /// Plain HTTP on the TLS port.
    PlainOnTls,
}

/// The whole text.
pub(super) fn printed(ports: Ports) -> String {
    let Ports { tls_port, plain_port, admin_port } = ports;
    let mut text = format!(
        "guichet demo: one gateway, eleven backends, most of them broken.\n\n\
         \x20 https://localhost:{tls_port}   TLS with a certificate made a moment ago (curl -k)\n\
         \x20 http://localhost:{plain_port}    plain HTTP, refused\n\
         \x20 http://127.0.0.1:{admin_port}    /livez /readyz /metrics\n\n\
         Paste a line. Each answer has the same form, whatever the backend did; the line that\n\
         guichet then logs here has the same request id, and the private reason as `cause`.\n\n"
    );
    for (number, scene) in (1..).zip(SCENES) {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{number:2}. {}\n    backend  {}\n    client   {}\n    {}\n",
            scene.title,
            scene.backend,
            scene.client.shown(),
            scene.ask.line(ports)
        );
    }
    text.push_str("Ctrl-C ends the demonstration.\n\n");
    text
}

impl Client {
    fn shown(self) -> String {
        match self {
            Self::Untouched(status) => format!("{status}, untouched"),
            Self::Problem(status, name) => format!("{status} fr.ammy{name}"),
            Self::Cut => {
                "200 and a cut that it can see (curl: exit 92; 18 with HTTP/1.1)".to_owned()
            }
        }
    }
}

impl Ask {
    /// The line to paste.
    pub(super) fn line(&self, ports: Ports) -> String {
        let Self { door, words, path } = self;
        let space = if words.is_empty() { "" } else { " " };
        let (flags, base) = match door {
            Door::Tls => ("-ski", format!("https://localhost:{}", ports.tls_port)),
            Door::Plain => ("-si", format!("http://localhost:{}", ports.plain_port)),
            Door::PlainOnTls => ("-si", format!("http://localhost:{}", ports.tls_port)),
        };
        format!("curl {flags} {words}{space}{base}{path}")
    }
}

const fn tls(words: &'static str, path: &'static str) -> Ask {
    Ask { door: Door::Tls, words, path }
}

/// The scenes, in the order of a first visit.
pub(super) const SCENES: &[Scene] = &[
    Scene {
        title: "Nothing is wrong",
        backend: "200 application/json",
        client: Client::Untouched(200),
        ask: tls("", "/products"),
    },
    Scene {
        title: "The backend throws",
        backend: "500 text/html  <pre>java.lang.NullPointerException … on db-prod-3.internal",
        client: Client::Problem(500, "ServerError"),
        ask: tls("", "/legacy"),
    },
    Scene {
        title: "The same for an English client, as RFC 9457",
        backend: "500 text/html  <pre>java.lang.NullPointerException …",
        client: Client::Problem(500, "ServerError"),
        ask: tls("-H 'Accept: application/problem+json' -H 'Accept-Language: en'", "/legacy"),
    },
    Scene {
        title: "The same for a browser",
        backend: "500 text/html  <pre>java.lang.NullPointerException …",
        client: Client::Problem(500, "ServerError"),
        ask: tls("-H 'Accept: text/html'", "/legacy"),
    },
    Scene {
        title: "The backend does not answer (limit: one second)",
        backend: "nothing",
        client: Client::Problem(504, "GatewayTimeout"),
        ask: tls("", "/slow"),
    },
    Scene {
        title: "The backend resets the connection",
        backend: "RST",
        client: Client::Problem(502, "BadGateway"),
        ask: tls("", "/flaky"),
    },
    Scene {
        title: "The same after a POST: nobody can say whether it was done, so retryable is false",
        backend: "RST",
        client: Client::Problem(502, "BadGateway"),
        ask: tls("-d pay=1", "/flaky"),
    },
    Scene {
        title: "The backend does not speak HTTP",
        backend: "15 03 03 00 02 02 46 ff 00 …",
        client: Client::Problem(502, "BadGateway"),
        ask: tls("", "/garbage"),
    },
    Scene {
        title: "The backend is down",
        backend: "connection refused",
        client: Client::Problem(502, "BadGateway"),
        ask: tls("", "/down"),
    },
    Scene {
        title: "The backend breaks off in the middle",
        backend: "200 text/csv, 100000 bytes promised, 36 sent",
        client: Client::Cut,
        ask: tls("", "/report"),
    },
    Scene {
        title: "The backend says it well (RFC 9457): its message is kept",
        backend: "409 application/problem+json  Somebody has changed this customer …",
        client: Client::Problem(409, "Conflict"),
        ask: tls("-X PUT -d name=Ada", "/customers"),
    },
    Scene {
        title: "The backend has codes of its own: a rule gives them a name for clients",
        backend: "409 application/json  {\"error\":{\"code\":\"SOLD_OUT\",\"text\":\"SKU 4711 …\"}}",
        client: Client::Problem(409, "OutOfStock"),
        ask: tls("-d sku=4711", "/orders"),
    },
    Scene {
        title: "The backend refuses in plain French, with the name of its machine",
        backend: "429 text/plain  Trop de requêtes, revenez plus tard (règle quota-7 sur lb-2)",
        client: Client::Problem(429, "TooManyRequests"),
        ask: tls("", "/quota"),
    },
    Scene {
        title: "A GraphQL backend refuses: its clients get GraphQL errors",
        backend: "400 application/json  {\"errors\":[{… \"stacktrace\":[\"at Object.validate …\"]}]}",
        client: Client::Problem(400, "BadRequest"),
        ask: tls(
            "-H 'Content-Type: application/json' -d '{\"query\":\"{ products { nam } }\"}'",
            "/graphql",
        ),
    },
    Scene {
        title: "Nothing is there",
        backend: "is not asked",
        client: Client::Problem(404, "InvalidResource"),
        ask: tls("", "/nowhere"),
    },
    Scene {
        title: "The method is wrong",
        backend: "is not asked",
        client: Client::Problem(405, "MethodNotAllowed"),
        ask: tls("-X DELETE", "/products"),
    },
    Scene {
        title: "Plain HTTP: understood, not executed",
        backend: "is not asked",
        client: Client::Problem(426, "NonSecureConnection"),
        ask: Ask { door: Door::Plain, words: "", path: "/products" },
    },
    Scene {
        title: "Plain HTTP on the TLS port: the same, in plain HTTP",
        backend: "is not asked",
        client: Client::Problem(426, "NonSecureConnection"),
        ask: Ask { door: Door::PlainOnTls, words: "", path: "/products" },
    },
];

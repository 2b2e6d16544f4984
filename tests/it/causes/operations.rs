//! Operations of GraphQL that are refused, for the scenarios of causes.

use guichet::problem::Cause;

use super::{Proof, proof};
use crate::rig::client::{self, Reply};
use crate::rig::gateway::Setup;
use crate::rig::origin::Origin;

/// A document that provokes the cause, on a route that allows next to nothing.
pub(super) fn operation(cause: Cause) -> Proof {
    let gateway = Setup::new()
        .route(
            "match = \"/a\"\nrespond = { text = \"ok\" }\n[route.graphql]\nlimits = { depth = 1, \
             tokens = 20, aliases = 0, root_fields = 1, introspection = false }",
        )
        .start();
    let document = match cause {
        Cause::GraphqlSyntax => "{",
        Cause::GraphqlOperation => "query A { a } query B { b }",
        Cause::GraphqlDepth => "{ a { b } }",
        Cause::GraphqlTokens => "{ a(b: [1 2 3 4 5 6 7 8 9 10 11 12 13 14]) }",
        Cause::GraphqlAliases => "{ a: b }",
        Cause::GraphqlRootFields => "{ a b }",
        Cause::GraphqlIntrospection => "{ __schema }",
        _ => "{ a }",
    };
    let reply = match cause {
        Cause::GraphqlMethod => client::get(gateway.plain(), "/a?query=mutation%7Ba%7D"),
        Cause::GraphqlBatch => client::ask(gateway.plain(), &post("[]")),
        _ => client::ask(gateway.plain(), &post(&format!("{{\"query\":\"{document}\"}}"))),
    };
    proof(&gateway, reply)
}

/// What an upstream answers to an operation, where errors at the root are fatal.
pub(super) fn replied(body: &str) -> Proof {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let origin = Origin::answering(format!("{head}{body}"));
    let gateway = Setup::new()
        .upstream(&format!("endpoints = [\"{}\"]", origin.url()))
        .route("match = \"/a\"\nupstream = \"origin\"\n[route.graphql]\nroot_errors = \"fatal\"")
        .start();
    let reply = client::ask(gateway.plain(), &post("{\"query\":\"{ a }\"}"));
    proof(&gateway, reply)
}

fn post(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /a HTTP/1.1\r\nHost: gw.test\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

/// Whether the reply is this problem in GraphQL's form.
pub(super) fn is_graphql(reply: &Reply, status: u16, name: &str) {
    let body = reply.json();
    assert_eq!(reply.status(), status, "{body}");
    assert_eq!(body["errors"][0]["extensions"]["problem"], format!("fr.ammy{name}"), "{body}");
}

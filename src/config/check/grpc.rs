//! `[route.grpc]`: what its messages may weigh, and whether a call can get to it and beyond it.

use std::collections::HashSet;

use http::Method;

use super::Check;
use crate::config::defaults;
use crate::config::diagnostic::{Diagnostic, Id};
use crate::config::model::{GrpcRule, Route, Target, Upstream, UpstreamProtocol};
use crate::config::read::Section;
use crate::route::Pattern;

pub(super) fn grpc(
    route: Section<'_>,
    pattern: Option<&Pattern>,
    check: &mut Check<'_>,
) -> Option<Box<GrpcRule>> {
    let place = route.place("grpc")?;
    for (key, why) in [
        ("graphql", "a route speaks GraphQL or gRPC, not both"),
        ("body", "`body` reads JSON and forms, and a gRPC call carries neither"),
        ("flow", "a flow answers in JSON, which no gRPC call can read"),
    ] {
        if let Some(other) = route.place(key) {
            let made = Diagnostic::at(Id::Conflict, place, why).other(other, "this is set, too");
            check.push(made.help("keep one of the two, or write a second route"));
        }
    }
    if let Some(pattern) = pattern
        && !pattern.methods.is_empty()
        && !pattern.methods.contains(&Method::POST)
    {
        let place = route.text("match").map_or(place, |word| word.place);
        check.push(
            Diagnostic::at(Id::BadMatch, place, "no gRPC call ever gets here: they are all POST")
                .help("a method is matched by its path: \"POST /package.Service/Method\", or {method} for all"),
        );
    }
    let message = route.section("grpc").size("message").unwrap_or(defaults::GRPC_MESSAGE);
    Some(Box::new(GrpcRule { message }))
}

/// Upstreams of gRPC routes that are spoken to in HTTP/1.1, where nobody speaks gRPC.
pub(super) fn reach(
    section: Section<'_>,
    routes: &[Route],
    upstreams: &[Upstream],
    check: &mut Check<'_>,
) {
    let mut told = HashSet::new();
    for route in routes.iter().filter(|route| route.grpc.is_some()) {
        let Target::Upstream(id) = route.target else { continue };
        let Some(upstream) = upstreams.get(usize::from(id.0)) else { continue };
        let tls = upstream.endpoints.iter().all(|endpoint| endpoint.tls);
        let speaks = match upstream.protocol {
            UpstreamProtocol::H2 | UpstreamProtocol::H2c => true,
            UpstreamProtocol::Negotiate => tls,
            UpstreamProtocol::Http1 => false,
        };
        let table = section.section(&upstream.name);
        let place = table.node("protocol").map(|node| node.place);
        let Some(place) = place.or_else(|| section.place(&upstream.name)) else { continue };
        if speaks || !told.insert(id) {
            continue;
        }
        let message = format!(
            "gRPC needs HTTP/2, and the route `{}` finds HTTP/1.1 at the upstream `{}`",
            route.name, upstream.name
        );
        let right = if tls { "h2" } else { "h2c" };
        check.push(
            Diagnostic::at(Id::Incomplete, place, message)
                .help(format!("write `protocol = \"{right}\"` there")),
        );
    }
}

//! Which shape an error reply takes. Never a 406: an error in a shape that was not asked for is
//! worth more than a refusal to say what went wrong.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::{Dialect, Format};
use crate::base::grpc::Speech;
use crate::base::prefer;

/// The fields of a request that decide how its error is dressed; of several lines the first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preferences<'a> {
    /// `Accept`.
    pub accept: Option<&'a HeaderValue>,
    /// `Accept-Language`.
    pub accept_language: Option<&'a HeaderValue>,
    /// `Content-Type`.
    pub content_type: Option<&'a HeaderValue>,
}

impl<'a> From<&'a HeaderMap> for Preferences<'a> {
    fn from(headers: &'a HeaderMap) -> Self {
        Self {
            accept: headers.get(ACCEPT),
            accept_language: headers.get(ACCEPT_LANGUAGE),
            content_type: headers.get(CONTENT_TYPE),
        }
    }
}

impl Format {
    /// The format for this request: the route's dialect first, then the request's own `content-type`
    /// if it speaks gRPC, then `Accept` with q-values. `*/*`, nothing or nothing known gets
    /// `default`; on a GraphQL route that is `application/graphql-response+json`, as GraphQL over
    /// HTTP asks for since 2025.
    pub fn choose(dialect: Dialect, request: &Preferences<'_>, default: Self) -> Self {
        match dialect {
            Dialect::Grpc => Self::Grpc,
            Dialect::GraphQl => graphql(request),
            Dialect::Http if speaks_grpc(request) => Self::Grpc,
            Dialect::Http => http(request, default),
        }
    }
}

fn graphql(request: &Preferences<'_>) -> Format {
    const OFFERS: [&str; 2] = ["application/graphql-response+json", "application/json"];
    match prefer::media_type(accept(request), &OFFERS) {
        Some(1) => Format::GraphQlJson,
        Some(_) | None => Format::GraphQlResponse,
    }
}

fn http(request: &Preferences<'_>, default: Format) -> Format {
    if request.accept.is_none_or(|accept| accept == "*/*") {
        return default;
    }
    // The default stands first under a name of its own, so that ranges as wide as `*/*` and
    // `application/*` find it before the others.
    let mut offers = ["application/json"; OFFERS.len() + 1];
    offers[0] = match default {
        Format::ProblemJson => "application/problem+json",
        Format::ProblemXml => "application/problem+xml",
        Format::Html => "text/html",
        Format::Text => "text/plain",
        Format::Json | Format::GraphQlJson | Format::GraphQlResponse | Format::Grpc => {
            "application/json"
        }
    };
    for (offer, (name, _)) in offers.iter_mut().skip(1).zip(OFFERS) {
        *offer = name;
    }
    let best = prefer::media_type(accept(request), &offers).and_then(|at| at.checked_sub(1));
    best.and_then(|at| OFFERS.get(at)).map_or(default, |(_, format)| *format)
}

fn accept<'a>(request: &Preferences<'a>) -> impl Iterator<Item = &'a str> {
    request.accept.into_iter().filter_map(|line| line.to_str().ok())
}

fn speaks_grpc(request: &Preferences<'_>) -> bool {
    request.content_type.is_some_and(|value| Speech::of(value.as_bytes()).is_some())
}

/// Earlier offers win where a client has no preference.
const OFFERS: [(&str, Format); 8] = [
    ("application/json", Format::Json),
    ("application/problem+json", Format::ProblemJson),
    ("text/html", Format::Html),
    ("application/xhtml+xml", Format::Html),
    ("application/problem+xml", Format::ProblemXml),
    ("application/xml", Format::ProblemXml),
    ("text/xml", Format::ProblemXml),
    ("text/plain", Format::Text),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chosen(dialect: Dialect, accept: &str, default: Format) -> Format {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        Format::choose(dialect, &(&headers).into(), default)
    }

    #[test]
    fn accept_decides_over_http() {
        for (accept, expected) in [
            ("application/json", Format::Json),
            ("application/problem+json", Format::ProblemJson),
            ("application/problem+json, application/json;q=0.9", Format::ProblemJson),
            ("application/xml", Format::ProblemXml),
            ("text/xml;q=0.9, text/html;q=0.1", Format::ProblemXml),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Format::Html),
            ("text/plain", Format::Text),
            ("application/json, text/plain, */*", Format::Json),
            ("*/*", Format::Json),
            ("application/*", Format::Json),
            ("image/png, image/*;q=0.8", Format::Json),
            ("image/avif,image/webp,*/*;q=0.8", Format::Json),
            ("*/*;q=0", Format::Json),
            ("nonsense", Format::Json),
        ] {
            assert_eq!(chosen(Dialect::Http, accept, Format::Json), expected, "{accept}");
        }
    }

    #[test]
    fn wide_ranges_find_the_configured_default() {
        for accept in ["*/*", "application/*", "image/png", "application/problem+json"] {
            let format = chosen(Dialect::Http, accept, Format::ProblemJson);
            assert_eq!(format, Format::ProblemJson, "{accept}");
        }
        let named = chosen(Dialect::Http, "application/json, */*", Format::ProblemJson);
        assert_eq!(named, Format::Json);
        let none = Format::choose(Dialect::Http, &Preferences::default(), Format::ProblemJson);
        assert_eq!(none, Format::ProblemJson);
    }

    #[test]
    fn dialects_come_before_accept() {
        assert_eq!(chosen(Dialect::Grpc, "text/html", Format::Json), Format::Grpc);
        for (accept, expected) in [
            ("text/html", Format::GraphQlResponse),
            ("*/*", Format::GraphQlResponse),
            ("application/json", Format::GraphQlJson),
            ("application/json, */*", Format::GraphQlJson),
            ("application/graphql-response+json, application/json;q=0.9", Format::GraphQlResponse),
            ("application/graphql-response+json, application/json", Format::GraphQlResponse),
            ("application/json, application/graphql-response+json;q=0.5", Format::GraphQlJson),
        ] {
            assert_eq!(chosen(Dialect::GraphQl, accept, Format::Json), expected, "{accept}");
        }
    }

    #[test]
    fn a_request_that_speaks_grpc_is_answered_in_grpc() {
        for (kind, expected) in [
            ("application/grpc", Format::Grpc),
            ("application/grpc+proto", Format::Grpc),
            ("Application/gRPC-Web+proto", Format::Grpc),
            ("application/grpc;charset=x", Format::Grpc),
            ("application/grpcfoo", Format::Json),
            ("application/json", Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(
                Format::choose(Dialect::Http, &(&headers).into(), Format::Json),
                expected,
                "{kind}"
            );
        }
    }

    proptest! {
        #[test]
        fn choosing_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let mut headers = HeaderMap::new();
                headers.append(ACCEPT, value.clone());
                headers.append(ACCEPT, value.clone());
                headers.insert(CONTENT_TYPE, value);
                let _ = Format::choose(Dialect::Http, &(&headers).into(), Format::Json);
                let _ = Format::choose(Dialect::GraphQl, &(&headers).into(), Format::Json);
            }
        }
    }
}

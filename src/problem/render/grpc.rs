//! gRPC, trailers only: the whole answer stands in the head of a reply with HTTP status 200.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::facts::Facts;
use crate::base::grpc::encode_message;
use crate::problem::{Catalogue, Language, Problem};

/// `grpc-status` and `grpc-message`.
pub(super) fn fields(facts: &Facts<'_>) -> [(HeaderName, HeaderValue); 2] {
    status(facts.catalogue, facts.problem, &facts.message.to_text())
}

/// Trailers that end a stream which has already begun.
pub fn grpc_trailers(problem: &Problem, catalogue: &Catalogue, language: Language) -> HeaderMap {
    let told = status(catalogue, problem, &catalogue.message(problem, language));
    let mut trailers: HeaderMap = told.into_iter().collect();
    trailers.insert("error-code", catalogue.full_code(problem.code()).clone());
    trailers
}

fn status(
    catalogue: &Catalogue,
    problem: &Problem,
    message: &str,
) -> [(HeaderName, HeaderValue); 2] {
    let number = catalogue.grpc_of(problem).number();
    let shown = message.get(..message.floor_char_boundary(MAX_MESSAGE)).unwrap_or_default();
    // What is percent-encoded is always a valid header value.
    let message = HeaderValue::try_from(encode_message(shown));
    [
        (HeaderName::from_static("grpc-status"), HeaderValue::from(u16::from(number))),
        (
            HeaderName::from_static("grpc-message"),
            message.unwrap_or_else(|_| HeaderValue::from_static("")),
        ),
    ]
}

/// Bytes of a message that go into a header: encoded they can be three times as many, and clients
/// commonly take 8 KiB of headers in all.
const MAX_MESSAGE: usize = 1024;

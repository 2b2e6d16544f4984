//! Writing an error down, in each of its shapes.

use std::hint::black_box;

use guichet::base::RequestId;
use guichet::problem::{Cause, Format, Problem, Reply, render};
use http::Method;

use crate::Part;
use crate::scene::{FIXED, load, quiet};

pub(crate) const PARTS: &[Part] = &[
    Part::new("rendering/json", || rendered(Format::Json)),
    Part::new("rendering/problem_json", || rendered(Format::ProblemJson)),
    Part::new("rendering/problem_xml", || rendered(Format::ProblemXml)),
    Part::new("rendering/graphql_json", || rendered(Format::GraphQlJson)),
    Part::new("rendering/graphql_response", || rendered(Format::GraphQlResponse)),
    Part::new("rendering/grpc", || rendered(Format::Grpc)),
    Part::new("rendering/html", || rendered(Format::Html)),
    Part::new("rendering/text", || rendered(Format::Text)),
];

fn rendered(format: Format) -> Box<dyn FnMut()> {
    let config = load(&quiet(FIXED));
    let problem = Problem::new(Cause::NoRoute);
    let request_id = RequestId::generate();
    Box::new(move || {
        let catalogue = &config.errors.catalogue;
        let reply = Reply {
            format,
            language: catalogue.choose_language(None),
            request_id: &request_id,
            method: &Method::GET,
            retry_after: config.errors.retry_after,
        };
        drop(black_box(render(black_box(&problem), &reply, catalogue)));
    })
}

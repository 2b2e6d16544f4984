//! Errors as they were said before. Under attack and under overload a gateway says the same few
//! things over and over, and two replies that say the same differ in the request's id alone: such a
//! reply is rendered once, kept, and copied with another id from then on.
//!
//! What the shelf gives is byte for byte what [`render`] gives. It keeps at most [`PLACES`] replies,
//! each of some two KiB; one that needs another's place takes it.
//!
//! [`render`]: super::render()

use std::cell::RefCell;

use bytes::Bytes;
use http::Method;

use super::{Format, Rendered, Reply, dress};
use crate::base::RequestId;
use crate::base::grpc::GrpcStatus;
use crate::problem::catalogue::Catalogue;
use crate::problem::render::facts::Facts;
use crate::problem::{Cause, Code, CustomId, Language, Problem};

/// The replies of one worker, under one catalogue.
#[derive(Debug, Default)]
pub struct Shelf(RefCell<Vec<Option<Kept>>>);

impl Shelf {
    /// Renders a problem, or copies a reply that says the same.
    pub fn render(&self, problem: &Problem, reply: &Reply<'_>, catalogue: &Catalogue) -> Rendered {
        let facts = Facts::gather(problem, reply, catalogue);
        // An id in its usual form is always as long, and needs no escape in any shape.
        if !problem.is_bare() || !reply.request_id.is_uuid() {
            return dress(&facts);
        }
        let Ok(mut places) = self.0.try_borrow_mut() else { return dress(&facts) };
        if places.is_empty() {
            places.resize_with(PLACES, || None);
        }
        let label = Label::of(&facts);
        let Some(place) = places.get_mut(label.place()) else { return dress(&facts) };
        if let Some(kept) = place.as_ref().filter(|kept| kept.label == label) {
            return kept.copy(reply.request_id);
        }
        let rendered = dress(&facts);
        *place = Some(Kept::new(label, &rendered, reply.request_id));
        rendered
    }
}

/// Everything that a reply depends on, but for the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Label {
    cause: Cause,
    code: Code,
    status: u16,
    grpc: Option<GrpcStatus>,
    format: Format,
    language: Language,
    is_head: bool,
    retryable: Option<bool>,
    wait: Option<u64>,
    header_wait: Option<u64>,
}

impl Label {
    fn of(facts: &Facts<'_>) -> Self {
        Self {
            cause: facts.problem.cause(),
            code: facts.problem.code(),
            status: facts.status,
            grpc: facts.problem.grpc_override(),
            format: facts.format(),
            language: facts.reply.language,
            is_head: *facts.reply.method == Method::HEAD,
            retryable: facts.retryable,
            wait: facts.wait,
            header_wait: facts.header_wait,
        }
    }

    /// Where such a reply stands. What differs most in practice, the code and the wait, is told
    /// apart best.
    fn place(&self) -> usize {
        let code = match self.code {
            Code::BuiltIn(code) => code as usize,
            Code::Custom(CustomId(at)) => usize::from(at) + 64,
        };
        let wait = self.header_wait.and_then(|wait| usize::try_from(wait).ok()).unwrap_or_default();
        let dress = self.format as usize * 2 + usize::from(self.language.0);
        (code * 7 + wait.wrapping_mul(5) + dress * 3) % PLACES
    }
}

#[derive(Debug)]
struct Kept {
    label: Label,
    /// With the id of the request that it was rendered for.
    reply: Rendered,
    /// Where in the body that id stands.
    ids: Vec<usize>,
}

impl Kept {
    fn new(label: Label, reply: &Rendered, id: &RequestId) -> Self {
        let id = id.as_str().as_bytes();
        let ids = memchr::memmem::find_iter(&reply.body, id).collect();
        Self { label, reply: reply.clone(), ids }
    }

    fn copy(&self, id: &RequestId) -> Rendered {
        let mut headers = self.reply.headers.clone();
        headers.insert(RequestId::FIELD, id.value().clone());
        let mut body = self.reply.body.to_vec();
        let id = id.as_str().as_bytes();
        for at in &self.ids {
            if let Some(place) = body.get_mut(*at..*at + id.len()) {
                place.copy_from_slice(id);
            }
        }
        Rendered { status: self.reply.status, headers, body: Bytes::from(body) }
    }
}

/// How many replies are kept.
const PLACES: usize = 128;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::problem::render;

    fn catalogue() -> Catalogue {
        Catalogue::new("fr.ammy", Some("https://d.test/"), &["fr".into(), "en".into()], &[])
            .unwrap()
    }

    #[derive(Debug)]
    struct Case {
        problem: Problem,
        format: Format,
        language: Language,
        method: Method,
        id: RequestId,
    }

    impl Case {
        fn reply(&self) -> Reply<'_> {
            Reply {
                format: self.format,
                language: self.language,
                request_id: &self.id,
                method: &self.method,
                retry_after: Duration::from_secs(5),
            }
        }
    }

    fn problems() -> impl Strategy<Value = Problem> {
        let cause = proptest::sample::select(Cause::ALL);
        let wait = proptest::option::of(0_u64..90);
        let added = 0..9_u8;
        (cause, wait, added, any::<bool>()).prop_map(|(cause, wait, added, closing)| {
            let mut problem = Problem::new(cause);
            if let Some(wait) = wait {
                problem = problem.with_retry_after(Duration::from_secs(wait));
            }
            if closing {
                problem = problem.closing().with_detail("seen by the log alone");
            }
            match added {
                0 => problem.with_message("Sold out."),
                1 => problem.with_step("lookup"),
                2 => problem.with_location(2, 7),
                3 => problem.with_argument("allow", "GET"),
                4 => problem.with_header(http::header::ALLOW, HeaderValue::from_static("GET")),
                5 => problem.with_retryable(true),
                6 => problem.with_status(418),
                7 => problem.with_errors("[{\"message\":\"m\"}]", closing),
                _ => problem,
            }
        })
    }

    fn cases() -> impl Strategy<Value = Case> {
        let format = proptest::sample::select(Format::ALL);
        let method = proptest::sample::select(vec![Method::GET, Method::POST, Method::HEAD]);
        let id = prop_oneof![
            Just(()).prop_map(|()| RequestId::generate()),
            "[!-~]{1,40}".prop_map(|text| {
                RequestId::accept(&HeaderValue::from_str(&text).unwrap()).unwrap()
            }),
        ];
        (problems(), format, 0..2_u8, method, id).prop_map(
            |(problem, format, language, method, id)| Case {
                problem,
                format,
                language: Language(language),
                method,
                id,
            },
        )
    }

    proptest! {
        #[test]
        fn a_kept_reply_is_the_one_that_would_be_rendered(
            cases in proptest::collection::vec(cases(), 1..200),
        ) {
            let catalogue = catalogue();
            let shelf = Shelf::default();
            // Twice, so that most of the second round are copies.
            for case in cases.iter().chain(&cases) {
                let expected = render(&case.problem, &case.reply(), &catalogue);
                let before = RequestId::generate();
                let _ = shelf.render(
                    &case.problem,
                    &Reply { request_id: &before, ..case.reply() },
                    &catalogue,
                );
                let actual = shelf.render(&case.problem, &case.reply(), &catalogue);
                prop_assert_eq!(actual, expected);
            }
        }
    }

    #[test]
    fn the_second_of_two_equal_replies_is_a_copy() {
        let catalogue = catalogue();
        let shelf = Shelf::default();
        let id = RequestId::generate();
        let reply = Reply {
            format: Format::Json,
            language: Language(0),
            request_id: &id,
            method: &Method::GET,
            retry_after: Duration::from_secs(5),
        };
        let problem = Problem::new(Cause::NoRoute);
        let first = shelf.render(&problem, &reply, &catalogue);
        let kept = || shelf.0.borrow().iter().flatten().count();
        assert_eq!(kept(), 1);
        for place in shelf.0.borrow_mut().iter_mut().flatten() {
            place.reply.status = http::StatusCode::IM_A_TEAPOT;
        }
        let second = shelf.render(&problem, &reply, &catalogue);
        assert_eq!(second.status, http::StatusCode::IM_A_TEAPOT, "what was kept was not asked");
        assert_eq!(second.body, first.body);
        let _ = shelf.render(&problem.with_step("a"), &reply, &catalogue);
        assert_eq!(kept(), 1, "what is its own is not kept");
    }
}

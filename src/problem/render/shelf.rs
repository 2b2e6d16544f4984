//! Errors as they were said before. Under attack and under overload a gateway says the same few
//! things over and over, and two replies that say the same differ in the request's id alone: such a
//! reply is rendered once, kept, and said with another id from then on.
//!
//! What the shelf gives is byte for byte what [`render`] gives. It keeps at most [`PLACES`] replies,
//! each of some two KiB; one that needs another's place takes it.
//!
//! [`render`]: super::render()

use std::cell::RefCell;
use std::rc::Rc;

use http::Method;

use super::wording::{Wording, Words};
use super::{Format, Rendered, Reply, dress};
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
        match self.find(&facts) {
            Some(words) => words.rendered(reply.request_id),
            None => dress(&facts),
        }
    }

    /// The same as HTTP/1 writes it.
    pub fn word(&self, problem: &Problem, reply: &Reply<'_>, catalogue: &Catalogue) -> Wording {
        let facts = Facts::gather(problem, reply, catalogue);
        let words = self.find(&facts);
        let words = words.unwrap_or_else(|| Rc::new(Words::new(dress(&facts), reply.request_id)));
        Wording::new(words, reply.request_id)
    }

    /// What is said again; none where a reply is its request's own.
    fn find(&self, facts: &Facts<'_>) -> Option<Rc<Words>> {
        let id = facts.reply.request_id;
        // An id in its usual form is always as long, and needs no escape in any shape.
        if !facts.problem.is_bare() || !id.is_uuid() {
            return None;
        }
        let mut places = self.0.try_borrow_mut().ok()?;
        if places.is_empty() {
            places.resize_with(PLACES, || None);
        }
        let label = Label::of(facts);
        let place = places.get_mut(label.place())?;
        if let Some(kept) = place.as_ref().filter(|kept| kept.label == label) {
            return Some(Rc::clone(&kept.words));
        }
        let words = Rc::new(Words::new(dress(facts), id));
        *place = Some(Kept { label, words: Rc::clone(&words) });
        Some(words)
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
    words: Rc<Words>,
}

/// How many replies are kept.
const PLACES: usize = 128;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::base::{RequestId, field};
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

    fn lines(rendered: &Rendered) -> String {
        let mut out = Vec::new();
        for (name, value) in &rendered.headers {
            field::write(name, value, &mut out);
        }
        out.extend_from_slice(&rendered.body);
        String::from_utf8(out).unwrap()
    }

    fn as_lines(wording: &Wording) -> String {
        let mut out = Vec::new();
        wording.write_fields(&mut out);
        wording.write_body(&mut out);
        String::from_utf8(out).unwrap()
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
                prop_assert_eq!(&actual, &expected);
                let wording = shelf.word(&case.problem, &case.reply(), &catalogue);
                prop_assert_eq!(as_lines(&wording), lines(&expected));
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
        let kept_words = |shelf: &Shelf| {
            shelf.0.borrow().iter().flatten().map(|kept| Rc::clone(&kept.words)).next().unwrap()
        };
        let words = kept_words(&shelf);
        let second = shelf.render(&problem, &reply, &catalogue);
        assert_eq!(second, first);
        let wording = shelf.word(&problem, &reply, &catalogue);
        // Here, in the shelf, and in the wording.
        assert_eq!(Rc::strong_count(&words), 3, "what was kept was not asked");
        drop(wording);
        let _ = shelf.render(&problem.with_step("a"), &reply, &catalogue);
        assert_eq!(kept(), 1, "what is its own is not kept");
    }
}

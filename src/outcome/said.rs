//! What an error reply says of itself, in the shapes that guichet knows. Nothing is judged here:
//! `translate` decides what of it a client may see.
//!
//! | Shape | Known by |
//! |---|---|
//! | GraphQL | `errors`, a list whose first entry has a `message` (JSON:API's entries have none) |
//! | house JSON, or RFC 9457 of a guichet | `code` is known, or has the prefix |
//! | RFC 9457 | `application/problem+json`, or `title` or `detail` beside `status` or `type` |
//! | gRPC | `grpc-status` in the head |
//! | ours in another dress (XML, HTML, text) | `error-code` in the head is known, or has the prefix |

use std::borrow::Cow;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use serde_json::{Map, Value};

use super::{graphql, grpc, text, wait};
use crate::base::RequestId;
use crate::problem::{BuiltIn, Catalogue, Code, Place, Reason, Violation};

/// What a reply says of itself.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub(super) shape: Shape,
    /// The code, where the reply names one that is known.
    pub(super) code: Option<Code>,
    pub(super) message: Option<Cow<'a, str>>,
    pub(super) retry_after: Option<Duration>,
    pub(super) violations: Vec<Violation>,
    /// Lines and columns in a GraphQL document.
    pub(super) locations: Vec<(u32, u32)>,
    /// Set only where the reply comes from a guichet.
    pub(super) request_id: Option<RequestId>,
}

/// The shape in which a reply says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    GraphQl,
    Grpc,
    /// The status of the reply and the code belong together: house JSON and RFC 9457.
    Http,
}

impl<'a> Said<'a> {
    fn new(shape: Shape) -> Self {
        Self {
            shape,
            code: None,
            message: None,
            retry_after: None,
            violations: Vec::new(),
            locations: Vec::new(),
            request_id: None,
        }
    }

    /// What a body says.
    pub(super) fn in_body(
        body: &'a Value,
        headers: &HeaderMap,
        status: u16,
        catalogue: &Catalogue,
    ) -> Option<Self> {
        let body = body.as_object()?;
        if let Some(error) = body.get("errors").and_then(|errors| errors.get(0)?.as_object())
            && let Some(message) = string(error, "message")
        {
            return Some(Self::graphql(error, message, status, catalogue));
        }
        let named = string(body, "code").map(|code| Named::find(code, catalogue));
        if let Some(named) = named
            && (named.code.is_some() || named.ours)
        {
            return Some(Self::ours(body, &named, catalogue));
        }
        is_problem_details(body, headers).then(|| Self {
            code: string(body, "type").and_then(|link| by_link(link, catalogue)),
            message: string(body, "detail").map(Cow::Borrowed),
            retry_after: body.get("retry_after").and_then(wait::from_json),
            ..Self::new(Shape::Http)
        })
    }

    /// What a head says, for bodies that say nothing.
    pub(super) fn in_head(headers: &HeaderMap, catalogue: &Catalogue) -> Option<Self> {
        let ours = code_in_head(headers, catalogue);
        let request_id = || headers.get("x-request-id").and_then(RequestId::accept);
        if let Some((status, message)) = grpc::status(headers) {
            return Some(Self {
                code: ours.or_else(|| grpc::code(status).map(Code::from)),
                message: message.map(Cow::Owned),
                request_id: ours.and_then(|_| request_id()),
                ..Self::new(Shape::Grpc)
            });
        }
        ours.map(|code| Self {
            code: Some(code),
            request_id: request_id(),
            ..Self::new(Shape::Http)
        })
    }

    fn graphql(
        error: &'a Map<String, Value>,
        message: &'a str,
        status: u16,
        catalogue: &Catalogue,
    ) -> Self {
        let extensions = error.get("extensions").and_then(Value::as_object);
        let extension = |name: &str| extensions.and_then(|extensions| string(extensions, name));
        let named = extension("problem").map(|code| Named::find(code, catalogue));
        let spelled = || extension("code").and_then(|code| graphql::code(code, status));
        let ours = named.as_ref().is_some_and(|named| named.ours);
        let request_id = extension("request_id").filter(|_| ours).and_then(request_id);
        let wait = extensions.and_then(|extensions| extensions.get("retry_after"));
        Self {
            code: named.and_then(|named| named.code).or_else(|| spelled().map(Code::from)),
            message: Some(Cow::Borrowed(message)),
            retry_after: wait.and_then(wait::from_json),
            locations: locations(error.get("locations")),
            request_id,
            ..Self::new(Shape::GraphQl)
        }
    }

    fn ours(body: &'a Map<String, Value>, named: &Named, catalogue: &Catalogue) -> Self {
        let message = string(body, "message").or_else(|| string(body, "detail"));
        Self {
            code: named.code,
            message: message.map(Cow::Borrowed),
            retry_after: body.get("retry_after").and_then(wait::from_json),
            violations: violations(body.get("parameters"), catalogue),
            request_id: string(body, "request_id").filter(|_| named.ours).and_then(request_id),
            ..Self::new(Shape::Http)
        }
    }
}

/// The code that a guichet behind this one has put in a head, or in trailers.
pub(super) fn code_in_head(fields: &HeaderMap, catalogue: &Catalogue) -> Option<Code> {
    let spelling = fields.get("error-code")?.to_str().ok()?;
    let named = Named::find(spelling, catalogue);
    named.code.filter(|_| named.ours)
}

/// A code as a reply spells it.
struct Named {
    /// None if the catalogue does not hold it.
    code: Option<Code>,
    /// Whether it has the prefix: only a guichet of the same house writes that.
    ours: bool,
}

impl Named {
    fn find(spelling: &str, catalogue: &Catalogue) -> Self {
        let code = catalogue.code_by_name(spelling);
        Self { code, ours: has_prefix(spelling, catalogue) }
    }
}

/// Whether a code begins with the prefix, directly followed by a name. An empty prefix marks
/// nothing as ours.
fn has_prefix(spelling: &str, catalogue: &Catalogue) -> bool {
    let prefix = Some(catalogue.prefix()).filter(|prefix| !prefix.is_empty());
    prefix.and_then(|prefix| spelling.strip_prefix(prefix)).is_some_and(|name| {
        name.starts_with(|first: char| first.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// The code at the end of a link, as `errors.docs` builds it.
fn by_link(link: &str, catalogue: &Catalogue) -> Option<Code> {
    let name = link.rsplit(['/', '#', ':', '=']).next().filter(|name| !name.is_empty())?;
    catalogue.code_by_name(name)
}

fn is_problem_details(body: &Map<String, Value>, headers: &HeaderMap) -> bool {
    let is_media_type = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            let media_type = text.split(';').next().unwrap_or_default().trim();
            media_type.eq_ignore_ascii_case("application/problem+json")
        })
    };
    headers.get(header::CONTENT_TYPE).is_some_and(is_media_type)
        || (["title", "detail"].iter().any(|name| string(body, name).is_some())
            && (body.get("status").is_some_and(Value::is_u64) || string(body, "type").is_some()))
}

fn violations(parameters: Option<&Value>, catalogue: &Catalogue) -> Vec<Violation> {
    let entries = parameters.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries.iter().take(MOST_VIOLATIONS).filter_map(|entry| violation(entry, catalogue)).collect()
}

fn violation(entry: &Value, catalogue: &Catalogue) -> Option<Violation> {
    let entry = entry.as_object()?;
    let word = string(entry, "in")?;
    let place = PLACES.into_iter().find(|place| place.as_str() == word)?;
    let word = string(entry, "reason").unwrap_or_default();
    let reason = REASONS.into_iter().find(|reason| reason.as_str() == word);
    let reason = reason.unwrap_or(Reason::Invalid);
    let code = match string(entry, "code").and_then(|code| catalogue.code_by_name(code)) {
        Some(Code::BuiltIn(code)) => code,
        Some(Code::Custom(_)) | None if reason == Reason::Missing => BuiltIn::MissingParameter,
        Some(Code::Custom(_)) | None => BuiltIn::InvalidParameter,
    };
    let name = text::name(string(entry, "name")?)?;
    Some(Violation { name, place: Some(place), code, reason, expected: Vec::new() })
}

fn locations(value: Option<&Value>) -> Vec<(u32, u32)> {
    let entries = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let number = |entry: &Value, name: &str| {
        entry.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
    };
    let place = |entry: &Value| Some((number(entry, "line")?, number(entry, "column")?));
    entries.iter().take(MOST_LOCATIONS).filter_map(place).collect()
}

fn string<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

fn request_id(text: &str) -> Option<RequestId> {
    RequestId::accept(&HeaderValue::from_str(text).ok()?)
}

const PLACES: [Place; 5] = [Place::Path, Place::Query, Place::Header, Place::Cookie, Place::Body];

const REASONS: [Reason; 4] = [Reason::Missing, Reason::Empty, Reason::Invalid, Reason::Unknown];

/// As many as a problem keeps.
const MOST_VIOLATIONS: usize = 50;

const MOST_LOCATIONS: usize = 10;

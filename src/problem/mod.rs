//! F1: the error vocabulary. A [`Problem`] is born where a fact is known, carried by `?`, and
//! becomes a response in exactly one place (`proxy::rescue`).
//!
//! Pure: no I/O, no clock, nothing of HTTP libraries beyond the types of `http`.

mod catalogue;
mod cause;
mod code;
mod render;
mod violation;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

pub use catalogue::{Catalogue, CatalogueError, Custom, Language, Override, Placeholder};
pub use cause::Cause;
pub use code::{BuiltIn, Code, CustomId, Row};
pub use render::{
    Dialect, Format, Preferences, Rendered, Reply, Shelf, Wording, graphql_error, grpc_trailers,
    render,
};
pub use violation::{Place, Reason, Violation};

use crate::base::grpc::GrpcStatus;
use crate::base::{RequestId, Source};

/// One failure, with everything that a client and the log will be told. One pointer wide, so that
/// a healthy `Result<_, Problem>` stays small.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug, PartialEq)]
struct Inner {
    code: Code,
    cause: Cause,
    source: Source,
    status: Option<u16>,
    grpc: Option<GrpcStatus>,
    message: Option<String>,
    texts: Option<Arc<[Box<str>]>>,
    arguments: Vec<(&'static str, Cow<'static, str>)>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    retryable: Option<bool>,
    step: Option<String>,
    locations: Vec<(u32, u32)>,
    errors: Option<Box<str>>,
    executed: bool,
    request_id: Option<RequestId>,
    headers: Vec<(HeaderName, HeaderValue)>,
    close: bool,
    detail: Option<String>,
}

impl From<Cause> for Problem {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

impl Problem {
    /// A problem with the code and the blame that its cause has by nature.
    pub fn new(cause: Cause) -> Self {
        Self(Box::new(Inner {
            code: cause.code().into(),
            cause,
            source: cause.source(),
            status: None,
            grpc: None,
            message: None,
            texts: None,
            arguments: Vec::new(),
            violations: Vec::new(),
            retry_after: None,
            retryable: None,
            step: None,
            locations: Vec::new(),
            errors: None,
            executed: false,
            request_id: None,
            headers: Vec::new(),
            close: false,
            detail: None,
        }))
    }

    /// Replaces the code, as a rule or an upstream's own body says.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Code>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Replaces the blame that the cause has by nature, as an upstream's own verdict says.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> Self {
        self.0.source = source;
        self
    }

    /// Replaces the status that the code has by nature.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Replaces the status that the code has for clients of gRPC alone.
    #[must_use]
    pub fn with_grpc(mut self, status: GrpcStatus) -> Self {
        self.0.grpc = Some(status);
        self
    }

    /// Shows this message instead of the catalogue's. Only for texts that were meant for clients.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.0.message = Some(message.into());
        self
    }

    /// Shows these instead of the catalogue's: a text for each configured language, in their order. Where
    /// one is empty, the catalogue's stands.
    #[must_use]
    pub fn with_texts(mut self, texts: Arc<[Box<str>]>) -> Self {
        self.0.texts = Some(texts);
        self
    }

    /// Fills a placeholder of the catalogue's text, such as `parameter` or `allow`.
    #[must_use]
    pub fn with_argument(
        mut self,
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.0.arguments.push((name, value.into()));
        self
    }

    /// Adds a parameter that is not as declared. At most 50 are kept.
    #[must_use]
    pub fn with_violation(mut self, violation: Violation) -> Self {
        if self.0.violations.len() < 50 {
            self.0.violations.push(violation);
        }
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Says whether the same request can be sent again: true where that can help, false where it
    /// would be unsafe after a failure half way.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = Some(retryable);
        self
    }

    /// Names the step of a flow that failed.
    #[must_use]
    pub fn with_step(mut self, step: impl Into<String>) -> Self {
        self.0.step = Some(step.into());
        self
    }

    /// Adds a place in a GraphQL document, line and column from 1.
    #[must_use]
    pub fn with_location(mut self, line: u32, column: u32) -> Self {
        self.0.locations.push((line, column));
        self
    }

    /// The errors of a GraphQL reply as a list in JSON, each in the words of the vocabulary. GraphQL's
    /// clients get them in place of the one that the problem itself makes; whether anything was executed
    /// is told, too.
    #[must_use]
    pub fn with_errors(mut self, json: impl Into<Box<str>>, executed: bool) -> Self {
        (self.0.errors, self.0.executed) = (Some(json.into()), executed);
        self
    }

    /// Keeps the request id of a gateway behind this one, which made the problem.
    #[must_use]
    pub fn with_request_id(mut self, id: RequestId) -> Self {
        self.0.request_id = Some(id);
        self
    }

    /// Adds a header that this reply must carry.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Keeps no headers but these.
    #[must_use]
    pub fn keeping(mut self, names: &[HeaderName]) -> Self {
        self.0.headers.retain(|(name, _)| names.contains(name));
        self
    }

    /// The connection cannot carry another request after this one.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.0.close = true;
        self
    }

    /// The private cause in words, for the log alone.
    #[must_use]
    pub fn with_detail(mut self, detail: impl fmt::Display) -> Self {
        self.0.detail = Some(detail.to_string());
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The fine cause.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// Whose fault it is.
    pub fn source(&self) -> Source {
        self.0.source
    }

    /// The status set by [`Self::with_status`], if any; else the catalogue's row decides.
    pub fn status_override(&self) -> Option<u16> {
        self.0.status
    }

    /// The status set by [`Self::with_grpc`].
    pub fn grpc_override(&self) -> Option<GrpcStatus> {
        self.0.grpc
    }

    /// The message set by [`Self::with_message`].
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The message in a language, of those set by [`Self::with_message`] and [`Self::with_texts`].
    pub fn message_in(&self, language: Language) -> Option<&str> {
        let text = || self.0.texts.as_ref()?.get(usize::from(language.0)).map(|text| &**text);
        self.message().or_else(|| text().filter(|text| !text.is_empty()))
    }

    /// The value of a placeholder.
    pub fn argument(&self, name: &str) -> Option<&str> {
        let found = self.0.arguments.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_ref())
    }

    /// The parameters that are not as declared.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// How long to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether trying again was judged.
    pub fn retryable(&self) -> Option<bool> {
        self.0.retryable
    }

    /// The failing step of a flow.
    pub fn step(&self) -> Option<&str> {
        self.0.step.as_deref()
    }

    /// Places in a GraphQL document.
    pub fn locations(&self) -> &[(u32, u32)] {
        &self.0.locations
    }

    /// The errors of a GraphQL reply as a list in JSON.
    pub fn errors(&self) -> Option<&str> {
        self.0.errors.as_deref()
    }

    /// Whether such a reply comes from an operation that was executed.
    pub fn was_executed(&self) -> bool {
        self.0.executed
    }

    /// The id of the gateway behind this one, if the problem is that gateway's.
    pub fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Headers that the reply must carry.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// Whether the connection must close after the reply.
    pub fn closes(&self) -> bool {
        self.0.close
    }

    /// Whether nothing that a client sees of it was added to its code: all such problems with
    /// one cause, code and status read alike.
    fn is_bare(&self) -> bool {
        let own = &self.0;
        own.message.is_none()
            && own.texts.is_none()
            && own.arguments.is_empty()
            && own.violations.is_empty()
            && own.step.is_none()
            && own.locations.is_empty()
            && own.errors.is_none()
            && own.request_id.is_none()
            && own.headers.is_empty()
    }

    /// The private cause in words.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_one_pointer_wide() {
        assert_eq!(size_of::<Problem>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Problem>>(), size_of::<usize>());
    }
}

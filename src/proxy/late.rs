//! A status that is still owed: until a gRPC call has told how it ended, a failure after its head can be
//! told in its place. gRPC does so in trailers, gRPC-Web in the last message of the body, which can only
//! stand after a whole message. Trailers an upstream's keepers read by themselves; what stands in a body
//! they are told from here, once it has come whole.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::Frame;

use crate::base::grpc::{GrpcStatus, Speech};
use crate::base::web_reply::WebReply;
use crate::observe::Rpc;
use crate::problem::{Catalogue, Language, Problem, grpc_trailers};
use crate::upstream::Keeper;

/// What is needed to tell of a failure after the head.
#[derive(Debug)]
pub(super) struct Late {
    catalogue: Arc<Catalogue>,
    language: Language,
    way: Way,
    kept: Option<Kept>,
    /// Whether an end without a status is a failure too.
    owed: bool,
}

/// How a status is told after the head.
#[derive(Debug)]
enum Way {
    Trailers,
    Message(Box<WebReply>),
    /// Only read: the head has said how long the body is.
    Closed(Box<WebReply>),
    /// It has been told in the body.
    Over(GrpcStatus),
}

/// Whom the end of the body is told.
#[derive(Debug)]
struct Kept {
    keeper: Keeper,
    /// The client has set the call a time.
    hurried: bool,
}

impl Late {
    /// For a reply with this head; none where a status could be neither read nor told. `reads` says
    /// whether the client takes trailers.
    pub(super) fn new(
        speech: Speech,
        headers: &HeaderMap,
        reads: bool,
        owed: bool,
        catalogue: &Arc<Catalogue>,
        language: Language,
    ) -> Option<Self> {
        let web = |is_text| {
            let reply = Box::new(WebReply::new(is_text));
            if headers.contains_key(header::CONTENT_LENGTH) {
                return Way::Closed(reply);
            }
            Way::Message(reply)
        };
        let is_plain = || owed && !headers.contains_key(header::CONTENT_ENCODING);
        let way = match speech {
            Speech::Native => reads.then_some(Way::Trailers),
            Speech::Web => is_plain().then(|| web(false)),
            Speech::WebText => is_plain().then(|| web(true)),
        }?;
        let owed = owed && !matches!(way, Way::Closed(_));
        Some(Self { catalogue: Arc::clone(catalogue), language, way, kept: None, owed })
    }

    /// Has somebody be told of a status in the body; trailers are read where they arrive. `hurried` says
    /// that the client has set the call a time.
    pub(super) fn keep(&mut self, keeper: impl FnOnce() -> Option<Keeper>, hurried: bool) {
        if !matches!(self.way, Way::Trailers) {
            self.kept = keeper().map(|keeper| Kept { keeper, hurried });
        }
    }

    /// The body has come whole.
    pub(super) fn came_whole(self) {
        if let (Way::Over(status), Some(Kept { keeper, hurried })) = (self.way, self.kept) {
            keeper.told(status, hurried);
        }
    }

    /// Whether an end without a status is a failure too.
    pub(super) fn is_owed(&self) -> bool {
        self.owed
    }

    /// What the next frame tells of the call's end. After that nothing can fail any more.
    pub(super) fn hear(&mut self, frame: &Frame<Bytes>) -> Option<Rpc> {
        let told = match &mut self.way {
            Way::Trailers => Rpc::told(frame.trailers_ref()?, &self.catalogue)?,
            Way::Message(reply) | Way::Closed(reply) => {
                reply.follow(frame.data_ref()?);
                if !reply.is_over() {
                    return None;
                }
                Rpc::told(&reply.trailers(), &self.catalogue).unwrap_or(Rpc::Untold)
            }
            Way::Over(_) => return None,
        };
        if let Rpc::Told(status, _) = told {
            self.way = Way::Over(status);
        }
        self.owed = false;
        Some(told)
    }

    /// Tells of a failure, where that can still be done.
    pub(super) fn tell(self, problem: &Problem) -> Option<(Frame<Bytes>, Rpc)> {
        let trailers = grpc_trailers(problem, &self.catalogue, self.language);
        let frame = match self.way {
            Way::Trailers => Frame::trailers(trailers),
            Way::Message(reply) if reply.is_between_messages() => {
                Frame::data(reply.last_message(&trailers).into())
            }
            Way::Message(_) | Way::Closed(_) | Way::Over(_) => return None,
        };
        let status = self.catalogue.grpc_of(problem);
        Some((frame, Rpc::Told(status, Some(problem.code()))))
    }
}

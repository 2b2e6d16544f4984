//! F0: words without opinions. Ids, blame, quantities, the clock, bodies and preference lists.
//!
//! Nothing here knows the product: no route, no error code, no configuration key.

pub mod alarm;
pub mod authority;
pub mod body;
pub mod chunked;
pub mod chunks;
pub mod clock;
pub mod date;
pub mod extent;
pub mod field;
pub mod field_name;
pub mod file_watch;
pub mod grpc;
pub mod hex;
pub mod inbox;
pub mod media_type;
pub mod messages;
pub mod outbox;
pub mod peer;
pub mod percent;
pub mod pipe;
pub mod prefer;
pub mod quantity;
pub mod readable;
pub mod replay;
pub mod request_id;
pub mod trace;
#[cfg(test)]
pub(crate) mod trail;
pub mod unescaped;
pub mod uploads;
pub mod web_reply;
pub mod websocket;

pub use alarm::Alarm;
pub use body::{Body, BodyFault, Inflow};
pub use extent::Extent;
pub use file_watch::FileWatch;
pub use inbox::Inbox;
pub use outbox::Outbox;
pub use peer::Peer;
pub use quantity::{Rate, parse_duration, parse_rate, parse_size};
pub use readable::readable;
pub use replay::Replay;
pub use request_id::RequestId;
pub use trace::{SpanId, TraceContext, TraceId};
pub use unescaped::unescaped;
pub use uploads::{Upload, Uploads};

/// Index of a route in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub u16);

/// Index of an upstream in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpstreamId(pub u16);

/// Index of an endpoint within its upstream, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub u16);

/// Index of a rate limit in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitId(pub u16);

/// Index of a policy of `[auth.*]` in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AuthId(pub u16);

/// Index of a flow in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u16);

/// Index of a typed object in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(pub u16);

/// Index of a listener in the configuration, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u16);

/// Whose fault a failure is. Blame comes before status: the side that broke is named first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The caller sent something wrong, or left.
    Client,
    /// guichet itself: a limit, a refusal, a bug.
    Gateway,
    /// The backend failed, or answered with an error.
    Upstream,
}

impl Source {
    /// The word that stands in the body, the log and the metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gateway => "gateway",
            Self::Upstream => "upstream",
        }
    }
}

//! `[limit.NAME]`, checked.

use http::HeaderName;

use crate::base::Rate;

/// `[limit.NAME]`. Two that are equal count the same, so that one that a reload has not changed can
/// go on counting where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name in the file.
    pub name: String,
    /// Whose requests are counted together.
    pub key: LimitKey,
    /// How many requests in the long run.
    pub rate: Rate,
    /// How many at once after a pause, at least 1.
    pub burst: u32,
    /// What who is over it is told: 429 or 503.
    pub status: u16,
    /// Callers that are remembered.
    pub keys: usize,
    /// The `[store.*]` that it is counted in; none where this process counts alone.
    pub store: Option<String>,
}

/// Whose requests are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitKey {
    /// A client's address; the network of 64 bits where it is IPv6.
    Ip,
    /// The value of a header; requests without it count as one caller.
    Header(HeaderName),
    /// Everybody on one route.
    Route,
    /// Everybody.
    Gateway,
    /// The key that `[auth.*]` has recognised. No file with it is taken before there is `[auth.*]`.
    ApiKey,
    /// A claim of the token that `[auth.*]` has recognised. The same holds.
    Claim(String),
}

impl LimitKey {
    /// Whether it tells one caller from another, so that a refusal is that caller's own affair.
    pub fn is_callers(&self) -> bool {
        match self {
            Self::Ip | Self::Header(_) | Self::ApiKey | Self::Claim(_) => true,
            Self::Route | Self::Gateway => false,
        }
    }
}

//! What upstreams that speak TLS are shown, and whom they are trusted by: read once for all workers.

use std::sync::Arc;

use super::SetupError;
use super::tls::{SystemRoots, Tls};
use crate::config::carry;
use crate::config::model;

/// The client side of TLS for all upstreams; none where an upstream speaks no TLS.
#[derive(Clone)]
pub struct Credentials(pub(super) Arc<[Option<Arc<Tls>>]>);

impl Credentials {
    /// Reads the certificates, authorities and keys of all upstreams, once for all workers. Where
    /// they hold what they held for the same upstream before, they are the same.
    ///
    /// # Errors
    /// A file that cannot be read, a key that does not fit.
    pub fn load(
        upstreams: &[model::Upstream],
        environment: &dyn Fn(&str) -> Option<String>,
        before: Option<(&[model::Upstream], &Self)>,
    ) -> Result<Self, SetupError> {
        let mut roots = SystemRoots::default();
        let mut load = |upstream: &model::Upstream| {
            if !upstream.endpoints.iter().any(|endpoint| endpoint.tls) {
                return Ok(None);
            }
            let tls = Tls::new(&upstream.tls, upstream.protocol, &mut roots, environment)
                .map_err(|message| SetupError { upstream: upstream.name.clone(), message })?;
            let known = before.and_then(|(config, credentials)| {
                credentials.0[carry::unchanged(config, upstream)?].as_ref()
            });
            Ok(Some(match known.filter(|known| known.holds_the_same(&tls)) {
                Some(known) => Arc::clone(known),
                None => Arc::new(tls),
            }))
        };
        upstreams.iter().map(&mut load).collect::<Result<_, _>>().map(Self)
    }
}

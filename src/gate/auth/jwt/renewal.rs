//! Keeps the keys of an issuer fresh: on the control thread, never on a worker, and never by two at
//! once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CACHE_CONTROL;

use super::key_ring::KeyRing;
use crate::base::clock;
use crate::config::model;
use crate::gate::auth::{Policies, Way};
use crate::observe::log;

/// One issuer whose keys are fetched.
#[derive(Debug)]
pub struct KeySource {
    policy: String,
    ring: Arc<KeyRing>,
}

impl Policies {
    /// The issuers whose keys are fetched, each with where they are.
    pub fn key_sources<'c>(
        &self,
        config: &'c [model::Auth],
    ) -> Vec<(KeySource, &'c model::Upstream, &'c http::uri::PathAndQuery)> {
        let with = self.0.iter().zip(config);
        with.filter_map(|(policy, auth)| {
            let (Way::Jwt(tokens), model::AuthKind::Jwt(jwt)) = (&policy.way, &auth.kind) else {
                return None;
            };
            let model::KeySource::Fetched { from, path } = &jwt.keys else { return None };
            let ring = Arc::clone(tokens.ring());
            Some((KeySource { policy: policy.name.clone(), ring }, &**from, path))
        })
        .collect()
    }
}

impl KeySource {
    /// Fetches the keys, now and for as long as it is polled.
    pub async fn run<F>(self, mut fetch: impl FnMut() -> F)
    where
        F: Future<Output = Result<(HeaderMap, Bytes), String>>,
    {
        let (mut failures, mut in_vain) = (0_u32, 0_u32);
        let mut well = true;
        loop {
            let asked = match fetch().await {
                Ok((headers, text)) => self.ring.put(&text).map(|new| (new, lifetime(&headers))),
                Err(why) => Err(why),
            };
            let pause = match asked {
                Ok((new, pause)) => {
                    (failures, in_vain) = (0, if new { 0 } else { in_vain + 1 });
                    if new || !well {
                        self.tell(None);
                    }
                    well = true;
                    pause
                }
                Err(why) => {
                    failures += 1;
                    in_vain += 1;
                    if well {
                        self.tell(Some(&why));
                    }
                    well = false;
                    doubled(failures)
                }
            };
            let now = clock::now();
            let earliest = now + doubled(in_vain);
            self.ring.fetched(earliest);
            tokio::select! {
                () = tokio::time::sleep_until(now + pause) => in_vain = 0,
                () = async {
                    tokio::time::sleep_until(earliest).await;
                    self.ring.wanted().await;
                } => {}
            }
        }
    }

    fn tell(&self, why: Option<&str>) {
        let policy = &self.policy;
        match why {
            None => log::info("auth", format_args!("[auth.{policy}] jwks: read anew")),
            Some(why) => log::warn(
                "auth",
                format_args!(
                    "[auth.{policy}] jwks: {why}; the last good keys stay, if there were any"
                ),
            ),
        }
    }
}

/// How long a set is fresh (RFC 9111, section 5.2.2.1), within bounds of our own.
fn lifetime(headers: &HeaderMap) -> Duration {
    let directives = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let age = directives.unwrap_or_default().split(',').find_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        let age = value.trim_matches('"').parse::<u64>().ok()?;
        name.eq_ignore_ascii_case("max-age").then_some(age)
    });
    age.map_or(USUAL, Duration::from_secs).clamp(SHORTEST, LONGEST)
}

/// A second, and twice as long each time, up to a minute.
fn doubled(times: u32) -> Duration {
    Duration::from_secs(1 << times.min(6)).min(Duration::from_secs(60))
}

const USUAL: Duration = Duration::from_secs(5 * 60);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freshness_has_bounds() {
        for (said, seconds) in [
            ("max-age=600", 600),
            ("public, Max-Age=\"90\"", 90),
            ("max-age=0", 60),
            ("no-store", 300),
            ("max-age=99999999", 3600),
            ("max-age=x", 300),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, said.parse().unwrap());
            assert_eq!(lifetime(&headers), Duration::from_secs(seconds), "{said}");
        }
        assert_eq!(lifetime(&HeaderMap::new()), USUAL);
    }
}

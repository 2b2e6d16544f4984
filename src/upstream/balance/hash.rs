//! The same endpoint for the same value of a header, within a bound.
//!
//! Weighted rendezvous hashing: every endpoint gets a score from the value and its own URL, and the
//! best one serves. All workers and all gateways with the same endpoints agree, in whatever order they
//! are listed, and an endpoint that comes or goes moves its own share of the callers and no other.
//!
//! A value that everybody sends would otherwise be one endpoint's load: whoever carries more than a
//! quarter above its share of what this worker has under way is passed over for the next best
//! (Mirrokni, Thorup, Zadimoghaddam: consistent hashing with bounded loads).

use http::{HeaderMap, HeaderName};

/// The endpoints of one upstream, as a key sees them.
pub(super) struct Ring {
    header: HeaderName,
    endpoints: Box<[u64]>,
}

impl Ring {
    pub(super) fn new<'u>(header: HeaderName, urls: impl Iterator<Item = &'u str>) -> Self {
        Self { header, endpoints: urls.map(|url| digest(url.as_bytes())).collect() }
    }

    /// What a request is to be told apart by, if it says.
    pub(super) fn key(&self, headers: &HeaderMap) -> Option<u64> {
        headers.get(&self.header).map(|value| digest(value.as_bytes()))
    }

    /// The best endpoint of those that have room; `weights` are those that can be chosen.
    pub(super) fn pick(
        &self,
        key: u64,
        weights: impl Iterator<Item = (usize, u32)> + Clone,
        busy: impl Fn(usize) -> u32,
    ) -> Option<usize> {
        let sum = |(load, total): (u64, u64), (place, weight): (usize, u32)| {
            (load + u64::from(busy(place)), total + u64::from(weight))
        };
        let (load, total) = weights.clone().fold((0, 0), sum);
        let has_room = |(place, weight): &(usize, u32)| {
            // Its share of all requests, this one included, and a quarter, rounded up.
            let most = (5 * (load + 1) * u64::from(*weight)).div_ceil(4 * total.max(1));
            u64::from(busy(*place)) < most
        };
        let distance = |(place, weight): (usize, u32)| {
            let random = mix(key ^ self.endpoints[place]) >> 11;
            // Between 0 and 1, without either.
            let random = (random as f64 + 0.5) / (1_u64 << 53) as f64;
            -random.ln() / f64::from(weight)
        };
        let near = weights.filter(has_room).map(|one| (one.0, distance(one)));
        near.min_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(place, _)| place)
    }
}

/// FNV-1a, which every gateway computes alike. Who finds two values with one digest has found two
/// callers that share an endpoint.
fn digest(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// The last step of splitmix64: every bit of the input moves half of those of the output.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn ring(urls: &[&str]) -> Ring {
        Ring::new(HeaderName::from_static("x-user"), urls.iter().copied())
    }

    fn key(ring: &Ring, user: usize) -> u64 {
        let mut headers = HeaderMap::new();
        assert_eq!(ring.key(&headers), None);
        headers.insert("x-user", HeaderValue::from_str(&format!("user-{user}")).unwrap());
        ring.key(&headers).unwrap()
    }

    fn home(ring: &Ring, user: usize, weights: &[u32]) -> usize {
        ring.pick(key(ring, user), weights.iter().copied().enumerate(), |_| 0).unwrap()
    }

    #[test]
    fn a_caller_stays_and_one_that_leaves_moves_its_own_callers_alone() {
        let four = ring(&["http://a", "http://b", "http://c", "http://d"]);
        let three = ring(&["http://d", "http://b", "http://a"]);
        let names = ["d", "b", "a"];
        for user in 0..1000 {
            let before = ["a", "b", "c", "d"][home(&four, user, &[16; 4])];
            let after = names[home(&three, user, &[16; 3])];
            assert!(before == after || before == "c", "user {user}: {before} to {after}");
        }
    }

    #[test]
    fn callers_are_spread_by_weight() {
        let ring = ring(&["http://a", "http://b", "http://c"]);
        let mut seen = [0; 3];
        for user in 0..8000 {
            seen[home(&ring, user, &[16, 16, 32])] += 1;
        }
        assert!((1800..2200).contains(&seen[0]) && (3800..4200).contains(&seen[2]), "{seen:?}");
    }

    #[test]
    fn no_endpoint_carries_more_than_a_quarter_above_its_share() {
        let ring = ring(&["http://a", "http://b", "http://c", "http://d"]);
        let mut busy = [0_u32; 4];
        for sent in 1..=400 {
            // All from one caller, and none is ever answered.
            let weights = [(0, 16), (1, 16), (2, 16), (3, 16)].into_iter();
            let place = ring.pick(key(&ring, 7), weights, |place| busy[place]).unwrap();
            busy[place] += 1;
            let most = (5_u32 * sent).div_ceil(4 * 4);
            assert!(busy.iter().all(|busy| *busy <= most), "{busy:?} of {sent}");
        }
    }
}

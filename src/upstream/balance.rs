//! Which endpoint is next: by turns (smooth, weighted), or the less busy of two at random.

use std::cell::Cell;

use crate::config::model::Balance;

/// The choice among the endpoints of one upstream, by this worker alone.
pub(super) struct Balancer {
    kind: Balance,
    /// As configured.
    shares: Box<[u32]>,
    /// As they are now; 0 for an endpoint that is not to be chosen.
    weights: Box<[Cell<u32>]>,
    turns: Box<[Cell<i64>]>,
    total: Cell<u32>,
}

impl Balancer {
    /// Weights in the order of the endpoints; each is at least 1.
    pub(super) fn new(kind: Balance, weights: impl Iterator<Item = u32>) -> Self {
        let shares: Box<[u32]> = weights.map(|weight| weight.clamp(1, HEAVIEST)).collect();
        let balancer = Self {
            kind,
            weights: shares.iter().map(|_| Cell::default()).collect(),
            turns: shares.iter().map(|_| Cell::new(0)).collect(),
            total: Cell::new(0),
            shares,
        };
        balancer.weigh(|_| WHOLE);
        balancer
    }

    /// Gives every endpoint this part of its share, from 0 to [`WHOLE`].
    pub(super) fn weigh(&self, part: impl Fn(usize) -> u32) {
        let mut total = 0_u32;
        for (place, (share, weight)) in self.shares.iter().zip(&self.weights).enumerate() {
            weight.set(share * part(place).min(WHOLE));
            total = total.saturating_add(weight.get());
        }
        self.total.set(total);
    }

    /// The place of the next endpoint that is not in `tried`; none if all are. `busy` tells how
    /// many requests an endpoint carries.
    pub(super) fn pick(&self, tried: &[u16], busy: impl Fn(usize) -> u32) -> Option<usize> {
        if let [weight] = &*self.weights {
            return (tried.is_empty() && weight.get() > 0).then_some(0);
        }
        match self.kind {
            Balance::RoundRobin => self.next_turn(tried),
            Balance::P2c if tried.is_empty() => self.less_busy_of_two(busy),
            // After a failure the choice is small and rare: the least busy of the rest.
            Balance::P2c => self
                .eligible(tried)
                .min_by(|a, b| self.load(*a, &busy).total_cmp(&self.load(*b, &busy))),
        }
    }

    /// nginx's smooth weighted turns: everybody gains its weight, the richest goes and pays all.
    fn next_turn(&self, tried: &[u16]) -> Option<usize> {
        let mut best: Option<usize> = None;
        let mut sum = 0;
        for place in self.eligible(tried) {
            let weight = i64::from(self.weights[place].get());
            sum += weight;
            self.turns[place].set(self.turns[place].get() + weight);
            if best.is_none_or(|best| self.turns[place].get() > self.turns[best].get()) {
                best = Some(place);
            }
        }
        if let Some(best) = best {
            self.turns[best].set(self.turns[best].get() - sum);
        }
        best
    }

    fn less_busy_of_two(&self, busy: impl Fn(usize) -> u32) -> Option<usize> {
        let total = self.total.get();
        if total == 0 {
            return None;
        }
        let first = self.draw(total, |_| true);
        let rest = total - self.weights[first].get();
        if rest == 0 {
            return Some(first);
        }
        let second = self.draw(rest, |place| place != first);
        // By weight already drawn first, the first also wins a tie: weights hold without load.
        Some(if self.load(second, &busy) < self.load(first, &busy) { second } else { first })
    }

    /// Who can be chosen, and is not in `tried`.
    fn eligible(&self, tried: &[u16]) -> impl Iterator<Item = usize> {
        let weights = self.weights.iter().enumerate();
        let weighty = weights.filter(|(_, weight)| weight.get() > 0).map(|(place, _)| place);
        weighty.filter(|place| !was(tried, *place))
    }

    /// One of the allowed places, likely by weight; `total` is the weight of all allowed.
    fn draw(&self, total: u32, allowed: impl Fn(usize) -> bool) -> usize {
        let mut ticket = fastrand::u32(0..total.max(1));
        let mut last = 0;
        for place in (0..self.weights.len()).filter(|place| allowed(*place)) {
            last = place;
            if ticket < self.weights[place].get() {
                break;
            }
            ticket -= self.weights[place].get();
        }
        last
    }

    fn load(&self, place: usize, busy: &impl Fn(usize) -> u32) -> f64 {
        f64::from(busy(place)) / f64::from(self.weights[place].get())
    }
}

fn was(tried: &[u16], place: usize) -> bool {
    tried.iter().any(|tried| usize::from(*tried) == place)
}

/// The whole of a share. Small enough that all endpoints together fit into 32 bits.
pub(super) const WHOLE: u32 = 16;
/// The largest share; configurations allow less.
const HEAVIEST: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_the_weights_smoothly() {
        let balancer = Balancer::new(Balance::RoundRobin, [5, 1, 1].into_iter());
        let turns: Vec<_> = (0..7).map(|_| balancer.pick(&[], |_| 0).unwrap()).collect();
        assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn equal_weights_take_strict_turns() {
        let balancer = Balancer::new(Balance::RoundRobin, [1, 1, 1].into_iter());
        let turns: Vec<_> = (0..6).map(|_| balancer.pick(&[], |_| 9).unwrap()).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn what_was_tried_is_not_tried_again() {
        for kind in [Balance::RoundRobin, Balance::P2c] {
            let balancer = Balancer::new(kind, [1, 7, 1].into_iter());
            assert_eq!(balancer.pick(&[0, 1], |_| 0), Some(2));
            assert_eq!(balancer.pick(&[0, 1, 2], |_| 0), None);
            let alone = Balancer::new(kind, [3].into_iter());
            assert_eq!(alone.pick(&[], |_| 0), Some(0));
            assert_eq!(alone.pick(&[0], |_| 0), None);
        }
    }

    #[test]
    fn of_two_the_less_busy_is_taken() {
        let balancer = Balancer::new(Balance::P2c, [1, 1].into_iter());
        let busy = |place| if place == 0 { 5 } else { 4 };
        assert!((0..100).all(|_| balancer.pick(&[], busy) == Some(1)));
        let balancer = Balancer::new(Balance::P2c, [2, 1].into_iter());
        assert!((0..100).all(|_| balancer.pick(&[], busy) == Some(0)), "5/2 is less than 4/1");
    }

    #[test]
    fn weights_hold_where_nobody_is_busy() {
        let balancer = Balancer::new(Balance::P2c, [3, 1].into_iter());
        let first = (0..4000).filter(|_| balancer.pick(&[], |_| 0) == Some(0)).count();
        assert!((2700..3300).contains(&first), "{first} of 4000 for a weight of 3 in 4");
    }

    #[test]
    fn who_has_no_weight_is_never_chosen() {
        for kind in [Balance::RoundRobin, Balance::P2c] {
            let balancer = Balancer::new(kind, [1, 7, 1].into_iter());
            balancer.weigh(|place| if place == 1 { 0 } else { WHOLE });
            let mut seen = [0; 3];
            for _ in 0..1000 {
                seen[balancer.pick(&[], |_| 0).unwrap()] += 1;
            }
            assert!(seen[1] == 0 && seen[0].min(seen[2]) > 300, "{seen:?}");
            assert_eq!(balancer.pick(&[0, 2], |_| 0), None);
            balancer.weigh(|_| 0);
            assert_eq!(balancer.pick(&[], |_| 0), None);
            let alone = Balancer::new(kind, [3].into_iter());
            alone.weigh(|_| 0);
            assert_eq!(alone.pick(&[], |_| 0), None);
        }
    }

    #[test]
    fn all_endpoints_get_something() {
        let balancer = Balancer::new(Balance::P2c, [1; 8].into_iter());
        let mut seen = [false; 8];
        for _ in 0..1000 {
            seen[balancer.pick(&[], |_| 0).unwrap()] = true;
        }
        assert_eq!(seen, [true; 8]);
    }
}

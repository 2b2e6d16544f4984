//! Endpoints that somebody drains by hand: they get nothing new, and what is under way ends.
//!
//! That is a mark on the board, which each worker reads with its next request. It needs no rule in
//! the configuration, and is nobody's finding: probes and ejections go on beside it, and what they
//! say holds again once the mark is gone.

use super::health::{Board, Boards};
use crate::base::clock;
use crate::observe::log;

/// What an endpoint is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// To come to an end with what it has.
    Drain,
    /// To serve as the configuration says.
    Serve,
}

impl Boards {
    /// Gives an endpoint its duty; whether there is such a one. It is named by its URL as it stands in
    /// the configuration, or by what follows the scheme where that names one alone.
    pub fn order(&self, upstream: &str, endpoint: &str, duty: Duty) -> bool {
        let board = self.iter().find(|board| board.name() == upstream);
        let Some((board, place)) = board.and_then(|it| Some((it, place(it, endpoint)?))) else {
            return false;
        };
        let drained = duty == Duty::Drain;
        if board.is_drained(place) != drained {
            board.set_drained(place, drained, clock::now());
            let what = match duty {
                Duty::Drain => "is drained by hand: it gets no new request",
                Duty::Serve => "is no longer drained",
            };
            log::info("drain", format_args!("upstream {upstream}: {} {what}", board.url(place)));
        }
        true
    }
}

fn place(board: &Board, endpoint: &str) -> Option<usize> {
    let urls = board.urls();
    if let Some(place) = urls.iter().position(|url| url == endpoint) {
        return Some(place);
    }
    let short = |url: &String| url.split_once("://").is_some_and(|(_, rest)| rest == endpoint);
    let mut found = urls.iter().enumerate().filter(|(_, url)| short(url));
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Some(place),
        (None, _) | (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{EndpointId, UpstreamId};
    use crate::config::model::{Eject, Upstream};
    use crate::observe::{EndpointState, UpstreamStates as _};
    use crate::upstream::tests::rig::{plain, settings};

    fn upstream(ports: &[u16]) -> Upstream {
        settings(ports.iter().map(|port| plain(([127, 0, 0, 1], *port).into())).collect())
    }

    fn state(boards: &Boards, place: u16) -> EndpointState {
        boards.endpoint(UpstreamId(0), EndpointId(place))
    }

    #[test]
    fn an_endpoint_is_named_by_its_url_or_what_follows_the_scheme() {
        let mut both = upstream(&[1, 2]);
        both.endpoints[1].url = "https://127.0.0.1:1".into();
        let boards = Boards::new(&[both], 1);
        for (upstream, endpoint, known) in [
            ("origin", "http://127.0.0.1:1", true),
            ("origin", "127.0.0.1:1", false),
            ("origin", "http://127.0.0.1:3", false),
            ("other", "http://127.0.0.1:1", false),
        ] {
            assert_eq!(boards.order(upstream, endpoint, Duty::Drain), known, "{endpoint}");
        }
        assert_eq!(
            (state(&boards, 0), state(&boards, 1)),
            (EndpointState::Drained, EndpointState::Up)
        );
        let boards = Boards::new(&[upstream(&[1, 2])], 1);
        assert!(boards.order("origin", "127.0.0.1:2", Duty::Drain));
        assert_eq!(
            (state(&boards, 0), state(&boards, 1)),
            (EndpointState::Up, EndpointState::Drained)
        );
    }

    #[test]
    fn what_is_drained_stays_so_by_name_whatever_else_changes() {
        let before = [upstream(&[1, 2])];
        let boards = Boards::new(&before, 1);
        boards.order("origin", "127.0.0.1:1", Duty::Drain);
        let mut after = upstream(&[3, 1]);
        let (failures, second) = (1, std::time::Duration::from_secs(1));
        after.eject = Some(Eject { failures, over: second, term: second });
        let next = boards.next(&before, &[after], 1);
        assert_eq!((state(&next, 0), state(&next, 1)), (EndpointState::Up, EndpointState::Drained));
        next.order("origin", "127.0.0.1:1", Duty::Serve);
        assert_eq!(state(&next, 1), EndpointState::Up);
        let mut renamed = upstream(&[1]);
        renamed.name = "renamed".into();
        assert_eq!(state(&boards.next(&before, &[renamed], 1), 0), EndpointState::Up);
    }

    #[test]
    fn the_last_one_that_serves_is_not_ejected() {
        let boards = Boards::new(&[upstream(&[1, 2])], 1);
        boards.order("origin", "127.0.0.1:1", Duty::Drain);
        let (failures, second) = (1, std::time::Duration::from_secs(1));
        let rule = Eject { failures, over: second, term: second };
        let board = boards.iter().next().unwrap();
        assert_eq!(board.eject(1, &rule, clock::now()), None);
        boards.order("origin", "127.0.0.1:1", Duty::Serve);
        assert!(board.eject(1, &rule, clock::now()).is_some());
    }
}

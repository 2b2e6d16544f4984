//! Asks endpoints whether they are well (`health`), on the control thread, and writes on the board
//! what they say. One writer for each endpoint, so the board needs no more than plain stores.
//!
//! A probe is a GET on a connection of its own, over the way that requests take: name, TLS, protocol
//! and Host are theirs, so that a probe which goes well means that a request would. It is well
//! answered by a status from 200 to 399.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, HOST, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, StatusCode, Uri};
use http_body::Body as _;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::connect::{Connection, Http2, Want, connect};
use super::dress;
use super::endpoint::Endpoint;
use super::health::{Board, Boards};
use super::http1::Http1;
use super::tls::Tls;
use super::upload::Outgoing;
use super::{Credentials, Names, blame};
use crate::base::{EndpointId, clock};
use crate::config::model::{self, Health};
use crate::observe::log;

/// Probes endpoints, until it is dropped. Needs a local runtime.
#[derive(Default)]
pub struct Probes(Vec<Watched>);

/// An upstream that is probed.
struct Watched {
    board: Arc<Board>,
    tls: Option<Arc<Tls>>,
    /// Ends them when it is dropped.
    _probes: JoinSet<()>,
}

impl Probes {
    /// Probes all endpoints that are to be probed. Those of an upstream that keeps its board and its
    /// credentials were probed already, and go on in their rhythm and with what they have counted.
    pub fn follow(
        &mut self,
        upstreams: &[model::Upstream],
        credentials: &Credentials,
        names: &Names,
        boards: &Boards,
    ) {
        let mut before = std::mem::take(&mut self.0);
        let with = upstreams.iter().zip(credentials.0.iter()).zip(boards.iter());
        for ((upstream, tls), board) in with {
            let Some(rule) = &upstream.health else { continue };
            let known = before.iter().position(|it| it.is_of(board, tls.as_ref()));
            let watched = match known {
                Some(place) => before.swap_remove(place),
                None => Watched::new(upstream, rule, tls.as_ref(), names, board),
            };
            self.0.push(watched);
        }
    }
}

impl Watched {
    fn new(
        upstream: &model::Upstream,
        rule: &Health,
        tls: Option<&Arc<Tls>>,
        names: &Names,
        board: &Arc<Board>,
    ) -> Self {
        let mut probes = JoinSet::new();
        for (id, endpoint) in (0..).zip(&upstream.endpoints) {
            let tls = tls.filter(|_| endpoint.tls);
            // What cannot be set up here cannot be anywhere, and the start has said so.
            if let Ok(endpoint) = Endpoint::new(EndpointId(id), endpoint, upstream, tls, names) {
                let (board, rule) = (Arc::clone(board), rule.clone());
                probes.spawn_local(Probe { endpoint, rule, board }.run());
            }
        }
        Self { board: Arc::clone(board), tls: tls.cloned(), _probes: probes }
    }

    fn is_of(&self, board: &Arc<Board>, tls: Option<&Arc<Tls>>) -> bool {
        let same = match (&self.tls, tls) {
            (Some(known), Some(now)) => Arc::ptr_eq(known, now),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        same && Arc::ptr_eq(&self.board, board)
    }
}

struct Probe {
    endpoint: Rc<Endpoint>,
    rule: Health,
    board: Arc<Board>,
}

impl Probe {
    async fn run(self) {
        let place = usize::from(self.endpoint.id.0);
        examine(&self.board, place, &self.rule, async || self.ask().await).await;
    }

    async fn ask(&self) -> Result<(), String> {
        let limit = clock::now() + self.rule.timeout;
        let status = timeout_at(limit, async {
            match connect(&self.endpoint.target, Want::Usual, limit).await {
                Ok(Connection::Http1(connection)) => self.over_http1(*connection).await,
                Ok(Connection::Http2(connection)) => self.over_http2(&connection).await,
                Err(error) => Err(error.to_string()),
            }
        });
        let status = status.await.unwrap_or_else(|_| Err("no answer in time".to_owned()))?;
        if (200..400).contains(&status.as_u16()) {
            return Ok(());
        }
        Err(format!("it answered {}", status.as_u16()))
    }

    /// With the library's codec: a probe now and then needs nothing that ours is for, which is thus
    /// called, and compiled, for requests alone.
    async fn over_http1(&self, connection: Http1) -> Result<StatusCode, String> {
        let mut head = self.head();
        let host = dress::host(&head.headers, &self.endpoint).clone();
        head.headers.insert(HOST, host);
        head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
        let (wire, _, _open) = connection.into_parts();
        let handshake = http1::handshake(TokioIo::new(wire)).await;
        let (mut sender, driver) = handshake.map_err(|error| blame::describe(&error))?;
        let asked = async {
            let request = Request::from_parts(head, Outgoing::default());
            let answer = sender.send_request(request).await;
            let (answer, mut body) = answer.map_err(|error| blame::describe(&error))?.into_parts();
            // To its end, where that is near: a server should not see its answers cut.
            for _ in 0..FRAMES {
                let frame = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
                if !matches!(frame, Some(Ok(_))) {
                    break;
                }
            }
            Ok(answer.status)
        };
        let (mut asked, mut driver) = (pin!(asked), pin!(driver));
        tokio::select! {
            said = &mut asked => said,
            // What ended it is said to who asked.
            _ = &mut driver => asked.await,
        }
    }

    async fn over_http2(&self, connection: &Http2) -> Result<StatusCode, String> {
        let mut request = Request::from_parts(self.head(), Outgoing::default());
        dress::http2(&mut request, &self.endpoint);
        let answer = connection.sender.clone().try_send_request(request).await;
        answer.map(|answer| answer.status()).map_err(|failed| blame::describe(failed.error()))
    }

    fn head(&self) -> Parts {
        let mut request = Request::new(());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = Uri::from(self.rule.path.clone());
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(NAME));
        request.into_parts().0
    }
}

/// Asks again and again, and writes on the board what that says.
async fn examine(
    board: &Board,
    place: usize,
    rule: &Health,
    ask: impl AsyncFn() -> Result<(), String>,
) {
    let mut against = Against::default();
    // Not all endpoints at once, and the first time soon.
    let mut pause = rule.every.min(SOON).mul_f64(fastrand::f64());
    loop {
        let next = clock::now() + pause;
        board.plan_probe(place, next);
        tokio::time::sleep_until(next).await;
        let answer = ask().await;
        if against.changes(!board.is_down(place), answer.is_ok(), rule) {
            board.judge(place, answer.is_ok(), clock::now());
            tell(board, place, answer.err());
        }
        // A tenth more or less, so that gateways which started together do not stay together.
        pause = rule.every.mul_f64(0.9 + 0.2 * fastrand::f64());
    }
}

fn tell(board: &Board, place: usize, why: Option<String>) {
    let (upstream, url) = (board.name(), board.url(place));
    match why {
        Some(why) => {
            log::warn("health", format_args!("upstream {upstream}: {url} is down: {why}"));
        }
        None => log::info("health", format_args!("upstream {upstream}: {url} is up again")),
    }
}

/// Probes in a row that contradict what the board says.
#[derive(Default)]
struct Against(u32);

impl Against {
    /// Whether one more probe, `well` or not, is enough to change what the board says.
    fn changes(&mut self, up: bool, well: bool, rule: &Health) -> bool {
        self.0 = if up == well { 0 } else { self.0 + 1 };
        let enough = self.0 >= if up { rule.down_after } else { rule.up_after };
        if enough {
            self.0 = 0;
        }
        enough
    }
}

/// How a probe calls itself.
const NAME: &str = concat!("guichet-health/", env!("CARGO_PKG_VERSION"));
/// The first probe comes within this time at most.
const SOON: Duration = Duration::from_secs(1);
/// Frames of an answer that are read at most.
const FRAMES: usize = 16;

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::upstream::tests::rig::{plain, settings};

    fn rule() -> Health {
        Health {
            path: "/".parse().unwrap(),
            every: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            down_after: 3,
            up_after: 2,
        }
    }

    #[test]
    fn only_probes_in_a_row_change_the_verdict() {
        let mut against = Against::default();
        let mut up = true;
        let mut seen = Vec::new();
        for well in "++--+---------+-++-".chars().map(|probe| probe == '+') {
            up ^= against.changes(up, well, &rule());
            seen.push(if up { 'u' } else { 'd' });
        }
        assert_eq!(seen.into_iter().collect::<String>(), "uuuuuuuddddddddddu".to_owned() + "u");
    }

    #[tokio::test(start_paused = true)]
    async fn probes_keep_their_rhythm_and_a_change_is_known_in_time() {
        let (rule, millis) = (rule(), Duration::from_millis);
        let board = Board::new(&settings(vec![plain(([127, 0, 0, 1], 1).into())]), 1);
        let (well, probes, start) = (Cell::new(true), RefCell::new(Vec::new()), clock::now());
        let ask = async || {
            let asked = clock::now();
            // One that does not answer takes all the time that there is.
            let answer = if well.get() { Ok(()) } else { Err("no answer in time".to_owned()) };
            tokio::time::sleep(if well.get() { millis(3) } else { rule.timeout }).await;
            probes.borrow_mut().push((asked, clock::now()));
            answer
        };
        let becomes = async |up: bool| {
            let since = clock::now();
            while board.is_down(0) == up {
                tokio::time::sleep(millis(5)).await;
            }
            clock::now() - since
        };
        let story = async {
            while probes.borrow().is_empty() {
                tokio::time::sleep(millis(1)).await;
            }
            assert!(probes.borrow()[0].0 - start <= SOON, "the first one is soon");
            for _ in 0..10 {
                // Just after a good one, which is when it takes longest.
                well.set(false);
                let down = becomes(false).await;
                let (least, most) = (millis(3 * 5_500 - 10), millis(3 * 6_500 + 20));
                assert!((least..=most).contains(&down), "{down:?}");
                let (next, told) =
                    (clock::now() + board.wait(clock::now()).unwrap(), probes.borrow().len());
                well.set(true);
                let up = becomes(true).await;
                assert!((millis(2 * 4_500)..=millis(2 * 5_500 + 20)).contains(&up), "{up:?}");
                let came = probes.borrow()[told].0;
                assert!(came.max(next) - came.min(next) <= millis(2), "the wait was a true one");
            }
        };
        tokio::select! {
            () = examine(&board, 0, &rule, ask) => {}
            () = story => {}
        }
        let probes = probes.into_inner();
        let pauses = probes.windows(2).map(|two| two[1].0 - two[0].1);
        let pauses: Vec<_> = pauses.collect();
        let near = |pause: &Duration| (millis(4_500)..=millis(5_502)).contains(pause);
        assert!(pauses.len() >= 49 && pauses.iter().all(near), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "gateways do not stay together");
    }
}

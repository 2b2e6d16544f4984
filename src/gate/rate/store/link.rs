//! The way to one store: a thread of its own with one connection, so that nothing that a store does or
//! fails to do ever holds up a worker, and nothing that a worker or the control thread does is taken
//! for a slow store.
//!
//! Whatever goes wrong – no connection, no answer in time, an answer that is none – ends the
//! connection, and everybody who waits is told at once. From then on no request waits: the link alone
//! tries again, with pauses that grow, and the store is asked again once it has answered it in time.

use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult, Script};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use super::flights::{Ask, Call, Flights};
use super::script::{self, Answer};
use super::state::State;
use crate::base::clock::{self, Instant};
use crate::observe::log;

/// What the thread has.
pub(super) struct Link {
    /// Where the store is.
    pub(super) client: Client,
    /// How long it has for an answer.
    pub(super) patience: Duration,
    /// What the workers see of it.
    pub(super) state: Arc<State>,
    /// What they ask. Closed once nobody uses the store.
    pub(super) asks: mpsc::Receiver<Ask>,
}

/// What was asked, none where it was only whether the store is there, and what came of it.
type Answers = JoinSet<(Option<Call>, RedisResult<Answer>)>;

impl Link {
    /// Keeps the store in reach, on a thread of its own, until nobody uses it.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn spawn(self) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let body = move || runtime.block_on(self.run());
        thread::Builder::new().name("guichet-store".to_owned()).spawn(body).map(drop)
    }

    async fn run(mut self) {
        let script = Arc::new(script::script());
        let mut pause = SHORTEST_PAUSE;
        while !self.asks.is_closed() {
            let why = match self.connect(&script).await {
                Ok(connection) => {
                    if self.state.turn(true) {
                        log::info("store_up", format_args!("{} answers", self.state.named()));
                    }
                    let since = clock::now();
                    let Err(why) = self.serve(connection, &script).await else { return };
                    if since.elapsed() > STEADY {
                        pause = SHORTEST_PAUSE;
                    }
                    why
                }
                Err(why) => why,
            };
            if self.state.turn(false) {
                let consequence = self.state.consequence();
                let named = self.state.named();
                log::warn("store_down", format_args!("{named}: {why}; {consequence}"));
            }
            // Whoever asked before knowing it.
            while self.asks.try_recv().is_ok() {}
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Connects, and has the store show that it answers in time.
    async fn connect(&self, script: &Script) -> Result<MultiplexedConnection, String> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(self.patience));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&config);
        // A time of its own beside the library's: a connect may hang in places that one does not see.
        let connection = timeout(CONNECT, connecting).await;
        let mut connection =
            connection.map_err(|_| "no connection in time")?.map_err(|error| words(&error))?;
        script.load_async(&mut connection).await.map_err(|error| words(&error))?;
        Ok(connection)
    }

    /// Carries questions and answers until nobody uses the store.
    ///
    /// # Errors
    /// Why the connection is of no use any more.
    async fn serve(
        &mut self,
        connection: MultiplexedConnection,
        script: &Arc<Script>,
    ) -> Result<(), String> {
        let mut flights = Flights::default();
        let mut answers = Answers::new();
        let mut asked = Vec::with_capacity(AT_ONCE);
        let mut beat = tokio::time::interval(BEAT);
        loop {
            let now = clock::now();
            while let Some(call) = flights.depart(now) {
                let (mut connection, script) = (connection.clone(), Arc::clone(script));
                answers.spawn(async move {
                    let answer = script::ask(&script, &mut connection, &call.key, call.question);
                    let answer = answer.await;
                    (Some(call), answer)
                });
            }
            let due = flights.due();
            tokio::select! {
                count = self.asks.recv_many(&mut asked, AT_ONCE) => {
                    if count == 0 {
                        return Ok(());
                    }
                    let now = clock::now();
                    asked.drain(..).for_each(|ask| flights.board(ask, now));
                }
                Some(landed) = answers.join_next() => {
                    let (call, answer) = landed.map_err(|error| error.to_string())?;
                    let answer = answer.map_err(|error| words(&error))?;
                    if let Some(call) = call {
                        flights.land(&call, answer, clock::now());
                    }
                }
                () = until(due) => {}
                _ = beat.tick() => {
                    // So that one which is gone is noticed before somebody waits for it.
                    let mut connection = connection.clone();
                    answers.spawn(async move {
                        let pong = redis::cmd("PING").query_async::<()>(&mut connection).await;
                        (None, pong.map(|()| Answer { given: 0, owed: Duration::ZERO }))
                    });
                }
            }
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// What went wrong, for the log. Never the address as it is written: it may hold a password.
fn words(error: &RedisError) -> String {
    if error.is_timeout() { "no answer in time".to_owned() } else { error.to_string() }
}

/// For a connection, with its handshakes.
const CONNECT: Duration = Duration::from_secs(1);
/// Between two attempts to connect.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// After so long with a connection the pauses begin anew.
const STEADY: Duration = Duration::from_secs(10);
/// How often a store is asked whether it is there.
const BEAT: Duration = Duration::from_secs(1);
/// Questions that are taken up at once.
const AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;
    use crate::config::model::OnDown;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_down_is_tried_with_pauses_that_grow_up_to_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sock");
        // It takes connections and ends them at once, so that all the time that passes is the link's.
        let listener = UnixListener::bind(&path).unwrap();
        let client = Client::open(format!("unix://{}", path.display())).unwrap();
        let state = Arc::new(State::new("store a".to_owned(), OnDown::Local));
        let (_asks, asked) = mpsc::channel(1);
        let patience = Duration::from_millis(20);
        let link = Link { client, patience, state: Arc::clone(&state), asks: asked };
        let start = clock::now();
        let tried = async {
            let mut times = Vec::new();
            for _ in 0..8 {
                listener.accept().await.unwrap();
                times.push((clock::now() - start).as_millis());
            }
            times
        };
        let times = tokio::select! {
            () = link.run() => panic!("somebody uses it"),
            times = tried => times,
        };
        assert_eq!(times, [0, 100, 300, 700, 1500, 2500, 3500, 4500]);
        assert!(!state.may_answer(clock::now()), "and nobody else waits for it");
    }
}

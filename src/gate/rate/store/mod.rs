//! Stores that several gateways count in together: Redis or Valkey.
//!
//! ```text
//! worker:  hand (a token is there: no waiting) ── else ask, and wait `timeout` at most
//! thread:  flights (one question for each caller) ── link (one connection) ── script (GCRA)
//! ```
//!
//! A worker takes what is in hand, or sends a wish over a bounded queue and waits for a bounded time;
//! nothing that a store does can hold it up. While the store does not answer nobody waits at all.

mod account;
mod flights;
mod hand;
mod link;
mod script;
mod state;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Client, ConnectionAddr, IntoConnectionInfo as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

pub(super) use self::account::Account;
use self::flights::{Ask, Wish};
pub(super) use self::hand::Verdict;
use self::link::Link;
use self::state::State;
use crate::base::clock::{self, Instant};
use crate::config::model::{self, OnDown, StoreUrl};
use crate::observe::StoreStates;

/// Every store of a configuration, each with its thread.
#[derive(Clone, Debug, Default)]
pub struct Stores(Arc<[Arc<Store>]>);

/// One store.
pub(super) struct Store {
    settings: model::Store,
    /// As it was read: it may hold a password.
    url: Box<str>,
    state: Arc<State>,
    asks: mpsc::Sender<Ask>,
}

/// A request's wish that is under way.
#[derive(Debug)]
pub(super) struct Waiting {
    told: oneshot::Receiver<bool>,
    until: Instant,
}

impl Stores {
    /// The stores of a configuration. Of those `before`, the same ones are kept.
    ///
    /// # Errors
    /// A sentence that names the store: its address cannot be read, or it is none.
    pub fn new(
        stores: &[model::Store],
        environment: &dyn Fn(&str) -> Option<String>,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        let made: Result<_, _> = stores
            .iter()
            .map(|settings| {
                let url = read(&settings.url, environment);
                let url = url.map_err(|why| format!("[store.{}] url: {why}", settings.name))?;
                let mut known = before.iter().flat_map(|before| before.0.iter());
                match known.find(|known| known.settings == *settings && known.url == url) {
                    Some(known) => Ok(Arc::clone(known)),
                    None => Store::new(settings.clone(), url).map(Arc::new),
                }
            })
            .collect();
        made.map(Self)
    }

    /// How they stand, for the metrics page.
    pub fn states(&self) -> StoreStates {
        let state =
            |store: &Arc<Store>| (store.settings.name.clone(), Arc::clone(store.state.seen()));
        StoreStates(self.0.iter().map(state).collect())
    }

    /// The store of a name.
    pub(super) fn named(&self, name: &str) -> Option<&Arc<Store>> {
        self.0.iter().find(|store| store.settings.name == name)
    }
}

impl Store {
    fn new(settings: model::Store, url: Box<str>) -> Result<Self, String> {
        let failed = |why: String| format!("[store.{}] {why}", settings.name);
        // The library's words are not repeated: they may quote what they could not read.
        let info = url.as_ref().into_connection_info().map_err(|_| {
            failed("url: this is no address of a store, as in redis://host:6379".to_owned())
        })?;
        if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
            return Err(failed(
                "url: certificates are verified, always: take #insecure away".into(),
            ));
        }
        let named = format!("store {} ({})", settings.name, info.addr());
        let client = Client::open(info).map_err(|_| failed("url: it cannot be used".to_owned()))?;
        let state = Arc::new(State::new(named, settings.on_down));
        let (asks, asked) = mpsc::channel(QUEUE);
        let patience = settings.timeout;
        let link = Link { client, patience, state: Arc::clone(&state), asks: asked };
        link.spawn().map_err(|error| failed(format!("there is no thread for it: {error}")))?;
        Ok(Self { settings, url, state, asks })
    }

    /// What holds while it does not answer.
    pub(super) fn on_down(&self) -> OnDown {
        self.settings.on_down
    }

    /// Whether it may be waited for.
    pub(super) fn may_answer(&self, now: Instant) -> bool {
        self.state.may_answer(now)
    }

    /// Asks for one of a caller's tokens; none where it cannot be asked.
    pub(super) fn ask(&self, account: &Arc<Account>, caller: u64, key: String) -> Option<Waiting> {
        let (tell, told) = oneshot::channel();
        self.send(account, caller, key, Wish::Take(tell)).then(|| {
            let until = clock::now() + self.settings.timeout;
            Waiting { told, until }
        })
    }

    /// Asks for tokens that will be needed soon.
    pub(super) fn stock(&self, account: &Arc<Account>, caller: u64, key: String) {
        self.send(account, caller, key, Wish::Stock);
    }

    /// Gives a token back that was taken in vain. One that does not arrive comes back in time.
    pub(super) fn give_back(&self, account: &Arc<Account>, caller: u64, key: String) {
        self.send(account, caller, key, Wish::GiveBack);
    }

    /// Waits for the answer: whether the request passes; none where there is no answer in time.
    pub(super) async fn answer(&self, waiting: Waiting) -> Option<bool> {
        match timeout_at(waiting.until, waiting.told).await {
            Ok(told) => told.ok(),
            Err(_) => {
                self.state.doubt(clock::now());
                None
            }
        }
    }

    /// A request was decided without it.
    pub(super) fn fell_back(&self) {
        self.state.seen().fell_back();
    }

    fn send(&self, account: &Arc<Account>, caller: u64, key: String, wish: Wish) -> bool {
        let account = Arc::clone(account);
        self.asks.try_send(Ask { account, caller, key: key.into(), wish }).is_ok()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn read(url: &StoreUrl, environment: &dyn Fn(&str) -> Option<String>) -> Result<Box<str>, String> {
    match url {
        StoreUrl::Open(url) => Ok(url.as_str().into()),
        StoreUrl::Secret(secret) => {
            let read = secret.read(environment)?;
            String::from_utf8(read).map(Into::into).map_err(|_| "it is not UTF-8".to_owned())
        }
    }
}

/// When a store that is down is tried again at the latest, and so when a client may come back.
pub(super) const AGAIN: Duration = link::LONGEST_PAUSE;

/// Wishes that wait for the link's thread, which takes them up as they come.
const QUEUE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Rate;
    use crate::gate::rate::gcra::Quota;

    const TIMEOUT: Duration = Duration::from_millis(20);

    /// A store whose thread takes up nothing, and the account of a limit.
    fn silent() -> (Store, Arc<Account>, mpsc::Receiver<Ask>) {
        let url = StoreUrl::Open("redis://nowhere".to_owned());
        let on_down = OnDown::Local;
        let settings = model::Store { name: "a".to_owned(), url, timeout: TIMEOUT, on_down };
        let state = Arc::new(State::new("store a".to_owned(), on_down));
        let (asks, asked) = mpsc::channel(QUEUE);
        let quota = Quota::new(Rate { count: 100, per: Duration::from_secs(1) }, 100);
        let account = Arc::new(Account::new(quota, 64, clock::now()));
        (Store { settings, url: "".into(), state, asks }, account, asked)
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_store_longer_than_its_time() {
        let (store, account, _asked) = silent();
        let ask = |caller| store.ask(&account, caller, format!("guichet:a:{caller}"));
        let before = clock::now();
        let (one, two) = (ask(1).unwrap(), ask(2).unwrap());
        assert_eq!(store.answer(one).await, None);
        assert_eq!(clock::now() - before, TIMEOUT);
        assert_eq!(store.answer(two).await, None);
        assert_eq!(clock::now() - before, TIMEOUT, "their times run together");
        assert!(!store.may_answer(clock::now()), "and the next ones do not wait at all");
        tokio::time::advance(Duration::from_millis(101)).await;
        assert!(store.may_answer(clock::now()), "its thread has not found it down");
        let more = (3..).map_while(ask).count();
        assert_eq!(more, QUEUE - 2, "what finds no place in the queue is told so at once");
        assert_eq!(clock::now() - before, TIMEOUT + Duration::from_millis(101));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_in_time_is_one() {
        let (store, account, mut asked) = silent();
        let waiting = store.ask(&account, 1, "guichet:a:1".to_owned()).unwrap();
        let answers = async {
            let Wish::Take(tell) = asked.recv().await.unwrap().wish else { panic!("a request") };
            tokio::time::sleep(TIMEOUT - Duration::from_millis(1)).await;
            tell.send(true).unwrap();
        };
        assert_eq!(tokio::join!(store.answer(waiting), answers).0, Some(true));
        assert!(store.may_answer(clock::now()));
    }
}

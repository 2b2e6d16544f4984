//! Questions under way to a store: one at a time for each caller, however many of its requests wait.
//!
//! Who asks while a question is under way waits for it; what is left over then goes to those first,
//! and the next question asks for as many as still wait. Knows no connection: it says what to ask
//! ([`Flights::depart`]) and is told what came of it ([`Flights::land`]).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::account::Account;
use super::hand::{HELD, Verdict};
use super::script::{Answer, Question};
use crate::base::clock::Instant;

/// What a worker asks for.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) account: Arc<Account>,
    pub(super) caller: u64,
    /// The caller's name in the store.
    pub(super) key: Arc<str>,
    pub(super) wish: Wish,
}

/// What becomes of a token.
#[derive(Debug)]
pub(super) enum Wish {
    /// A request waits for it. Told whether it passes; not at all where the store did not answer.
    Take(oneshot::Sender<bool>),
    /// Nobody waits; it will be needed soon.
    Stock,
    /// It was taken in vain.
    GiveBack,
}

/// A question to the store.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) account: Arc<Account>,
    pub(super) caller: u64,
    pub(super) key: Arc<str>,
    pub(super) question: Question,
    sent: Instant,
}

/// All questions under way to one store. Dropped with its connection, which tells everybody who waits.
#[derive(Debug, Default)]
pub(super) struct Flights {
    known: HashMap<Caller, Flight>,
    /// Those of them that have not departed.
    ready: VecDeque<Caller>,
    /// What is given back without a flight.
    returns: VecDeque<Call>,
    /// Callers who have tokens in hand, and when to look whether they were used.
    held: VecDeque<(Instant, Arc<Account>, u64, Arc<str>)>,
    waiting: usize,
}

/// The account, which a flight keeps alive, and whose quota it is.
type Caller = (usize, u64);

#[derive(Debug)]
struct Flight {
    account: Arc<Account>,
    key: Arc<str>,
    departed: bool,
    /// Who waits for the answer that is under way.
    aboard: Vec<oneshot::Sender<bool>>,
    /// Who has come since.
    next: Vec<oneshot::Sender<bool>>,
}

impl Flights {
    /// Takes a wish up. Who cannot be taken up learns it at once.
    pub(super) fn board(&mut self, ask: Ask, now: Instant) {
        let Ask { account, caller, key, wish } = ask;
        let told = match wish {
            Wish::Take(told) if self.waiting < MOST_WAITING => Some(told),
            Wish::Take(_) => return,
            Wish::Stock => None,
            Wish::GiveBack => {
                let question = account.give_back(1);
                self.returns.push_back(Call { account, caller, key, question, sent: now });
                return;
            }
        };
        self.waiting += usize::from(told.is_some());
        let id = id(&account, caller);
        let flight = self.known.entry(id).or_insert_with(|| {
            self.ready.push_back(id);
            Flight { account, key, departed: false, aboard: Vec::new(), next: Vec::new() }
        });
        if flight.departed { flight.next.extend(told) } else { flight.aboard.extend(told) }
    }

    /// The next question that is due, if any is.
    pub(super) fn depart(&mut self, now: Instant) -> Option<Call> {
        while let Some(id) = self.ready.pop_front() {
            let Some(flight) = self.known.get_mut(&id) else { continue };
            // Who has stopped waiting needs none.
            let before = flight.aboard.len();
            flight.aboard.retain(|told| !told.is_closed());
            self.waiting -= before - flight.aboard.len();
            let Some(question) = flight.account.question(id.1, flight.aboard.len(), now) else {
                self.known.remove(&id);
                continue;
            };
            flight.departed = true;
            let (account, key) = (Arc::clone(&flight.account), Arc::clone(&flight.key));
            return Some(Call { account, caller: id.1, key, question, sent: now });
        }
        if let Some(call) = self.returns.pop_front() {
            return Some(call);
        }
        while self.held.front().is_some_and(|(due, ..)| *due <= now) {
            let (_, account, caller, key) = self.held.pop_front()?;
            if let Some(question) = account.unused(caller, now) {
                return Some(Call { account, caller, key, question, sent: now });
            }
        }
        None
    }

    /// When something is given back at the latest.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.front().map(|(due, ..)| *due)
    }

    /// A question was answered.
    pub(super) fn land(&mut self, call: &Call, answer: Answer, now: Instant) {
        let Call { account, caller, key, question, sent } = call;
        let id = id(account, *caller);
        // Before anybody is told: who is looks what is left.
        account.learn(*caller, answer, *sent, now);
        let flight = self.known.get_mut(&id).filter(|_| question.want > 0);
        // Else something was given back.
        let Some(flight) = flight else { return };
        let mut given = answer.given;
        self.waiting -= flight.aboard.len();
        for told in flight.aboard.drain(..) {
            let passes = given > 0;
            // A token for somebody who has left is one for somebody else.
            if told.send(passes).is_ok() && passes {
                given -= 1;
            }
        }
        if account.keep(*caller, given, now) {
            let lease = (now + HELD, Arc::clone(account), *caller, Arc::clone(key));
            self.held.push_back(lease);
        }
        for told in std::mem::take(&mut flight.next) {
            if told.is_closed() {
                self.waiting -= 1;
                continue;
            }
            let passes = match account.take(*caller, now) {
                Verdict::Passes(_) => true,
                Verdict::Refused => false,
                Verdict::Unknown => {
                    flight.aboard.push(told);
                    continue;
                }
            };
            self.waiting -= 1;
            let _ = told.send(passes);
        }
        if flight.aboard.is_empty() {
            self.known.remove(&id);
        } else {
            flight.departed = false;
            self.ready.push_back(id);
        }
    }
}

fn id(account: &Arc<Account>, caller: u64) -> Caller {
    (Arc::as_ptr(account).addr(), caller)
}

/// Requests that may wait for one store.
const MOST_WAITING: usize = 8192;

#[cfg(test)]
mod tests;

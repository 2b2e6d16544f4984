//! [`Ledger`]: the counters of one generation after the other, told as if they were one.
//!
//! Each generation of the configuration has registers of its own, sized and numbered by its own
//! names, so that counting stays an addition to a place that is known. A counter of the metrics
//! page must not fall when the configuration is reloaded, so what earlier generations have counted
//! is added to what the running one counts, name by name. What is no longer named is no longer told.
//!
//! While exchanges of an earlier generation are under way its registers are read at every telling;
//! once nobody writes them, they are added to the past for good and given back. All of it happens on
//! the control thread, so the lock is never waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exposition::Exposition;
use super::limit_counts::LimitCounts;
use super::registers::Registers;
use super::reloads::Reloads;
use super::renaming::Renaming;
use super::standing::Standing;

/// What the metrics page is made of, over all generations.
#[derive(Debug)]
pub struct Ledger {
    book: Mutex<Book>,
    reloads: Arc<Reloads>,
}

#[derive(Debug)]
struct Book {
    now: Exposition,
    /// What generations that are over have counted, by the names of the running one.
    past: Arc<Registers>,
    /// Generations that are not over.
    leaving: Vec<Exposition>,
}

impl Ledger {
    /// The first page.
    pub fn new(now: Exposition) -> Self {
        let past = Arc::new(Registers::new(&now.names));
        let reloads = Arc::clone(&now.reloads);
        Self { book: Mutex::new(Book { now, past, leaving: Vec::new() }), reloads }
    }

    /// The next page: another generation serves.
    pub fn turn(&self, now: Exposition) {
        let mut book = self.book();
        let past = Registers::new(&now.names);
        past.absorb(&book.past, &Renaming::new(&book.now, &now));
        let before = std::mem::replace(&mut book.now, now);
        book.past = Arc::new(past);
        book.leaving.push(before);
        book.settle();
    }

    /// How many reloads there were.
    pub fn reloads(&self) -> &Arc<Reloads> {
        &self.reloads
    }

    /// Generations before the running one whose exchanges are not all over.
    pub fn leaving(&self) -> usize {
        let mut book = self.book();
        book.settle();
        book.leaving.len()
    }

    /// Hash of the running configuration.
    pub fn config_hash(&self) -> String {
        self.book().now.config_hash.clone()
    }

    /// Name and last moment, in seconds since 1970, of each certificate of a listener.
    pub fn certificates(&self) -> Vec<(String, i64)> {
        self.book().now.certificates.list()
    }

    /// How the upstreams stand.
    pub fn standing(&self) -> Vec<Standing> {
        let mut book = self.book();
        book.settle();
        Standing::all(&book.sum())
    }

    /// What limits have done so far.
    pub fn limit_counts(&self) -> LimitCounts {
        let mut book = self.book();
        book.settle();
        LimitCounts::of(&book.sum())
    }

    /// Writes the metrics page as it stands now.
    pub fn render(&self) -> String {
        let mut book = self.book();
        book.settle();
        book.sum().render()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Adds what nobody writes any more to the past.
    fn settle(&mut self) {
        let (now, past) = (&self.now, &self.past);
        self.leaving.retain(|before| {
            let written = before.registers.iter().any(|it| Arc::strong_count(it) > 1);
            if !written {
                let renaming = Renaming::new(before, now);
                before.registers.iter().for_each(|it| past.absorb(it, &renaming));
            }
            written
        });
    }

    /// The running generation, with what the others have counted.
    fn sum(&self) -> Exposition {
        let others = Registers::new(&self.now.names);
        others.absorb(&self.past, &Renaming::new(&self.now, &self.now));
        for before in &self.leaving {
            let renaming = Renaming::new(before, &self.now);
            for registers in &before.registers {
                others.absorb(registers, &renaming);
                others.still_there(registers, &renaming);
            }
        }
        let mut sum = self.now.clone();
        sum.registers.push(Arc::new(others));
        sum
    }
}

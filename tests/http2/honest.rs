//! What must hold during every attack: an honest client beside it is served at once, and memory
//! stays flat.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::rig::gateway::Gateway;
use crate::rig::h2::H2Client;

/// An honest client gets its answer within this time while an attack is under way.
const PROMPT: Duration = Duration::from_millis(250);
/// What a process may grow by during an attack, the rig included: 12 MiB was measured in the worst
/// test, which has a hundred connections upstream; this is twice that.
const FLAT: usize = 24 << 20;

static TURN: Mutex<()> = Mutex::new(());

/// An honest client and a look at memory, from before the attack.
pub struct Beside {
    client: H2Client,
    before: usize,
    _turn: MutexGuard<'static, ()>,
}

impl Beside {
    /// Waits for this test's turn. `/honest` has to be served.
    pub fn of(gateway: &Gateway) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let client = H2Client::plain(gateway.plain());
        assert_eq!(client.get("/honest").status(), 200);
        Self { client, before: resident(), _turn: turn }
    }

    /// The honest client is served at once: on its old connection, and on a new one.
    #[track_caller]
    pub fn is_served(&self, gateway: &Gateway) {
        let start = Instant::now();
        assert_eq!(self.client.get("/honest").status(), 200);
        let kept = start.elapsed();
        assert!(kept < PROMPT, "served after {kept:?}");
        let start = Instant::now();
        assert_eq!(H2Client::plain(gateway.plain()).get("/honest").status(), 200);
        let fresh = start.elapsed();
        assert!(fresh < PROMPT, "served on a new connection after {fresh:?}");
    }

    /// Memory is what it was.
    #[track_caller]
    pub fn memory_is_flat(&self) {
        self.memory_grew_less_than(FLAT);
    }

    /// Memory is what it was, but for so much that the rig itself keeps.
    #[track_caller]
    pub fn memory_grew_less_than(&self, bound: usize) {
        let grown = resident().saturating_sub(self.before);
        println!("memory grew by {} KiB", grown >> 10);
        assert!(grown < bound, "{} KiB more than before", grown >> 10);
    }

    /// Both.
    #[track_caller]
    pub fn is_well(&self, gateway: &Gateway) {
        self.is_served(gateway);
        self.memory_is_flat();
    }
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

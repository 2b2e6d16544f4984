//! Threads that verify passwords: few, with a short queue, so that a flood of guesses takes neither
//! the workers' time nor memory without end. Who finds the queue full is told to come back.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use argon2::{Argon2, PasswordVerifier as _};
use tokio::sync::oneshot;

/// The threads; they end when the last policy that uses them is gone.
#[derive(Debug)]
pub(in crate::gate::auth) struct Verifiers(SyncSender<Job>);

#[derive(Debug)]
struct Job {
    password: Password,
    hash: Arc<str>,
    told: oneshot::Sender<bool>,
}

/// Never printed.
struct Password(Vec<u8>);

/// A verification under way. Dropping it leaves it undone, if it has not begun.
#[derive(Debug)]
pub(in crate::gate::auth) struct Pending(oneshot::Receiver<bool>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Verifiers {
    /// Starts them.
    ///
    /// # Errors
    /// What the operating system says.
    pub(in crate::gate::auth) fn start() -> Result<Arc<Self>, String> {
        let (jobs, queue) = sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let threads =
            thread::available_parallelism().map_or(1, NonZero::get).clamp(1, MOST_THREADS);
        for number in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new()
                .name(format!("guichet-verify-{number}"))
                .spawn(move || work(&queue))
                .map_err(|error| format!("cannot start a thread: {error}"))?;
        }
        Ok(Arc::new(Self(jobs)))
    }

    /// Has a password verified; none where too many are already.
    pub(super) fn verify(&self, password: Vec<u8>, hash: Arc<str>) -> Option<Pending> {
        let (told, verdict) = oneshot::channel();
        self.0.try_send(Job { password: Password(password), hash, told }).ok()?;
        Some(Pending(verdict))
    }
}

impl Pending {
    /// Whether the password was right.
    pub(super) async fn verified(self) -> bool {
        self.0.await.unwrap_or(false)
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        // The lock is held while it waits: who comes next waits for the lock instead.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { password, hash, told }) = job else { return };
        if told.is_closed() {
            continue;
        }
        let right = Argon2::default().verify_password(&password.0, &*hash).is_ok();
        // Who asked may have left.
        let _ = told.send(right);
    }
}

/// Passwords that may wait.
const QUEUE: usize = 32;
const MOST_THREADS: usize = 2;

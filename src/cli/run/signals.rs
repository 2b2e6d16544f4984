//! Signals, and what each of them orders.

use std::io;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Every signal that guichet obeys. Installed before anything is bound, so that none of them ends a
/// process that is only just beginning to serve.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
    reopen: Signal,
    hand_over: Signal,
}

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// TERM, INT.
    End,
    /// HUP.
    Reload,
    /// USR1.
    Reopen,
    /// USR2.
    HandOver,
}

impl Signals {
    pub(super) fn install(runtime: &Runtime) -> io::Result<Self> {
        let _inside = runtime.enter();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
            reopen: signal(SignalKind::user_defined1())?,
            hand_over: signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for TERM or INT alone; the others wait for their turn.
    pub(super) async fn until_end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    pub(super) async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.terminate.recv() => Order::End,
            _ = self.interrupt.recv() => Order::End,
            _ = self.reload.recv() => Order::Reload,
            _ = self.reopen.recv() => Order::Reopen,
            _ = self.hand_over.recv() => Order::HandOver,
        }
    }
}

//! Whether this process wants new work: what `/readyz` answers, and what a load balancer acts on.

use std::sync::atomic::{AtomicU8, Ordering};

/// The flag: one for the process, set by the control thread, read by the admin listener.
#[derive(Debug, Default)]
pub struct Readiness(AtomicU8);

/// Where the process stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not all listeners accept yet.
    Starting,
    /// Everything accepts.
    Ready,
    /// The end has been announced; exchanges under way are finished.
    Draining,
}

impl Readiness {
    /// Begins at [`Stage::Starting`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on. Draining is final: a worker that comes up late cannot make the process ready.
    pub fn enter(&self, stage: Stage) {
        self.0.fetch_max(stage as u8, Ordering::Relaxed);
    }

    /// The stage now.
    pub fn stage(&self) -> Stage {
        match self.0.load(Ordering::Relaxed) {
            0 => Stage::Starting,
            1 => Stage::Ready,
            _ => Stage::Draining,
        }
    }
}

impl Stage {
    /// The word of the admin listener and the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_moves_forward() {
        let readiness = Readiness::new();
        assert_eq!(readiness.stage(), Stage::Starting);
        for stage in [Stage::Ready, Stage::Draining] {
            readiness.enter(stage);
            assert_eq!(readiness.stage(), stage);
        }
        readiness.enter(Stage::Ready);
        assert_eq!(readiness.stage(), Stage::Draining);
    }
}

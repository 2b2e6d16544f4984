//! What systemd is told (sd_notify(3)), where it has asked for it by `NOTIFY_SOCKET`.
//!
//! It may not be there, or not listen: telling never hinders anything.

use sd_notify::NotifyState;

/// It serves, or serves again after a reload.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It reads its configuration again.
pub(super) fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now());
    tell(&states);
}

/// It ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Another process follows, and is the one to watch from now on.
pub(super) fn followed_by(process: u32) {
    tell(&[NotifyState::MainPid(process), NotifyState::Ready]);
}

fn tell(states: &[NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

//! The thread behind a poller without one: it keeps the time, and serves links that are left alone.
//!
//! It sleeps. Once in a period it looks whether somebody has taken a turn; only where nobody has although the
//! descriptor is readable it takes one itself. The period is the shortest that a peer's patience asks for, and
//! without links there is none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{runtime::Runtime, sync::Notify, time::timeout};

use super::{Shared, Turn};

/// Where no peer's patience is known, one of twice that is usual, and this costs nothing.
const SLOWEST: Duration = Duration::from_secs(1);
/// Below it looking would be what costs; the shortest heartbeat that can be set leaves 100 ms for an answer.
const FASTEST: Duration = Duration::from_millis(10);

/// What the watchdog is told.
#[derive(Debug, Default)]
pub(super) struct Leash {
    stop: AtomicBool,
    /// Milliseconds between two looks; 0: there is nobody to look after.
    period: AtomicU64,
    /// Turns taken, ever.
    turns: AtomicU64,
    changed: Notify,
}

impl Leash {
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.changed.notify_one();
    }

    /// A turn was taken, after which there are links or not.
    pub(super) fn count(&self, has_links: bool) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        let period = self.period.load(Ordering::Relaxed);
        match (has_links, period) {
            (true, 0) => self.set(SLOWEST),
            (false, 1..) => self.period.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Looks at least so often as long as there are links.
    pub(super) fn attend(&self, period: Duration) {
        let period = period.clamp(FASTEST, SLOWEST);
        let now = self.period.load(Ordering::Relaxed);
        if now == 0 || millis(period) < now {
            self.set(period);
        }
    }

    fn set(&self, period: Duration) {
        self.period.store(millis(period), Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Waits until a period has passed in which no turn was taken; false when it is over.
    async fn wait(&self) -> bool {
        loop {
            let turns = self.turns.load(Ordering::Relaxed);
            let period = self.period.load(Ordering::Relaxed);
            let changed = self.changed.notified();
            let is_up = match period {
                0 => {
                    changed.await;
                    false
                }
                _ => timeout(Duration::from_millis(period), changed)
                    .await
                    .is_err(),
            };
            if self.stop.load(Ordering::SeqCst) {
                return false;
            }
            if is_up && turns == self.turns.load(Ordering::Relaxed) {
                return true;
            }
        }
    }
}

/// The thread's life. `clock` has the timers of all links.
pub(super) fn watch(clock: &Runtime, shared: &Arc<Shared>) {
    // Turns are taken outside of the clock's own runtime: they run another.
    while clock.block_on(shared.leash.wait()) {
        if shared.is_due() {
            shared.turn(Turn::Watchdog);
        }
    }
}

fn millis(period: Duration) -> u64 {
    u64::try_from(period.as_millis()).unwrap_or(u64::MAX)
}

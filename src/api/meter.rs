//! How much of a connection is accepted to be sent and not yet taken by the kernel.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::Notify;

use super::budget::Budget;
use crate::{driver::Ledger, link::Released};

/// A queued message counts as at least this many bytes, so that empty messages cannot grow the queue
/// for free. Its header and bookkeeping cost about that.
const MIN_COST: usize = 16;

/// The counts wrap; what is queued is their difference.
#[derive(Debug)]
pub(super) struct Meter {
    accepted: Counts,
    released: Counts,
    budget: Arc<Budget>,
    /// Told whenever the queue shrank, the connection opened, or it ended.
    pub(super) progress: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    bytes: AtomicU32,
    messages: AtomicU32,
}

/// What waits for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub bytes: usize,
    pub messages: usize,
}

impl Queued {
    /// What counts towards the watermarks.
    pub(super) fn cost(self) -> usize {
        self.bytes.max(self.overhead())
    }

    /// What the messages count by their number alone.
    pub(super) fn overhead(self) -> usize {
        self.messages * MIN_COST
    }
}

impl Meter {
    pub(super) fn new(budget: Arc<Budget>) -> Self {
        Self {
            accepted: Counts::default(),
            released: Counts::default(),
            budget,
            progress: Notify::new(),
        }
    }

    pub(super) fn queued(&self) -> Queued {
        // Released first: a count that is taken meanwhile then makes the difference too large, never
        // negative.
        let released = self.released.load();
        let accepted = self.accepted.load();
        Queued {
            bytes: accepted.bytes.wrapping_sub(released.bytes) as usize,
            messages: accepted.messages.wrapping_sub(released.messages) as usize,
        }
    }

    /// Counts one message, already charged to the budget. To be called under the link's lock.
    pub(super) fn accept(&self, bytes: usize) {
        self.accepted
            .bytes
            .fetch_add(bytes as u32, Ordering::SeqCst);
        self.accepted.messages.fetch_add(1, Ordering::SeqCst);
    }

    /// The queue is void: the connection is over and nothing is accepted any more.
    pub(super) fn settle(&self) {
        self.release(0, self.accepted.load());
    }
}

impl Counts {
    fn load(&self) -> Released {
        Released {
            bytes: self.bytes.load(Ordering::SeqCst),
            messages: self.messages.load(Ordering::SeqCst),
        }
    }

    fn swap(&self, to: Released) -> Released {
        Released {
            bytes: self.bytes.swap(to.bytes, Ordering::SeqCst),
            messages: self.messages.swap(to.messages, Ordering::SeqCst),
        }
    }
}

/// It has but one link, and sees by itself what waits.
impl Ledger for Meter {
    fn release(&self, _slot: u32, released: Released) {
        let before = self.released.swap(released);
        if before != released {
            self.budget
                .free(released.bytes.wrapping_sub(before.bytes) as usize);
            self.progress.notify_waiters();
        }
    }

    fn queue(&self, _delta: isize) {}
}

//! What all connections of one server may hold in memory, together.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::shared::Shared;
use crate::driver::{Ration, STUCK, Starving};

/// Counts bytes held: of whole messages, queued to be sent or waiting to be received, and of messages
/// that are still to be finished by the peer.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    whole: AtomicUsize,
    unfinished: AtomicUsize,
    /// Some link found no room.
    starved: AtomicBool,
    waiting: Mutex<Vec<Weak<Shared>>>,
    /// Those among them that wait to finish a message.
    starving: Starving,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self::with_patience(limit, STUCK)
    }

    /// With nothing of unfinished messages freed for `patience` a link is cut.
    pub(super) fn with_patience(limit: usize, patience: Duration) -> Self {
        Self {
            limit,
            whole: AtomicUsize::new(0),
            unfinished: AtomicUsize::new(0),
            starved: AtomicBool::new(false),
            waiting: Mutex::default(),
            starving: Starving::new(patience),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.whole.load(Ordering::SeqCst) < self.limit_of_whole()
    }

    pub(super) fn has_room_for_unfinished(&self) -> bool {
        self.has_room() && !self.is_full_of_unfinished()
    }

    /// Whether unfinished messages hold all that they may.
    pub(super) fn is_full_of_unfinished(&self) -> bool {
        self.unfinished.load(Ordering::SeqCst) >= self.limit / 2
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Counts bytes of whole messages.
    pub(super) fn add(&self, bytes: usize) {
        self.whole.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Counts bytes of a whole message if they fit.
    pub(super) fn try_add(&self, bytes: usize) -> bool {
        let limit = self.limit_of_whole();
        let fits = |whole: usize| whole.checked_add(bytes).filter(|whole| *whole <= limit);
        self.whole
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fits)
            .is_ok()
    }

    /// Takes back what was counted for whole messages.
    pub(super) fn free(&self, bytes: usize) {
        if bytes > 0 {
            self.whole.fetch_sub(bytes, Ordering::SeqCst);
            self.feed();
        }
    }

    /// Counts bytes of unfinished messages, up or down.
    pub(super) fn hold(&self, delta: isize) {
        let bytes = delta.unsigned_abs();
        if delta > 0 {
            self.unfinished.fetch_add(bytes, Ordering::SeqCst);
        } else if delta < 0 {
            self.unfinished.fetch_sub(bytes, Ordering::SeqCst);
            self.feed();
        }
    }

    /// Unfinished messages take at most half from the others: peers that never finish theirs do not
    /// keep whole messages out. They may be a little more than half, by one read a connection.
    fn limit_of_whole(&self) -> usize {
        self.limit - self.unfinished.load(Ordering::SeqCst).min(self.limit / 2)
    }

    /// Has `link` look again once something is freed. To be called before the last look for room, so
    /// that whoever frees after that look knows that somebody waits.
    pub(super) fn wait(&self, link: &Arc<Shared>) {
        if !link.waits.swap(true, Ordering::SeqCst) {
            self.waiting().push(Arc::downgrade(link));
        }
        self.starved.store(true, Ordering::SeqCst);
    }

    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.whole.load(Ordering::SeqCst) + self.unfinished.load(Ordering::SeqCst)
    }

    fn feed(&self) {
        if self.has_room() && self.starved.swap(false, Ordering::SeqCst) {
            let waiting = std::mem::take(&mut *self.waiting());
            for link in waiting.iter().filter_map(Weak::upgrade) {
                link.waits.store(false, Ordering::SeqCst);
                link.room_again();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Weak<Shared>>> {
        // A list: whole whatever panicked.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// To the rule that ends a standstill only unfinished messages count: they keep no others out.
impl Ration for Budget {
    fn starving(&self) -> &Starving {
        &self.starving
    }

    fn used(&self) -> usize {
        self.unfinished.load(Ordering::SeqCst)
    }

    fn has_room(&self, _budget: usize) -> bool {
        !self.is_full_of_unfinished()
    }

    fn is_consumed(&self) -> bool {
        self.has_room()
    }
}

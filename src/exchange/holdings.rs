//! What all exchanges of one environment hold in memory together.
#![allow(unsafe_code, reason = "the memory belongs to the consumer's runtime")]

use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::Duration,
};

use crate::driver::Starving;

/// Bytes of unfinished messages and of queues on the I/O side, and what the consumer says that it keeps
/// back of delivered messages.
pub(crate) struct Holdings {
    io: AtomicUsize,
    kept: *const AtomicU32,
    pub(super) starving: Starving,
}

// SAFETY: the word is only reached through an atomic, and the loan lasts as long as it is used.
unsafe impl Send for Holdings {}
// SAFETY: as above.
unsafe impl Sync for Holdings {}

impl Holdings {
    /// With nothing freed for `patience` a link is cut.
    ///
    /// # Safety
    /// `kept` must be aligned for `u32`, valid and initialised until every exchange over the value was
    /// stopped, and be written by nobody but the consumer.
    pub(crate) unsafe fn new(kept: *const u32, patience: Duration) -> Self {
        Self {
            io: AtomicUsize::new(0),
            kept: kept.cast(),
            starving: Starving::new(patience),
        }
    }

    /// Counts bytes of the I/O side, up or down.
    pub(super) fn add(&self, delta: isize) {
        // Wraps as the sum of what was added does: it is never below nothing.
        self.io.fetch_add(delta as usize, Ordering::SeqCst);
    }

    /// Bytes held now.
    pub(super) fn used(&self) -> usize {
        // SAFETY: by the contract of `new`.
        let kept = unsafe { &*self.kept }.load(Ordering::Relaxed);
        self.io.load(Ordering::SeqCst).saturating_add(kept as usize)
    }
}

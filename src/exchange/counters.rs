//! What the kernel has taken, published in memory that the consumer reads without a call.
#![allow(unsafe_code, reason = "the memory belongs to the consumer's runtime")]

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use super::{holdings::Holdings, table::LinkId};
use crate::{driver::Ledger, link::Released};

/// Two words a slot: payload bytes and messages released, wrapping. Slot 0 has the bytes released over
/// all links, and the bytes held for unfinished messages.
pub(crate) struct Counters {
    words: *const AtomicU32,
    slots: u32,
    held: AtomicUsize,
    holdings: Arc<Holdings>,
}

// SAFETY: the words are only reached through atomics, and the loan lasts as long as the value.
unsafe impl Send for Counters {}
// SAFETY: as above.
unsafe impl Sync for Counters {}

impl Counters {
    /// # Safety
    /// `words` must be aligned for `u32` and valid for `2 * slots` of them, initialised, until the
    /// value is dropped, and be written by nobody else.
    pub(crate) unsafe fn new(words: *mut u32, slots: u32, holdings: Arc<Holdings>) -> Self {
        Self {
            words: words.cast(),
            slots,
            held: AtomicUsize::new(0),
            holdings,
        }
    }

    /// What this exchange and the others of its environment hold.
    pub(super) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    /// Starts a slot at zero for a new link.
    pub(super) fn reset(&self, slot: u32) {
        self.word(slot, 0).store(0, Ordering::Relaxed);
        self.word(slot, 1).store(0, Ordering::Relaxed);
    }

    /// Counts bytes held for unfinished messages.
    pub(super) fn hold(&self, delta: isize) {
        if delta == 0 {
            return;
        }
        let held = self
            .held
            .fetch_add(delta as usize, Ordering::Relaxed)
            .wrapping_add(delta as usize);
        self.word(0, 1)
            .store(u32::try_from(held).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.holdings.add(delta);
    }

    fn word(&self, slot: u32, word: usize) -> &AtomicU32 {
        debug_assert!(slot < self.slots);
        let slot = if slot < self.slots { slot as usize } else { 0 };
        // SAFETY: `slot < slots` and `word < 2`, so the index lies within the loan.
        unsafe { &*self.words.add(2 * slot + word) }
    }
}

/// Publishes one link's counts.
pub(super) struct SlotLedger {
    counters: Arc<Counters>,
    slot: u32,
    published: Released,
    queued: usize,
}

impl SlotLedger {
    pub(super) fn new(counters: Arc<Counters>, id: LinkId) -> Self {
        Self {
            counters,
            slot: id.slot,
            published: Released::default(),
            queued: 0,
        }
    }
}

impl Ledger for SlotLedger {
    fn publish(&mut self, released: Released, queued: usize) {
        if queued != self.queued {
            let delta = queued as isize - self.queued as isize;
            self.counters.holdings.add(delta);
            self.queued = queued;
        }
        if released == self.published {
            return;
        }
        let more = released.bytes.wrapping_sub(self.published.bytes);
        self.published = released;
        let counters = &*self.counters;
        counters.word(0, 0).fetch_add(more, Ordering::Relaxed);
        counters
            .word(self.slot, 1)
            .store(released.messages, Ordering::Relaxed);
        counters
            .word(self.slot, 0)
            .store(released.bytes, Ordering::Release);
    }
}

impl Drop for SlotLedger {
    fn drop(&mut self) {
        // What was queued for a connection that never came about.
        self.counters.holdings.add(-(self.queued as isize));
    }
}

//! What the kernel has taken, published in memory that the consumer reads without a call.
#![allow(unsafe_code, reason = "the memory belongs to the consumer's runtime")]

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use super::holdings::Holdings;
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

impl Ledger for Counters {
    // What is read and what is written belong together: a slot has one publisher at a time, under its link's lock.
    fn release(&self, slot: u32, released: Released) {
        let (bytes, messages) = (self.word(slot, 0), self.word(slot, 1));
        let before = bytes.load(Ordering::Relaxed);
        if released.bytes == before && released.messages == messages.load(Ordering::Relaxed) {
            return;
        }
        let more = released.bytes.wrapping_sub(before);
        self.word(0, 0).fetch_add(more, Ordering::Relaxed);
        messages.store(released.messages, Ordering::Relaxed);
        bytes.store(released.bytes, Ordering::Release);
    }

    fn queue(&self, delta: isize) {
        self.holdings.add(delta);
    }
}

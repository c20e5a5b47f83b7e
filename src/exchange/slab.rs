//! Memory lent by the consumer for received bytes.
#![allow(unsafe_code, reason = "the memory belongs to the consumer's runtime")]

/// A span of the consumer's memory. Whoever holds the value owns the span: parts that were announced
/// to the consumer are never written again.
#[derive(Debug)]
pub(crate) struct Slab {
    id: u32,
    start: *mut u8,
    len: usize,
    used: usize,
}

// SAFETY: a slab is an exclusive loan of plain bytes; nothing about it is tied to a thread.
unsafe impl Send for Slab {}

impl Slab {
    /// # Safety
    /// `start..start + len` must be valid and initialised, must not move, and must be touched by
    /// nobody else until the slab is dropped — but for the parts announced by descriptors, which the
    /// consumer may read from then on.
    pub(crate) unsafe fn new(id: u32, start: *mut u8, len: usize) -> Self {
        Self {
            id,
            start,
            len,
            used: 0,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Bytes already announced.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// What was not announced yet.
    pub(crate) fn free(&mut self) -> &mut [u8] {
        // SAFETY: `used <= len`, so the span lies within the loan; `&mut self` makes it exclusive, and
        // the consumer reads only below `used`.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(self.used), self.len - self.used) }
    }

    /// Announces the first `bytes` of what was free.
    pub(crate) fn commit(&mut self, bytes: usize) {
        self.used = (self.used + bytes).min(self.len);
    }
}

//! The links of one exchange by number, with generations: a stale number finds nothing.

use std::sync::{Arc, PoisonError};

use crate::{
    driver::Handle,
    sync::{Mutex, MutexGuard},
};

/// Number of a link. A slot's generation rises each time it is given out, in 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId {
    pub slot: u32,
    pub generation: u32,
}

const GENERATIONS: u32 = 1 << 24;

/// All links; slot 0 is never given out.
#[derive(Default)]
pub(super) struct Table {
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    slots: Vec<Entry>,
    free: Vec<u32>,
}

#[derive(Default)]
struct Entry {
    generation: u32,
    handle: Option<Arc<Handle>>,
}

impl Table {
    /// Gives out a slot below `limit` to the link that `make` makes; `None` if all are taken.
    pub(super) fn insert(
        &self,
        limit: u32,
        make: impl FnOnce(LinkId) -> Arc<Handle>,
    ) -> Option<(LinkId, Arc<Handle>)> {
        let mut entries = self.lock();
        let slot = entries.take_slot(limit)?;
        let entry = &mut entries.slots[slot as usize];
        entry.generation = (entry.generation + 1) % GENERATIONS;
        let id = LinkId {
            slot,
            generation: entry.generation,
        };
        let handle = make(id);
        entry.handle = Some(Arc::clone(&handle));
        Some((id, handle))
    }

    pub(super) fn get(&self, id: LinkId) -> Option<Arc<Handle>> {
        let entries = self.lock();
        entries.find(id).cloned()
    }

    /// Those of `ids` that there are, in their order, looked up at once.
    pub(super) fn get_all(&self, ids: impl Iterator<Item = LinkId>) -> Vec<Arc<Handle>> {
        let entries = self.lock();
        ids.filter_map(|id| entries.find(id).cloned()).collect()
    }

    /// Frees the slot of a link that is over. Whoever still has its handle publishes nothing there any more.
    pub(super) fn release(&self, id: LinkId) {
        let mut entries = self.lock();
        if entries.find(id).is_some()
            && let Some(handle) = entries.slots[id.slot as usize].handle.take()
        {
            handle.abandon(false);
            entries.free.push(id.slot);
        }
    }

    /// Frees every socket, after the thread that served them has ended; see [`Handle::abandon`].
    pub(super) fn abandon(&self, reset: bool) {
        for entry in &self.lock().slots {
            if let Some(handle) = &entry.handle {
                handle.abandon(reset);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        // No code that can panic runs between the changes of one operation.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn take_slot(&mut self, limit: u32) -> Option<u32> {
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        if self.slots.is_empty() {
            self.slots.push(Entry::default());
        }
        let slot = u32::try_from(self.slots.len())
            .ok()
            .filter(|slot| *slot < limit)?;
        self.slots.push(Entry::default());
        Some(slot)
    }

    fn find(&self, id: LinkId) -> Option<&Arc<Handle>> {
        let entry = self.slots.get(id.slot as usize)?;
        entry
            .handle
            .as_ref()
            .filter(|_| entry.generation == id.generation)
    }
}

//! Messages for many links, on their way from batches to the links.
//!
//! Those that follow each other to the same links, as publications to one topic do, are gathered and written to each
//! link at once, from memory that all have in common. What comes in between has its place in every link's queue, so what
//! was gathered is queued first; a link is still written once for all of it.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;

use super::{
    outbox::{WORD, word_at},
    table::{LinkId, Table},
};
use crate::{
    driver::{Handle, keep},
    link::{Class, Shared},
};

/// With so much gathered the links are better off with what there is, bytes: as much as is packed for one at a time.
const ENOUGH: usize = 64 * 1024;

/// What was asked for and not written yet.
#[derive(Default)]
pub(super) struct FanOuts<'a> {
    gathered: Option<Gathered<'a>>,
    queued: Queued,
}

/// Records for the same links.
struct Gathered<'a> {
    class: Class,
    records: Vec<&'a [u8]>,
    bytes: usize,
    /// Slot and generation of each link.
    targets: &'a [u8],
    /// Owns the batch of the first record, where that may be kept.
    batch: Option<&'a Bytes>,
}

/// Links for which something was queued and nothing written, each once.
#[derive(Default)]
struct Queued {
    links: Vec<Arc<Handle>>,
    seen: HashSet<*const Handle>,
}

impl<'a> FanOuts<'a> {
    /// Adds `record` for `targets`, which is part of `batch` where that may be kept.
    pub(super) fn add(
        &mut self,
        class: Class,
        record: &'a [u8],
        targets: &'a [u8],
        batch: Option<&'a Bytes>,
        table: &Table,
    ) {
        if let Some(gathered) = &mut self.gathered
            && gathered.joins(class, record, targets)
        {
            gathered.bytes += record.len();
            return gathered.records.push(record);
        }
        self.queue(table);
        self.gathered = Some(Gathered {
            class,
            records: vec![record],
            bytes: record.len(),
            targets,
            batch,
        });
    }

    /// Gives what was gathered its place in the queues: something else follows.
    pub(super) fn queue(&mut self, table: &Table) {
        let Some(gathered) = self.gathered.take() else {
            return;
        };
        if let Some(shared) = gathered.shared() {
            for link in gathered.links(table) {
                link.queue_shared(&shared);
                self.queued.add(link);
            }
        }
    }

    /// Writes everything.
    pub(super) fn write(self, table: &Table) {
        if let Some(gathered) = self.gathered
            && let Some(shared) = gathered.shared()
        {
            for link in gathered.links(table) {
                link.send_shared(&shared);
            }
        }
        for link in self.queued.links {
            link.flush();
        }
    }
}

impl Gathered<'_> {
    fn joins(&self, class: Class, record: &[u8], targets: &[u8]) -> bool {
        self.class == class
            && self.bytes + record.len() <= ENOUGH
            && (std::ptr::eq(self.targets, targets) || self.targets == targets)
    }

    fn shared(&self) -> Option<Shared> {
        let records = match &*self.records {
            [one] => keep(one, self.batch),
            many => many.concat().into(),
        };
        Shared::new(self.class, records)
    }

    fn links(&self, table: &Table) -> Vec<Arc<Handle>> {
        table.get_all(self.targets.chunks_exact(2 * WORD).map(|target| LinkId {
            slot: word_at(target, 0),
            generation: word_at(target, WORD),
        }))
    }
}

impl Queued {
    fn add(&mut self, link: Arc<Handle>) {
        if self.seen.insert(Arc::as_ptr(&link)) {
            self.links.push(link);
        }
    }
}

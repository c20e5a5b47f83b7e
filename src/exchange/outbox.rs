//! Outgoing batches: runs of native-endian words and bytes, written by the consumer.
//!
//! ```text
//! word 0  operation, and class << 8     word 2  generation
//! word 1  slot                          word 3  bytes of data that follow, padded to whole words
//! ```
//!
//! The data of a `Send` is records ready for the wire. A batch that does not parse is a defect of the
//! consumer's code: the rest of it is left out and the fault logged.

use bytes::{Bytes, BytesMut};

use super::table::{LinkId, Table};
use crate::{
    frame::{HEADER as RECORD_HEADER, push_record},
    link::{Class, Released},
};

const WORD: usize = 4;
const HEADER: usize = 4 * WORD;

/// What a run asks for. The numbers are the ones of `ts/link/native/outbox.ts`.
mod operation {
    pub(super) const SEND: u32 = 1;
    pub(super) const RESUME: u32 = 2;
    pub(super) const PAUSE: u32 = 3;
    pub(super) const CLOSE: u32 = 4;
    pub(super) const TERMINATE: u32 = 5;
    /// Tell when `data[0]` bytes and `data[1]` messages are released.
    pub(super) const NOTIFY: u32 = 6;
    /// The consumer knows that the link is over: its slot may be given out again.
    pub(super) const RELEASE: u32 = 7;
}

struct Run<'a> {
    operation: u32,
    class: Class,
    id: LinkId,
    data: &'a [u8],
}

/// Does what a batch asks for, run by run.
pub(super) fn apply(batch: &Bytes, table: &Table) {
    let mut rest: &[u8] = batch;
    while !rest.is_empty() {
        let Some((run, tail)) = Run::parse(rest) else {
            tracing::error!(bytes = rest.len(), "an outgoing batch does not parse");
            return;
        };
        rest = tail;
        run.apply(table, batch);
    }
}

/// Writes a batch of one run on the calling thread; false if that cannot be done now.
pub(super) fn write_directly(batch: &[u8], table: &Table) -> bool {
    let Some((run, [])) = Run::parse(batch) else {
        return false;
    };
    if run.operation != operation::SEND {
        return false;
    }
    match table.get(run.id) {
        Some(link) => link.try_send(run.class, run.data),
        None => true,
    }
}

/// Appends one message as a run of its own.
pub(super) fn single(to: &mut BytesMut, id: LinkId, class: u32, payload: &[u8]) {
    let data = RECORD_HEADER + payload.len();
    let padding = data.next_multiple_of(WORD) - data;
    to.reserve(HEADER + data + padding);
    for word in [
        operation::SEND | class << 8,
        id.slot,
        id.generation,
        data as u32,
    ] {
        to.extend_from_slice(&word.to_ne_bytes());
    }
    push_record(to, payload);
    to.extend_from_slice(&[0; WORD][..padding]);
}

impl<'a> Run<'a> {
    /// The run at the front, and what follows it.
    fn parse(batch: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = batch.split_at_checked(HEADER)?;
        let word = |index: usize| {
            let bytes = header[index * WORD..].first_chunk::<WORD>();
            bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
        };
        let length = word(3) as usize;
        let (data, rest) = rest.split_at_checked(length.next_multiple_of(WORD))?;
        let run = Self {
            operation: word(0) & 0xff,
            class: match word(0) >> 8 {
                0 => Class::High,
                1 => Class::Normal,
                _ => Class::Low,
            },
            id: LinkId {
                slot: word(1),
                generation: word(2),
            },
            data: &data[..length],
        };
        Some((run, rest))
    }

    fn apply(&self, table: &Table, batch: &Bytes) {
        if self.operation == operation::RELEASE {
            return table.release(self.id);
        }
        // A link that is over: what was still on its way to it is void, as is told by its close.
        let Some(link) = table.get(self.id) else {
            return;
        };
        match self.operation {
            operation::SEND => link.send(self.class, self.data, batch),
            operation::RESUME => link.set_reading(true),
            operation::PAUSE => link.set_reading(false),
            operation::CLOSE => link.close(),
            operation::TERMINATE => link.terminate(),
            operation::NOTIFY => link.notify_at(self.threshold()),
            unknown => tracing::error!(unknown, "an outgoing batch asks for the unknown"),
        }
    }

    fn threshold(&self) -> Released {
        let word = |at: usize| {
            let bytes = self
                .data
                .get(at..)
                .and_then(|rest| rest.first_chunk::<WORD>());
            bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
        };
        Released {
            bytes: word(0),
            messages: word(WORD),
        }
    }
}

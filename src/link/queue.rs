//! Records of one class that wait, and how they lie on a stream's wire.

use std::{collections::VecDeque, mem};

use bytes::Bytes;

use crate::frame::{self, HEADER};

/// Small batches are gathered into chunks of this size, so that one entry of the vectored write is
/// worth its cost and no message pays an allocation.
const CHUNK: usize = 64 * 1024;

/// From this size on a chunk of its own costs less than a copy.
const SHARED: usize = 4 * 1024;

/// One class. It takes memory only while something waits.
#[derive(Debug, Default)]
pub(super) struct Queue(Option<Box<Waiting>>);

/// There is a record.
#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Chunk>,
    /// Small pushes gather here, behind the chunks; what is before `at` is written.
    tail: Vec<u8>,
    at: usize,
}

/// Whole records; those before `at` are written.
#[derive(Debug)]
struct Chunk {
    records: Bytes,
    at: usize,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn push(&mut self, records: &[u8]) {
        if records.is_empty() {
            return;
        }
        let waiting = self.0.get_or_insert_default();
        waiting.tail.extend_from_slice(records);
        if waiting.tail.len() >= CHUNK {
            waiting.seal();
        }
    }

    pub(super) fn push_shared(&mut self, records: Bytes) {
        if records.len() < SHARED {
            return self.push(&records);
        }
        let waiting = self.0.get_or_insert_default();
        waiting.seal();
        waiting.chunks.push_back(Chunk { records, at: 0 });
    }

    /// What is not written, as whole records in pieces.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().flat_map(|waiting| waiting.pieces())
    }

    /// Payload length of the front record.
    pub(super) fn front(&self) -> Option<usize> {
        let (length, _) = frame::queued(self.pieces().next()?)?;
        Some(length)
    }

    /// Payload of the front record, and whether it is text.
    pub(super) fn front_record(&self) -> Option<(&[u8], bool)> {
        let records = self.pieces().next()?;
        let (length, is_text) = frame::queued(records)?;
        Some((&records[HEADER..HEADER + length], is_text))
    }

    /// As [`front_record`](Self::front_record), keeping its memory; the record is taken out.
    pub(super) fn take_record(&mut self) -> Option<Bytes> {
        let length = self.front()?;
        let waiting = self.0.as_mut()?;
        if waiting.chunks.is_empty() {
            waiting.seal();
        }
        let chunk = waiting.chunks.front()?;
        let from = chunk.at + HEADER;
        let record = chunk.records.slice(from..from + length);
        self.pop_record(length);
        Some(record)
    }

    pub(super) fn pop_record(&mut self, payload: usize) {
        let Some(waiting) = &mut self.0 else {
            return;
        };
        waiting.pop(HEADER + payload);
        if waiting.pieces().next().is_none() {
            self.0 = None;
        }
    }
}

impl Waiting {
    /// Makes a chunk of the tail.
    fn seal(&mut self) {
        let at = mem::take(&mut self.at);
        let records = Bytes::from(mem::take(&mut self.tail));
        if at < records.len() {
            self.chunks.push_back(Chunk { records, at });
        }
    }

    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let chunks = self.chunks.iter().map(|chunk| &chunk.records[chunk.at..]);
        let tail = self.tail.get(self.at..).filter(|tail| !tail.is_empty());
        chunks.chain(tail)
    }

    fn pop(&mut self, bytes: usize) {
        let Some(chunk) = self.chunks.front_mut() else {
            self.at += bytes;
            return;
        };
        chunk.at += bytes;
        if chunk.at >= chunk.records.len() {
            self.chunks.pop_front();
        }
    }
}

/// Unwritten records as wire slices: one slice where headers go out too, else one a payload.
pub(super) fn wire(records: &[u8], wire_header: usize, only_first: bool) -> WireSlices<'_> {
    WireSlices {
        rest: records,
        one_piece: wire_header == HEADER && !only_first,
        wire_header,
        only_first,
    }
}

/// Iterator of [`wire`].
pub(super) struct WireSlices<'a> {
    rest: &'a [u8],
    one_piece: bool,
    wire_header: usize,
    only_first: bool,
}

impl<'a> Iterator for WireSlices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        if self.one_piece {
            return Some(mem::take(&mut self.rest));
        }
        let end = HEADER + frame::queued(self.rest)?.0;
        let (record, rest) = self.rest.split_at(end);
        self.rest = if self.only_first { &[] } else { rest };
        Some(&record[HEADER - self.wire_header..])
    }
}

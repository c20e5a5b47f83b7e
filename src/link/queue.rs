//! Records of one class that wait, and how they lie on a stream's wire.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::frame::{self, HEADER};

/// Small batches are gathered into chunks of this size, so that one entry of the vectored write is
/// worth its cost and no message pays an allocation.
const CHUNK: usize = 64 * 1024;

/// From this size on a chunk of its own costs less than a copy.
const SHARED: usize = 4 * 1024;

/// One class.
#[derive(Debug, Default)]
pub(super) struct Queue {
    chunks: VecDeque<Chunk>,
    /// Small pushes gather here, behind the chunks.
    tail: BytesMut,
}

/// Whole records; those before `at` are written.
#[derive(Debug)]
pub(super) struct Chunk {
    records: Bytes,
    at: usize,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    pub(super) fn push(&mut self, records: &[u8]) {
        self.tail.extend_from_slice(records);
        if self.tail.len() >= CHUNK {
            self.seal();
        }
    }

    pub(super) fn push_shared(&mut self, records: Bytes) {
        if records.len() < SHARED {
            return self.push(&records);
        }
        self.seal();
        self.chunks.push_back(Chunk { records, at: 0 });
    }

    /// Makes a chunk of the tail.
    pub(super) fn seal(&mut self) {
        if !self.tail.is_empty() {
            let records = self.tail.split().freeze();
            self.chunks.push_back(Chunk { records, at: 0 });
        }
    }

    /// What is sealed.
    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.chunks.iter()
    }

    /// Payload length of the front record.
    pub(super) fn front(&self) -> Option<usize> {
        let chunk = self.chunks.front()?;
        frame::queued(&chunk.records[chunk.at..]).map(|(length, _)| length)
    }

    /// Payload of the front record, and whether it is text.
    pub(super) fn front_record(&self) -> Option<(&[u8], bool)> {
        let chunk = self.chunks.front()?;
        let records = &chunk.records[chunk.at..];
        let (length, is_text) = frame::queued(records)?;
        Some((&records[HEADER..HEADER + length], is_text))
    }

    /// As [`front_record`](Self::front_record), keeping its memory; the record is taken out.
    pub(super) fn take_record(&mut self) -> Option<Bytes> {
        let chunk = self.chunks.front()?;
        let length = self.front()?;
        let mut record = chunk.records.slice(chunk.at..chunk.at + HEADER + length);
        record.advance(HEADER);
        self.pop_record(length);
        Some(record)
    }

    pub(super) fn pop_record(&mut self, payload: usize) {
        if let Some(chunk) = self.chunks.front_mut() {
            chunk.at += HEADER + payload;
            if chunk.at >= chunk.records.len() {
                self.chunks.pop_front();
            }
        }
    }
}

impl Chunk {
    /// The unwritten records as wire slices: one slice where headers go out too, else one a payload.
    pub(super) fn wire(&self, wire_header: usize, only_first: bool) -> WireSlices<'_> {
        WireSlices {
            rest: &self.records[self.at..],
            one_piece: wire_header == HEADER && !only_first,
            wire_header,
            only_first,
        }
    }
}

/// Iterator of [`Chunk::wire`].
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
            return Some(std::mem::take(&mut self.rest));
        }
        let end = HEADER + frame::queued(self.rest)?.0;
        let (record, rest) = self.rest.split_at(end);
        self.rest = if self.only_first { &[] } else { rest };
        Some(&record[HEADER - self.wire_header..])
    }
}

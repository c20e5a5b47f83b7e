//! The sending half: three queues of records, and what of them the kernel has taken.
//!
//! High overtakes normal overtakes low between whole messages; a message once started is finished
//! first. Bounds are the caller's: it knows from [`Released`] how much waits here and offers no more
//! than it may.

use std::{
    collections::VecDeque,
    io::{self, IoSlice, Write},
};

use bytes::{Bytes, BytesMut};

use crate::{
    error::{Code, Error, Result},
    frame::{self, HEADER, Protocol},
};

/// Order between queued messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Class {
    /// Overtakes the others.
    High,
    /// What a message is unless told otherwise.
    #[default]
    Normal,
    /// Waits for the others.
    Low,
}

const CLASSES: usize = 3;

/// Small batches are gathered into chunks of this size, so that one entry of the vectored write is
/// worth its cost and no message pays an allocation.
const CHUNK: usize = 64 * 1024;

/// From this size on a chunk of its own costs less than a copy.
const SHARED: usize = 4 * 1024;

/// Slices offered to one vectored write; the kernel's own limit is 1,024.
const SLICES: usize = 64;

/// What the kernel has taken, ever, in wrapping counts: application bytes and whole messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Payload bytes, headers not counted.
    pub bytes: u32,
    /// Messages taken to their last byte.
    pub messages: u32,
}

impl Released {
    fn add(&mut self, bytes: usize, messages: usize) {
        // Wrapping on purpose: readers take differences.
        self.bytes = self.bytes.wrapping_add(bytes as u32);
        self.messages = self.messages.wrapping_add(messages as u32);
    }
}

/// Where a write stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nothing is queued.
    All,
    /// The kernel takes no more: wait until the socket is writable.
    Blocked,
}

/// Queue of one connection's outgoing records.
#[derive(Debug)]
pub struct Outbound {
    wire_header: usize,
    queues: [Queue; CLASSES],
    /// The class whose front record is partly written, and how many of its wire bytes are.
    started: Option<(usize, usize)>,
    released: Released,
    /// Payload bytes that wait.
    queued: usize,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Chunk>,
    /// Small pushes gather here, behind the chunks.
    tail: BytesMut,
}

/// Whole records; those before `at` are written.
#[derive(Debug)]
struct Chunk {
    records: Bytes,
    at: usize,
}

impl Outbound {
    /// An empty queue.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            wire_header: protocol.wire_header(),
            queues: Default::default(),
            started: None,
            released: Released::default(),
            queued: 0,
        }
    }

    /// Queues whole records, copying them. What is none is left out.
    pub fn push(&mut self, class: Class, records: &[u8]) {
        if let Some(messages) = count(records) {
            self.queued += payload(records, messages);
            self.queues[class as usize].push(records);
        }
    }

    /// Queues whole records, sharing their memory. What is none is left out.
    pub fn push_shared(&mut self, class: Class, records: Bytes) {
        if let Some(messages) = count(&records) {
            self.queued += payload(&records, messages);
            self.queues[class as usize].push_shared(records);
        }
    }

    /// Queues whole records, but offers them to the kernel first if nothing else waits, straight from
    /// where they are. What it does not take is queued as `keep` gives it. What is no record is left out.
    ///
    /// # Errors
    /// `ConnectionLost` when the write fails.
    pub fn write_through(
        &mut self,
        io: &mut impl Write,
        class: Class,
        records: &[u8],
        keep: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Written> {
        let Some(messages) = count(records) else {
            return self.on_writable(io);
        };
        if self.wire_header != HEADER || !self.is_empty() {
            self.push_shared(class, keep(records));
            return self.on_writable(io);
        }
        let taken = write_once(io, &[IoSlice::new(records)])?;
        if taken == records.len() {
            self.released.add(payload(records, messages), messages);
            return Ok(Written::All);
        }
        let (whole, count) = whole_records(records, taken);
        self.released.add(whole - count * HEADER, count);
        self.push_shared(class, keep(&records[whole..]));
        self.consume(class as usize, taken - whole);
        Ok(Written::Blocked)
    }

    /// Writes until nothing is queued or the kernel takes no more.
    ///
    /// # Errors
    /// `ConnectionLost` when the write fails.
    pub fn on_writable(&mut self, io: &mut impl Write) -> Result<Written> {
        while let Some(class) = self.next_class() {
            self.queues[class].seal();
            let (offered, taken) = {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let (count, offered) = self.gather(class, &mut slices);
                (offered, write_once(io, &slices[..count])?)
            };
            self.consume(class, taken);
            if taken < offered {
                return Ok(Written::Blocked);
            }
        }
        Ok(Written::All)
    }

    /// Counts of what the kernel has taken.
    pub fn released(&self) -> Released {
        self.released
    }

    /// Payload bytes that wait for the kernel.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queues.iter().all(Queue::is_empty)
    }

    /// Drops everything queued.
    pub fn clear(&mut self) {
        self.queues = Default::default();
        self.started = None;
        self.queued = 0;
    }

    /// A started message first, else the highest class that has something.
    fn next_class(&self) -> Option<usize> {
        match self.started {
            Some((class, _)) => Some(class),
            None => self.queues.iter().position(|queue| !queue.is_empty()),
        }
    }

    /// Fills `slices` with what comes next of `class`; gives their number and total length.
    fn gather<'a>(&'a self, class: usize, slices: &mut [IoSlice<'a>; SLICES]) -> (usize, usize) {
        let mut skip = self.started.map_or(0, |(_, written)| written);
        // A started message of a lower class may be finished, but nothing behind it goes out while
        // a higher class waits.
        let only_first = skip > 0 && self.queues[..class].iter().any(|queue| !queue.is_empty());
        let (mut count, mut total) = (0, 0);
        for chunk in &self.queues[class].chunks {
            for slice in chunk.wire(self.wire_header, only_first) {
                if count == SLICES {
                    return (count, total);
                }
                let slice = &slice[skip..];
                skip = 0;
                slices[count] = IoSlice::new(slice);
                count += 1;
                total += slice.len();
            }
            if only_first {
                break;
            }
        }
        (count, total)
    }

    /// Accounts for `taken` wire bytes of `class`.
    fn consume(&mut self, class: usize, mut taken: usize) {
        let header = self.wire_header;
        let mut written = self.started.take().map_or(0, |(_, written)| written);
        let queue = &mut self.queues[class];
        queue.seal();
        while let Some(payload) = queue.front() {
            let left = header + payload - written;
            let step = taken.min(left);
            let before = written.saturating_sub(header);
            written += step;
            taken -= step;
            let whole = step == left;
            let bytes = written.saturating_sub(header) - before;
            self.released.add(bytes, usize::from(whole));
            self.queued -= bytes;
            if !whole {
                break;
            }
            queue.pop_record(payload);
            written = 0;
            if taken == 0 && queue.front() != Some(0) {
                break;
            }
        }
        self.started = (written > 0).then_some((class, written));
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.tail.is_empty()
    }

    fn push(&mut self, records: &[u8]) {
        self.tail.extend_from_slice(records);
        if self.tail.len() >= CHUNK {
            self.seal();
        }
    }

    fn push_shared(&mut self, records: Bytes) {
        if records.len() < SHARED {
            return self.push(&records);
        }
        self.seal();
        self.chunks.push_back(Chunk { records, at: 0 });
    }

    /// Makes a chunk of the tail.
    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let records = self.tail.split().freeze();
            self.chunks.push_back(Chunk { records, at: 0 });
        }
    }

    /// Payload length of the front record.
    fn front(&self) -> Option<usize> {
        let chunk = self.chunks.front()?;
        frame::announced(&chunk.records[chunk.at..])
    }

    fn pop_record(&mut self, payload: usize) {
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
    fn wire(&self, wire_header: usize, only_first: bool) -> WireSlices<'_> {
        WireSlices {
            rest: &self.records[self.at..],
            one_piece: wire_header == HEADER && !only_first,
            wire_header,
            only_first,
        }
    }
}

struct WireSlices<'a> {
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
        let end = HEADER + frame::announced(self.rest)?;
        let (record, rest) = self.rest.split_at(end);
        self.rest = if self.only_first { &[] } else { rest };
        Some(&record[HEADER - self.wire_header..])
    }
}

/// How many messages `records` are. Only a defect of the caller gives anything else than records; then
/// nothing of it is queued, because neither would a peer understand it nor could it be counted.
fn count(records: &[u8]) -> Option<usize> {
    let count = frame::count_records(records);
    if count.is_none() {
        tracing::error!(
            bytes = records.len(),
            "what was to be queued is no sequence of records"
        );
    }
    count
}

/// Payload bytes of `records`, which are `messages` messages.
fn payload(records: &[u8], messages: usize) -> usize {
    records.len() - messages * HEADER
}

/// Length and number of the records that lie whole in the first `taken` bytes.
fn whole_records(records: &[u8], taken: usize) -> (usize, usize) {
    let (mut whole, mut count) = (0, 0);
    while let Some(payload) = frame::announced(&records[whole..]) {
        let end = whole + HEADER + payload;
        if end > taken {
            break;
        }
        whole = end;
        count += 1;
    }
    (whole, count)
}

/// One write; zero bytes where it would block.
fn write_once(io: &mut impl Write, slices: &[IoSlice<'_>]) -> Result<usize> {
    if slices.iter().all(|slice| slice.is_empty()) {
        return Ok(0);
    }
    loop {
        let result = match slices {
            [one] => io.write(one),
            many => io.write_vectored(many),
        };
        match result {
            Ok(taken) => return Ok(taken),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::system(Code::ConnectionLost, "writing", error)),
        }
    }
}

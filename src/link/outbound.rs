//! The sending half: three queues of records, and what of them the kernel has taken.
//!
//! High overtakes normal overtakes low between whole messages; a message once started is finished
//! first. Bounds are the caller's: it knows from [`Released`] how much waits here and offers no more
//! than it may.

use std::io::{self, IoSlice, Write};

use bytes::Bytes;

use super::{
    framer::{Framer, Wire},
    packer::Packer,
    queues::Queues,
    shared::Shared,
    stage::STAGE,
};
use crate::{
    error::{Code, Error, Result},
    frame::{self, HEADER, Protocol},
    ws::{CloseFrame, Encoder},
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

/// What the kernel has taken, ever, in wrapping counts: application bytes and whole messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Payload bytes, headers not counted.
    pub bytes: u32,
    /// Messages taken to their last byte.
    pub messages: u32,
}

impl Released {
    pub(super) fn add(&mut self, bytes: usize, messages: usize) {
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
    /// As much as was allowed is written, and more is queued.
    Held,
}

/// Queue of one connection's outgoing records.
#[derive(Debug)]
pub struct Outbound {
    queues: Queues,
    released: Released,
    /// Payload bytes that wait.
    queued: usize,
    /// Messages ever queued, wrapping as those released do.
    accepted: u32,
    /// Makes WebSocket frames of the records; without it records or payloads go out as they are.
    framer: Option<Framer>,
    /// The last word is said: whoever has not heard of it yet queues nothing behind it.
    is_cut: bool,
}

impl Outbound {
    /// An empty queue.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            queues: Queues::new(protocol),
            released: Released::default(),
            queued: 0,
            accepted: 0,
            framer: None,
            is_cut: false,
        }
    }

    /// An empty queue whose messages go out as WebSocket frames.
    pub(crate) fn framed(encoder: Encoder) -> Self {
        Self {
            framer: Some(Framer::new(Wire::WebSocket(encoder))),
            ..Self::new(Protocol::LengthPrefixed)
        }
    }

    /// An empty queue whose messages go out as records of QWH/1, in WebSocket messages where there are `frames`.
    pub(crate) fn packed(frames: Option<Encoder>) -> Self {
        Self {
            framer: Some(Framer::new(Wire::Qwh(Box::new(Packer::new(frames))))),
            ..Self::new(Protocol::LengthPrefixed)
        }
    }

    /// Queues whole records, copying them. What is none is left out.
    pub fn push(&mut self, class: Class, records: &[u8]) {
        if let Some(messages) = self.count(records) {
            self.accept(records, messages);
            self.queues.push(class, records);
        }
    }

    /// Queues whole records, sharing their memory. What is none is left out.
    pub fn push_shared(&mut self, class: Class, records: Bytes) {
        if let Some(messages) = self.count(&records) {
            self.accept(&records, messages);
            self.queues.push_shared(class, records);
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
        let Some(messages) = self.count(records) else {
            return self.on_writable(io);
        };
        if !self.is_empty() || !self.goes_through(records) {
            self.push_shared(class, keep(records));
            return self.on_writable(io);
        }
        if let Some(framer) = &mut self.framer {
            framer.pack(class, records)?;
            self.accept(records, messages);
            return self.on_writable(io);
        }
        let taken = write_once(io, &[IoSlice::new(records)])?;
        if taken == records.len() {
            self.accepted = self.accepted.wrapping_add(messages as u32);
            self.released.add(payload(records, messages), messages);
            return Ok(Written::All);
        }
        let (whole, count) = whole_records(records, taken);
        self.accepted = self.accepted.wrapping_add(count as u32);
        self.released.add(whole - count * HEADER, count);
        self.push_shared(class, keep(&records[whole..]));
        self.consume(class, taken - whole);
        Ok(Written::Blocked)
    }

    /// As [`write_through`](Self::write_through), of one message that is no record yet: only what the kernel does
    /// not take of it is copied, unless it has to be packed.
    ///
    /// # Errors
    /// As there.
    pub fn write_message(
        &mut self,
        io: &mut impl Write,
        class: Class,
        payload: &[u8],
        is_text: bool,
    ) -> Result<Written> {
        if self.is_cut
            || !self.is_empty()
            || self
                .framer
                .as_ref()
                .is_some_and(|framer| !framer.is_plain())
        {
            self.push_shared(class, frame::queued_record(payload, is_text));
            return self.on_writable(io);
        }
        self.accepted = self.accepted.wrapping_add(1);
        self.queued += payload.len();
        if let Some(framer) = &mut self.framer {
            let before = self.released.bytes;
            let is_whole = framer.write_large(io, payload, is_text, &mut self.released)?;
            self.queued -= self.released.bytes.wrapping_sub(before) as usize;
            return Ok(if is_whole {
                Written::All
            } else {
                Written::Blocked
            });
        }
        let header = u32::try_from(payload.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        let header = &header[HEADER - self.queues.wire_header()..];
        let taken = write_once(io, &[IoSlice::new(header), IoSlice::new(payload)])?;
        if taken == header.len() + payload.len() {
            self.queued -= payload.len();
            self.released.add(payload.len(), 1);
            return Ok(Written::All);
        }
        self.queues
            .push_shared(class, frame::queued_record(payload, false));
        self.consume(class, taken);
        Ok(Written::Blocked)
    }

    /// As [`write_through`](Self::write_through), of what other links get too. Where all of them send the same frames
    /// and nothing else waits, those are written as they are.
    ///
    /// # Errors
    /// `ConnectionLost` when the write fails.
    pub(crate) fn write_shared(&mut self, io: &mut impl Write, shared: &Shared) -> Result<Written> {
        let keep = |rest: &[u8]| shared.records.slice_ref(rest);
        let is_alike =
            !self.is_cut && self.is_empty() && self.framer.as_ref().is_some_and(Framer::is_plain);
        let Some(frames) = shared.frames().filter(|_| is_alike) else {
            return self.write_through(io, shared.class, &shared.records, keep);
        };
        let taken = write_once(io, &[IoSlice::new(frames)])?;
        if taken == 0 && !frames.is_empty() {
            self.push_shared(shared.class, shared.records.clone());
            return Ok(Written::Blocked);
        }
        self.accepted = self.accepted.wrapping_add(shared.messages as u32);
        if taken == frames.len() {
            self.released.add(shared.payload(), shared.messages);
            return Ok(Written::All);
        }
        if let Some(framer) = &mut self.framer {
            framer.pack_begun(shared, taken, &mut self.released)?;
            self.queued += framer.payload();
        }
        Ok(Written::Blocked)
    }

    /// Writes until nothing is queued or the kernel takes no more.
    ///
    /// # Errors
    /// `ConnectionLost` when the write fails.
    pub fn on_writable(&mut self, io: &mut impl Write) -> Result<Written> {
        self.write_some(io, usize::MAX)
    }

    /// As [`on_writable`](Self::on_writable), up to about `most` bytes: what was allowed in between may be
    /// exceeded by one WebSocket frame, and control frames are not held back.
    ///
    /// # Errors
    /// `ConnectionLost` when the write fails.
    pub fn write_some(&mut self, io: &mut impl Write, most: usize) -> Result<Written> {
        let before = self.released.bytes;
        let written = match &mut self.framer {
            Some(framer) => framer.write_some(io, &mut self.queues, most, &mut self.released),
            None => self.queues.write_some(io, most, &mut self.released),
        };
        self.queued -= self.released.bytes.wrapping_sub(before) as usize;
        written
    }

    /// Counts of what the kernel has taken.
    pub fn released(&self) -> Released {
        self.released
    }

    /// Payload bytes that wait for the kernel.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// Bytes that one of the messages that wait takes on the wire, about.
    pub fn mean(&self) -> usize {
        let messages = self.accepted.wrapping_sub(self.released.messages) as usize;
        self.queued / messages.max(1) + self.queues.wire_header()
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.queues.is_empty() && self.framer.as_ref().is_none_or(|framer| framer.is_empty())
    }

    /// Drops everything queued.
    pub fn clear(&mut self) {
        self.queues.clear();
        self.queued = 0;
        self.accepted = self.released.messages;
        if let Some(framer) = &mut self.framer {
            framer.clear();
        }
    }

    /// Drops the messages of which nothing is on its way yet, and has `close` follow the last that is; what is still
    /// to be queued is left out from now on. True if nothing was dropped.
    ///
    /// # Errors
    /// As for [`close_with`](Self::close_with).
    pub(crate) fn cut_short(&mut self, close: &CloseFrame) -> Result<bool> {
        let nothing_lost = self.queues.is_empty();
        self.is_cut = true;
        self.queues.clear();
        self.queued = self.framer.as_ref().map_or(0, |framer| framer.payload());
        // Only what is on its way is still counted, and that is nearly nothing: the mean may be off by it.
        self.accepted = self.released.messages;
        self.close_with(close)?;
        Ok(nothing_lost)
    }

    /// Whether the last word is said and nothing is queued behind it.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Has what ends the link say when to come back, in milliseconds, where the protocol can.
    pub(crate) fn advise(&mut self, retry_after_ms: u32) {
        if let Some(framer) = &mut self.framer {
            framer.advise(retry_after_ms);
        }
    }

    /// Has a close frame follow the last message.
    ///
    /// # Errors
    /// `Resources` when the system has no random bytes to mask it with.
    pub(crate) fn close_with(&mut self, close: &CloseFrame) -> Result<()> {
        match &mut self.framer {
            Some(framer) => framer.close_with(close),
            None => Ok(()),
        }
    }

    /// Has whole control frames overtake the messages.
    pub(crate) fn control(&mut self, frames: &[u8]) {
        if let Some(framer) = &mut self.framer {
            framer.control(frames);
        }
    }

    /// Whether writing takes more than copying, so that the calling thread should leave it to the link's.
    pub(crate) fn is_laborious(&self) -> bool {
        self.framer
            .as_ref()
            .is_some_and(|framer| framer.is_laborious())
    }

    /// Whether records may be written from where they are, without being queued.
    fn goes_through(&self, records: &[u8]) -> bool {
        match &self.framer {
            Some(framer) => !framer.is_closed() && records.len() <= STAGE,
            None => self.queues.wire_header() == HEADER,
        }
    }

    fn accept(&mut self, records: &[u8], messages: usize) {
        self.queued += payload(records, messages);
        self.accepted = self.accepted.wrapping_add(messages as u32);
    }

    /// The kernel has `taken` wire bytes of what was queued just now, past the queue.
    fn consume(&mut self, class: Class, taken: usize) {
        let before = self.released.bytes;
        self.queues.consume(class, taken, &mut self.released);
        self.queued -= self.released.bytes.wrapping_sub(before) as usize;
    }

    /// How many messages `records` are; `None` if none may be queued any more. Only a defect of the caller gives
    /// anything else than records; then nothing of it is queued, because neither would a peer understand it nor
    /// could it be counted.
    fn count(&self, records: &[u8]) -> Option<usize> {
        if self.is_cut {
            return None;
        }
        let count = frame::count_records(records, self.framer.is_some());
        if count.is_none() {
            tracing::error!(
                bytes = records.len(),
                "what was to be queued is no sequence of records"
            );
        }
        count
    }
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
pub(super) fn write_once(io: &mut impl Write, slices: &[IoSlice<'_>]) -> Result<usize> {
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

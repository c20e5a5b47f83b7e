//! The records that wait, of all classes, and their way to a stream that takes them as they are.

use std::io::{IoSlice, Write};

use bytes::Bytes;

use super::{
    outbound::{Class, Released, Written, write_once},
    queue::{self, Queue},
};
use crate::{error::Result, frame::Protocol};

const CLASSES: [Class; 3] = [Class::High, Class::Normal, Class::Low];

/// Slices offered to one vectored write; the kernel's own limit is 1,024.
const SLICES: usize = 64;

/// A queue for each class.
#[derive(Debug)]
pub(super) struct Queues {
    of_class: [Queue; CLASSES.len()],
    protocol: Protocol,
    /// The class whose front record is partly written, where one is.
    started: Class,
    /// How many of its wire bytes are; 0 where none is.
    written: u32,
}

impl Queues {
    /// Empty ones, whose records go onto the wire as `protocol` has them.
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            of_class: Default::default(),
            protocol,
            started: Class::default(),
            written: 0,
        }
    }

    /// Bytes of header of each record on the wire.
    pub(super) fn wire_header(&self) -> usize {
        self.protocol.wire_header()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of_class.iter().all(Queue::is_empty)
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.of_class = Default::default();
        self.written = 0;
    }

    pub(super) fn push(&mut self, class: Class, records: &[u8]) {
        self.of_class[class as usize].push(records);
    }

    pub(super) fn push_shared(&mut self, class: Class, records: Bytes) {
        self.of_class[class as usize].push_shared(records);
    }

    /// The highest class first; for whom records are not what goes onto the wire.
    pub(super) fn by_class(&mut self) -> &mut [Queue; CLASSES.len()] {
        &mut self.of_class
    }

    /// Writes up to `most` bytes of the records as they are.
    ///
    /// # Errors
    /// `ConnectionLost` when the write fails.
    pub(super) fn write_some(
        &mut self,
        io: &mut impl Write,
        most: usize,
        released: &mut Released,
    ) -> Result<Written> {
        let mut left = most;
        while let Some(class) = self.next_class() {
            if left == 0 {
                return Ok(Written::Held);
            }
            let (offered, taken) = {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let (count, offered) = self.gather(class, &mut slices, left);
                (offered, write_once(io, &slices[..count])?)
            };
            self.consume(class, taken, released);
            if taken < offered {
                return Ok(Written::Blocked);
            }
            left -= taken;
        }
        Ok(Written::All)
    }

    /// Accounts for `taken` wire bytes of `class`.
    pub(super) fn consume(&mut self, class: Class, mut taken: usize, released: &mut Released) {
        let header = self.wire_header();
        let mut written = self.written as usize;
        let queue = &mut self.of_class[class as usize];
        while let Some(payload) = queue.front() {
            let left = header + payload - written;
            let step = taken.min(left);
            let before = written.saturating_sub(header);
            written += step;
            taken -= step;
            let whole = step == left;
            released.add(written.saturating_sub(header) - before, usize::from(whole));
            if !whole {
                break;
            }
            queue.pop_record(payload);
            written = 0;
            if taken == 0 && queue.front() != Some(0) {
                break;
            }
        }
        // A record has its length in 32 bits, of which one says that it is text.
        self.written = written as u32;
        self.started = class;
    }

    /// A started message first, else the highest class that has something.
    fn next_class(&self) -> Option<Class> {
        if self.written > 0 {
            return Some(self.started);
        }
        let mut classes = CLASSES.into_iter();
        classes.find(|class| !self.of_class[*class as usize].is_empty())
    }

    /// Fills `slices` with what comes next of `class`, up to `most` bytes; gives their number and total length.
    fn gather<'a>(
        &'a self,
        class: Class,
        slices: &mut [IoSlice<'a>; SLICES],
        most: usize,
    ) -> (usize, usize) {
        let mut skip = self.written as usize;
        // A started message of a lower class may be finished, but nothing behind it goes out while
        // a higher class waits.
        let only_first = skip > 0
            && self.of_class[..class as usize]
                .iter()
                .any(|queue| !queue.is_empty());
        let (mut count, mut total) = (0, 0);
        for records in self.of_class[class as usize].pieces() {
            for slice in queue::wire(records, self.wire_header(), only_first) {
                if count == SLICES || total == most {
                    return (count, total);
                }
                let slice = &slice[skip..];
                let slice = &slice[..slice.len().min(most - total)];
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
}

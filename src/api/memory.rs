//! Memory that one connection reads into, and the messages cut from it.

use std::ops::Range;

use bytes::BytesMut;

use super::message::Message;
use crate::link::{Marks, Payload};

/// Least and most bytes of one buffer. An idle connection keeps at most the least, which is the
/// smallest that several small reads fit into; the most is what one turn of a busy one reads.
const LEAST: usize = 32 * 1024;
const MOST: usize = 256 * 1024;

/// A buffer whose front is given away message by message, without copying.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Initialised bytes that nobody else sees.
    free: BytesMut,
    /// Bytes given away in this turn, and in the recent ones.
    turn: usize,
    recent: usize,
}

/// Messages found in the current space.
#[derive(Debug, Default)]
pub(super) struct Found {
    ranges: Vec<(Range<usize>, Payload)>,
}

impl Marks for Found {
    fn message(&mut self, start: usize, len: usize, payload: Payload) {
        self.ranges.push((start..start + len, payload));
    }
}

impl Memory {
    /// A turn begins.
    pub(super) fn begin_turn(&mut self) {
        self.recent = self.turn.max(self.recent / 2);
        self.turn = 0;
    }

    /// At least `min` bytes.
    pub(super) fn space(&mut self, min: usize) -> &mut [u8] {
        if self.free.len() < min {
            self.refill((2 * self.recent.max(self.turn)).clamp(LEAST, MOST).max(min));
        }
        &mut self.free
    }

    /// Gives away the first `used` bytes, as the messages found in them.
    pub(super) fn cut<'a>(
        &mut self,
        used: usize,
        found: &'a mut Found,
    ) -> impl Iterator<Item = Message> + use<'a> {
        self.turn += used;
        let chunk = self.free.split_to(used).freeze();
        let message = move |(range, payload)| Message::new(chunk.slice(range), payload);
        found.ranges.drain(..).map(message)
    }

    fn refill(&mut self, size: usize) {
        self.free.clear();
        // When all messages of the old buffer are gone, its memory serves again.
        match self.free.try_reclaim(size) {
            true => self.free.resize(size, 0),
            false => self.free = BytesMut::zeroed(size),
        }
    }
}

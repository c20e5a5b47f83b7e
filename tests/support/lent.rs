//! A room over plain memory, and a stream in pieces: what the link core is tested with.

use std::io::{self, Read};

use qwormhole::link::{Marks, Payload, Room};

/// Lends memory, and keeps the messages that were found in it.
#[derive(Default)]
pub struct Lent {
    memory: Vec<u8>,
    found: Found,
    pub messages: Vec<Vec<u8>>,
    /// Messages among them that were assembled outside.
    pub assembled: usize,
    /// Bytes held for unfinished messages, by the link's own account; and the most there ever were.
    pub held: isize,
    pub most_held: isize,
    /// Bytes lent beyond what is asked for.
    generosity: usize,
    /// Says of each look for room whether there is some; there is when it is used up.
    moods: Vec<bool>,
}

#[derive(Default)]
pub struct Found {
    ranges: Vec<(usize, usize)>,
}

impl Marks for Found {
    fn message(&mut self, start: usize, len: usize, _: Payload) {
        self.ranges.push((start, len));
    }
}

impl Lent {
    pub fn new(generosity: usize, moods: Vec<bool>) -> Self {
        Self {
            generosity,
            moods,
            ..Self::default()
        }
    }
}

impl Room for Lent {
    type Marks = Found;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Found)> {
        assert!(self.found.ranges.is_empty(), "marks without a commit");
        if !self.moods.pop().unwrap_or(true) {
            return None;
        }
        // What an earlier read left there must not show.
        self.memory.clear();
        self.memory.resize(min + self.generosity, 0xEE);
        Some((&mut self.memory, &mut self.found))
    }

    fn commit(&mut self, used: usize) {
        let mut end = 0;
        for (start, len) in self.found.ranges.drain(..) {
            assert!(
                end <= start && start + len <= used,
                "a message outside of what is kept"
            );
            end = start + len;
            self.messages.push(self.memory[start..end].to_vec());
        }
    }

    fn assembled(&mut self, message: Vec<u8>, _: Payload) {
        self.messages.push(message);
        self.assembled += 1;
    }

    fn hold(&mut self, delta: isize) -> bool {
        self.held += delta;
        assert!(self.held >= 0, "more given up than was held");
        self.most_held = self.most_held.max(self.held);
        delta != 0 || self.moods.pop().unwrap_or(true)
    }
}

/// A stream that gives its bytes up to the next cut, then has nothing for now; after the last it ends.
pub struct Pieces<'a> {
    rest: &'a [u8],
    at: usize,
    cuts: Vec<usize>,
    pub ends: bool,
}

impl<'a> Pieces<'a> {
    pub fn new(stream: &'a [u8], mut cuts: Vec<usize>) -> Self {
        cuts.retain(|cut| (1..stream.len()).contains(cut));
        cuts.sort_unstable_by(|a, b| b.cmp(a));
        cuts.dedup();
        Self {
            rest: stream,
            at: 0,
            cuts,
            ends: true,
        }
    }

    /// One byte at a time.
    pub fn bytes(stream: &'a [u8]) -> Self {
        Self::new(stream, (1..stream.len()).collect())
    }

    /// Whether all was read of a stream that stays open.
    pub fn is_silent(&self) -> bool {
        self.rest.is_empty() && !self.ends
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.cuts.last() == Some(&self.at) {
            self.cuts.pop();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.rest.is_empty() && !self.ends {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let until = self
            .cuts
            .last()
            .map_or(self.rest.len(), |cut| cut - self.at);
        let count = buf.len().min(until);
        let (now, rest) = self.rest.split_at(count);
        buf[..count].copy_from_slice(now);
        self.rest = rest;
        self.at += count;
        Ok(count)
    }
}

//! A room over plain memory, and a stream in pieces: what decoders are tested with.

use std::io::{self, Read};

use crate::link::{Marks, Payload, Room};

pub(crate) type Found = (Payload, Vec<u8>);

/// Lends memory, and keeps what is found in it.
#[derive(Default)]
pub(crate) struct Lent {
    memory: Vec<u8>,
    ranges: Ranges,
    pub(crate) messages: Vec<Found>,
    pub(crate) assembled: usize,
    pub(crate) held: isize,
    pub(crate) most_held: isize,
    /// The largest space ever asked for.
    pub(crate) most_asked: usize,
    generosity: usize,
    /// Says of each look for room whether there is some; there is when it is used up.
    moods: Vec<bool>,
}

#[derive(Default)]
pub(crate) struct Ranges(Vec<(usize, usize, Payload)>);

impl Marks for Ranges {
    fn message(&mut self, start: usize, len: usize, payload: Payload) {
        self.0.push((start, len, payload));
    }
}

impl Lent {
    pub(crate) fn new(generosity: usize, moods: Vec<bool>) -> Self {
        Self {
            generosity,
            moods,
            ..Self::default()
        }
    }

    fn keep(&mut self, payload: Payload, message: Vec<u8>) {
        if payload == Payload::Text {
            assert!(std::str::from_utf8(&message).is_ok(), "text that is none");
        }
        self.messages.push((payload, message));
    }
}

impl Room for Lent {
    type Marks = Ranges;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Ranges)> {
        assert!(self.ranges.0.is_empty(), "marks without a commit");
        self.most_asked = self.most_asked.max(min);
        if !self.moods.pop().unwrap_or(true) {
            return None;
        }
        // What an earlier read left there must not show.
        self.memory.clear();
        self.memory.resize(min + self.generosity, 0xEE);
        Some((&mut self.memory, &mut self.ranges))
    }

    fn commit(&mut self, used: usize) {
        let mut end = 0;
        for (start, len, payload) in std::mem::take(&mut self.ranges.0) {
            assert!(
                end <= start && start + len <= used,
                "outside of what is kept"
            );
            end = start + len;
            self.keep(payload, self.memory[start..end].to_vec());
        }
    }

    fn assembled(&mut self, message: Vec<u8>, payload: Payload) {
        assert!(self.ranges.0.is_empty(), "out of order");
        self.assembled += 1;
        self.keep(payload, message);
    }

    fn hold(&mut self, delta: isize) -> bool {
        self.held += delta;
        assert!(self.held >= 0, "more given up than was held");
        self.most_held = self.most_held.max(self.held);
        delta != 0 || self.moods.pop().unwrap_or(true)
    }
}

/// A stream that gives its bytes up to the next cut, then has nothing for now; after the last it ends.
pub(crate) struct Pieces<'a> {
    rest: &'a [u8],
    at: usize,
    cuts: Vec<usize>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(rest: &'a [u8], mut cuts: Vec<usize>) -> Self {
        cuts.retain(|cut| (1..rest.len()).contains(cut));
        cuts.sort_unstable_by(|a, b| b.cmp(a));
        cuts.dedup();
        Self { rest, at: 0, cuts }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.cuts.last() == Some(&self.at) {
            self.cuts.pop();
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

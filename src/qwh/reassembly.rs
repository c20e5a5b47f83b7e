//! A message that is put together in memory of its own: it comes in fragments, or is larger than a read.

use std::io;

use super::{fault::Fault, frame::Header, limits::FRAGMENT};
use crate::close_code::CloseCode;

/// A message under way.
#[derive(Debug)]
pub(super) struct Reassembly {
    bytes: Vec<u8>,
    /// Size of the message, as announced.
    total: usize,
    fragments: usize,
}

impl Reassembly {
    /// One of `total` bytes. Memory follows the bytes that come, not this number.
    pub(super) fn new(total: usize) -> Self {
        Self {
            bytes: Vec::new(),
            total,
            fragments: 1,
        }
    }

    /// Whether another frame may follow, by its header.
    pub(super) fn announce(&mut self, header: &Header, max_fragments: usize) -> Result<(), Fault> {
        self.fragments += 1;
        let most = max_fragments.max(self.total.div_ceil(FRAGMENT));
        if self.fragments > most {
            let reason = "a message has too many fragments";
            return Err(Fault::new(CloseCode::RATE_LIMITED, reason));
        }
        check_fragment(header, header.length, self.total - self.bytes.len())
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Has `read` add up to `offer` bytes.
    pub(super) fn fill(
        &mut self,
        offer: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let have = self.bytes.len();
        self.bytes.resize(have + offer, 0);
        let result = read(self.bytes.get_mut(have..).unwrap_or_default());
        self.bytes.truncate(have + *result.as_ref().unwrap_or(&0));
        result
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Whether a fragment of `length` bytes may come where `missing` are: the last brings all of them, one
/// before it fewer, but some.
pub(super) fn check_fragment(header: &Header, length: usize, missing: usize) -> Result<(), Fault> {
    match header.has_more() {
        true if length == 0 => Err(Fault::protocol("a fragment is empty")),
        true if length >= missing => Err(Fault::protocol("a message is longer than announced")),
        false if length > missing => Err(Fault::protocol("a message is longer than announced")),
        false if length < missing => Err(Fault::protocol("a message is shorter than announced")),
        _ => Ok(()),
    }
}

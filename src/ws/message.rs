//! A message that is put together in memory of its own: it comes in fragments, compressed, or larger
//! than a read.

use super::{deflate::Inflater, frame::Header, mask, utf8::Utf8};
use crate::{
    error::{Code, Error, Result},
    link::Payload,
};

/// A message under way.
#[derive(Debug)]
pub(super) struct Message {
    bytes: Vec<u8>,
    payload: Payload,
    utf8: Utf8,
    compressed: bool,
    /// Bytes of payload that its frames announced.
    announced: u64,
    fragments: usize,
}

impl Message {
    pub(super) fn new(payload: Payload, compressed: bool) -> Self {
        Self {
            bytes: Vec::new(),
            payload,
            utf8: Utf8::default(),
            compressed,
            announced: 0,
            fragments: 0,
        }
    }

    /// Begins with bytes that are unmasked already, and validated by `utf8` if they are text.
    pub(super) fn begin(&mut self, bytes: &[u8], utf8: Utf8) {
        self.bytes.extend_from_slice(bytes);
        self.utf8 = utf8;
    }

    /// Counts a further frame, of whose payload nothing has been taken yet.
    pub(super) fn announce(
        &mut self,
        header: &Header,
        max_message: usize,
        max_fragments: usize,
    ) -> Result<()> {
        self.fragments += 1;
        if self.fragments > max_fragments {
            return Err(Error::new(
                Code::Flood,
                format!("a message has more than {max_fragments} fragments"),
            ));
        }
        self.announced = self.announced.saturating_add(header.length);
        let limit = max_message as u64;
        // The worst of deflate's blocks takes nine bits a byte, and headers; more is not needed for
        // any message within the limit. What it inflates to is counted on its own.
        let most = match self.compressed {
            true => limit + limit / 8 + 1024,
            false => limit,
        };
        match self.announced > most {
            true => Err(too_big(self.announced, max_message)),
            false => Ok(()),
        }
    }

    /// Takes the next bytes, unmasked.
    pub(super) fn push(
        &mut self,
        bytes: &[u8],
        inflater: Option<&mut Inflater>,
        limit: usize,
    ) -> Result<()> {
        let have = self.bytes.len();
        let pushed = match inflater {
            Some(inflater) if self.compressed => inflater.push(bytes, &mut self.bytes, limit),
            _ => {
                self.bytes.extend_from_slice(bytes);
                Ok(())
            }
        };
        // Text that came before an error counts first: so it would, had the bytes come one by one.
        self.validate(have, limit)?;
        pushed
    }

    /// Has `fill` add up to `offer` bytes at the end, and unmasks them.
    pub(super) fn fill<E>(
        &mut self,
        offer: usize,
        key: Option<mask::Key>,
        offset: usize,
        fill: impl FnOnce(&mut [u8]) -> std::result::Result<usize, E>,
    ) -> std::result::Result<usize, E> {
        let have = self.bytes.len();
        self.bytes.resize(have + offer, 0);
        let fresh = self.bytes.get_mut(have..).unwrap_or_default();
        let filled = fill(fresh);
        let count = *filled.as_ref().unwrap_or(&0);
        if let (Some(key), Some(fresh)) = (key, fresh.get_mut(..count)) {
            mask::apply(fresh, key, offset);
        }
        self.bytes.truncate(have + count);
        filled
    }

    /// Validates what was added behind the first `have` bytes.
    pub(super) fn validate(&mut self, have: usize, limit: usize) -> Result<()> {
        let end = self.bytes.len().min(limit);
        match (self.payload, self.bytes.get(have..end)) {
            (Payload::Text, Some(fresh)) => self.utf8.push(fresh),
            _ => Ok(()),
        }
    }

    /// The whole message.
    pub(super) fn finish(
        mut self,
        inflater: Option<&mut Inflater>,
        limit: usize,
    ) -> Result<(Vec<u8>, Payload)> {
        if let (Some(inflater), true) = (inflater, self.compressed) {
            let have = self.bytes.len();
            let finished = inflater.finish(&mut self.bytes, limit);
            self.validate(have, limit)?;
            finished?;
        }
        if self.payload == Payload::Text {
            self.utf8.finish()?;
        }
        Ok((self.bytes, self.payload))
    }

    /// Whether what comes is added as it is.
    pub(super) fn is_plain(&self) -> bool {
        !self.compressed
    }

    /// Bytes held.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

#[cold]
pub(super) fn too_big(length: u64, limit: usize) -> Error {
    Error::new(
        Code::TooBig,
        format!("a message of {length} bytes is larger than the limit of {limit} bytes"),
    )
}

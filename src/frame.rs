//! The record every queue here speaks: a `u32` big-endian length, then that many bytes.
//!
//! It is at once the wire form of the `length-prefixed` protocol and the form in which messages wait in
//! queues and cross the boundary to JavaScript, so that sending a length-prefixed message needs no
//! framing step: its record is copied as it is. For `raw` the header stays behind.

use bytes::{Bytes, BytesMut};

/// Bytes before the payload.
pub const HEADER: usize = 4;

/// Largest payload that can be configured: 1 GiB. The first bytes of other protocols, read as a length
/// (`GET `, `SSH-`, a TLS hello's `0x16030100`, `QWH1`) — all but TLS's — lie above it.
pub const MAX_PAYLOAD: usize = 1 << 30;

/// How messages lie on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Records as above.
    #[default]
    LengthPrefixed,
    /// Bytes as they come: no message boundaries on the wire.
    Raw,
}

impl Protocol {
    /// How many bytes of a record's header go onto the wire.
    pub(crate) const fn wire_header(self) -> usize {
        match self {
            Self::LengthPrefixed => HEADER,
            Self::Raw => 0,
        }
    }
}

/// The payload length that a record beginning with `bytes` announces; `None` before its header is whole.
#[inline]
pub(crate) fn announced(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<HEADER>()?;
    Some(u32::from_be_bytes(*header) as usize)
}

/// Set in the header of a queued record whose payload is text, for carriers that tell text from bytes.
/// No length on any wire has it.
pub(crate) const TEXT: u32 = 1 << 31;

/// As [`announced`], of a queued record: also whether its payload is text.
#[inline]
pub(crate) fn queued(bytes: &[u8]) -> Option<(usize, bool)> {
    let header = u32::from_be_bytes(*bytes.first_chunk::<HEADER>()?);
    Some(((header & !TEXT) as usize, header & TEXT != 0))
}

/// Appends one record for a queue.
pub(crate) fn push_queued(to: &mut BytesMut, payload: &[u8], is_text: bool) {
    // Every caller has checked the payload against `max_message`, which is at most MAX_PAYLOAD.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let flag = if is_text { TEXT } else { 0 };
    to.extend_from_slice(&(length | flag).to_be_bytes());
    to.extend_from_slice(payload);
}

/// One record for a queue.
pub(crate) fn queued_record(payload: &[u8], is_text: bool) -> Bytes {
    let mut record = BytesMut::with_capacity(HEADER + payload.len());
    push_queued(&mut record, payload, is_text);
    record.freeze()
}

/// How many records `bytes` are, or `None` if they are anything else than whole records; `marked` records
/// may be text. Queues rely on it.
pub(crate) fn count_records(bytes: &[u8], marked: bool) -> Option<usize> {
    let (mut rest, mut count) = (bytes, 0);
    while let Some((length, is_text)) = queued(rest) {
        if is_text && !marked {
            return None;
        }
        rest = rest.get(HEADER + length..)?;
        count += 1;
    }
    rest.is_empty().then_some(count)
}

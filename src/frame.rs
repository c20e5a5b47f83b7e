//! The record every queue here speaks: a `u32` big-endian length, then that many bytes.
//!
//! It is at once the wire form of the `length-prefixed` protocol and the form in which messages wait in
//! queues and cross the boundary to JavaScript, so that sending a length-prefixed message needs no
//! framing step: its record is copied as it is. For `raw` the header stays behind.

use bytes::BytesMut;

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

/// Appends one record.
pub(crate) fn push_record(to: &mut BytesMut, payload: &[u8]) {
    // Every caller has checked the payload against `max_message`, which is at most MAX_PAYLOAD.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(payload);
}

/// How many records `bytes` are, or `None` if they are anything else than whole records. Queues rely on
/// it.
pub(crate) fn count_records(bytes: &[u8]) -> Option<usize> {
    let (mut rest, mut count) = (bytes, 0);
    while let Some(length) = announced(rest) {
        rest = rest.get(HEADER + length..)?;
        count += 1;
    }
    rest.is_empty().then_some(count)
}

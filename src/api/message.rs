//! A message as it was received.

use std::ops::Deref;

use bytes::Bytes;

use crate::link::Payload;

/// A received message with its kind, which only WebSocket knows: over TCP every message is binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    bytes: Bytes,
    is_text: bool,
}

impl Message {
    pub(super) fn new(bytes: Bytes, payload: Payload) -> Self {
        Self {
            bytes,
            is_text: payload == Payload::Text,
        }
    }

    /// Whether the peer sent it as text.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// The text of a text message.
    pub fn text(&self) -> Option<&str> {
        // What came as text was checked when it came; to look again is cheap and spares an `unsafe`.
        let text = self
            .is_text
            .then(|| simdutf8::basic::from_utf8(&self.bytes));
        text?.ok()
    }

    /// Its bytes, whatever the kind. They share memory with other messages, as those of
    /// [`recv`](crate::Connection::recv) do.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

impl Deref for Message {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

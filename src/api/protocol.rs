//! What is spoken on the wire.

use crate::frame;

/// What a connection speaks. [`frame::Protocol`] is how messages lie on a stream without a handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// QWH/1: a handshake in which each end looks at the other, then messages in records, heartbeats, and a last
    /// word. Over TCP, TLS and WebSocket.
    #[default]
    Qwh,
    /// A length as a big-endian `u32` in front of each message. A WebSocket frames messages itself.
    LengthPrefixed,
    /// Over TCP and TLS bytes as they come, over WebSocket its own messages.
    Raw,
}

impl Protocol {
    /// How messages lie on a stream that does not begin with a handshake.
    pub(super) fn framing(self) -> frame::Protocol {
        match self {
            Self::Qwh | Self::LengthPrefixed => frame::Protocol::LengthPrefixed,
            Self::Raw => frame::Protocol::Raw,
        }
    }

    /// What a peer speaks that has not shaken hands.
    pub(super) fn without_handshake(self, is_websocket: bool) -> Self {
        match self {
            _ if is_websocket => Self::Raw,
            Self::Qwh => Self::LengthPrefixed,
            other => other,
        }
    }
}

//! How messages lie on the stream.

use crate::frame::{self, Head, Sender, Violation};

/// Bytes of a length prefix.
pub const PREFIX: usize = 4;

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// TCP, a u32 big-endian length before each message.
    Prefixed,
    /// WebSocket, a binary message each.
    WebSocket,
}

impl Wire {
    /// Bytes of a server's message of `size` bytes on the wire.
    pub fn frame(self, size: usize) -> usize {
        match self {
            Self::Prefixed => PREFIX + size,
            Self::WebSocket => frame::unmasked_header(size) + size,
        }
    }

    /// Appends a client's message around the `size` bytes that `fill` appends.
    pub fn append(
        self,
        output: &mut Vec<u8>,
        size: usize,
        salt: u32,
        fill: impl FnOnce(&mut Vec<u8>),
    ) {
        match self {
            Self::Prefixed => {
                // The command line caps the size far below u32::MAX.
                output.extend_from_slice(&(size as u32).to_be_bytes());
                fill(output);
            }
            Self::WebSocket => frame::append(output, frame::BINARY, size, salt, fill),
        }
    }

    /// The frame at the front of what a server sent; none while its header is not whole.
    pub fn head(self, bytes: &[u8]) -> Result<Option<Head>, Violation> {
        match self {
            Self::Prefixed => Ok(bytes.first_chunk::<PREFIX>().map(|prefix| Head {
                opcode: frame::BINARY,
                header: PREFIX,
                size: u32::from_be_bytes(*prefix) as usize,
            })),
            Self::WebSocket => frame::head(bytes, Sender::Server),
        }
    }
}

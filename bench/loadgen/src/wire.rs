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
    /// TCP, records of QWH/1: a server may have several messages in one.
    Qwh,
}

/// Bytes of a record's length, and of a frame's header.
const RECORD: usize = 2;
const FRAME: usize = 8;
/// A whole message in one frame.
const DATA: u8 = 0x11;

impl Wire {
    /// Bytes of a server's message of `size` bytes on the wire.
    pub fn frame(self, size: usize) -> usize {
        match self {
            Self::Prefixed => PREFIX + size,
            Self::WebSocket => frame::unmasked_header(size) + size,
            Self::Qwh => RECORD + FRAME + size,
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
            Self::Qwh => {
                // Scenarios of this wire have small messages: one frame each.
                output.extend_from_slice(&((FRAME + size) as u16).to_be_bytes());
                output.extend_from_slice(&[DATA, 0]);
                output.extend_from_slice(&(size as u16).to_be_bytes());
                output.extend_from_slice(&[0; 4]);
                fill(output);
            }
        }
    }

    /// The frame at the front of what a server sent; none while its header is not whole. `rest` is what is left
    /// of the record that it lies in, and is kept by the caller.
    pub fn head(self, bytes: &[u8], rest: &mut usize) -> Result<Option<Head>, Violation> {
        match self {
            Self::Qwh => qwh_head(bytes, rest),
            Self::Prefixed => Ok(bytes.first_chunk::<PREFIX>().map(|prefix| Head {
                opcode: frame::BINARY,
                header: PREFIX,
                size: u32::from_be_bytes(*prefix) as usize,
            })),
            Self::WebSocket => frame::head(bytes, Sender::Server),
        }
    }
}

fn qwh_head(bytes: &[u8], rest: &mut usize) -> Result<Option<Head>, Violation> {
    let prefix = if *rest == 0 { RECORD } else { 0 };
    let Some(header) = bytes
        .get(prefix..)
        .and_then(|bytes| bytes.first_chunk::<FRAME>())
    else {
        return Ok(None);
    };
    let size = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let record = match bytes {
        [high, low, ..] if prefix > 0 => usize::from(u16::from_be_bytes([*high, *low])),
        _ => *rest,
    };
    if header[0] != DATA || header[1] != 0 || record < FRAME + size {
        return Err("a frame that is no whole message, or no frame at all");
    }
    // The record goes on behind this frame, once all of it is here.
    if bytes.len() >= prefix + FRAME + size {
        *rest = record - FRAME - size;
    }
    Ok(Some(Head {
        opcode: frame::BINARY,
        header: prefix + FRAME,
        size,
    }))
}

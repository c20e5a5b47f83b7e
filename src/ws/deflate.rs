//! permessage-deflate (RFC 7692): messages to raw deflate and back.
//!
//! A compressed message is a deflate stream cut at a byte boundary, less the four bytes that every
//! such cut ends with. State is made when it is first needed and, where no context is taken over,
//! given up after each message: an idle connection holds none.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::error::{Code, Error, Result};

use super::frame::{Role, broken};

/// Bounds of the window of LZ77, as exponents of two (§7.1.2).
pub const MIN_WINDOW: u8 = 8;
/// The window of a side that set no bound.
pub const MAX_WINDOW: u8 = 15;

/// What every flush ends with, and no message carries (§7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// What a peer is told whose data do not inflate (§7.4.1 of RFC 6455).
const BAD_DATA: usize = 1007;

/// Room added at a time: as much as there is, between these, then a quarter of it. The least spares
/// small messages the growing; the most keeps large ones from holding twice of what they need.
const LEAST_ROOM: usize = 1024;
const MOST_ROOM: usize = 256 * 1024;

/// What was agreed on for the messages of each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// Of what the server sends.
    pub server: Side,
    /// Of what the client sends.
    pub client: Side,
}

/// How one side compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Each message by itself, without the window of the one before (§7.1.1).
    pub no_context_takeover: bool,
    /// The window's size: 8 to 15 (§7.1.2).
    pub window_bits: u8,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            no_context_takeover: false,
            window_bits: MAX_WINDOW,
        }
    }
}

impl Params {
    /// How we compress.
    pub fn ours(&self, role: Role) -> Side {
        match role {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }

    /// How the peer compresses.
    pub fn theirs(&self, role: Role) -> Side {
        match role {
            Role::Server => self.client,
            Role::Client => self.server,
        }
    }
}

/// Inflates the peer's messages, one after the other.
#[derive(Debug)]
pub struct Inflater {
    side: Side,
    stream: Option<Decompress>,
    /// The stream's last block is behind us; whatever follows begins a new one (§7.2.3.5).
    ended: bool,
}

impl Inflater {
    /// For what a peer sends that compresses like `side`.
    pub fn new(side: Side) -> Self {
        Self {
            side,
            stream: None,
            ended: false,
        }
    }

    /// Appends what `input`, the next part of a message, inflates to.
    ///
    /// # Errors
    /// `TooBig` as soon as `to` would get longer than `limit`, `Protocol` for what is no deflate.
    pub fn push(&mut self, mut input: &[u8], to: &mut Vec<u8>, limit: usize) -> Result<()> {
        while !input.is_empty() {
            let taken = self.step(input, to, limit)?;
            input = input.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// To be called at the end of each message.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn finish(&mut self, to: &mut Vec<u8>, limit: usize) -> Result<()> {
        // A sender that ends its stream with the message may leave out the empty block behind it; a stream that ends
        // inside of the tail has the rest of it behind its end.
        let mut tail = TAIL.as_slice();
        while !self.ended && !tail.is_empty() {
            let taken = self.step(tail, to, limit)?;
            tail = tail.get(taken..).unwrap_or_default();
        }
        if self.side.no_context_takeover || self.ended {
            self.clear();
        }
        Ok(())
    }

    /// Gives up the state.
    pub fn clear(&mut self) {
        self.stream = None;
        self.ended = false;
    }

    /// Inflates until `input` is taken or the stream ends; gives how much was taken.
    fn step(&mut self, input: &[u8], to: &mut Vec<u8>, limit: usize) -> Result<usize> {
        if self.ended {
            self.clear();
        }
        let stream = self.stream.get_or_insert_with(|| {
            // A larger window than the sender's inflates just as well.
            Decompress::new_with_window_bits(false, self.side.window_bits.clamp(9, MAX_WINDOW))
        });
        let before = stream.total_in();
        loop {
            let taken = (stream.total_in() - before) as usize;
            let rest = input.get(taken..).unwrap_or_default();
            // One byte more than the limit, so that too much shows itself; and always some, since
            // without room nobody can tell whether something is left.
            let room = to.len().clamp(LEAST_ROOM, MOST_ROOM).max(to.len() / 4);
            to.reserve_exact(room.min((limit + 1).saturating_sub(to.len())).max(1));
            let status = stream.decompress_vec(rest, to, FlushDecompress::None);
            // Before what is wrong with the rest: the outcome must not depend on how the bytes came.
            if to.len() > limit {
                return Err(too_big(limit));
            }
            let status = status.map_err(|_| {
                // Data that are not what they should be inside, as text that is not UTF-8.
                broken("compressed data is not deflate").with("closeCode", BAD_DATA)
            })?;
            let taken = (stream.total_in() - before) as usize;
            self.ended = status == Status::StreamEnd;
            // Output that fills its room may have more behind it.
            if self.ended || taken == input.len() && to.len() < to.capacity() {
                return Ok(taken);
            }
        }
    }
}

/// Compresses our messages, one after the other.
#[derive(Debug)]
pub struct Deflater {
    side: Side,
    level: Compression,
    stream: Option<Compress>,
}

impl Deflater {
    /// For messages to be compressed like `side`, at `level` 1 to 9. `None` for a window of 256 bytes,
    /// which zlib cannot do: then messages go uncompressed, as they always may (§6).
    pub fn new(side: Side, level: u32) -> Option<Self> {
        (side.window_bits > MIN_WINDOW).then(|| Self {
            side,
            level: Compression::new(level.clamp(1, 9)),
            stream: None,
        })
    }

    /// Appends the payload of `message`, compressed.
    ///
    /// # Errors
    /// `Internal` if the compressor fails, which it has no reason to.
    pub fn compress(&mut self, message: &[u8], to: &mut Vec<u8>) -> Result<()> {
        if message.is_empty() {
            // An empty block, less the tail (§7.2.3.6).
            to.push(0);
            return Ok(());
        }
        let bits = self.side.window_bits.clamp(9, MAX_WINDOW);
        let stream = self
            .stream
            .get_or_insert_with(|| Compress::new_with_window_bits(self.level, false, bits));
        flush(stream, message, to)?;
        // zlib ends each flush with an empty block.
        to.truncate(to.len().saturating_sub(TAIL.len()));
        if self.side.no_context_takeover {
            self.stream = None;
        }
        Ok(())
    }
}

/// Compresses all of `message`, to the next byte boundary.
fn flush(stream: &mut Compress, message: &[u8], to: &mut Vec<u8>) -> Result<()> {
    let before = stream.total_in();
    loop {
        let taken = (stream.total_in() - before) as usize;
        let rest = message.get(taken..).unwrap_or_default();
        to.reserve((rest.len() / 2).clamp(LEAST_ROOM, MOST_ROOM));
        let status = stream.compress_vec(rest, to, FlushCompress::Sync);
        if !matches!(status, Ok(Status::Ok | Status::BufError)) {
            return Err(Error::new(Code::Internal, "the compressor failed"));
        }
        let taken = (stream.total_in() - before) as usize;
        if taken == message.len() && to.len() < to.capacity() {
            return Ok(());
        }
    }
}

#[cold]
fn too_big(limit: usize) -> Error {
    Error::new(
        Code::TooBig,
        format!("a message inflates to more than the limit of {limit} bytes"),
    )
}

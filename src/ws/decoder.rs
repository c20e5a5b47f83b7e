//! The receiving half of a connection: the bytes of its socket to messages.

use std::{io::Read, time::Instant};

use super::{close::CloseFrame, deflate::Params, frame::Role, parser::Parser};
use crate::{
    error::Result,
    link::{FrameReader, Intake, ReadTurn, ReceiveLimits, Room},
};

/// Decoder of one connection's incoming bytes.
#[derive(Debug)]
pub struct Decoder {
    reader: FrameReader<Parser>,
}

impl Decoder {
    /// A decoder for our end of a connection. `deflate` is what was agreed on; `first` are the bytes
    /// that came behind the opening handshake.
    pub fn new(
        role: Role,
        limits: ReceiveLimits,
        deflate: Option<&Params>,
        first: Vec<u8>,
    ) -> Self {
        Self {
            reader: FrameReader::new(Parser::new(role, limits, deflate), first),
        }
    }

    /// Takes what came behind the handshake, then reads what there is, up to about `most` bytes, and
    /// hands messages to `room`. What follows a close frame is read and dropped.
    ///
    /// # Errors
    /// `Protocol`, `InvalidUtf8`, `Flood` and `TooBig` for what the peer did, after the messages before
    /// it; `Truncated` when the stream ends inside a message, `ConnectionLost` when the read fails.
    pub fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
        now: Instant,
    ) -> Result<ReadTurn> {
        self.reader.on_readable(io, room, most, now)
    }

    /// The pongs that are due, as frames to be sent as they are. To be asked after each turn.
    ///
    /// # Errors
    /// `Resources` without random bytes for the masks.
    pub fn take_replies(&mut self) -> Result<Option<Vec<u8>>> {
        let role = self.role();
        self.reader.parser_mut().control.take_replies(role)
    }

    /// Another room takes what comes from here on: it is told of all that is held.
    pub(crate) fn change_room(&mut self) {
        self.reader.change_room();
    }

    /// Gives up an unfinished message; its bytes no longer count as held.
    pub fn discard(&mut self, room: &mut impl Room) {
        self.reader.discard(room);
    }

    /// The peer's close frame, once it came.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        self.reader.parser().control.close()
    }

    /// Which end we are.
    pub fn role(&self) -> Role {
        self.reader.parser().role
    }

    /// Grows with every piece of a message that comes, also of an empty one, and with no control frame.
    pub fn data(&self) -> u64 {
        self.reader.parser().data
    }

    /// Bytes ever read, those behind the opening handshake included.
    pub fn received(&self) -> u64 {
        self.reader.received()
    }

    /// Counts of what is received, and the rate that it is held to.
    pub fn intake(&mut self) -> &mut Intake {
        self.reader.intake()
    }

    /// Bytes held for what is unfinished.
    pub fn held(&self) -> usize {
        self.reader.held()
    }
}

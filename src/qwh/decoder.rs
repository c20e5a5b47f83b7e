//! Receiving, once the handshake is done: records to messages.

use std::{io::Read, time::Instant};

use super::{events::Carrier, goaway::GoAway, parser::Parser};
use crate::{
    error::Result,
    link::{FrameReader, Intake, ReadTurn, ReceiveLimits, Room},
};

/// Decoder of one connection's incoming records.
#[derive(Debug)]
pub struct Decoder {
    reader: FrameReader<Parser>,
}

impl Decoder {
    /// A decoder that goes on behind a handshake: `first` are the bytes that it left, of which
    /// `record_rest` belong to a record that it began.
    pub fn new(
        carrier: Carrier,
        limits: ReceiveLimits,
        record_rest: usize,
        first: Vec<u8>,
    ) -> Self {
        let parser = Parser::new(carrier, limits, record_rest);
        Self {
            reader: FrameReader::new(parser, first),
        }
    }

    /// On a stream: takes what the handshake left, then reads what there is, up to about `most` bytes, and hands
    /// messages to `room`. What follows a GOAWAY is read and dropped.
    ///
    /// # Errors
    /// `Protocol`, `Flood` and `TooBig` for what the peer did, after the messages before it, with
    /// `closeCode` among the details for our GOAWAY; `Truncated` when the stream ends inside a message
    /// or record, `ConnectionLost` when the read fails.
    pub fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
        now: Instant,
    ) -> Result<ReadTurn> {
        self.reader.on_readable(io, room, most, now)
    }

    /// On a carrier of messages: takes one of them, a record, after what the handshake left.
    /// [`Stalled`](ReadTurn::Stalled) if the consumer lags: then [`resume`](Self::resume) comes first.
    ///
    /// # Errors
    /// As for [`on_readable`](Self::on_readable).
    pub fn on_record(
        &mut self,
        record: Vec<u8>,
        room: &mut impl Room,
        now: Instant,
    ) -> Result<ReadTurn> {
        if self.goaway().is_none() {
            self.reader.parser_mut().begin_record(record.len())?;
            self.reader.push(record);
        }
        self.reader.replay_all(room, now)
    }

    /// On a carrier of messages: goes on with what the handshake left, or a record that stalled.
    ///
    /// # Errors
    /// As for [`on_readable`](Self::on_readable).
    pub fn resume(&mut self, room: &mut impl Room, now: Instant) -> Result<ReadTurn> {
        self.reader.replay_all(room, now)
    }

    /// The PONGs that are due, as a record to be sent as it is. To be asked after each turn.
    pub fn take_replies(&mut self) -> Option<Vec<u8>> {
        self.reader.parser_mut().take_replies()
    }

    /// Counts of what is received, and the rate that it is held to.
    pub fn intake(&mut self) -> &mut Intake {
        self.reader.intake()
    }

    /// The peer's last frame, once it came.
    pub fn goaway(&self) -> Option<&GoAway> {
        self.reader.parser().goaway()
    }

    /// Gives up unfinished messages; their bytes no longer count as held.
    pub fn discard(&mut self, room: &mut impl Room) {
        self.reader.discard(room);
    }

    /// Grows with every piece of a message that comes, and with no other frame.
    pub fn data(&self) -> u64 {
        self.reader.parser().data_seen()
    }

    /// Bytes ever read, those that the handshake left included.
    pub fn received(&self) -> u64 {
        self.reader.received()
    }

    /// Bytes held for what is unfinished.
    pub fn held(&self) -> usize {
        self.reader.held()
    }
}

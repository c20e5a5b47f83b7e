//! The receiving half: bytes from a socket to messages, as [`Inbound`](crate::link::Inbound) does it
//! for the other protocols.
//!
//! What a read brings is parsed where it was put. The rest of it, behind a message that needed memory of
//! its own, waits in memory of ours and is parsed from there, so that messages keep their order.

use std::{io::Read, time::Instant};

use super::{
    close::CloseFrame,
    deflate::Params,
    frame::Role,
    parser::{Parser, Stop},
};
use crate::{
    error::{Code, Error, Result},
    link::{MAX_READ, MIN_READ, ReadTurn, Room, Step},
};

/// What a peer may ask of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest message, inflated; beyond, the connection ends with 1009.
    pub max_message: usize,
    /// Most fragments of a message, the empty ones too; beyond, it ends with 1008.
    pub max_fragments: usize,
    /// Most control frames at once; beyond, it ends with 1008.
    pub control_burst: u32,
    /// Control frames a second, once the burst is used up.
    pub control_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message: 4 * 1024 * 1024,
            max_fragments: 16_384,
            control_burst: 64,
            control_per_second: 32,
        }
    }
}

/// Decoder of one connection's incoming bytes.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    parser: Parser,
    pending: Pending,
    /// Bytes that the room was told are held.
    accounted: usize,
    received: u64,
    /// Size of the largest frame of the last read: what the next read had better have room for.
    usual: usize,
}

/// Bytes received and not done with.
#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    at: usize,
    /// They were looked at: nothing comes of them without further bytes.
    hungry: bool,
}

impl Decoder {
    /// A decoder for our end of a connection. `deflate` is what was agreed on; `first` are the bytes
    /// that came behind the opening handshake.
    pub fn new(role: Role, limits: Limits, deflate: Option<&Params>, first: Vec<u8>) -> Self {
        Self {
            role,
            parser: Parser::new(role, limits, deflate),
            received: first.len() as u64,
            pending: Pending {
                hungry: first.is_empty(),
                bytes: first,
                at: 0,
            },
            accounted: 0,
            usual: 0,
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
        // What came behind the handshake is held from the first turn on.
        self.account(room);
        let mut read = 0;
        while read < most {
            let step = if !self.pending.hungry {
                self.replay(room, now)?
            } else if self.parser.wants_filling() {
                self.read_message(io, room)?
            } else {
                self.read_in_place(io, room, now)?
            };
            match step {
                Step::Read { bytes, filled } => {
                    read += bytes;
                    // A read that left room has emptied the socket, but we may not be done with it.
                    if !filled && self.pending.hungry {
                        return Ok(ReadTurn::Drained);
                    }
                }
                Step::End => return self.end(),
                Step::Done(turn) => return Ok(turn),
            }
        }
        Ok(ReadTurn::Yield)
    }

    /// The pongs that are due, as frames to be sent as they are. To be asked after each turn.
    ///
    /// # Errors
    /// `Resources` without random bytes for the masks.
    pub fn take_replies(&mut self) -> Result<Option<Vec<u8>>> {
        self.parser.control.take_replies(self.role)
    }

    /// Gives up an unfinished message; its bytes no longer count as held.
    pub fn discard(&mut self, room: &mut impl Room) {
        self.parser.discard();
        self.pending = Pending::of(&[], true);
        self.account(room);
    }

    /// The peer's close frame, once it came.
    pub fn peer_close(&self) -> Option<&CloseFrame> {
        self.parser.control.close()
    }

    /// Which end we are.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Bytes ever read, those behind the handshake included.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes held for what is unfinished.
    pub fn held(&self) -> usize {
        self.pending.rest().len() + self.parser.held()
    }

    fn read_in_place(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        now: Instant,
    ) -> Result<Step> {
        if self.parser.is_inside() && !room.hold(0) {
            return Ok(Step::Done(ReadTurn::Stalled));
        }
        let carry = self.pending.rest();
        let carried = carry.len();
        // Large frames are read one by one, each to its end: a read that ends inside one costs copies.
        let whole = self.usual.min(MAX_READ);
        let Some((space, marks)) = room.space((carried + MIN_READ).max(whole)) else {
            return Ok(Step::Done(ReadTurn::Stalled));
        };
        let end = match whole > carried + MIN_READ {
            true => whole,
            false => space.len().min(carried + MAX_READ),
        };
        let (front, back) = space.split_at_mut(carried);
        let back = back.get_mut(..end - carried).unwrap_or_default();
        let bytes = match Step::of(io.read(back), back.len())? {
            Step::Read { bytes, .. } => bytes,
            other => return Ok(other),
        };
        let filled = bytes == back.len();
        front.copy_from_slice(carry);
        self.received += bytes as u64;
        let space = space.get_mut(..carried + bytes).unwrap_or_default();
        let mut used = 0;
        let stop = self.parser.parse(space, &mut used, Some(marks), now);
        let hungry = !matches!(stop, Ok(Stop::Whole(..)));
        self.pending = Pending::of(space.get(used..).unwrap_or_default(), hungry);
        self.usual = self.parser.take_largest();
        // What came before an error is delivered all the same.
        room.commit(used);
        self.deliver(stop, room)?;
        Ok(Step::Read { bytes, filled })
    }

    /// Reads the rest of a frame straight into the memory of its message.
    fn read_message(&mut self, io: &mut impl Read, room: &mut impl Room) -> Result<Step> {
        if !room.hold(0) {
            return Ok(Step::Done(ReadTurn::Stalled));
        }
        let before = self.parser.held();
        let mut offered = 0;
        let result = self.parser.fill(MAX_READ, |space| {
            offered = space.len();
            io.read(space)
        });
        let Some(result) = result else {
            return Ok(Step::Done(ReadTurn::Yield));
        };
        let step = Step::of(result, offered)?;
        if let Step::Read { bytes, .. } = step {
            self.received += bytes as u64;
            let stop = self.parser.filled(before);
            self.deliver(stop.map(|stop| stop.unwrap_or(Stop::Hungry)), room)?;
        }
        Ok(step)
    }

    /// Goes on with bytes that were read before: copies a run of frames that need no memory of their own
    /// to the room, or parses the others where they are.
    fn replay<R: Room>(&mut self, room: &mut R, now: Instant) -> Result<Step> {
        let rest = self.pending.bytes.get_mut(self.pending.at..);
        let rest = rest.unwrap_or_default();
        let run = self.parser.run(rest);
        let mut used = 0;
        let stop = if let Some(run) = rest.get(..run).filter(|run| !run.is_empty()) {
            let Some((space, marks)) = room.space(run.len()) else {
                return Ok(Step::Done(ReadTurn::Stalled));
            };
            let space = space.get_mut(..run.len()).unwrap_or_default();
            space.copy_from_slice(run);
            let stop = self.parser.parse(space, &mut used, Some(marks), now);
            room.commit(used);
            stop
        } else if room.hold(0) {
            let nowhere = None::<&mut R::Marks>;
            self.parser.parse(rest, &mut used, nowhere, now)
        } else {
            return Ok(Step::Done(ReadTurn::Stalled));
        };
        self.pending.advance(used);
        let length = self.deliver(stop, room)?;
        // A small read can inflate to much: that too is work, of which others want their turn.
        Ok(Step::Read {
            bytes: used + length,
            filled: true,
        })
    }

    /// Gives the room a message in its own memory, and says what is held now.
    fn deliver(&mut self, stop: Result<Stop>, room: &mut impl Room) -> Result<usize> {
        self.account(room);
        match stop? {
            Stop::Hungry => Ok(0),
            Stop::Whole(message, payload) => {
                let length = message.len();
                room.assembled(message, payload);
                Ok(length)
            }
        }
    }

    fn account(&mut self, room: &mut impl Room) {
        let held = self.held();
        if held != self.accounted {
            room.hold(held as isize - self.accounted as isize);
            self.accounted = held;
        }
    }

    fn end(&self) -> Result<ReadTurn> {
        let inside = self.parser.is_inside() || !self.pending.rest().is_empty();
        if inside && self.peer_close().is_none() {
            let held = self.held();
            return Err(Error::new(
                Code::Truncated,
                format!("the stream ended inside a message, {held} bytes into it"),
            ));
        }
        Ok(ReadTurn::End)
    }
}

impl Pending {
    fn of(bytes: &[u8], hungry: bool) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            hungry: hungry || bytes.is_empty(),
        }
    }

    /// Leaves `used` bytes behind; none means that nothing comes of the rest.
    fn advance(&mut self, used: usize) {
        self.at += used;
        if used == 0 || self.at >= self.bytes.len() {
            // What is done with is given back: an idle connection holds no buffer.
            *self = Self::of(self.rest(), true);
        }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

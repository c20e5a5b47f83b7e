//! The receiving half of a protocol of frames: bytes from a socket to messages, as
//! [`Inbound`](super::Inbound) does it for records.
//!
//! What a read brings is parsed where it was put. The rest of it, behind a message that needed memory of
//! its own, waits in memory of ours and is parsed from there, so that messages keep their order.

use std::{
    io::{self, Read},
    time::Instant,
};

use super::{
    inbound::{MAX_READ, MIN_READ, ReadTurn, Step},
    intake::{Counted, Intake},
    room::{Marks, Payload, Room},
};
use crate::error::{Code, Error, Result};

/// Where parsing stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// At the end, or before something that is not whole.
    Hungry,
    /// Behind a message in memory of its own.
    Whole(Vec<u8>, Payload),
}

/// The rules of a protocol of frames, applied to whatever bytes there are.
pub(crate) trait Parse {
    /// Parses `bytes` from `used` on, which moves behind what is done with. Messages that lie in them
    /// whole are marked; without `marks` parsing stops before them.
    fn parse<M: Marks>(
        &mut self,
        bytes: &mut [u8],
        used: &mut usize,
        marks: Option<&mut M>,
        now: Instant,
    ) -> Result<Stop>;

    /// How much of `bytes` are whole frames that need no memory of their own.
    fn run(&self, bytes: &[u8]) -> usize;

    /// Lets a message be read into its own memory, as much as it lacks; `None` if none waits for that.
    /// Memory at most doubles: it follows what the peer really sent.
    fn fill(
        &mut self,
        least: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> Option<io::Result<usize>>;

    /// To be called after [`fill`](Self::fill), with the bytes held before.
    fn filled(&mut self, before: usize) -> Result<Option<Stop>>;

    /// Whether [`fill`](Self::fill) has something to read.
    fn wants_filling(&self) -> bool;

    /// Whether a message is under way in its own memory.
    fn is_inside(&self) -> bool;

    /// Whether the stream must not end here.
    fn is_unfinished(&self) -> bool {
        self.is_inside()
    }

    /// Whether anything can follow here, as far as that is known before its first byte.
    fn may_go_on(&self) -> Result<()> {
        Ok(())
    }

    /// Bytes held in messages under way.
    fn held(&self) -> usize;

    /// Gives up what is under way.
    fn discard(&mut self);

    /// Size of the largest frame found in place since this was last asked.
    fn take_largest(&mut self) -> usize;

    /// Whether the peer has sent its last frame.
    fn is_over(&self) -> bool;
}

/// Reader of one connection's incoming bytes.
#[derive(Debug)]
pub(crate) struct FrameReader<P> {
    parser: P,
    /// Bytes received and not done with, if there are any.
    pending: Option<Box<Pending>>,
    /// Bytes that the room was told are held.
    accounted: usize,
    received: u64,
    intake: Intake,
    /// Size of the largest frame of the last read: what the next read had better have room for.
    usual: usize,
}

/// Bytes that wait to be parsed, or for those behind them.
#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    /// Those before are done with; not all are.
    at: usize,
    /// They were looked at: nothing comes of them without further bytes.
    hungry: bool,
}

impl<P: Parse> FrameReader<P> {
    /// A reader that begins with `first`: the bytes that came behind a handshake.
    pub(crate) fn new(parser: P, first: Vec<u8>) -> Self {
        Self {
            parser,
            received: first.len() as u64,
            pending: Pending::of(first, false),
            accounted: 0,
            intake: Intake::default(),
            usual: 0,
        }
    }

    /// The rules of framing, with their state.
    pub(crate) fn parser(&self) -> &P {
        &self.parser
    }

    /// As [`parser`](Self::parser), to take from it what is not a message.
    pub(crate) fn parser_mut(&mut self) -> &mut P {
        &mut self.parser
    }

    /// Takes what came behind the handshake, then reads what there is, up to about `most` bytes, and
    /// hands messages to `room`. What follows the peer's last frame is read and dropped.
    ///
    /// # Errors
    /// The parser's, after the messages before it; `Truncated` when the stream ends inside a message,
    /// `ConnectionLost` when the read fails.
    pub(crate) fn on_readable(
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
            let step = if !self.is_hungry() {
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
                    if !filled && self.is_hungry() {
                        return Ok(ReadTurn::Drained);
                    }
                }
                Step::End => return self.end(),
                Step::Done(turn) => return Ok(turn),
            }
        }
        Ok(ReadTurn::Yield)
    }

    /// Another room takes what comes from here on: it is told of all that is held.
    pub(crate) fn change_room(&mut self) {
        self.accounted = 0;
    }

    /// Gives up an unfinished message; its bytes no longer count as held.
    pub(crate) fn discard(&mut self, room: &mut impl Room) {
        self.parser.discard();
        self.pending = None;
        self.account(room);
    }

    /// Bytes ever read, those behind the handshake included.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Counts of what is received, and the rate that it is held to.
    pub(crate) fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    /// Bytes held for what is unfinished.
    pub(crate) fn held(&self) -> usize {
        self.rest().len() + self.parser.held()
    }

    /// Adds bytes that something else has read, for [`replay_all`](Self::replay_all) to take.
    pub(crate) fn push(&mut self, mut bytes: Vec<u8>) {
        self.received += bytes.len() as u64;
        if !self.rest().is_empty() {
            bytes = [self.rest(), &bytes].concat();
        }
        self.pending = Pending::of(bytes, false);
    }

    /// Takes what is there without a read: `Drained` if nothing comes of it any more, `Stalled` while
    /// the consumer lags.
    ///
    /// # Errors
    /// The parser's, after the messages before it.
    pub(crate) fn replay_all(&mut self, room: &mut impl Room, now: Instant) -> Result<ReadTurn> {
        self.account(room);
        while !self.is_hungry() {
            if let Step::Done(turn) = self.replay(room, now)? {
                return Ok(turn);
            }
        }
        Ok(ReadTurn::Drained)
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
        let carry = self
            .pending
            .as_ref()
            .map_or(&[][..], |pending| pending.rest());
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
        let marks = &mut Counted {
            marks,
            intake: &mut self.intake,
        };
        let stop = self.parser.parse(space, &mut used, Some(marks), now);
        let hungry = !matches!(stop, Ok(Stop::Whole(..)));
        let rest = space.get(used..).unwrap_or_default();
        self.pending = Pending::of(rest.to_vec(), hungry);
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
        let Some(pending) = &mut self.pending else {
            return Ok(Step::Done(ReadTurn::Drained));
        };
        let rest = pending.bytes.get_mut(pending.at..).unwrap_or_default();
        let run = self.parser.run(rest);
        let mut used = 0;
        let stop = if let Some(run) = rest.get(..run).filter(|run| !run.is_empty()) {
            let Some((space, marks)) = room.space(run.len()) else {
                return Ok(Step::Done(ReadTurn::Stalled));
            };
            let space = space.get_mut(..run.len()).unwrap_or_default();
            space.copy_from_slice(run);
            let marks = &mut Counted {
                marks,
                intake: &mut self.intake,
            };
            let stop = self.parser.parse(space, &mut used, Some(marks), now);
            room.commit(used);
            stop
        } else if room.hold(0) {
            let nowhere = None::<&mut R::Marks>;
            self.parser.parse(rest, &mut used, nowhere, now)
        } else {
            return Ok(Step::Done(ReadTurn::Stalled));
        };
        if !pending.advance(used) {
            self.pending = None;
        }
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
        let mut length = 0;
        if let Stop::Whole(message, payload) = stop? {
            length = message.len();
            if self.intake.admits(length) {
                room.assembled(message, payload);
            }
        }
        // What ends where the bytes do was not looked behind.
        self.parser.may_go_on()?;
        Ok(length)
    }

    /// Nothing comes of what is there without further bytes.
    fn is_hungry(&self) -> bool {
        self.pending.as_ref().is_none_or(|pending| pending.hungry)
    }

    fn rest(&self) -> &[u8] {
        self.pending.as_ref().map_or(&[], |pending| pending.rest())
    }

    fn account(&mut self, room: &mut impl Room) {
        let held = self.held();
        if held != self.accounted {
            room.hold(held as isize - self.accounted as isize);
            self.accounted = held;
        }
    }

    fn end(&self) -> Result<ReadTurn> {
        let inside = self.parser.is_unfinished() || !self.rest().is_empty();
        if inside && !self.parser.is_over() {
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
    /// `None` of no bytes: an idle connection holds no memory for them.
    fn of(bytes: Vec<u8>, hungry: bool) -> Option<Box<Self>> {
        let at = 0;
        (!bytes.is_empty()).then(|| Box::new(Self { bytes, at, hungry }))
    }

    /// Leaves `used` bytes behind, and is hungry if that are none; false if nothing is left.
    fn advance(&mut self, used: usize) -> bool {
        self.at += used;
        if used == 0 {
            self.hungry = true;
            self.bytes = self.rest().to_vec();
            self.at = 0;
        }
        self.at < self.bytes.len()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }
}

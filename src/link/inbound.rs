//! The receiving half: bytes to messages.
//!
//! Small messages are found in place, where the read put them. What is cut off at the end of a read is
//! carried over: up to [`CARRY`] bytes are copied in front of the next read; a message of which more
//! than that has arrived is finished in memory of its own, which grows with the bytes received and
//! never with the length announced.

use std::io::{self, Read};

use super::{
    intake::{Counted, Intake},
    room::{Marks, Payload, Room},
};
use crate::{
    error::{Code, Error, Result},
    frame::{self, HEADER, Protocol},
};

/// Most bytes copied in front of the next read. Larger remainders are finished in place, so that a
/// message trickling in is copied once and not once per segment.
pub(crate) const CARRY: usize = 4 * 1024;

/// Least and most bytes offered to one read. 64 KiB is where a larger read stops paying (the copy out
/// of the kernel dominates); the extra 4 KiB lets a 64 KiB message and its header arrive together.
pub(crate) const MIN_READ: usize = 16 * 1024;
pub(crate) const MAX_READ: usize = 68 * 1024;

/// Bytes that one link should read before the others have their turn.
pub const TURN: usize = 256 * 1024;

/// How a readable turn ended.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadTurn {
    /// The socket is empty: wait for readiness.
    Drained,
    /// There is more, but others wait: come back.
    Yield,
    /// The consumer lags: come back when there is room.
    Stalled,
    /// The peer ended its side between two messages.
    End,
}

/// Decoder of one connection's incoming bytes.
#[derive(Debug)]
pub struct Inbound {
    protocol: Protocol,
    max_message: usize,
    state: State,
    received: u64,
    intake: Intake,
    /// Size of the largest record of the last read: what the next read had better have room for.
    usual: usize,
}

#[derive(Debug)]
enum State {
    /// A record's first bytes, fewer than the record has; empty at a boundary.
    Carry(Vec<u8>),
    /// The payload so far of a message that is finished in its own memory, and its whole length.
    Assembly(Vec<u8>, usize),
}

impl Inbound {
    /// A decoder that refuses payloads above `max_message` bytes.
    pub fn new(protocol: Protocol, max_message: usize) -> Self {
        Self {
            protocol,
            max_message,
            state: State::Carry(Vec::new()),
            received: 0,
            intake: Intake::default(),
            usual: 0,
        }
    }

    /// Reads what there is, up to about `most` bytes, and hands messages to `room`.
    ///
    /// # Errors
    /// `TooBig` at the header of a message above the limit, `Truncated` when the stream ends inside
    /// a message, `ConnectionLost` when the read fails.
    pub fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
    ) -> Result<ReadTurn> {
        let mut read = 0;
        while read < most {
            let step = match &mut self.state {
                State::Carry(_) => self.read_in_place(io, room)?,
                State::Assembly(..) => self.read_assembly(io, room)?,
            };
            match step {
                Step::Read { bytes, filled } => {
                    read += bytes;
                    self.received += bytes as u64;
                    // A read that left room has emptied the socket: asking again would be a wasted call.
                    if !filled {
                        return Ok(ReadTurn::Drained);
                    }
                }
                Step::End => return self.end(),
                Step::Done(turn) => return Ok(turn),
            }
        }
        Ok(ReadTurn::Yield)
    }

    /// Bytes ever read.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Counts of what is received, and the rate that it is held to.
    pub fn intake(&mut self) -> &mut Intake {
        &mut self.intake
    }

    /// Gives up an unfinished message; its bytes no longer count as held.
    pub fn discard(&mut self, room: &mut impl Room) {
        room.hold(-(self.held() as isize));
        self.state = State::Carry(Vec::new());
    }

    /// Bytes held for an unfinished message, those of its header included.
    pub fn held(&self) -> usize {
        match &self.state {
            State::Carry(bytes) => bytes.len(),
            State::Assembly(bytes, _) => HEADER + bytes.len(),
        }
    }

    fn read_in_place(&mut self, io: &mut impl Read, room: &mut impl Room) -> Result<Step> {
        let State::Carry(carry) = &mut self.state else {
            return Ok(Step::Done(ReadTurn::Yield));
        };
        let carried = carry.len();
        // Large records are read one by one, each to its end: a read that ends inside one costs copies.
        let whole = self.usual.min(MAX_READ);
        let Some((space, marks)) = room.space((carried + MIN_READ).max(whole)) else {
            return Ok(Step::Done(ReadTurn::Stalled));
        };
        let end = match whole > carried + MIN_READ {
            true => whole,
            false => space.len().min(carried + MAX_READ),
        };
        let (front, back) = space[..end].split_at_mut(carried);
        let bytes = match Step::of(io.read(back), back.len())? {
            Step::Read { bytes, .. } => bytes,
            other => return Ok(other),
        };
        let filled = bytes == back.len();
        front.copy_from_slice(carry);
        let total = carried + bytes;
        let marks = &mut Counted {
            marks,
            intake: &mut self.intake,
        };
        let split = match self.protocol {
            Protocol::Raw => {
                marks.message(0, bytes, Payload::Binary);
                Split::whole(bytes)
            }
            Protocol::LengthPrefixed => split(&space[..total], self.max_message, marks),
        };
        // What came before a message that is too big is delivered all the same.
        let refused = split.announced.filter(|length| *length > self.max_message);
        self.state = split.tail(&space[..total]);
        self.usual = split.largest;
        room.commit(split.used);
        room.hold(self.held() as isize - carried as isize);
        if let Some(length) = refused {
            return Err(too_big(length, self.max_message));
        }
        Ok(Step::Read { bytes, filled })
    }

    fn read_assembly(&mut self, io: &mut impl Read, room: &mut impl Room) -> Result<Step> {
        let State::Assembly(message, length) = &mut self.state else {
            return Ok(Step::Done(ReadTurn::Yield));
        };
        if !room.hold(0) {
            return Ok(Step::Done(ReadTurn::Stalled));
        }
        let have = message.len();
        // At most doubles: memory follows what the peer really sent.
        let offer = (*length - have).min(have.max(MAX_READ));
        message.resize(have + offer, 0);
        let step = Step::of(io.read(&mut message[have..]), offer);
        let bytes = match step {
            Ok(Step::Read { bytes, .. }) => bytes,
            _ => 0,
        };
        message.truncate(have + bytes);
        room.hold(bytes as isize);
        if message.len() == *length {
            let message = std::mem::take(message);
            room.hold(-((HEADER + message.len()) as isize));
            self.state = State::Carry(Vec::new());
            if self.intake.admits(message.len()) {
                room.assembled(message, Payload::Binary);
            }
        }
        step
    }

    fn end(&self) -> Result<ReadTurn> {
        match self.held() {
            0 => Ok(ReadTurn::End),
            held => Err(Error::new(
                Code::Truncated,
                format!("the stream ended inside a message, {held} bytes into it"),
            )
            .with("held", held)),
        }
    }
}

/// Where the whole records of a space end, and what the next one announces.
struct Split {
    used: usize,
    announced: Option<usize>,
    largest: usize,
}

impl Split {
    fn whole(used: usize) -> Self {
        Self {
            used,
            announced: None,
            largest: 0,
        }
    }

    /// The state that keeps what follows the whole records.
    fn tail(&self, space: &[u8]) -> State {
        let tail = &space[self.used..];
        match self.announced {
            Some(length) if tail.len() > CARRY => State::Assembly(tail[HEADER..].to_vec(), length),
            _ => State::Carry(tail.to_vec()),
        }
    }
}

/// Marks the whole records at the front of `bytes`, up to one above `max_message`.
fn split(bytes: &[u8], max_message: usize, marks: &mut impl Marks) -> Split {
    let mut split = Split::whole(0);
    while let Some(length) = frame::announced(&bytes[split.used..]) {
        let end = split.used + HEADER + length;
        split.largest = split.largest.max(HEADER + length);
        if length > max_message || end > bytes.len() {
            split.announced = Some(length);
            break;
        }
        marks.message(split.used + HEADER, length, Payload::Binary);
        split.used = end;
    }
    split
}

fn too_big(length: usize, limit: usize) -> Error {
    Error::new(
        Code::TooBig,
        format!("a message of {length} bytes is larger than the limit of {limit} bytes"),
    )
    .with("size", length)
    .with("limit", limit)
}

/// What one read did.
pub(crate) enum Step {
    Read { bytes: usize, filled: bool },
    End,
    Done(ReadTurn),
}

impl Step {
    pub(crate) fn of(result: io::Result<usize>, offered: usize) -> Result<Self> {
        match result {
            Ok(0) if offered > 0 => Ok(Self::End),
            Ok(bytes) => Ok(Self::Read {
                bytes,
                filled: bytes == offered,
            }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Ok(Self::Done(ReadTurn::Drained))
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                Ok(Self::Done(ReadTurn::Yield))
            }
            Err(error) => Err(Error::system(Code::ConnectionLost, "reading", error)),
        }
    }
}

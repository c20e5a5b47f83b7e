//! The receiving half of QWH/1 over WebSocket: messages of the one are records of the other.

use std::{cell::Cell, collections::VecDeque, io::Read, time::Instant};

use crate::{
    error::{Code, Error, Result},
    link::{Intake, Marks, Payload, ReadTurn, Room},
    qwh,
    ws::{CloseFrame, Decoder, Role, push_message},
};

/// Bytes read at once: a record that is full, and its frame.
const READ: usize = 17 * 1024;

thread_local! {
    /// Idle links have no memory to read into: whoever reads takes this and gives it back.
    static SPACE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Records that came and the bytes of WebSocket around them.
#[derive(Debug)]
pub(crate) struct Records {
    frames: Decoder,
    records: qwh::Decoder,
    /// Whole records that are not taken, in order, and the bytes of them that the room was told of.
    waiting: VecDeque<Vec<u8>>,
    accounted: usize,
    /// Something of what came is not taken yet, for want of room.
    is_stalled: bool,
}

impl Records {
    /// Goes on behind a handshake that left `waiting`, and in `frames` perhaps a part of another message.
    pub(super) fn new(
        mut frames: Decoder,
        records: qwh::Decoder,
        waiting: impl IntoIterator<Item = Vec<u8>>,
    ) -> Self {
        // Nobody counted what the handshake held.
        frames.change_room();
        Self {
            frames,
            records,
            waiting: waiting.into_iter().collect(),
            accounted: 0,
            is_stalled: false,
        }
    }

    pub(super) fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
    ) -> Result<ReadTurn> {
        let now = Instant::now();
        if self.take_waiting(room, now)? == ReadTurn::Stalled {
            return Ok(ReadTurn::Stalled);
        }
        let mut space = SPACE.take();
        space.resize(space.len().max(READ), 0);
        let mut caught = Caught::new(&mut space, room, &mut self.waiting);
        let turn = self.frames.on_readable(io, &mut caught, most, now);
        let has_text = caught.has_text();
        SPACE.set(space);
        let taken = self.take_waiting(room, now)?;
        if has_text {
            let what = "a text message comes where records must";
            return Err(Error::new(Code::Protocol, what).with("closeCode", 2));
        }
        match (turn?, taken) {
            // What comes before the end is taken first.
            (_, ReadTurn::Stalled) => Ok(ReadTurn::Stalled),
            (turn, _) => Ok(turn),
        }
    }

    fn take_waiting(&mut self, room: &mut impl Room, now: Instant) -> Result<ReadTurn> {
        let mut turn = self.records.resume(room, now)?;
        while turn != ReadTurn::Stalled
            && let Some(record) = self.waiting.pop_front()
        {
            turn = self.records.on_record(record, room, now)?;
        }
        self.is_stalled = turn == ReadTurn::Stalled;
        self.account(room);
        Ok(turn)
    }

    fn account(&mut self, room: &mut impl Room) {
        let held: usize = self.waiting.iter().map(Vec::len).sum();
        if held != self.accounted {
            room.hold(held as isize - self.accounted as isize);
            self.accounted = held;
        }
    }

    pub(super) fn goaway(&self) -> Option<&qwh::GoAway> {
        self.records.goaway()
    }

    /// The close frame, once all that came before it is taken: frames are read ahead of the records in them.
    pub(super) fn peer_close(&self) -> Option<&CloseFrame> {
        self.frames.peer_close().filter(|_| !self.is_stalled)
    }

    pub(super) fn role(&self) -> Role {
        self.frames.role()
    }

    /// Bytes ever read.
    pub(super) fn received(&self) -> u64 {
        self.frames.received()
    }

    /// Of the messages in the records; what the frames around them count bounds nobody.
    pub(super) fn intake(&mut self) -> &mut Intake {
        self.records.intake()
    }

    /// A PING in a record is none, nor is a GOAWAY.
    pub(super) fn data(&self) -> u64 {
        self.records.data()
    }

    pub(super) fn discard(&mut self, room: &mut impl Room) {
        self.waiting.clear();
        self.account(room);
        self.frames.discard(room);
        self.records.discard(room);
    }

    /// PONGs of both.
    pub(super) fn take_replies(&mut self) -> Result<Option<Vec<u8>>> {
        let mut replies = self.frames.take_replies()?.unwrap_or_default();
        if let Some(record) = self.records.take_replies() {
            push_message(self.frames.role(), &record, &mut replies)?;
        }
        Ok((!replies.is_empty()).then_some(replies))
    }
}

/// Keeps messages of WebSocket; what is held meanwhile counts where it did before.
pub(super) struct Caught<'a, R> {
    space: &'a mut Vec<u8>,
    ranges: Ranges,
    books: &'a mut R,
    to: &'a mut VecDeque<Vec<u8>>,
}

impl<'a, R: Room> Caught<'a, R> {
    pub(super) fn new(
        space: &'a mut Vec<u8>,
        books: &'a mut R,
        to: &'a mut VecDeque<Vec<u8>>,
    ) -> Self {
        Self {
            space,
            ranges: Ranges::default(),
            books,
            to,
        }
    }

    /// There was one that is no record: neither it nor what is behind it is kept.
    pub(super) fn has_text(&self) -> bool {
        self.ranges.has_text
    }
}

impl<R: Room> Room for Caught<'_, R> {
    type Marks = Ranges;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Ranges)> {
        if !self.books.hold(0) {
            return None;
        }
        if self.space.len() < min {
            self.space.resize(min, 0);
        }
        Some((self.space, &mut self.ranges))
    }

    fn commit(&mut self, _: usize) {
        for (start, len) in self.ranges.found.drain(..) {
            let record = self.space.get(start..start + len).unwrap_or_default();
            self.to.push_back(record.to_vec());
        }
    }

    fn assembled(&mut self, message: Vec<u8>, payload: Payload) {
        if self.ranges.is_record(payload) {
            self.to.push_back(message);
        }
    }

    fn hold(&mut self, delta: isize) -> bool {
        self.books.hold(delta)
    }
}

/// The messages of one read.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    found: Vec<(usize, usize)>,
    has_text: bool,
}

impl Ranges {
    /// Whether it is one, and follows no other kind of message.
    fn is_record(&mut self, payload: Payload) -> bool {
        self.has_text |= payload == Payload::Text;
        !self.has_text
    }
}

impl Marks for Ranges {
    fn message(&mut self, start: usize, len: usize, payload: Payload) {
        if self.is_record(payload) {
            self.found.push((start, len));
        }
    }
}

/// Room for the messages of a handshake, which are few and small.
#[derive(Debug, Default)]
pub(super) struct Nobody;

impl Room for Nobody {
    type Marks = Ranges;

    fn space(&mut self, _: usize) -> Option<(&mut [u8], &mut Ranges)> {
        None
    }

    fn commit(&mut self, _: usize) {}

    fn assembled(&mut self, _: Vec<u8>, _: Payload) {}

    fn hold(&mut self, _: isize) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::ReceiveLimits;

    /// Counts what is held, and takes nothing.
    #[derive(Default)]
    struct Books(isize);

    impl Room for Books {
        type Marks = Ranges;

        fn space(&mut self, _: usize) -> Option<(&mut [u8], &mut Ranges)> {
            None
        }

        fn commit(&mut self, _: usize) {}

        fn assembled(&mut self, _: Vec<u8>, _: Payload) {}

        fn hold(&mut self, delta: isize) -> bool {
            self.0 += delta;
            true
        }
    }

    /// What the handshake had read of the next message was taken off the books once it was whole, though it had never
    /// been entered: less than nothing was held, and with that the memory of all connections was used up.
    #[test]
    fn what_a_handshake_has_read_of_the_next_message_is_on_the_books() {
        // A ping of the server, cut in the middle.
        let ping = [0x89, 4, 1, 2, 3, 4];
        let mut frames = Decoder::new(
            Role::Client,
            ReceiveLimits::default(),
            None,
            ping[..3].to_vec(),
        );
        let (mut space, mut queue) = (Vec::new(), VecDeque::new());
        let mut nobody = Nobody;
        let mut handshake = Caught::new(&mut space, &mut nobody, &mut queue);
        let _ = frames.on_readable(&mut std::io::empty(), &mut handshake, 1000, Instant::now());

        let records = qwh::Decoder::new(
            qwh::Carrier::Messages,
            ReceiveLimits::default(),
            0,
            Vec::new(),
        );
        let mut records = Records::new(frames, records, []);
        let mut books = Books::default();
        let _ = records.on_readable(&mut &ping[3..], &mut books, 1000);
        assert_eq!(books.0, 0);
    }
}

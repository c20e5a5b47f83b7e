//! The receiving half of a running link, whatever its carrier.

use std::{io::Read, time::Instant};

use crate::{
    error::Result,
    link::{Inbound, Intake, Marks, Payload, ReadTurn, Room},
    ws::{CloseFrame, Decoder},
};

/// Bytes read at once where what is received is void.
const VOID: usize = 16 * 1024;

/// Bytes to messages.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Messages straight from the stream.
    Stream(Inbound),
    /// Messages in WebSocket frames.
    WebSocket(Box<Decoder>),
}

impl Incoming {
    pub(super) fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
    ) -> Result<ReadTurn> {
        match self {
            Self::Stream(inbound) => inbound.on_readable(io, room, most),
            Self::WebSocket(decoder) => decoder.on_readable(io, room, most, Instant::now()),
        }
    }

    /// Grows with every piece of a message, or of its framing, that comes; what the carrier itself
    /// answers is none.
    pub(super) fn data(&self) -> u64 {
        match self {
            Self::Stream(inbound) => inbound.received(),
            Self::WebSocket(decoder) => decoder.data(),
        }
    }

    /// Counts of what is received, and the rate that it is held to.
    pub(super) fn intake(&mut self) -> &mut Intake {
        match self {
            Self::Stream(inbound) => inbound.intake(),
            Self::WebSocket(decoder) => decoder.intake(),
        }
    }

    /// Nothing was ever received, be it for the carrier.
    pub(super) fn is_untouched(&self) -> bool {
        match self {
            Self::Stream(inbound) => inbound.received() == 0,
            // It began with a request.
            Self::WebSocket(_) => false,
        }
    }

    pub(super) fn discard(&mut self, room: &mut impl Room) {
        match self {
            Self::Stream(inbound) => inbound.discard(room),
            Self::WebSocket(decoder) => decoder.discard(room),
        }
    }

    /// Whole control frames that answer what was received.
    ///
    /// # Errors
    /// `Resources` when the system has no random bytes to mask them with.
    pub(super) fn take_replies(&mut self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Stream(_) => Ok(None),
            Self::WebSocket(decoder) => decoder.take_replies(),
        }
    }

    /// What the peer said when it began to close.
    pub(super) fn farewell(&self) -> Option<&CloseFrame> {
        match self {
            Self::Stream(_) => None,
            Self::WebSocket(decoder) => decoder.peer_close(),
        }
    }

    pub(super) fn has_farewells(&self) -> bool {
        matches!(self, Self::WebSocket(_))
    }
}

/// Room for what nobody wants any more. What is held meanwhile counts where it did before.
#[derive(Debug)]
pub(super) struct Void<'a, R> {
    space: &'a mut Vec<u8>,
    marks: Unmarked,
    books: &'a mut R,
}

impl<'a, R: Room> Void<'a, R> {
    pub(super) fn new(space: &'a mut Vec<u8>, books: &'a mut R) -> Self {
        Self {
            space,
            marks: Unmarked,
            books,
        }
    }
}

impl<R: Room> Room for Void<'_, R> {
    type Marks = Unmarked;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Unmarked)> {
        let len = min.max(VOID);
        if self.space.len() < len {
            self.space.resize(len, 0);
        }
        Some((self.space, &mut self.marks))
    }

    fn commit(&mut self, _: usize) {}

    fn assembled(&mut self, _: Vec<u8>, _: Payload) {}

    fn hold(&mut self, delta: isize) -> bool {
        self.books.hold(delta);
        true
    }
}

/// Forgets every message.
#[derive(Debug)]
pub(super) struct Unmarked;

impl Marks for Unmarked {
    fn message(&mut self, _: usize, _: usize, _: Payload) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        link::TURN,
        ws::{Limits, Opcode, Role, write_frame},
    };

    /// Lends memory and keeps the books.
    #[derive(Default)]
    struct Books {
        memory: Vec<u8>,
        marks: Option<Unmarked>,
        held: isize,
    }

    impl Room for Books {
        type Marks = Unmarked;

        fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Unmarked)> {
            self.memory.resize(min, 0);
            Some((&mut self.memory, self.marks.get_or_insert(Unmarked)))
        }

        fn commit(&mut self, _: usize) {}

        fn assembled(&mut self, _: Vec<u8>, _: Payload) {}

        fn hold(&mut self, delta: isize) -> bool {
            self.held += delta;
            true
        }
    }

    #[test]
    fn what_ends_in_the_void_leaves_the_books() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, None, Opcode::Binary, false, &[1; 100_000]);
        let (mut first, mut rest) = bytes.split_at(60_000);
        let decoder = Decoder::new(Role::Client, Limits::default(), None, Vec::new());
        let mut incoming = Incoming::WebSocket(Box::new(decoder));
        let mut books = Books::default();
        while !first.is_empty() {
            incoming
                .on_readable(&mut first, &mut books, 1)
                .expect("half a message");
        }
        assert!(books.held >= 59_000, "{}", books.held);
        let mut space = Vec::new();
        let mut void = Void::new(&mut space, &mut books);
        while incoming
            .on_readable(&mut rest, &mut void, TURN)
            .expect("the other half")
            != ReadTurn::End
        {}
        assert_eq!(books.held, 0);
    }
}

//! The receiving half of a running link, whatever its carrier.

use std::{
    io::{self, Read},
    time::Instant,
};

use super::records::Records;
use crate::{
    close_code::CloseCode,
    error::{Error, Result},
    link::{Inbound, Intake, Marks, Payload, ReadTurn, Room},
    qwh::{self, GoAway},
    ws::{CloseFrame, Decoder, Role, close_code},
};

/// Bytes read at once where what is received is void.
const VOID: usize = 16 * 1024;

/// Bytes to messages.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Messages straight from the stream.
    Stream(Box<Direct>),
    /// Messages in WebSocket frames.
    WebSocket(Box<Decoder>),
    /// Messages in records of QWH/1.
    Qwh(Box<qwh::Decoder>),
    /// The same, in WebSocket messages.
    Records(Box<Records>),
}

/// A stream's own messages.
#[derive(Debug)]
pub(crate) struct Direct {
    inbound: Inbound,
    /// What was read of it before, to know that they are.
    first: Vec<u8>,
}

impl Incoming {
    /// Messages straight from a stream of which `first` was read before.
    pub(super) fn stream(inbound: Inbound, first: Vec<u8>) -> Self {
        Self::Stream(Box::new(Direct { inbound, first }))
    }

    pub(super) fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
    ) -> Result<ReadTurn> {
        match self {
            Self::Stream(direct) => direct.on_readable(io, room, most),
            Self::WebSocket(decoder) => decoder.on_readable(io, room, most, Instant::now()),
            Self::Qwh(decoder) => decoder.on_readable(io, room, most, Instant::now()),
            Self::Records(records) => records.on_readable(io, room, most),
        }
    }

    /// Grows with every piece of a message, or of its framing, that comes; what the carrier itself
    /// answers is none.
    pub(super) fn data(&self) -> u64 {
        match self {
            Self::Stream(direct) => direct.inbound.received(),
            Self::WebSocket(decoder) => decoder.data(),
            Self::Qwh(decoder) => decoder.data(),
            Self::Records(records) => records.data(),
        }
    }

    /// Grows with every byte that comes; as read, so behind TLS without its own.
    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Stream(direct) => direct.inbound.received(),
            Self::WebSocket(decoder) => decoder.received(),
            Self::Qwh(decoder) => decoder.received(),
            Self::Records(records) => records.received(),
        }
    }

    /// Counts of what is received, and the rate that it is held to.
    pub(super) fn intake(&mut self) -> &mut Intake {
        match self {
            Self::Stream(direct) => direct.inbound.intake(),
            Self::WebSocket(decoder) => decoder.intake(),
            Self::Qwh(decoder) => decoder.intake(),
            Self::Records(records) => records.intake(),
        }
    }

    /// Nothing was ever received, be it for the carrier.
    pub(super) fn is_untouched(&self) -> bool {
        match self {
            Self::Stream(direct) => direct.inbound.received() == 0 && direct.first.is_empty(),
            // They began with a handshake of their own.
            Self::WebSocket(_) | Self::Qwh(_) | Self::Records(_) => false,
        }
    }

    pub(super) fn discard(&mut self, room: &mut impl Room) {
        match self {
            Self::Stream(direct) => {
                direct.first.clear();
                direct.inbound.discard(room);
            }
            Self::WebSocket(decoder) => decoder.discard(room),
            Self::Qwh(decoder) => decoder.discard(room),
            Self::Records(records) => records.discard(room),
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
            Self::Qwh(decoder) => Ok(decoder.take_replies()),
            Self::Records(records) => records.take_replies(),
        }
    }

    /// What the peer said when it began to close.
    pub(super) fn farewell(&self) -> Option<Farewell> {
        let goaway = match self {
            Self::Stream(_) => return None,
            Self::WebSocket(decoder) => return decoder.peer_close().map(Farewell::of_frame),
            Self::Qwh(decoder) => decoder.goaway(),
            Self::Records(records) => match records.goaway() {
                None => return records.peer_close().map(Farewell::without_goaway),
                goaway => goaway,
            },
        };
        goaway.map(Farewell::of_goaway)
    }

    /// What a peer that broke the rules is told.
    pub(super) fn verdict(&self, error: &Error) -> CloseFrame {
        let code = match self {
            Self::Qwh(_) | Self::Records(_) => CloseCode::of(error).0,
            Self::Stream(_) | Self::WebSocket(_) => close_code(error),
        };
        CloseFrame {
            code: Some(code),
            reason: error.context().to_owned(),
        }
    }

    /// Of two that have parted the server of a WebSocket ends the stream first (RFC 6455, section 7.1.1).
    pub(super) fn ends_first(&self) -> bool {
        match self {
            Self::WebSocket(decoder) => decoder.role() == Role::Server,
            Self::Records(records) => records.role() == Role::Server,
            Self::Stream(_) | Self::Qwh(_) => true,
        }
    }

    /// The peer's farewell is a last word behind its messages, however late it comes.
    pub(super) fn has_last_words(&self) -> bool {
        matches!(self, Self::Qwh(_) | Self::Records(_))
    }

    pub(super) fn has_farewells(&self) -> bool {
        !matches!(self, Self::Stream(_))
    }
}

impl Direct {
    fn on_readable(
        &mut self,
        io: &mut impl Read,
        room: &mut impl Room,
        most: usize,
    ) -> Result<ReadTurn> {
        let Self { inbound, first } = self;
        match first.is_empty() {
            true => inbound.on_readable(io, room, most),
            false => inbound.on_readable(&mut Ahead { first, io }, room, most),
        }
    }
}

/// What the peer said when it began to close, and what we answer.
#[derive(Debug)]
pub(super) struct Farewell {
    pub theirs: CloseFrame,
    pub ours: CloseFrame,
    /// Of a GOAWAY: when to come back, milliseconds, or 0.
    pub retry_after_ms: Option<u32>,
    /// It says that we broke a rule: it reads nothing more.
    pub is_hostile: bool,
}

impl Farewell {
    fn of_frame(frame: &CloseFrame) -> Self {
        Self {
            theirs: frame.clone(),
            ours: frame.clone(),
            retry_after_ms: None,
            is_hostile: false,
        }
    }

    /// WebSocket ends where a GOAWAY was to come: it has numbers of its own, which ours answers with none of.
    fn without_goaway(frame: &CloseFrame) -> Self {
        Self {
            ours: CloseFrame::default(),
            ..Self::of_frame(frame)
        }
    }

    fn of_goaway(goaway: &GoAway) -> Self {
        let hostile = [
            CloseCode::PROTOCOL,
            CloseCode::TOO_BIG,
            CloseCode::RATE_LIMITED,
            CloseCode::FLOW,
        ];
        Self {
            theirs: CloseFrame {
                code: Some(goaway.code.0),
                reason: goaway.reason.clone(),
            },
            ours: CloseFrame::default(),
            retry_after_ms: Some(goaway.retry_after_ms),
            is_hostile: hostile.contains(&goaway.code),
        }
    }
}

/// A stream of which something was read before.
struct Ahead<'a, R> {
    first: &'a mut Vec<u8>,
    io: &'a mut R,
}

impl<R: Read> Read for Ahead<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.first.is_empty() {
            return self.io.read(buf);
        }
        let bytes = self.first.len().min(buf.len());
        let rest = self.first.split_off(bytes);
        buf[..bytes].copy_from_slice(self.first);
        *self.first = rest;
        Ok(bytes)
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
        link::{ReceiveLimits, TURN},
        ws::{Opcode, Role, write_frame},
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
        let decoder = Decoder::new(Role::Client, ReceiveLimits::default(), None, Vec::new());
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

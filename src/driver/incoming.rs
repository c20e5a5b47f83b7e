//! The receiving half of a running link, whatever its carrier.

use std::{io::Read, time::Instant};

use crate::{
    error::Result,
    link::{Inbound, Marks, Payload, ReadTurn, Room},
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

    pub(super) fn received(&self) -> u64 {
        match self {
            Self::Stream(inbound) => inbound.received(),
            Self::WebSocket(decoder) => decoder.received(),
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

/// Room for what nobody wants any more.
#[derive(Debug)]
pub(super) struct Void {
    space: Box<[u8]>,
    marks: Unmarked,
}

impl Void {
    pub(super) fn new() -> Self {
        Self {
            space: vec![0; VOID].into(),
            marks: Unmarked,
        }
    }
}

impl Room for Void {
    type Marks = Unmarked;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Unmarked)> {
        if self.space.len() < min {
            self.space = vec![0; min].into();
        }
        Some((&mut self.space, &mut self.marks))
    }

    fn commit(&mut self, _: usize) {}

    fn assembled(&mut self, _: Vec<u8>, _: Payload) {}

    fn hold(&mut self, _: isize) -> bool {
        true
    }
}

/// Forgets every message.
#[derive(Debug)]
pub(super) struct Unmarked;

impl Marks for Unmarked {
    fn message(&mut self, _: usize, _: usize, _: Payload) {}
}

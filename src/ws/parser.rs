//! From bytes to messages, frame by frame (RFC 6455 §5.4 to §5.6).
//!
//! A message in one frame that is not compressed is left where it is, unmasked in place and marked. All
//! others go to memory of their own as their bytes come.

use std::{io, time::Instant};

use super::{
    control::Control,
    deflate::{Inflater, Params},
    frame::{Header, Opcode, Role, broken},
    mask::{self, Key},
    message::{Message, too_big},
    utf8::{self, Utf8},
};
use crate::{
    error::Result,
    link::{CARRY, Marks, Parse, Payload, ReceiveLimits, Stop},
};

/// The rules of framing, applied to whatever bytes there are.
#[derive(Debug)]
pub(super) struct Parser {
    /// Which end we are.
    pub(super) role: Role,
    /// The largest frame found in place since this was last asked, as far as one read can have it.
    largest: u32,
    max_message: usize,
    max_fragments: usize,
    inflater: Option<Box<Inflater>>,
    pub(super) control: Control,
    /// The message under way, if it needs memory of its own.
    message: Option<Box<Message>>,
    /// Its frame that is not whole yet.
    open: Option<Open>,
    begun: Begun,
    /// Pieces of messages ever seen.
    pub(super) data: u64,
}

/// A frame whose payload is taken as it comes.
#[derive(Debug)]
struct Open {
    rest: usize,
    key: Option<Key>,
    /// How far the payload is into the key.
    offset: u8,
    fin: bool,
}

/// A text at the front of the next bytes, of which some is here: unmasked and validated already, since
/// what is wrong must show at once.
#[derive(Debug, Default)]
struct Begun {
    /// Less than one read has.
    done: u32,
    utf8: Utf8,
}

impl Begun {
    fn done(&self) -> usize {
        self.done as usize
    }
}

impl Parser {
    pub(super) fn new(role: Role, limits: ReceiveLimits, deflate: Option<&Params>) -> Self {
        Self {
            role,
            control: Control::new(&limits),
            max_message: limits.max_message,
            max_fragments: limits.max_fragments,
            inflater: deflate.map(|params| Box::new(Inflater::new(params.theirs(role)))),
            message: None,
            open: None,
            begun: Begun::default(),
            largest: 0,
            data: 0,
        }
    }
}

impl Parse for Parser {
    fn parse<M: Marks>(
        &mut self,
        bytes: &mut [u8],
        used: &mut usize,
        mut marks: Option<&mut M>,
        now: Instant,
    ) -> Result<Stop> {
        loop {
            if self.open.is_some() {
                self.data += 1;
                *used += self.feed(bytes.get_mut(*used..).unwrap_or_default())?;
                if let Some(stop) = self.finish_frame()? {
                    return Ok(stop);
                }
            }
            if self.control.close().is_some() {
                *used = bytes.len();
                return Ok(Stop::Hungry);
            }
            let rest = bytes.get_mut(*used..).unwrap_or_default();
            let Some((header, head)) = Header::parse(rest, self.role, self.inflater.is_some())?
            else {
                return Ok(Stop::Hungry);
            };
            let Some(payload) = rest.get_mut(head..) else {
                return Ok(Stop::Hungry);
            };
            if !header.opcode.is_control() {
                self.data += 1;
            }
            let step = if header.is_plain() {
                let marks = marks.as_deref_mut();
                self.plain(&header, payload, marks, (*used, head))?
            } else if header.opcode.is_control() {
                self.control(&header, payload, now)?
            } else {
                self.open(&header)?
            };
            match step {
                Some(taken) => *used += head + taken,
                None => return Ok(Stop::Hungry),
            }
        }
    }

    fn run(&self, bytes: &[u8]) -> usize {
        let mut end = 0;
        while self.open.is_none()
            && let Some(rest) = bytes.get(end..)
            && let Ok(Some((header, head))) = Header::parse(rest, self.role, false)
            && (header.is_plain() || header.opcode.is_control())
            && header.length <= (rest.len() - head) as u64
        {
            end += head + header.length as usize;
        }
        end
    }

    fn fill(
        &mut self,
        least: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> Option<io::Result<usize>> {
        let (message, open) = (self.message.as_mut()?, self.open.as_mut()?);
        let offer = open.rest.min(message.len().max(least));
        let filled = message.fill(offer, open.key, open.offset.into(), read);
        open.advance(*filled.as_ref().unwrap_or(&0));
        Some(filled)
    }

    fn filled(&mut self, before: usize) -> Result<Option<Stop>> {
        self.data += 1;
        if let Some(message) = &mut self.message {
            message.validate(before, self.max_message)?;
        }
        self.finish_frame()
    }

    fn wants_filling(&self) -> bool {
        self.open.is_some() && self.message.as_deref().is_some_and(Message::is_plain)
    }

    fn is_inside(&self) -> bool {
        self.message.is_some()
    }

    fn held(&self) -> usize {
        self.message.as_deref().map_or(0, Message::len)
    }

    fn discard(&mut self) {
        self.message = None;
        self.open = None;
        if let Some(inflater) = &mut self.inflater {
            inflater.clear();
        }
    }

    fn take_largest(&mut self) -> usize {
        std::mem::take(&mut self.largest) as usize
    }

    fn is_over(&self) -> bool {
        self.control.close().is_some()
    }
}

impl Parser {
    /// A message in one frame: marked if it is whole. Gives what it took, `None` if it is not whole.
    #[inline]
    fn plain<M: Marks>(
        &mut self,
        header: &Header,
        bytes: &mut [u8],
        marks: Option<&mut M>,
        (start, head): (usize, usize),
    ) -> Result<Option<usize>> {
        if self.message.is_some() {
            return Err(broken("a message begins inside of another"));
        }
        if header.length > self.max_message as u64 {
            return Err(too_big(header.length, self.max_message));
        }
        let length = header.length as usize;
        self.largest = self.largest.max(clamped(head + length));
        let Some(payload) = bytes.get_mut(..length) else {
            return self.part(header, bytes);
        };
        let Some(marks) = marks else {
            return Ok(None);
        };
        if self.begun.done > 0 {
            self.go_on(header, payload)?;
            std::mem::take(&mut self.begun).utf8.finish()?;
        } else {
            if let Some(key) = header.mask {
                mask::apply(payload, key, 0);
            }
            if header.opcode == Opcode::Text {
                utf8::validate(payload)?;
            }
        }
        marks.message(start + head, length, header.payload());
        Ok(Some(length))
    }

    /// A message in one frame that is not whole: one that is large gets memory of its own.
    fn part(&mut self, header: &Header, bytes: &mut [u8]) -> Result<Option<usize>> {
        if bytes.len() <= CARRY {
            if header.opcode == Opcode::Text {
                self.go_on(header, bytes)?;
            }
            return Ok(None);
        }
        let begun = std::mem::take(&mut self.begun);
        let front = bytes.get(..begun.done()).unwrap_or_default();
        self.open(header)?;
        if let (Some(message), Some(open)) = (&mut self.message, &mut self.open) {
            message.begin(front, begun.utf8);
            open.advance(front.len());
        }
        Ok(Some(front.len()))
    }

    /// Unmasks and validates what is new of a text at the front.
    fn go_on(&mut self, header: &Header, payload: &mut [u8]) -> Result<()> {
        let done = self.begun.done();
        let fresh = payload.get_mut(done..).unwrap_or_default();
        if let Some(key) = header.mask {
            mask::apply(fresh, key, done);
        }
        self.begun.done += clamped(fresh.len());
        self.begun.utf8.push(fresh)
    }

    /// A control frame, wherever it stands (§5.4).
    fn control(
        &mut self,
        header: &Header,
        bytes: &mut [u8],
        now: Instant,
    ) -> Result<Option<usize>> {
        // At most 125 bytes: the header was refused otherwise.
        let Some(payload) = bytes.get_mut(..header.length as usize) else {
            return Ok(None);
        };
        if let Some(key) = header.mask {
            mask::apply(payload, key, 0);
        }
        let taken = payload.len();
        self.control.take(header.opcode, payload, now)?;
        if self.control.close().is_some() {
            self.discard();
        }
        Ok(Some(taken))
    }

    /// A frame of a message in its own memory begins.
    fn open(&mut self, header: &Header) -> Result<Option<usize>> {
        match (header.opcode, &self.message) {
            (Opcode::Continuation, None) => return Err(broken("there is no message to continue")),
            (Opcode::Continuation, Some(_)) => {}
            (_, Some(_)) => return Err(broken("a message begins inside of another")),
            (_, None) => {}
        }
        let message = self
            .message
            .get_or_insert_with(|| Box::new(Message::new(header.payload(), header.rsv1)));
        message.announce(header, self.max_message, self.max_fragments)?;
        self.open = Some(Open {
            // What was announced is within the limit, and that is a usize.
            rest: header.length as usize,
            key: header.mask,
            offset: 0,
            fin: header.fin,
        });
        Ok(Some(0))
    }

    /// Gives the open frame what `bytes` have of it.
    fn feed(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let (Some(message), Some(open)) = (&mut self.message, &mut self.open) else {
            return Ok(0);
        };
        let count = bytes.len().min(open.rest);
        let fresh = bytes.get_mut(..count).unwrap_or_default();
        if let Some(key) = open.key {
            mask::apply(fresh, key, open.offset.into());
        }
        open.advance(count);
        message.push(fresh, self.inflater.as_deref_mut(), self.max_message)?;
        Ok(count)
    }

    /// Closes the open frame if it is whole; `None` if the next one may come.
    fn finish_frame(&mut self) -> Result<Option<Stop>> {
        match &self.open {
            Some(open) if open.rest > 0 => return Ok(Some(Stop::Hungry)),
            Some(open) if open.fin => {}
            _ => {
                self.open = None;
                return Ok(None);
            }
        }
        self.open = None;
        let Some(message) = self.message.take() else {
            return Ok(None);
        };
        let (bytes, payload) = message.finish(self.inflater.as_deref_mut(), self.max_message)?;
        Ok(Some(Stop::Whole(bytes, payload)))
    }
}

/// A size of what one read can have, which is far below.
fn clamped(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

impl Open {
    fn advance(&mut self, count: usize) {
        self.rest = self.rest.saturating_sub(count);
        self.offset = ((usize::from(self.offset) + count) % 4) as u8;
    }
}

impl Header {
    /// Whether this frame is a whole message, as it is.
    #[inline]
    fn is_plain(&self) -> bool {
        self.fin && !self.rsv1 && matches!(self.opcode, Opcode::Text | Opcode::Binary)
    }

    #[inline]
    fn payload(&self) -> Payload {
        match self.opcode {
            Opcode::Text => Payload::Text,
            _ => Payload::Binary,
        }
    }
}

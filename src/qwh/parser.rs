//! The receiving half: records to messages, frame by frame.
//!
//! A message in one frame is left where it is, and marked. All others go to memory of their own as their
//! bytes come.

use std::{collections::VecDeque, io, time::Instant};

use super::{
    events::Carrier,
    fault::Fault,
    frame::{self, HEADER, Header, Kind},
    goaway::{self, GoAway},
    head::Head,
    limits::MAX_RECORD,
    reassembly::{Reassembly, check_fragment},
};
use crate::{
    allowance::Allowance,
    close_code::CloseCode,
    error,
    link::{CARRY, Marks, Parse, Payload, ReceiveLimits, Stop},
};

/// Bytes of a PING or PONG.
const PING: usize = 8;

/// Pings that wait for their pongs. The newest are kept: one answer serves for all before it.
const MAX_PINGS: usize = 64;

/// The rules of records and frames, applied to whatever bytes there are.
#[derive(Debug)]
pub(super) struct Parser {
    carrier: Carrier,
    limits: ReceiveLimits,
    allowance: Allowance,
    /// Bytes of the current record that are not taken.
    record_rest: usize,
    /// Messages under way, by class.
    messages: [Option<Reassembly>; 3],
    /// The frame whose body is taken as it comes.
    open: Option<Open>,
    pings: VecDeque<[u8; PING]>,
    goaway: Option<GoAway>,
    /// The largest frame found in place since this was last asked.
    largest: usize,
    /// Grows with every piece of a message.
    data: u64,
}

/// A frame that is not whole yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// The class of its message; none if nobody wants it.
    class: Option<usize>,
    rest: usize,
    /// It is the last of its message.
    is_last: bool,
}

impl Parser {
    pub(super) fn new(carrier: Carrier, limits: ReceiveLimits, record_rest: usize) -> Self {
        Self {
            carrier,
            allowance: Allowance::new(limits.control_burst, limits.control_per_second),
            limits,
            record_rest,
            messages: Default::default(),
            open: None,
            pings: VecDeque::new(),
            goaway: None,
            largest: 0,
            data: 0,
        }
    }

    pub(super) fn data_seen(&self) -> u64 {
        self.data
    }

    /// The PONGs that are due, as a record.
    pub(super) fn take_replies(&mut self) -> Option<Vec<u8>> {
        if self.pings.is_empty() {
            return None;
        }
        let mut record = Vec::with_capacity(2 + self.pings.len() * (HEADER + PING));
        if self.carrier == Carrier::Stream {
            // At most 64 frames of 16 bytes.
            let length = u16::try_from(self.pings.len() * (HEADER + PING)).unwrap_or(u16::MAX);
            record.extend_from_slice(&length.to_be_bytes());
        }
        for opaque in std::mem::take(&mut self.pings) {
            frame::push(&mut record, Kind::Pong, &opaque);
        }
        Some(record)
    }

    /// What the peer ended with.
    pub(super) fn goaway(&self) -> Option<&GoAway> {
        self.goaway.as_ref()
    }

    /// A record of `length` bytes begins.
    pub(super) fn begin_record(&mut self, length: usize) -> Result<(), Fault> {
        match length {
            0 => Err(Fault::protocol("a record is empty")),
            1..=MAX_RECORD => {
                self.record_rest = length;
                Ok(())
            }
            _ => Err(Fault::new(CloseCode::TOO_BIG, "a record is too long")),
        }
    }

    /// Takes one frame whose header is `header` and of whose body `body` begins with what is here. Gives
    /// how much of the body is done with; `None` if too little is here.
    #[inline]
    fn frame<M: Marks>(
        &mut self,
        header: &Header,
        body: &[u8],
        marks: Option<&mut M>,
        start: usize,
        now: Instant,
    ) -> Result<Option<usize>, Fault> {
        match header.kind {
            Kind::Data => self.data(header, body, marks, start),
            Kind::Cont => self.cont(header),
            Kind::Pad | Kind::Extension(_) => {
                self.admit(now)?;
                self.open = Some(Open {
                    class: None,
                    rest: header.length,
                    is_last: true,
                });
                Ok(Some(0))
            }
            Kind::Ping | Kind::Pong => self.ping(header, body, now),
            Kind::GoAway => self.take_goaway(header, body, now),
            Kind::Ready | Kind::Hello => Err(misplaced()),
        }
    }

    /// The first or only frame of a message.
    #[inline]
    fn data<M: Marks>(
        &mut self,
        header: &Header,
        body: &[u8],
        marks: Option<&mut M>,
        start: usize,
    ) -> Result<Option<usize>, Fault> {
        self.data += 1;
        let class = header.class() as usize;
        if self.messages.get(class).is_some_and(Option::is_some) {
            return Err(Fault::protocol(
                "a message begins inside of another of its class",
            ));
        }
        let Some(head) = Head::parse(header, body)? else {
            return Ok(None);
        };
        let length = header.length - head.length;
        let total = head.total.unwrap_or(length);
        if total > self.limits.max_message {
            return Err(Fault::new(CloseCode::TOO_BIG, "a message is too long"));
        }
        check_fragment(header, length, total)?;
        if !header.has_more() {
            self.largest = self.largest.max(HEADER + header.length);
            if body.len() >= header.length {
                return Ok(marks.map(|marks| {
                    marks.message(start + head.length, length, Payload::Binary);
                    header.length
                }));
            }
            if body.len() <= CARRY {
                return Ok(None);
            }
        }
        if let Some(place) = self.messages.get_mut(class) {
            *place = Some(Reassembly::new(total));
        }
        self.open(class, length, header);
        Ok(Some(head.length))
    }

    /// A further frame of a message.
    fn cont(&mut self, header: &Header) -> Result<Option<usize>, Fault> {
        let class = header.class() as usize;
        let Some(Some(message)) = self.messages.get_mut(class) else {
            return Err(Fault::protocol("there is no message to continue"));
        };
        message.announce(header, self.limits.max_fragments)?;
        self.data += 1;
        self.open(class, header.length, header);
        Ok(Some(0))
    }

    fn open(&mut self, class: usize, rest: usize, header: &Header) {
        self.open = Some(Open {
            class: Some(class),
            rest,
            is_last: !header.has_more(),
        });
    }

    fn ping(&mut self, header: &Header, body: &[u8], now: Instant) -> Result<Option<usize>, Fault> {
        if header.length != PING {
            return Err(Fault::protocol("a PING or PONG has not eight bytes"));
        }
        let Some(opaque) = body.first_chunk::<PING>() else {
            return Ok(None);
        };
        self.admit(now)?;
        if header.kind == Kind::Ping {
            if self.pings.len() == MAX_PINGS {
                self.pings.pop_front();
            }
            self.pings.push_back(*opaque);
        }
        Ok(Some(PING))
    }

    fn take_goaway(
        &mut self,
        header: &Header,
        body: &[u8],
        now: Instant,
    ) -> Result<Option<usize>, Fault> {
        if !goaway::LENGTHS.contains(&header.length) {
            return Err(Fault::protocol("a GOAWAY is malformed"));
        }
        let Some(body) = body.get(..header.length) else {
            return Ok(None);
        };
        self.admit(now)?;
        self.goaway = Some(GoAway::parse(body)?);
        self.discard();
        Ok(Some(header.length))
    }

    /// Counts a frame that is no message.
    fn admit(&mut self, now: Instant) -> Result<(), Fault> {
        match self.allowance.take(now) {
            true => Ok(()),
            false => {
                let reason = "there are too many control frames";
                Err(Fault::new(CloseCode::RATE_LIMITED, reason))
            }
        }
    }

    /// Gives the open frame what `bytes` have of it.
    fn feed(&mut self, bytes: &[u8]) -> usize {
        let Some(open) = &mut self.open else {
            return 0;
        };
        let fresh = bytes.get(..open.rest).unwrap_or(bytes);
        open.rest -= fresh.len();
        self.record_rest -= fresh.len();
        if let Some(class) = open.class
            && let Some(Some(message)) = self.messages.get_mut(class)
        {
            message.push(fresh);
        }
        fresh.len()
    }

    /// Closes the open frame if it is whole; `None` if the next one may come.
    fn finish_frame(&mut self) -> Option<Stop> {
        let open = self.open.take_if(|open| open.rest == 0);
        let Some(open) = open else {
            return self.open.is_some().then_some(Stop::Hungry);
        };
        let message = self
            .messages
            .get_mut(open.class?)?
            .take_if(|_| open.is_last)?;
        Some(Stop::Whole(message.finish(), Payload::Binary))
    }

    /// The next frame's header, within its record; `None` before it is whole.
    #[inline]
    fn header(&mut self, bytes: &[u8], used: &mut usize) -> Result<Option<Header>, Fault> {
        let mut rest = bytes.get(*used..).unwrap_or_default();
        if self.record_rest == 0 {
            if self.carrier == Carrier::Messages {
                return Ok(None);
            }
            let Some((length, behind)) = rest.split_first_chunk::<2>() else {
                return Ok(None);
            };
            self.begin_record(u16::from_be_bytes(*length).into())?;
            *used += length.len();
            rest = behind;
        }
        if self.record_rest < HEADER {
            return Err(too_long());
        }
        let Some(bytes) = rest.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let header = Header::parse(bytes)?;
        match HEADER + header.length > self.record_rest {
            true => Err(too_long()),
            false => Ok(Some(header)),
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
    ) -> error::Result<Stop> {
        loop {
            if self.open.is_some() {
                *used += self.feed(bytes.get(*used..).unwrap_or_default());
                if let Some(stop) = self.finish_frame() {
                    return Ok(stop);
                }
            }
            if self.goaway.is_some() {
                *used = bytes.len();
                return Ok(Stop::Hungry);
            }
            let Some(header) = self.header(bytes, used)? else {
                return Ok(Stop::Hungry);
            };
            let start = *used + HEADER;
            let body = bytes.get(start..).unwrap_or_default();
            let body = body.get(..header.length).unwrap_or(body);
            match self.frame(&header, body, marks.as_deref_mut(), start, now)? {
                Some(taken) => {
                    *used = start + taken;
                    self.record_rest -= HEADER + taken;
                }
                None => return Ok(Stop::Hungry),
            }
        }
    }

    fn run(&self, bytes: &[u8]) -> usize {
        let (mut end, mut record_rest) = (0, self.record_rest);
        while self.open.is_none() {
            let mut at = end;
            let mut left = record_rest;
            if left == 0
                && self.carrier == Carrier::Stream
                && let Some(length) = bytes.get(at..).and_then(<[u8]>::first_chunk)
            {
                left = u16::from_be_bytes(*length).into();
                at += length.len();
            }
            let front = bytes.get(at..).and_then(<[u8]>::first_chunk);
            let Some(Ok(header)) = front.map(Header::parse) else {
                break;
            };
            let next = at + HEADER + header.length;
            let needs_memory = header.has_more() || header.kind == Kind::Cont;
            if needs_memory || HEADER + header.length > left || next > bytes.len() {
                break;
            }
            record_rest = left - HEADER - header.length;
            end = next;
        }
        end
    }

    fn fill(
        &mut self,
        least: usize,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> Option<io::Result<usize>> {
        let open = self.open.as_mut()?;
        let message = self.messages.get_mut(open.class?)?.as_mut()?;
        let offer = open.rest.min(message.len().max(least));
        let filled = message.fill(offer, read);
        let count = *filled.as_ref().unwrap_or(&0);
        open.rest -= count;
        self.record_rest -= count;
        Some(filled)
    }

    fn filled(&mut self, _: usize) -> error::Result<Option<Stop>> {
        self.data += 1;
        Ok(self.finish_frame())
    }

    fn wants_filling(&self) -> bool {
        self.open.is_some_and(|open| open.class.is_some())
    }

    fn may_go_on(&self) -> error::Result<()> {
        match self.record_rest {
            1..HEADER if self.open.is_none() && self.goaway.is_none() => Err(too_long().into()),
            _ => Ok(()),
        }
    }

    fn is_inside(&self) -> bool {
        self.messages.iter().any(Option::is_some)
    }

    fn is_unfinished(&self) -> bool {
        self.is_inside() || self.record_rest > 0
    }

    fn held(&self) -> usize {
        self.messages.iter().flatten().map(Reassembly::len).sum()
    }

    fn discard(&mut self) {
        self.messages = Default::default();
        self.open = None;
    }

    fn take_largest(&mut self) -> usize {
        std::mem::take(&mut self.largest)
    }

    fn is_over(&self) -> bool {
        self.goaway.is_some()
    }
}

#[cold]
fn too_long() -> Fault {
    Fault::protocol("a frame is longer than its record")
}

#[cold]
fn misplaced() -> Fault {
    Fault::protocol("a frame comes where it must not")
}

//! The handshake of both sides, for security 0 and 2: from the first byte to READY.
//!
//! Bytes come in with [`receive`](Handshake::receive), the owner's verdict with
//! [`accept`](Handshake::accept) and [`refuse`](Handshake::refuse), the end of its patience with
//! [`time_out`](Handshake::time_out). What comes out is asked for with
//! [`next_event`](Handshake::next_event) after each of them.
//!
//! Messages are held until they may be delivered: behind the peer's READY nothing is taken any more. What
//! is left of the received bytes goes to the [`Decoder`](super::Decoder) once there is a
//! [`Ready`](Event::Ready).

use std::collections::VecDeque;

use super::{
    events::{Carrier, Event, Failure, Origin, Peer, Ready, Settings, Side},
    fault::Fault,
    frame::{self, HEADER, Header, Kind},
    goaway::{self, GoAway},
    hello::Hello,
    limits::{ANSWER, MAX_HELLO, MAX_RECORD},
    negotiation::negotiate,
    preamble::{Answer, Preamble, Security},
};
use crate::close_code::CloseCode;

/// What must come next.
#[derive(Debug)]
enum Stage {
    Preamble,
    Answer,
    Length,
    Header,
    Body(Header),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the peer's HELLO.
    Hello,
    /// Before both READYs.
    Verify,
    Ready,
    Failed,
}

/// One handshake.
#[derive(Debug)]
pub struct Handshake {
    settings: Settings,
    /// Our HELLO as it is sent.
    hello: Vec<u8>,
    phase: Phase,
    stage: Stage,
    /// The front of what must come next.
    buffer: Vec<u8>,
    /// Bytes of the current record that are not taken.
    record_rest: usize,
    /// What the initiator's preamble said; ours or the peer's.
    preamble: Preamble,
    security: Security,
    we_accepted: bool,
    peer_accepted: bool,
    /// The peer's HELLO, if it does not fit ours.
    misfit: Option<Box<Hello>>,
    events: VecDeque<Event>,
}

impl Handshake {
    /// A handshake. What an initiator sends first is there at once.
    ///
    /// # Errors
    /// What a peer would answer, if our HELLO or route is not within the limits.
    pub fn new(settings: Settings) -> Result<Self, Fault> {
        let hello = settings.hello.encode(settings.side == Side::Initiator)?;
        let preamble = Preamble {
            security: match settings.exporter {
                Some(_) => Security::Outer,
                None => Security::None,
            },
            versions: settings.hello.versions,
            route: settings.route.clone(),
        };
        Preamble::parse(&preamble.encode())?;
        let initiates = settings.side == Side::Initiator;
        let mut handshake = Self {
            settings,
            hello,
            phase: Phase::Hello,
            stage: if initiates {
                Stage::Answer
            } else {
                Stage::Preamble
            },
            buffer: Vec::new(),
            record_rest: 0,
            security: Security::None,
            preamble,
            we_accepted: false,
            peer_accepted: false,
            misfit: None,
            events: VecDeque::new(),
        };
        if initiates {
            let preamble = handshake.preamble.encode();
            handshake.events.push_back(Event::Send(preamble));
            handshake.send_hello();
        }
        Ok(handshake)
    }

    /// Takes received bytes, on a carrier of messages all of one message, and says how many. It takes
    /// fewer behind the peer's READY: then the owner stops reading, and keeps the others.
    pub fn receive(&mut self, bytes: &[u8]) -> usize {
        match self.take(bytes) {
            // What follows a failure is nobody's.
            _ if self.phase == Phase::Failed => bytes.len(),
            Ok(taken) => taken,
            Err(fault) => {
                self.fail(fault.code, fault.reason, 0);
                bytes.len()
            }
        }
    }

    /// The peer is welcome. Only after [`Event::Verify`]; else nothing happens.
    pub fn accept(&mut self) {
        if self.phase == Phase::Verify && !self.we_accepted {
            self.we_accepted = true;
            self.send_record(Kind::Ready, &[]);
            self.settle();
        }
    }

    /// The peer is not welcome, whenever that is known before both are ready.
    pub fn refuse(&mut self, code: CloseCode, reason: &str, retry_after_ms: u32) {
        if matches!(self.phase, Phase::Hello | Phase::Verify) {
            self.fail(code, reason, retry_after_ms);
        }
    }

    /// It took too long.
    pub fn time_out(&mut self) {
        self.refuse(CloseCode::TIMEOUT, "the handshake took too long", 0);
    }

    /// What is to be done, in this order.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether received bytes are taken: not behind the peer's READY, nor after the end.
    pub fn wants_bytes(&self) -> bool {
        matches!(self.phase, Phase::Hello | Phase::Verify) && !self.peer_accepted
    }

    fn take(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let in_messages = self.settings.carrier == Carrier::Messages;
        if in_messages && self.wants_bytes() && matches!(self.stage, Stage::Length) {
            self.begin_record(bytes.len())?;
        }
        let mut used = 0;
        while self.wants_bytes() {
            let missing = self.needed()?.saturating_sub(self.buffer.len());
            let rest = bytes.get(used..).unwrap_or_default();
            let fresh = rest.get(..missing).unwrap_or(rest);
            self.buffer.extend_from_slice(fresh);
            used += fresh.len();
            if self.buffer.len() < self.needed()? {
                if used == bytes.len() {
                    break;
                }
                // The front of a preamble told that there is more of it.
                continue;
            }
            let whole = std::mem::take(&mut self.buffer);
            self.advance(&whole, in_messages && used < bytes.len())?;
            if in_messages && used == bytes.len() && matches!(self.stage, Stage::Length) {
                break;
            }
        }
        if in_messages && self.wants_bytes() && !matches!(self.stage, Stage::Length) {
            return Err(Fault::preamble("the preamble has not its length"));
        }
        Ok(used)
    }

    /// How long the buffer must be, as far as it tells.
    fn needed(&self) -> Result<usize, Fault> {
        Ok(match self.stage {
            Stage::Preamble => Preamble::length(&self.buffer)?,
            Stage::Answer => {
                Answer::parse(&self.buffer)?;
                ANSWER
            }
            Stage::Length => 2,
            Stage::Header => HEADER,
            Stage::Body(header) => header.length,
        })
    }

    /// Takes one whole part. A preamble and an answer must be all of a message.
    fn advance(&mut self, whole: &[u8], has_more: bool) -> Result<(), Fault> {
        match self.stage {
            Stage::Preamble | Stage::Answer if has_more => {
                Err(Fault::preamble("the preamble has not its length"))
            }
            Stage::Preamble => self.take_preamble(Preamble::parse(whole)?),
            Stage::Answer => match Answer::parse(whole)? {
                Some(answer) => self.take_answer(answer),
                None => Ok(()),
            },
            Stage::Length => match *whole {
                [high, low] => self.begin_record(u16::from_be_bytes([high, low]).into()),
                _ => Ok(()),
            },
            Stage::Header => self.take_header(whole),
            Stage::Body(header) => {
                self.record_rest -= header.length;
                self.next_frame()?;
                self.take_frame(header.kind, whole)
            }
        }
    }

    fn take_preamble(&mut self, preamble: Preamble) -> Result<(), Fault> {
        if preamble
            .versions
            .common(self.settings.hello.versions)
            .is_none()
        {
            let reason = "there is no version in common";
            return Err(Fault::new(CloseCode::VERSION, reason));
        }
        self.security = match self.settings.exporter {
            Some(_) => preamble.security,
            None => Security::None,
        };
        self.preamble = preamble;
        let security = self.security;
        let answer = Answer::Accept { security }.encode();
        self.events.push_back(Event::Send(answer.to_vec()));
        self.stage = Stage::Length;
        Ok(())
    }

    fn take_answer(&mut self, answer: Answer) -> Result<(), Fault> {
        match answer {
            Answer::Reject(code) => self.end(Failure {
                code,
                reason: String::new(),
                origin: Origin::Remote,
                retry_after_ms: 0,
                misfit: None,
            }),
            Answer::Accept { security } => {
                if security != Security::None && security != self.preamble.security {
                    let reason = "the answer's security was not offered";
                    return Err(Fault::new(CloseCode::SECURITY, reason));
                }
                self.security = security;
                self.stage = Stage::Length;
            }
        }
        Ok(())
    }

    fn begin_record(&mut self, length: usize) -> Result<(), Fault> {
        if length > MAX_RECORD {
            return Err(Fault::new(CloseCode::TOO_BIG, "a record is too long"));
        }
        if length == 0 {
            return Err(Fault::protocol("a record is empty"));
        }
        self.record_rest = length;
        self.next_frame()
    }

    fn next_frame(&mut self) -> Result<(), Fault> {
        self.stage = match self.record_rest {
            0 => Stage::Length,
            HEADER.. => Stage::Header,
            _ => return Err(Fault::protocol("a frame is longer than its record")),
        };
        Ok(())
    }

    fn take_header(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Some(bytes) = bytes.first_chunk() else {
            return Ok(());
        };
        let header = Header::parse(bytes)?;
        self.record_rest -= HEADER;
        if header.length > self.record_rest {
            return Err(Fault::protocol("a frame is longer than its record"));
        }
        match (self.phase, header.kind, header.length) {
            (Phase::Hello, Kind::Hello, length) if length > MAX_HELLO => {
                return Err(Fault::new(CloseCode::TOO_BIG, "the HELLO is too long"));
            }
            (Phase::Hello, Kind::Hello, _) | (Phase::Verify, Kind::Ready, 0) => {}
            (_, Kind::GoAway, length) if goaway::LENGTHS.contains(&length) => {}
            (_, Kind::GoAway, _) => return Err(Fault::protocol("a GOAWAY is malformed")),
            _ => return Err(Fault::protocol("a frame comes where it must not")),
        }
        self.stage = Stage::Body(header);
        Ok(())
    }

    fn take_frame(&mut self, kind: Kind, body: &[u8]) -> Result<(), Fault> {
        match kind {
            Kind::Hello => self.take_hello(body),
            Kind::Ready => {
                self.peer_accepted = true;
                self.settle();
                Ok(())
            }
            _ => {
                let goaway = GoAway::parse(body)?;
                self.end(Failure {
                    code: goaway.code,
                    reason: goaway.reason,
                    origin: Origin::Remote,
                    retry_after_ms: goaway.retry_after_ms,
                    misfit: None,
                });
                Ok(())
            }
        }
    }

    fn take_hello(&mut self, body: &[u8]) -> Result<(), Fault> {
        let responds = self.settings.side == Side::Responder;
        let hello = Hello::parse(body, responds)?;
        if responds {
            if hello.versions != self.preamble.versions {
                return Err(Fault::protocol(
                    "the versions are not those of the preamble",
                ));
            }
            // Sent even if the two do not fit, so that the peer can say why.
            self.send_hello();
        }
        let agreement = match negotiate(&self.settings.hello, &hello) {
            Ok(agreement) => agreement,
            Err(fault) => {
                self.misfit = Some(Box::new(hello));
                return Err(fault);
            }
        };
        self.phase = Phase::Verify;
        self.events.push_back(Event::Verify(Box::new(Peer {
            hello,
            agreement,
            offered: self.preamble.security,
            security: self.security,
            channel_id: match self.security {
                Security::None => None,
                Security::Outer => self.settings.exporter,
            },
            route: self.preamble.route.clone(),
        })));
        Ok(())
    }

    /// Ready once both have accepted.
    fn settle(&mut self) {
        if self.we_accepted && self.peer_accepted {
            self.phase = Phase::Ready;
            let record_rest = self.record_rest;
            self.events.push_back(Event::Ready(Ready { record_rest }));
        }
    }

    /// Tells the peer, in whatever it understands by now.
    fn fail(&mut self, code: CloseCode, reason: &str, retry_after_ms: u32) {
        let goaway = GoAway {
            code,
            last_stream: 0,
            retry_after_ms,
            reason: reason.to_owned(),
        };
        match self.stage {
            Stage::Preamble => {
                let reject = Answer::Reject(code).encode();
                self.events.push_back(Event::Send(reject.to_vec()));
            }
            // It speaks something else: there is nothing it would understand.
            Stage::Answer if code == CloseCode::BAD_PREAMBLE => {}
            _ => self.send_record(Kind::GoAway, &goaway.encode()),
        }
        let misfit = self.misfit.take();
        self.end(Failure {
            code,
            reason: reason.to_owned(),
            origin: Origin::Local,
            retry_after_ms,
            misfit,
        });
    }

    fn end(&mut self, failure: Failure) {
        self.phase = Phase::Failed;
        self.buffer = Vec::new();
        self.events.push_back(Event::Failed(failure));
    }

    fn send_hello(&mut self) {
        let hello = std::mem::take(&mut self.hello);
        self.send_record(Kind::Hello, &hello);
    }

    /// Sends a record of one frame.
    fn send_record(&mut self, kind: Kind, body: &[u8]) {
        let mut record = Vec::with_capacity(2 + HEADER + body.len());
        if self.settings.carrier == Carrier::Stream {
            let length = u16::try_from(HEADER + body.len()).unwrap_or(u16::MAX);
            record.extend_from_slice(&length.to_be_bytes());
        }
        frame::push(&mut record, kind, body);
        self.events.push_back(Event::Send(record));
    }
}

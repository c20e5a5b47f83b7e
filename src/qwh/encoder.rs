//! The sending half: fragments and control frames to records.

use super::{
    events::Carrier,
    frame::{self, HEADER, Header, Kind, MORE, class_flag},
    goaway::GoAway,
    limits::{FRAGMENT, FULL_RECORD, MAX_RECORD},
    scheduler::Fragment,
};

/// Bytes of a record's length, on a stream.
const LENGTH: usize = 2;

/// Bytes of a message's size, in the first of several frames.
const TOTAL: usize = 4;

// A record that is not full yet takes one more fragment.
const _: () = assert!(FULL_RECORD + HEADER + TOTAL + FRAGMENT <= MAX_RECORD);

/// Makes records of one connection's fragments: whole frames, as many as fit.
#[derive(Debug)]
pub struct Encoder {
    carrier: Carrier,
    /// Where the body of the record that is not sealed begins.
    open: Option<usize>,
}

impl Encoder {
    /// One for a carrier.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            open: None,
        }
    }

    /// Appends a fragment of `message` to the open record at the end of `to`, or to a new one. True if
    /// the record is full: [`seal`](Self::seal) it.
    #[inline]
    pub fn fragment(&mut self, fragment: &Fragment, message: &[u8], to: &mut Vec<u8>) -> bool {
        let payload = message.get(fragment.from..fragment.to).unwrap_or_default();
        self.header(fragment, to);
        to.extend_from_slice(payload);
        self.is_full(to)
    }

    /// Appends what goes in front of a fragment's payload, which the caller writes from where it lies.
    /// The record must be [sealed](Self::seal_with) with its length.
    pub fn header(&mut self, fragment: &Fragment, to: &mut Vec<u8>) {
        self.begin(to);
        let is_first = fragment.from == 0;
        let announced = is_first && !fragment.is_last();
        let payload = fragment.to - fragment.from;
        let header = Header {
            kind: if is_first { Kind::Data } else { Kind::Cont },
            flags: class_flag(fragment.class) | if fragment.is_last() { 0 } else { MORE },
            length: payload + if announced { TOTAL } else { 0 },
        };
        to.extend_from_slice(&header.bytes());
        if announced {
            // Messages are at most 1 GiB, which options see to.
            let total = u32::try_from(fragment.total).unwrap_or(u32::MAX);
            to.extend_from_slice(&total.to_be_bytes());
        }
    }

    /// Appends a PING, to the same record.
    pub fn ping(&mut self, opaque: u64, to: &mut Vec<u8>) {
        self.control(Kind::Ping, &opaque.to_be_bytes(), to);
    }

    /// Appends a PONG that nobody asked for: a sign of life of one who does not read.
    pub fn pong(&mut self, opaque: u64, to: &mut Vec<u8>) {
        self.control(Kind::Pong, &opaque.to_be_bytes(), to);
    }

    /// Appends the last frame.
    pub fn goaway(&mut self, goaway: &GoAway, to: &mut Vec<u8>) {
        self.control(Kind::GoAway, &goaway.encode(), to);
    }

    /// Ends the record at the end of `to`, if one is open. To be called before anything else is done
    /// with `to`, and on a carrier of messages before the next record begins.
    pub fn seal(&mut self, to: &mut [u8]) {
        self.seal_with(0, to);
    }

    /// As [`seal`](Self::seal), of a record with `outside` bytes of payload that are not in `to`.
    pub fn seal_with(&mut self, outside: usize, to: &mut [u8]) {
        let Some(start) = self.open.take() else {
            return;
        };
        if self.carrier == Carrier::Messages {
            return;
        }
        // What a record holds is bounded, see above.
        let length = u16::try_from(to.len() - start + outside).unwrap_or(u16::MAX);
        let place = to.get_mut(start - LENGTH..start);
        for (byte, value) in place.into_iter().flatten().zip(length.to_be_bytes()) {
            *byte = value;
        }
    }

    fn control(&mut self, kind: Kind, body: &[u8], to: &mut Vec<u8>) {
        if self.is_full(to) {
            self.seal(to);
        }
        self.begin(to);
        frame::push(to, kind, body);
    }

    /// Opens a record unless one is. A carrier of messages has them one by one, in `to` alone.
    fn begin(&mut self, to: &mut Vec<u8>) {
        if self.open.is_none() {
            if self.carrier == Carrier::Stream {
                to.extend_from_slice(&[0; LENGTH]);
            }
            self.open = Some(to.len());
        }
    }

    fn is_full(&self, to: &[u8]) -> bool {
        self.open
            .is_some_and(|start| to.len() - start >= FULL_RECORD)
    }
}

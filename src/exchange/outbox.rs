//! Outgoing batches: runs of native-endian words and bytes, written by the consumer.
//!
//! ```text
//! word 0  operation, and class << 8     word 2  generation
//! word 1  slot                          word 3  bytes of data that follow, padded to whole words
//! ```
//!
//! The data of a `Send` is records ready for the wire. A batch that does not parse is a defect of the
//! consumer's code: the rest of it is left out and the fault logged.

use bytes::{Bytes, BytesMut};

use super::{
    fan_out::FanOuts,
    table::{LinkId, Table},
};
use crate::{
    driver::Verdict,
    frame::{HEADER as RECORD_HEADER, push_queued},
    link::{Class, Released},
    ws::CloseFrame,
};

pub(super) const WORD: usize = 4;
const HEADER: usize = 4 * WORD;

/// What a run asks for. The numbers are the ones of `ts/link/native/outbox.ts`.
mod operation {
    pub(super) const SEND: u32 = 1;
    pub(super) const RESUME: u32 = 2;
    pub(super) const PAUSE: u32 = 3;
    /// The data is the code for the close frame, 0 for none, and the reason.
    pub(super) const CLOSE: u32 = 4;
    pub(super) const TERMINATE: u32 = 5;
    /// Tell when `data[0]` bytes and `data[1]` messages are released.
    pub(super) const NOTIFY: u32 = 6;
    /// The consumer knows that the link is over: its slot may be given out again.
    pub(super) const RELEASE: u32 = 7;
    /// Let a WebSocket client in; the data is the subprotocol.
    pub(super) const ACCEPT: u32 = 8;
    /// Refuse a WebSocket client; the data is the status and the body.
    pub(super) const REFUSE: u32 = 9;
    /// One record for many links: `slot` is its length, and behind it, padded to whole words, the
    /// slot and generation of each link follow.
    pub(super) const FAN_OUT: u32 = 10;
    /// TLS: let the handshake go on.
    pub(super) const ALLOW: u32 = 11;
    /// TLS: refuse the peer.
    pub(super) const DENY: u32 = 12;
    /// Tell the peer, with the close that follows, to come back after `data[0]` milliseconds.
    pub(super) const ADVISE: u32 = 13;
    /// Deliver, with the close that follows, what comes until the peer's own last word.
    pub(super) const TAKE_REST: u32 = 14;
}

pub(super) fn word_at(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(|rest| rest.first_chunk::<WORD>());
    bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

struct Run<'a> {
    operation: u32,
    class: Class,
    id: LinkId,
    data: &'a [u8],
}

/// Does what a batch asks for: the messages of higher classes first, since a link is written as soon as there is
/// something for it, and then the rest in its order, so that a close stays behind all that it ends. What goes to many
/// links is left with `fan_outs`: a link that several messages fan out to is written once.
/// `shared` owns the batch where parts of it may be kept without copying them.
pub(super) fn apply<'a>(
    batch: &'a [u8],
    shared: Option<&'a Bytes>,
    table: &Table,
    fan_outs: &mut FanOuts<'a>,
) {
    let is_mixed = is_mixed(batch);
    if is_mixed {
        for class in [Class::High, Class::Normal] {
            for run in runs(batch).filter(|run| run.message_class() == Some(class)) {
                run.apply(table, shared, fan_outs);
            }
        }
    }
    for run in runs(batch) {
        if !is_mixed || matches!(run.message_class(), None | Some(Class::Low)) {
            run.apply(table, shared, fan_outs);
        }
    }
}

/// Whether there are messages of several classes: seldom, and else one pass is enough.
fn is_mixed(batch: &[u8]) -> bool {
    let mut classes = runs(batch).filter_map(|run| run.message_class());
    let first = classes.next();
    classes.any(|class| Some(class) != first)
}

fn runs(batch: &[u8]) -> impl Iterator<Item = Run<'_>> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        let parsed = Run::parse(rest);
        if parsed.is_none() && !rest.is_empty() {
            tracing::error!(bytes = rest.len(), "an outgoing batch does not parse");
        }
        let (run, tail) = parsed?;
        rest = tail;
        Some(run)
    })
}

/// Writes a batch of one run on the calling thread; false if that cannot be done now.
pub(super) fn write_directly(batch: &[u8], table: &Table) -> bool {
    let Some((run, [])) = Run::parse(batch) else {
        return false;
    };
    if run.operation != operation::SEND {
        return false;
    }
    match table.get(run.id) {
        Some(link) => link.try_send(run.class, run.data),
        None => true,
    }
}

/// Appends one message as a run of its own.
pub(super) fn single(to: &mut BytesMut, id: LinkId, manner: Manner, payload: &[u8]) {
    let data = RECORD_HEADER + payload.len();
    to.reserve(HEADER + data + WORD);
    push_words(
        to,
        [
            operation::SEND | manner.class << 8,
            id.slot,
            id.generation,
            data as u32,
        ],
    );
    push_padded(to, payload, manner);
}

/// Appends one message for many links; `targets` has slot and generation of each.
pub(super) fn fan_out(to: &mut BytesMut, manner: Manner, payload: &[u8], targets: &[u8]) {
    let record = RECORD_HEADER + payload.len();
    let data = record.next_multiple_of(WORD) + targets.len();
    to.reserve(HEADER + data);
    push_words(
        to,
        [
            operation::FAN_OUT | manner.class << 8,
            record as u32,
            0,
            data as u32,
        ],
    );
    push_padded(to, payload, manner);
    to.extend_from_slice(targets);
}

/// How one message goes out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// 0 high, 1 normal, 2 low.
    pub class: u32,
    pub is_text: bool,
    /// Nothing else waits for the link.
    pub is_direct: bool,
}

impl Manner {
    pub(super) fn class(self) -> Class {
        class_of(self.class)
    }
}

impl From<u32> for Manner {
    /// The class, and above its byte one bit for text and one for a link that is idle.
    fn from(word: u32) -> Self {
        Self {
            class: word & 0xff,
            is_text: word >> 8 & 1 == 1,
            is_direct: word >> 9 & 1 == 1,
        }
    }
}

fn class_of(number: u32) -> Class {
    match number {
        0 => Class::High,
        1 => Class::Normal,
        _ => Class::Low,
    }
}

fn push_words(to: &mut BytesMut, words: [u32; 4]) {
    for word in words {
        to.extend_from_slice(&word.to_ne_bytes());
    }
}

fn push_padded(to: &mut BytesMut, payload: &[u8], manner: Manner) {
    push_queued(to, payload, manner.is_text);
    let length = RECORD_HEADER + payload.len();
    to.extend_from_slice(&[0; WORD][..length.next_multiple_of(WORD) - length]);
}

impl<'a> Run<'a> {
    /// The run at the front, and what follows it.
    fn parse(batch: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (header, rest) = batch.split_at_checked(HEADER)?;
        let word = |index: usize| word_at(header, index * WORD);
        let length = word(3) as usize;
        let (data, rest) = rest.split_at_checked(length.next_multiple_of(WORD))?;
        let run = Self {
            operation: word(0) & 0xff,
            class: class_of(word(0) >> 8),
            id: LinkId {
                slot: word(1),
                generation: word(2),
            },
            data: &data[..length],
        };
        Some((run, rest))
    }

    /// The class of its messages, if that is what it has.
    fn message_class(&self) -> Option<Class> {
        match self.operation {
            operation::SEND | operation::FAN_OUT => Some(self.class),
            _ => None,
        }
    }

    fn apply(&self, table: &Table, shared: Option<&'a Bytes>, fan_outs: &mut FanOuts<'a>) {
        if self.operation == operation::FAN_OUT {
            return self.fan_out(table, shared, fan_outs);
        }
        fan_outs.queue(table);
        if self.operation == operation::RELEASE {
            return table.release(self.id);
        }
        // A link that is over: what was still on its way to it is void, as is told by its close.
        let Some(link) = table.get(self.id) else {
            return;
        };
        match self.operation {
            operation::SEND => link.send(self.class, self.data, shared),
            operation::RESUME => link.set_reading(true),
            operation::PAUSE => link.set_reading(false),
            operation::CLOSE => link.close(CloseFrame {
                code: Some(self.number()).filter(|code| *code > 0),
                reason: self.text(WORD),
            }),
            operation::TERMINATE => link.terminate(),
            operation::NOTIFY => link.notify_at(self.threshold()),
            operation::ACCEPT => link.judge(Verdict::Accept {
                subprotocol: self.text(0),
            }),
            operation::ADVISE => link.advise(word_at(self.data, 0)),
            operation::TAKE_REST => link.take_rest(),
            operation::ALLOW => link.judge(Verdict::Allow),
            operation::DENY => link.judge(Verdict::Deny),
            operation::REFUSE => link.judge(Verdict::Refuse {
                status: self.number(),
                body: self.text(WORD),
            }),
            unknown => tracing::error!(unknown, "an outgoing batch asks for the unknown"),
        }
    }

    fn fan_out(&self, table: &Table, shared: Option<&'a Bytes>, fan_outs: &mut FanOuts<'a>) {
        let length = self.id.slot as usize;
        let padded = length.next_multiple_of(WORD);
        let Some((record, targets)) = self.data.split_at_checked(padded) else {
            return tracing::error!(length, "a record for many links is cut off");
        };
        fan_outs.add(self.class, &record[..length], targets, shared, table);
    }

    /// The first word of the data.
    fn number(&self) -> u16 {
        u16::try_from(word_at(self.data, 0)).unwrap_or(0)
    }

    /// The data from `at` on.
    fn text(&self, at: usize) -> String {
        String::from_utf8_lossy(self.data.get(at..).unwrap_or_default()).into_owned()
    }

    fn threshold(&self) -> Released {
        Released {
            bytes: word_at(self.data, 0),
            messages: word_at(self.data, WORD),
        }
    }
}

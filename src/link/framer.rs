//! The queue's end where messages become WebSocket frames, or records of QWH/1.

use std::io::Write;

use super::{
    outbound::{Class, Released, Written},
    packer::Packer,
    queue::Queue,
    queues::Queues,
    shared::Shared,
    stage::{LARGE, Stage},
};
use crate::{
    error::Result,
    frame::{self, HEADER},
    ws::{CloseFrame, Encoder},
};

/// Control frames that wait. They are pongs: of a peer that pings and does not read only the latest need
/// an answer (RFC 6455, section 5.5.3).
const MAX_CONTROL_BYTES: usize = 16 * 1024;

/// What goes onto the wire.
#[derive(Debug)]
pub(super) enum Wire {
    WebSocket(Encoder),
    Qwh(Box<Packer>),
    /// Nothing any more: the close frame is packed.
    Closed,
}

/// Makes frames of records, in the order in which they may go out.
#[derive(Debug)]
pub(super) struct Framer {
    wire: Wire,
    /// Frames packed and not all written; none where nothing is.
    stage: Option<Box<Stage>>,
    /// What is said besides messages and waits: rarely anything.
    asides: Option<Box<Asides>>,
}

/// Frames that are no messages.
#[derive(Debug, Default)]
struct Asides {
    /// Whole control frames that overtake the messages.
    control: Vec<u8>,
    /// The close frame, behind the messages.
    close: Option<Vec<u8>>,
}

impl Framer {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            stage: None,
            asides: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.stage.is_none() && self.asides.is_none()
    }

    /// Payload bytes of the messages that are packed and not written.
    pub(super) fn payload(&self) -> usize {
        self.stage.as_ref().map_or(0, |stage| stage.payload())
    }

    /// The last word is packed: what comes is never sent.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.wire, Wire::Closed)
    }

    pub(super) fn is_laborious(&self) -> bool {
        matches!(&self.wire, Wire::WebSocket(encoder) if encoder.compresses())
    }

    /// Whether a message goes out as it is behind a header: as the same frame as on any other link that says so.
    pub(super) fn is_plain(&self) -> bool {
        matches!(&self.wire, Wire::WebSocket(encoder) if encoder.is_plain())
    }

    pub(super) fn clear(&mut self) {
        self.stage = None;
        self.asides = None;
    }

    pub(super) fn control(&mut self, frames: &[u8]) {
        if self.is_closed() {
            return;
        }
        let control = &mut self.asides.get_or_insert_default().control;
        if control.len() + frames.len() > MAX_CONTROL_BYTES {
            control.clear();
        }
        control.extend_from_slice(frames);
    }

    /// Has the end say when to come back, where it can.
    pub(super) fn advise(&mut self, retry_after_ms: u32) {
        if let Wire::Qwh(packer) = &mut self.wire {
            packer.advise(retry_after_ms);
        }
    }

    pub(super) fn close_with(&mut self, close: &CloseFrame) -> Result<()> {
        let is_said = self
            .asides
            .as_ref()
            .is_some_and(|asides| asides.close.is_some());
        if is_said {
            return Ok(());
        }
        let frame = match &mut self.wire {
            Wire::WebSocket(encoder) => encoder.close(close)?,
            Wire::Qwh(packer) => packer.close(close)?,
            Wire::Closed => return Ok(()),
        };
        self.asides.get_or_insert_default().close = Some(frame);
        Ok(())
    }

    /// Writes what is packed; true when nothing of it is left.
    fn write(&mut self, io: &mut impl Write, released: &mut Released) -> Result<bool> {
        let Some(stage) = &mut self.stage else {
            return Ok(true);
        };
        if !stage.write(io, released)? {
            return Ok(false);
        }
        if let Some(stage) = self.stage.take() {
            stage.give_back();
        }
        Ok(true)
    }

    /// Packs whole records that were never queued, where nothing else waits.
    pub(super) fn pack(&mut self, class: Class, records: &[u8]) -> Result<()> {
        let mut stage = Stage::take();
        match &mut self.wire {
            Wire::WebSocket(encoder) => {
                let mut rest = records;
                while let Some((length, is_text)) = frame::queued(rest) {
                    let (record, behind) = rest.split_at(HEADER + length);
                    stage.message(encoder, &record[HEADER..], is_text)?;
                    rest = behind;
                }
            }
            Wire::Qwh(packer) => packer.pack(class, records, &mut stage)?,
            Wire::Closed => {}
        }
        self.stage = Some(stage);
        Ok(())
    }

    /// Writes a message from where it lies, where nothing else waits and it goes out [as it is](Self::is_plain);
    /// what the kernel does not take is copied. True when nothing of it is left.
    pub(super) fn write_large(
        &mut self,
        io: &mut impl Write,
        payload: &[u8],
        is_text: bool,
        released: &mut Released,
    ) -> Result<bool> {
        let Wire::WebSocket(encoder) = &mut self.wire else {
            return Ok(true);
        };
        let mut stage = Stage::take();
        if stage.write_large(io, encoder, payload, is_text, released)? {
            stage.give_back();
            return Ok(true);
        }
        self.stage = Some(stage);
        Ok(false)
    }

    /// Packs what was written in part by way of its [frames](Shared::frames).
    pub(super) fn pack_begun(
        &mut self,
        shared: &Shared,
        taken: usize,
        released: &mut Released,
    ) -> Result<()> {
        self.pack(shared.class, &shared.records)?;
        if let Some(stage) = &mut self.stage {
            stage.account(taken, released);
        }
        Ok(())
    }

    /// Writes what is packed and then what waits, until up to about `most` bytes of messages are packed.
    pub(super) fn write_some(
        &mut self,
        io: &mut impl Write,
        queues: &mut Queues,
        most: usize,
        released: &mut Released,
    ) -> Result<Written> {
        let mut left = most;
        loop {
            if !self.write(io, released)? {
                return Ok(Written::Blocked);
            }
            if !self.refill(queues, &mut left)? {
                return Ok(match self.is_closed() || queues.is_empty() {
                    true => Written::All,
                    false => Written::Held,
                });
            }
        }
    }

    /// Packs what goes out next, of messages as many as it takes to use up `left` bytes; false if that is
    /// nothing.
    fn refill(&mut self, queues: &mut Queues, left: &mut usize) -> Result<bool> {
        let mut stage = Stage::take();
        let close = self.asides.take().and_then(|asides| {
            stage.control(&asides.control);
            asides.close
        });
        match &mut self.wire {
            Wire::Closed => {}
            Wire::Qwh(packer) => packer.refill(queues.by_class(), &mut stage, left)?,
            Wire::WebSocket(encoder) => {
                while !stage.is_full()
                    && *left > 0
                    && let Some(queue) =
                        queues.by_class().iter_mut().find(|queue| !queue.is_empty())
                    && let Some(length) = pack_front(encoder, &mut stage, queue)?
                {
                    *left = left.saturating_sub(HEADER + length);
                }
            }
        }
        match close {
            Some(close) if !stage.is_full() && queues.is_empty() => {
                stage.control(&close);
                self.wire = Wire::Closed;
            }
            Some(_) => self.asides.get_or_insert_default().close = close,
            None => {}
        }
        if stage.is_empty() {
            stage.give_back();
            return Ok(false);
        }
        self.stage = Some(stage);
        Ok(true)
    }
}

/// Packs the front message and gives its length; `None` if there is none after all.
fn pack_front(
    encoder: &mut Encoder,
    stage: &mut Stage,
    queue: &mut Queue,
) -> Result<Option<usize>> {
    let Some((payload, is_text)) = queue.front_record() else {
        return Ok(None);
    };
    let length = payload.len();
    if length < LARGE || !encoder.is_plain() {
        stage.message(encoder, payload, is_text)?;
        queue.pop_record(length);
    } else if let Some(payload) = queue.take_record() {
        stage.large(encoder, payload, is_text);
    }
    Ok(Some(length))
}

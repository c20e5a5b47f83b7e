//! The queue's end where messages become records of QWH/1.
//!
//! A record is sealed once it is full or nothing else waits, and what goes into it is chosen as late as can
//! be, fragment by fragment: so an urgent message overtakes the rest of a large one.

use super::{outbound::Class, queue::Queue, stage::Stage};
use crate::{
    error::Result,
    frame::{self, HEADER},
    qwh::{Carrier, Encoder, Fragment, GoAway, Scheduler, limits::FRAGMENT},
    ws::{self, CloseFrame},
};

/// Makes records of one connection's messages.
#[derive(Debug)]
pub(super) struct Packer {
    scheduler: Scheduler,
    encoder: Encoder,
    /// Set: each record is a message of WebSocket, and is packed here before it becomes one.
    frames: Option<(ws::Encoder, Vec<u8>)>,
    /// Of the open record: payload bytes, and messages that end in it.
    payload: usize,
    messages: usize,
}

impl Packer {
    pub(super) fn new(frames: Option<ws::Encoder>) -> Self {
        let carrier = match frames {
            Some(_) => Carrier::Messages,
            None => Carrier::Stream,
        };
        Self {
            scheduler: Scheduler::default(),
            encoder: Encoder::new(carrier),
            frames: frames.map(|encoder| (encoder, Vec::new())),
            payload: 0,
            messages: 0,
        }
    }

    /// Packs whole queued records of one class, where nothing else waits.
    pub(super) fn pack(&mut self, class: Class, records: &[u8], stage: &mut Stage) -> Result<()> {
        let mut rest = records;
        while let Some((total, _)) = frame::queued(rest) {
            let (record, behind) = rest.split_at(HEADER + total);
            rest = behind;
            let mut from = 0;
            loop {
                let to = total.min(from + FRAGMENT);
                let fragment = Fragment {
                    class,
                    from,
                    to,
                    total,
                };
                self.add(&fragment, &record[HEADER..], stage)?;
                from = to;
                if to == total {
                    break;
                }
            }
        }
        self.seal(stage)
    }

    /// Packs what goes out next of the queues, until the stage is full.
    pub(super) fn refill(&mut self, queues: &mut [Queue; 3], stage: &mut Stage) -> Result<()> {
        while !stage.is_full() {
            let waiting = queues.each_mut().map(|queue| {
                queue.seal();
                queue.front()
            });
            let Some(fragment) = self.scheduler.next(waiting) else {
                break;
            };
            let queue = &mut queues[fragment.class as usize];
            if let Some((payload, _)) = queue.front_record() {
                self.add(&fragment, payload, stage)?;
            }
            if fragment.is_last() {
                queue.pop_record(fragment.total);
            }
        }
        self.seal(stage)
    }

    /// The last record, and what ends a WebSocket.
    ///
    /// # Errors
    /// `Resources` when the system has no random bytes to mask it with.
    pub(super) fn close(&mut self, close: &CloseFrame) -> Result<Vec<u8>> {
        let code = close.code.unwrap_or(0);
        let goaway = GoAway {
            code: crate::close_code::CloseCode(code),
            last_stream: 0,
            retry_after_ms: 0,
            reason: close.reason.clone(),
        };
        let mut bytes = Vec::new();
        self.encoder.goaway(&goaway, &mut bytes);
        self.encoder.seal(&mut bytes);
        let Some((frames, _)) = &mut self.frames else {
            return Ok(bytes);
        };
        let mut framed = Vec::new();
        frames.frame(&bytes, false, &mut framed)?;
        framed.extend(frames.close(&CloseFrame {
            code: Some(goaway.code.on_websocket()),
            reason: close.reason.clone(),
        })?);
        Ok(framed)
    }

    fn add(&mut self, fragment: &Fragment, payload: &[u8], stage: &mut Stage) -> Result<()> {
        let is_full = match &mut self.frames {
            None => (self.encoder).fragment(fragment, payload, stage.bytes()),
            Some((_, record)) => self.encoder.fragment(fragment, payload, record),
        };
        self.payload += fragment.to - fragment.from;
        self.messages += usize::from(fragment.is_last());
        match is_full {
            true => self.seal(stage),
            false => Ok(()),
        }
    }

    fn seal(&mut self, stage: &mut Stage) -> Result<()> {
        match &mut self.frames {
            None => self.encoder.seal(stage.bytes()),
            Some((frames, record)) if !record.is_empty() => {
                self.encoder.seal(record);
                frames.frame(record, false, stage.bytes())?;
                record.clear();
            }
            Some(_) => {}
        }
        stage.mark(self.payload, self.messages);
        self.payload = 0;
        self.messages = 0;
        Ok(())
    }
}

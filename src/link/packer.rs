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
    /// When the peer is asked to come back once we leave, milliseconds; 0 is no advice.
    retry_after_ms: u32,
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
            retry_after_ms: 0,
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

    /// Packs what goes out next of the queues, until the stage is full or `left` bytes are used up.
    pub(super) fn refill(
        &mut self,
        queues: &mut [Queue; 3],
        stage: &mut Stage,
        left: &mut usize,
    ) -> Result<()> {
        while !stage.is_full() && *left > 0 {
            let waiting = queues.each_ref().map(Queue::front);
            let Some(fragment) = self.scheduler.next(waiting) else {
                break;
            };
            let queue = &mut queues[fragment.class as usize];
            if let Some((payload, _)) = queue.front_record() {
                self.add(&fragment, payload, stage)?;
            }
            *left = left.saturating_sub(HEADER + fragment.to - fragment.from);
            if fragment.is_last() {
                queue.pop_record(fragment.total);
            }
        }
        self.seal(stage)
    }

    /// Has the last record say when to come back.
    pub(super) fn advise(&mut self, retry_after_ms: u32) {
        self.retry_after_ms = retry_after_ms;
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
            retry_after_ms: self.retry_after_ms,
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

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        time::Instant,
    };

    use super::*;
    use crate::{
        link::{Marks, Outbound, Payload, ReadTurn, ReceiveLimits, Released, Room, Written},
        qwh::Decoder,
    };

    /// Takes so many bytes at a time, and then says that it is full.
    struct Narrow {
        taken: Vec<u8>,
        room: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let bytes = buf.len().min(self.room);
            self.taken.extend_from_slice(&buf[..bytes]);
            self.room -= bytes;
            Ok(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Default)]
    struct Found {
        space: Vec<u8>,
        ranges: Ranges,
        messages: Vec<Vec<u8>>,
    }

    #[derive(Default)]
    struct Ranges(Vec<(usize, usize)>);

    impl Marks for Ranges {
        fn message(&mut self, start: usize, len: usize, _: Payload) {
            self.0.push((start, len));
        }
    }

    impl Room for Found {
        type Marks = Ranges;

        fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Ranges)> {
            self.space.resize(min.max(64 * 1024), 0);
            Some((&mut self.space, &mut self.ranges))
        }

        fn commit(&mut self, _: usize) {
            for (start, len) in self.ranges.0.drain(..) {
                self.messages.push(self.space[start..start + len].to_vec());
            }
        }

        fn assembled(&mut self, message: Vec<u8>, _: Payload) {
            self.messages.push(message);
        }

        fn hold(&mut self, _: isize) -> bool {
            true
        }
    }

    fn record(message: &[u8]) -> Vec<u8> {
        [&(message.len() as u32).to_be_bytes(), message].concat()
    }

    fn decoded(mut bytes: &[u8]) -> (Vec<Vec<u8>>, Decoder) {
        let limits = ReceiveLimits::default();
        let mut decoder = Decoder::new(Carrier::Stream, limits, 0, Vec::new());
        let mut found = Found::default();
        while decoder
            .on_readable(&mut bytes, &mut found, 1, Instant::now())
            .expect("records")
            != ReadTurn::End
        {}
        (found.messages, decoder)
    }

    #[test]
    fn what_is_queued_arrives_and_adds_up_however_little_the_kernel_takes() {
        let sizes = [0, 1, 64, 16_384, 16_385, 100_000, 3, 70_000, 0];
        let messages: Vec<Vec<u8>> = sizes.iter().map(|size| vec![*size as u8; *size]).collect();
        for room in [7, 1000, 65_536, 1 << 20] {
            let mut out = Outbound::packed(None);
            for message in &messages {
                out.push(Class::Normal, &record(message));
            }
            let mut narrow = Narrow {
                taken: Vec::new(),
                room,
            };
            while out.on_writable(&mut narrow).expect("a write") == Written::Blocked {
                narrow.room = room;
            }
            let total: usize = sizes.iter().sum();
            let released = Released {
                bytes: total as u32,
                messages: sizes.len() as u32,
            };
            assert_eq!((out.released(), out.queued()), (released, 0));
            assert_eq!(decoded(&narrow.taken).0, messages);
        }
    }

    #[test]
    fn an_urgent_message_overtakes_and_the_last_word_comes_last() {
        let mut out = Outbound::packed(None);
        let (bulk, urgent) = (vec![1; 300_000], vec![2; 10]);
        out.push(Class::Low, &record(&bulk));
        let mut narrow = Narrow {
            taken: Vec::new(),
            room: 20_000,
        };
        assert_eq!(
            out.on_writable(&mut narrow).expect("a write"),
            Written::Blocked
        );
        out.push(Class::High, &record(&urgent));
        out.close_with(&CloseFrame {
            code: Some(10),
            reason: "later".into(),
        })
        .expect("a last word");
        narrow.room = usize::MAX;
        assert_eq!(out.on_writable(&mut narrow).expect("a write"), Written::All);
        let (messages, decoder) = decoded(&narrow.taken);
        assert_eq!(messages, [urgent, bulk]);
        let goaway = decoder.goaway().expect("a GOAWAY");
        assert_eq!((goaway.code.0, goaway.reason.as_str()), (10, "later"));
    }

    #[test]
    fn nothing_follows_the_last_word_of_a_link_that_is_cut_short() {
        let mut out = Outbound::packed(None);
        out.push(Class::Low, &record(&vec![1; 300_000]));
        let mut narrow = Narrow {
            taken: Vec::new(),
            room: 20_000,
        };
        out.on_writable(&mut narrow).expect("a write");
        let close = CloseFrame {
            code: Some(10),
            reason: "later".into(),
        };
        assert!(!out.cut_short(&close).expect("a last word"));
        let late = bytes::Bytes::from(record(&[2; 10]));
        let keep = |rest: &[u8]| late.slice_ref(rest);
        narrow.room = usize::MAX;
        out.push(Class::Low, &late);
        out.push_shared(Class::Low, late.clone());
        out.write_through(&mut narrow, Class::Low, &late, keep)
            .expect("a write");
        out.write_message(&mut narrow, Class::Low, &[3; 20_000], false)
            .expect("a write");
        assert_eq!(out.on_writable(&mut narrow).expect("a write"), Written::All);
        assert_eq!(out.queued(), 0);
        let (messages, decoder) = decoded(&narrow.taken);
        assert_eq!(messages.len(), 0);
        assert_eq!(decoder.goaway().expect("a GOAWAY").code.0, 10);
    }

    #[test]
    fn what_goes_straight_to_the_kernel_is_the_same() {
        let mut out = Outbound::packed(None);
        let messages = [vec![7; 64], vec![8; 20_000], Vec::new()];
        let records: Vec<u8> = messages
            .iter()
            .flat_map(|message| record(message))
            .collect();
        let mut narrow = Narrow {
            taken: Vec::new(),
            room: 10_000,
        };
        let keep = |rest: &[u8]| bytes::Bytes::copy_from_slice(rest);
        let written = out.write_through(&mut narrow, Class::High, &records, keep);
        assert_eq!(written.expect("a write"), Written::Blocked);
        narrow.room = usize::MAX;
        assert_eq!(out.on_writable(&mut narrow).expect("a write"), Written::All);
        assert_eq!(decoded(&narrow.taken).0, messages);
        assert_eq!(out.released().messages, 3);
    }
}

//! What the way of a message costs, counted in instructions: each test here does nothing but send messages one
//! way, as many as it is told.
//!
//! `node scripts/instructions.mjs` runs each twice under callgrind, with few messages and with more; the difference
//! is what one costs, the same on every run and however busy the machine is.

use std::{
    hint::black_box,
    io::{self, IoSlice, Write},
    time::Instant,
};

use bytes::Bytes;

use crate::{
    frame::{self, Protocol},
    link::{Class, Inbound, Marks, Outbound, Payload, ReceiveLimits, Room, Shared, TURN},
    qwh, ws,
};

/// How many messages, unless told otherwise: a few rounds that show that the tests work.
const FEW: usize = 1000;

/// One read or one batch of small messages: what ten in flight come to.
const BATCH: usize = 10;
const SMALL: usize = 64;
const MEDIUM: usize = 1024;
const LARGE: usize = 64 * 1024;

/// Messages that a test is to send.
pub(crate) fn messages() -> usize {
    std::env::var("QWORMHOLE_MESSAGES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(FEW)
}

/// Calls `round`, which sends `each` messages, until all are sent.
pub(crate) fn send(each: usize, mut round: impl FnMut()) {
    for _ in 0..messages().div_ceil(each) {
        round();
    }
}

/// Memory that is lent again and again, for messages that nobody reads.
struct Scratch {
    memory: Vec<u8>,
    count: Count,
}

#[derive(Default)]
struct Count(usize);

impl Scratch {
    fn new() -> Self {
        Self {
            memory: vec![0; 256 * 1024],
            count: Count::default(),
        }
    }
}

impl Marks for Count {
    fn message(&mut self, start: usize, len: usize, _: Payload) {
        self.0 += 1;
        black_box((start, len));
    }
}

impl Room for Scratch {
    type Marks = Count;

    fn space(&mut self, _: usize) -> Option<(&mut [u8], &mut Count)> {
        Some((&mut self.memory, &mut self.count))
    }

    fn commit(&mut self, _: usize) {}

    fn assembled(&mut self, message: Vec<u8>, _: Payload) {
        self.count.0 += 1;
        black_box(message);
    }

    fn hold(&mut self, _: isize) -> bool {
        true
    }
}

/// A socket that takes everything.
struct Taken;

impl Write for Taken {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(black_box(slices).iter().map(|slice| slice.len()).sum())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// So many records, as they wait in queues and go over a stream.
fn records(count: usize, size: usize) -> Vec<u8> {
    let record = [&(size as u32).to_be_bytes(), &vec![7; size][..]].concat();
    record.repeat(count)
}

/// So many frames of WebSocket, as a client sends them.
fn frames(count: usize, size: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..count {
        let key = Some([9, 8, 7, 6]);
        ws::write_frame(&mut stream, key, ws::Opcode::Binary, false, &vec![7; size]);
    }
    stream
}

/// So many messages as records of QWH/1, packed together.
fn packed(count: usize, size: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut out = Outbound::packed(None);
    out.push(Class::Normal, &records(count, size));
    out.on_writable(&mut stream).expect("memory takes all");
    stream
}

fn receive(stream: &[u8], count: usize, mut turn: impl FnMut(&mut &[u8], &mut Scratch)) {
    let mut room = Scratch::new();
    let mut rounds = 0;
    send(count, || {
        turn(&mut &*stream, &mut room);
        rounds += 1;
    });
    assert_eq!(room.count.0, rounds * count, "messages are missing");
}

fn receive_records(count: usize, size: usize) {
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, LARGE);
    receive(&records(count, size), count, |mut io, room| {
        while !io.is_empty() {
            inbound.on_readable(&mut io, room, TURN).expect("records");
        }
    });
}

fn receive_frames(count: usize, size: usize) {
    let limits = ReceiveLimits::default();
    let mut decoder = ws::Decoder::new(ws::Role::Server, limits, None, Vec::new());
    let now = Instant::now();
    receive(&frames(count, size), count, |mut io, room| {
        while !io.is_empty() {
            decoder
                .on_readable(&mut io, room, TURN, now)
                .expect("frames");
        }
    });
}

fn receive_packed(count: usize, size: usize) {
    let limits = ReceiveLimits::default();
    let mut decoder = qwh::Decoder::new(qwh::Carrier::Stream, limits, 0, Vec::new());
    let now = Instant::now();
    receive(&packed(count, size), count, |mut io, room| {
        while !io.is_empty() {
            decoder
                .on_readable(&mut io, room, TURN, now)
                .expect("records");
        }
    });
}

/// Writes batches that find the queue empty, as replies mostly do.
fn write_through(mut out: Outbound, count: usize, size: usize) {
    let records = records(count, size);
    let mut sent = 0;
    send(count, || {
        out.write_through(&mut Taken, Class::Normal, &records, Bytes::copy_from_slice)
            .expect("all is taken");
        sent += count;
    });
    assert_eq!(out.released().messages as usize, sent);
}

/// Writes a message from where it lies.
fn write_message(mut out: Outbound, size: usize) {
    let payload = vec![1; size];
    let mut sent = 0;
    send(1, || {
        out.write_message(&mut Taken, Class::Normal, &payload, false)
            .expect("all is taken");
        sent += 1;
    });
    assert_eq!(out.released().messages as usize, sent);
}

/// Writes what waited in the queue.
fn write_queued(mut out: Outbound, size: usize) {
    let record = Bytes::from(records(1, size));
    let mut sent = 0;
    send(BATCH, || {
        for _ in 0..BATCH {
            out.push_shared(Class::Normal, record.clone());
        }
        out.on_writable(&mut Taken).expect("all is taken");
        sent += BATCH;
    });
    assert_eq!(out.released().messages as usize, sent);
}

/// Writes batches that as many links get as there are messages in one.
fn write_to_many(out: fn() -> Outbound, size: usize) {
    let mut outs: Vec<_> = (0..BATCH).map(|_| out()).collect();
    let records = Bytes::from(records(BATCH, size));
    send(BATCH * BATCH, || {
        let shared = Shared::new(Class::Normal, records.clone()).expect("records");
        for out in &mut outs {
            out.write_shared(&mut Taken, &shared).expect("all is taken");
        }
    });
    assert!(outs.iter().all(|out| out.released() == outs[0].released()));
}

fn framed() -> Outbound {
    Outbound::framed(ws::Encoder::new(ws::Role::Server, None))
}

/// The tests, by what they count.
macro_rules! counted {
    ($($name:ident => $run:expr;)*) => {$(
        #[test]
        fn $name() {
            $run;
        }
    )*};
}

counted! {
    receive_length_prefixed_64_b => receive_records(BATCH, SMALL);
    receive_length_prefixed_1_kib => receive_records(BATCH, MEDIUM);
    receive_length_prefixed_64_kib => receive_records(1, LARGE);
    receive_websocket_64_b => receive_frames(BATCH, SMALL);
    receive_websocket_1_kib => receive_frames(BATCH, MEDIUM);
    receive_websocket_64_kib => receive_frames(1, LARGE);
    receive_qwh_64_b => receive_packed(BATCH, SMALL);
    receive_qwh_1_kib => receive_packed(BATCH, MEDIUM);
    send_length_prefixed_64_b => write_through(Outbound::new(Protocol::LengthPrefixed), BATCH, SMALL);
    send_length_prefixed_64_b_queued => write_queued(Outbound::new(Protocol::LengthPrefixed), SMALL);
    send_length_prefixed_64_kib => write_message(Outbound::new(Protocol::LengthPrefixed), LARGE);
    send_websocket_64_kib => write_message(framed(), LARGE);
    send_websocket_64_b => write_through(framed(), BATCH, SMALL);
    send_websocket_1_kib => write_through(framed(), BATCH, MEDIUM);
    send_websocket_64_b_queued => write_queued(framed(), SMALL);
    send_websocket_128_b_to_many => write_to_many(framed, 128);
    send_qwh_64_b => write_through(Outbound::packed(None), BATCH, SMALL);
    send_qwh_1_kib => write_through(Outbound::packed(None), BATCH, MEDIUM);
}

#[test]
fn the_record_is_what_queues_have() {
    assert_eq!(frame::count_records(&records(3, 5), false), Some(3));
}

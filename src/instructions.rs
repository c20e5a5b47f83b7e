//! What the way of a message costs: each test here does nothing but send messages one way, as many as it is told.
//!
//! `node scripts/instructions.mjs` runs each twice under callgrind, with few messages and with more; the difference
//! is what one costs, the same on every run and however busy the machine is. By itself a test counts in the same
//! manner how often memory is asked for.

use std::{
    cell::Cell,
    hint::black_box,
    io::{self, IoSlice, Write},
    time::Instant,
};

use bytes::Bytes;

use crate::{
    allocations,
    frame::{self, Protocol},
    link::{Class, Inbound, Marks, Outbound, Payload, ReceiveLimits, Room, Shared, TURN},
    qwh, ws,
};

/// One read or one batch of small messages: what ten in flight come to.
const BATCH: usize = 10;
const SMALL: usize = 64;
const MEDIUM: usize = 1024;
const LARGE: usize = 64 * 1024;

/// The level at which messages are compressed unless something else is asked for.
const LEVEL: u32 = 6;

thread_local! {
    /// Messages that the path that is running is to send.
    static MESSAGES: Cell<usize> = const { Cell::new(0) };
}

/// Runs a path, with as many messages as the script says, or to count what it allocates.
pub(crate) fn run(name: &str, path: impl Fn()) {
    match std::env::var("QWORMHOLE_MESSAGES") {
        Ok(messages) => with_messages(messages.parse().expect("a number"), &path),
        Err(_) => allocations::check(name, path),
    }
}

pub(crate) fn with_messages(messages: usize, path: &impl Fn()) {
    MESSAGES.set(messages);
    path();
}

/// Calls `round`, which sends `each` messages, until all are sent.
pub(crate) fn send(each: usize, round: impl FnMut()) {
    collected(MESSAGES.get().div_ceil(each), round);
}

/// Only what is done in here is counted, so that a key or a handshake that takes longer on one run than on the other
/// is no part of a message: it has to be a function of its own.
#[inline(never)]
fn collected(rounds: usize, mut round: impl FnMut()) {
    for _ in 0..rounds {
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
    records_of(count, &vec![7; size])
}

fn records_of(count: usize, payload: &[u8]) -> Vec<u8> {
    let record = [&(payload.len() as u32).to_be_bytes(), payload].concat();
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

/// So many compressed frames, as a client sends them. Each is compressed by itself, so that the same stream can be
/// inflated again and again with whatever window is left of it.
fn deflated(count: usize, size: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    for _ in 0..count {
        let mut compressed = Vec::new();
        ws::Deflater::new(ws::Side::default(), LEVEL)
            .expect("a window")
            .compress(&orders(size), &mut compressed)
            .expect("compressed");
        let key = Some([9, 8, 7, 6]);
        ws::write_frame(&mut stream, key, ws::Opcode::Binary, true, &compressed);
    }
    stream
}

/// What services send each other: it becomes a fraction of its size.
fn orders(size: usize) -> Vec<u8> {
    let order = |id: usize| {
        format!(
            "{{\"order\":{id},\"state\":\"open\",\"amount\":{}}}",
            id * 37
        )
    };
    (1000..)
        .flat_map(|id| order(id).into_bytes())
        .take(size)
        .collect()
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

fn receive_frames(stream: &[u8], count: usize, deflate: Option<&ws::Params>) {
    let limits = ReceiveLimits::default();
    let mut decoder = ws::Decoder::new(ws::Role::Server, limits, deflate, Vec::new());
    let now = Instant::now();
    receive(stream, count, |mut io, room| {
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
fn write_through(mut out: Outbound, records: Vec<u8>) {
    let mut sent = 0;
    send(BATCH, || {
        out.write_through(&mut Taken, Class::Normal, &records, Bytes::copy_from_slice)
            .expect("all is taken");
        sent += BATCH;
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

fn deflating() -> Outbound {
    let compression = ws::Compression {
        threshold: 0,
        level: LEVEL,
    };
    let agreed = Some((ws::Params::default(), compression));
    Outbound::framed(ws::Encoder::new(ws::Role::Server, agreed))
}

/// The tests, by what they count.
macro_rules! counted {
    ($($name:ident => $run:expr;)*) => {$(
        #[test]
        fn $name() {
            $crate::instructions::run(stringify!($name), || $run);
        }
    )*};
}
pub(crate) use counted;

counted! {
    receive_length_prefixed_64_b => receive_records(BATCH, SMALL);
    receive_length_prefixed_1_kib => receive_records(BATCH, MEDIUM);
    receive_length_prefixed_64_kib => receive_records(1, LARGE);
    receive_websocket_64_b => receive_frames(&frames(BATCH, SMALL), BATCH, None);
    receive_websocket_1_kib => receive_frames(&frames(BATCH, MEDIUM), BATCH, None);
    receive_websocket_64_kib => receive_frames(&frames(1, LARGE), 1, None);
    receive_deflated_1_kib => receive_frames(&deflated(BATCH, MEDIUM), BATCH, Some(&ws::Params::default()));
    receive_qwh_64_b => receive_packed(BATCH, SMALL);
    receive_qwh_1_kib => receive_packed(BATCH, MEDIUM);
    send_length_prefixed_64_b => write_through(Outbound::new(Protocol::LengthPrefixed), records(BATCH, SMALL));
    send_length_prefixed_64_b_queued => write_queued(Outbound::new(Protocol::LengthPrefixed), SMALL);
    send_length_prefixed_64_kib => write_message(Outbound::new(Protocol::LengthPrefixed), LARGE);
    send_websocket_64_kib => write_message(framed(), LARGE);
    send_websocket_64_b => write_through(framed(), records(BATCH, SMALL));
    send_websocket_1_kib => write_through(framed(), records(BATCH, MEDIUM));
    send_deflated_1_kib => write_through(deflating(), records_of(BATCH, &orders(MEDIUM)));
    send_websocket_64_b_queued => write_queued(framed(), SMALL);
    send_websocket_128_b_to_many => write_to_many(framed, 128);
    send_qwh_64_b => write_through(Outbound::packed(None), records(BATCH, SMALL));
    send_qwh_1_kib => write_through(Outbound::packed(None), records(BATCH, MEDIUM));
}

#[test]
fn the_record_is_what_queues_have() {
    assert_eq!(frame::count_records(&records(3, 5), false), Some(3));
}

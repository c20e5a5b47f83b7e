//! The queue's framed end: whatever the kernel takes at a time, the peer decodes what was queued, and the
//! counts add up.

use std::{
    io::{self, IoSlice, Write},
    time::Instant,
};

use bytes::{Bytes, BytesMut};
use proptest::{collection::vec, prelude::*};

use super::support::{Found, Lent, Pieces};
use crate::{
    frame::push_queued,
    link::{Class, Outbound, Payload, ReceiveLimits, Shared, TURN, Written},
    ws::{CloseFrame, Compression, Decoder, Encoder, Opcode, Params, Role, write_frame},
};

/// Takes so many bytes at each call, in turn, and then everything.
struct Kernel {
    taken: Vec<u8>,
    portions: Vec<usize>,
}

impl Write for Kernel {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut left = self.portions.pop().unwrap_or(usize::MAX);
        if left == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = self.taken.len();
        for slice in slices {
            let count = left.min(slice.len());
            self.taken.extend_from_slice(&slice[..count]);
            left -= count;
        }
        Ok(self.taken.len() - before)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the peer makes of the bytes: messages, and its view of our close frame.
fn decoded(role: Role, deflate: Option<&Params>, bytes: &[u8]) -> (Vec<Found>, Option<CloseFrame>) {
    let mut decoder = Decoder::new(role, ReceiveLimits::default(), deflate, Vec::new());
    let mut room = Lent::new(1 << 17, Vec::new());
    let mut stream = Pieces::new(bytes, Vec::new());
    while room.messages.len() < usize::MAX {
        let turn = decoder.on_readable(&mut stream, &mut room, TURN, Instant::now());
        if turn.expect("no fault") == crate::link::ReadTurn::End {
            break;
        }
    }
    (room.messages, decoder.peer_close().cloned())
}

fn record(message: &[u8], is_text: bool) -> Bytes {
    let mut record = BytesMut::new();
    push_queued(&mut record, message, is_text);
    record.freeze()
}

fn message(size: usize, seed: u8) -> Vec<u8> {
    (0..size)
        .map(|at| b'a' + ((at + seed as usize) % 26) as u8)
        .collect()
}

fn roles() -> impl Strategy<Value = (Role, Role)> {
    prop_oneof![
        Just((Role::Server, Role::Client)),
        Just((Role::Client, Role::Server)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_queued_arrives_and_adds_up(
        (ours, theirs) in roles(),
        compressed in any::<bool>(),
        sizes in vec(prop_oneof![0..300_usize, 15_000..20_000_usize, 60_000..140_000_usize], 0..12),
        ways in vec(0..4_u8, 12),
        portions in vec(prop_oneof![Just(0), 1..5_usize, 1..50_000_usize], 0..40),
    ) {
        let params = compressed.then(Params::default);
        let compression = params.map(|params| (params, Compression { threshold: 1000, level: 1 }));
        let mut out = Outbound::framed(Encoder::new(ours, compression));
        let mut kernel = Kernel { taken: Vec::new(), portions };
        let mut sent = Vec::new();
        for (at, size) in sizes.iter().enumerate() {
            let (bytes, is_text) = (message(*size, at as u8), at % 2 == 0);
            let records = record(&bytes, is_text);
            match ways[at] {
                0 => out.push_shared(Class::Normal, records),
                1 => {
                    let kept = records.clone();
                    out.write_through(&mut kernel, Class::Normal, &records, |rest| kept.slice_ref(rest))
                        .map(drop)
                        .expect("writes");
                }
                2 => {
                    let shared = Shared::new(Class::Normal, records).expect("a record");
                    out.write_shared(&mut kernel, &shared)
                        .map(drop)
                        .expect("writes");
                }
                _ => out
                    .write_message(&mut kernel, Class::Normal, &bytes, is_text)
                    .map(drop)
                    .expect("writes"),
            }
            sent.push((if is_text { Payload::Text } else { Payload::Binary }, bytes));
            let total: usize = sent.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(out.released().bytes as usize + out.queued(), total);
        }
        out.close_with(&CloseFrame { code: Some(4000), reason: "done".into() }).expect("a mask");
        while out.on_writable(&mut kernel).expect("writes") == Written::Blocked {}
        prop_assert!(out.is_empty());
        prop_assert_eq!(out.queued(), 0);
        prop_assert_eq!(out.released().messages as usize, sent.len());
        let (messages, close) = decoded(theirs, params.as_ref(), &kernel.taken);
        prop_assert_eq!(messages, sent);
        prop_assert_eq!(close, Some(CloseFrame { code: Some(4000), reason: "done".into() }));
    }
}

#[test]
fn high_overtakes_and_control_frames_overtake_all() {
    let mut out = Outbound::framed(Encoder::new(Role::Server, None));
    let mut kernel = Kernel {
        taken: Vec::new(),
        portions: vec![10],
    };
    // The first is on its way and is finished before anything else.
    out.push(Class::Low, &record(&message(50_000, 0), false));
    out.push(Class::Low, &record(b"low", true));
    assert_eq!(
        out.on_writable(&mut kernel).expect("writes"),
        Written::Blocked
    );
    out.push(Class::Normal, &record(b"normal", true));
    out.push(Class::High, &record(b"high", true));
    let mut pong = Vec::new();
    write_frame(&mut pong, None, Opcode::Pong, false, b"!");
    out.control(&pong);
    assert_eq!(out.on_writable(&mut kernel).expect("writes"), Written::All);
    let (messages, _) = decoded(Role::Client, None, &kernel.taken);
    let texts: Vec<_> = messages[1..]
        .iter()
        .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
        .collect();
    assert_eq!(texts, ["high", "normal", "low"]);
    let behind = kernel
        .taken
        .windows(pong.len())
        .position(|part| part == pong);
    let high = kernel.taken.windows(4).position(|part| part == b"high");
    assert!(behind.expect("a pong") < high.expect("it is there"));
}

#[test]
fn cut_short_drops_what_has_not_begun() {
    let mut out = Outbound::framed(Encoder::new(Role::Server, None));
    let mut kernel = Kernel {
        taken: Vec::new(),
        portions: vec![10],
    };
    out.push(Class::Normal, &record(&message(70_000, 0), false));
    out.push(Class::Normal, &record(b"never", false));
    out.on_writable(&mut kernel).expect("writes");
    let nothing_lost = out
        .cut_short(&CloseFrame::default())
        .expect("no mask needed");
    assert!(!nothing_lost);
    assert_eq!(out.on_writable(&mut kernel).expect("writes"), Written::All);
    assert_eq!(out.queued(), 0);
    let (messages, close) = decoded(Role::Client, None, &kernel.taken);
    assert_eq!(messages.len(), 1);
    assert_eq!(close, Some(CloseFrame::default()));
}

#[test]
fn of_pongs_that_nobody_reads_only_the_latest_wait() {
    let mut out = Outbound::framed(Encoder::new(Role::Server, None));
    let mut stuck = Kernel {
        taken: Vec::new(),
        portions: vec![0; 10_000],
    };
    let mut pong = Vec::new();
    for at in 0..10_000_u32 {
        pong.clear();
        let payload = [&at.to_be_bytes()[..], &[0; 121]].concat();
        write_frame(&mut pong, None, Opcode::Pong, false, &payload);
        out.control(&pong);
        assert_eq!(
            out.on_writable(&mut stuck).expect("no fault"),
            Written::Blocked
        );
    }
    stuck.portions.clear();
    assert_eq!(out.on_writable(&mut stuck).expect("writes"), Written::All);
    // What the framer keeps, and what was staged for the kernel before.
    assert!(stuck.taken.len() <= 64 * 1024, "{}", stuck.taken.len());
    assert!(stuck.taken.ends_with(&pong), "the latest is answered");
}

#[test]
fn what_is_allowed_is_written_and_control_frames_anyway() {
    let mut out = Outbound::framed(Encoder::new(Role::Server, None));
    let mut kernel = Kernel {
        taken: Vec::new(),
        portions: Vec::new(),
    };
    for seed in 0..4 {
        out.push(Class::Normal, &record(&message(100, seed), false));
    }
    assert_eq!(out.mean(), 104);
    let close = CloseFrame {
        code: Some(4000),
        reason: "done".into(),
    };
    out.close_with(&close).expect("a mask");
    let mut write = |out: &mut Outbound, most| out.write_some(&mut kernel, most).expect("writes");
    assert_eq!(write(&mut out, 0), Written::Held);
    assert_eq!(out.released().messages, 0);
    // The frame that reaches the bound is whole.
    assert_eq!(write(&mut out, 105), Written::Held);
    assert_eq!(out.released().messages, 2);
    let mut pong = Vec::new();
    write_frame(&mut pong, None, Opcode::Pong, false, b"!");
    out.control(&pong);
    assert_eq!(write(&mut out, 0), Written::Held);
    assert_eq!(out.released().messages, 2);
    assert_eq!(write(&mut out, usize::MAX), Written::All);
    let at = kernel
        .taken
        .windows(pong.len())
        .position(|part| part == pong);
    assert_eq!(at, Some(2 * 102));
    let (messages, closed) = decoded(Role::Client, None, &kernel.taken);
    assert_eq!((messages.len(), closed), (4, Some(close)));
}

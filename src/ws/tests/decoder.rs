//! Rows B2 to B15 of the table of bad input, and how messages are delivered.

use std::time::{Duration, Instant};

use super::support::{End, Lent, Outcome, Pieces, decode};
use crate::{
    error::Code,
    link::{Payload, ReadTurn, ReceiveLimits},
    ws::{CloseFrame, Decoder, Deflater, Params, Role, Side},
};

const KIB: usize = 1024;

fn limits(max_message: usize) -> ReceiveLimits {
    ReceiveLimits {
        max_message,
        ..ReceiveLimits::default()
    }
}

fn client(limit: usize) -> Decoder {
    Decoder::new(Role::Client, limits(limit), None, Vec::new())
}

fn compressed(limit: usize) -> Decoder {
    let params = Params::default();
    Decoder::new(Role::Client, limits(limit), Some(&params), Vec::new())
}

/// What comes of `stream`, cut at every byte and not at all, which must be the same.
fn outcome_of(decoder: impl Fn() -> Decoder, stream: &[u8]) -> Outcome {
    let whole = decode(
        decoder(),
        Pieces::new(stream, Vec::new()),
        &mut Lent::default(),
    );
    let cuts = (0..stream.len()).collect();
    let bytes = decode(decoder(), Pieces::new(stream, cuts), &mut Lent::default());
    assert_eq!(whole, bytes);
    whole
}

fn end_of(stream: &[u8]) -> End {
    outcome_of(|| client(64 * KIB), stream).end
}

/// A frame of a server.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut frame = vec![first];
    match length {
        0..126 => frame.push(length as u8),
        126..65536 => {
            frame.push(126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

fn binary(payload: &[u8]) -> (Payload, Vec<u8>) {
    (Payload::Binary, payload.to_vec())
}

fn text(payload: &str) -> (Payload, Vec<u8>) {
    (Payload::Text, payload.into())
}

#[test]
fn messages_between_fragments_and_pings() {
    let stream = [
        &b"\x82\x03abc\x81\x02hi\x82\x00"[..],
        b"\x01\x03Hel\x89\x02p1\x80\x02lo\x82\x01z",
        b"\x02\x00\x00\x00\x8a\x01x\x80\x00",
        b"\x88\x05\x03\xe8bye\x82\x04late",
    ]
    .concat();
    let outcome = outcome_of(|| client(KIB), &stream);
    assert_eq!(
        outcome.messages,
        [
            binary(b"abc"),
            text("hi"),
            binary(b""),
            text("Hello"),
            binary(b"z"),
            binary(b"")
        ]
    );
    let close = CloseFrame {
        code: Some(1000),
        reason: "bye".into(),
    };
    assert_eq!(outcome.end, End::Closed(close));
}

#[test]
fn whole_messages_stay_where_they_were_read() {
    let stream = frame(0x82, &[7; 64]).repeat(500);
    let mut room = Lent::default();
    let outcome = decode(client(KIB), Pieces::new(&stream, Vec::new()), &mut room);
    assert_eq!(outcome.messages, vec![binary(&[7; 64]); 500]);
    assert_eq!(room.assembled, 0);
}

#[test]
fn pings_are_answered_with_what_they_carry() {
    let outcome = outcome_of(
        || Decoder::new(Role::Server, limits(KIB), None, Vec::new()),
        b"\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\x01\x02\x03\x04",
    );
    assert_eq!(outcome.replies, [&b"Hello"[..], b""]);
    assert_eq!(outcome.end, End::Unclean);
}

#[test]
fn only_a_client_masks_its_answers() {
    for (role, ping, second) in [
        (Role::Client, &b"\x89\x01a"[..], 0x81),
        (Role::Server, b"\x89\x81\0\0\0\0a", 0x01),
    ] {
        let mut decoder = Decoder::new(role, limits(KIB), None, ping.to_vec());
        decoder
            .on_readable(&mut Dry, &mut Lent::default(), 1, Instant::now())
            .unwrap();
        assert_eq!(
            decoder.take_replies().unwrap().unwrap()[..2],
            [0x8a, second]
        );
        assert_eq!(decoder.take_replies().unwrap(), None);
    }
}

#[test]
fn only_the_last_pings_are_answered() {
    let generous = ReceiveLimits {
        control_burst: 1000,
        ..limits(KIB)
    };
    let stream: Vec<u8> = (0..100u8).flat_map(|at| frame(0x89, &[at])).collect();
    let decoder = || Decoder::new(Role::Client, generous, None, Vec::new());
    let outcome = decode(
        decoder(),
        Pieces::new(&stream, Vec::new()),
        &mut Lent::default(),
    );
    let last: Vec<Vec<u8>> = (36..100u8).map(|at| vec![at]).collect();
    assert_eq!(outcome.replies, last);
}

#[test]
fn bytes_behind_the_handshake_come_first() {
    let first = [frame(0x82, b"one"), frame(0x02, b"tw"), frame(0x80, b"o")].concat();
    let first = [&first[..], b"\x82\x05th"].concat();
    let mut decoder = Decoder::new(Role::Client, limits(KIB), None, first);
    let mut room = Lent::default();
    // The socket itself has nothing yet.
    let mut nothing = Pieces::new(b"ree", vec![]);
    let mut dry = Dry;
    let now = Instant::now();
    let turn = decoder
        .on_readable(&mut dry, &mut room, 1 << 20, now)
        .unwrap();
    assert_eq!(turn, ReadTurn::Drained);
    assert_eq!(room.messages, [binary(b"one"), binary(b"two")]);
    while decoder
        .on_readable(&mut nothing, &mut room, 1 << 20, now)
        .unwrap()
        != ReadTurn::End
    {}
    assert_eq!(room.messages[2], binary(b"three"));
}

struct Dry;

impl std::io::Read for Dry {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

#[test]
fn many_small_assembled_messages_in_one_read() {
    let one = [frame(0x02, b"a"), frame(0x80, b"b"), frame(0x82, b"c")].concat();
    let stream = one.repeat(3000);
    let mut room = Lent::default();
    let outcome = decode(client(KIB), Pieces::new(&stream, Vec::new()), &mut room);
    assert_eq!(
        outcome.messages,
        vec![[binary(b"ab"), binary(b"c")]; 3000].concat()
    );
}

#[test]
fn large_messages_are_assembled_as_they_come() {
    for length in [4 * KIB, 5 * KIB, 64 * KIB, 68 * KIB, 200 * KIB, 1024 * KIB] {
        let payload: Vec<u8> = (0..length).map(|at| (at * 7) as u8).collect();
        let stream = frame(0x82, &payload).repeat(3);
        let cuts = (0..stream.len()).step_by(1500).collect();
        let mut room = Lent::default();
        let outcome = decode(client(length), Pieces::new(&stream, cuts), &mut room);
        assert_eq!(outcome.messages, vec![binary(&payload); 3]);
        assert!(room.most_held <= length as isize);
    }
}

#[test]
fn what_a_header_announces_costs_nothing() {
    let mut room = Lent::default();
    let stream = [&b"\x82\x7f\0\0\0\0\x3f\xff\xff\xff"[..], &[1; 10]].concat();
    let outcome = decode(client(1 << 30), Pieces::new(&stream, Vec::new()), &mut room);
    assert_eq!(outcome.end, End::Fault(Code::Truncated));
    assert!(room.most_held < 100 && room.most_asked < 100 * KIB);
    // Beyond the limit the header is enough; 100 GB, 2^53 and 2^63 - 1.
    for length in [100_000_000_000u64, 1 << 53, u64::MAX >> 1] {
        for first in [0x82, 0x81, 0x02, 0x01, 0xc2] {
            let mut stream = vec![first, 127];
            stream.extend_from_slice(&length.to_be_bytes());
            let outcome = outcome_of(|| compressed(64 * KIB), &stream);
            assert_eq!(outcome.end, End::Fault(Code::TooBig));
        }
    }
}

#[test]
fn the_limit_counts_messages() {
    let limit = 3000;
    let end = |stream: &[u8]| outcome_of(|| client(limit), stream);
    assert_eq!(end(&frame(0x82, &vec![1; limit])).messages.len(), 1);
    let first = frame(0x82, b"first");
    let too_big = end(&[first, frame(0x82, &vec![1; limit + 1])].concat());
    assert_eq!(too_big.end, End::Fault(Code::TooBig));
    assert_eq!(too_big.messages, [binary(b"first")]);
    let fragments = |last: usize| {
        [
            frame(0x02, &[1; 1000]),
            frame(0x00, &[1; 1000]),
            frame(0x80, &vec![1; last]),
        ]
        .concat()
    };
    assert_eq!(end(&fragments(1000)).messages.len(), 1);
    assert_eq!(end(&fragments(1001)).end, End::Fault(Code::TooBig));
}

#[test]
fn fragments_are_counted_the_empty_ones_too() {
    for payload in [&b"x"[..], b""] {
        for (rest, expected) in [(16_383, Code::Truncated), (16_384, Code::Flood)] {
            let mut stream = frame(0x02, payload);
            for _ in 0..rest {
                stream.extend(frame(0x00, payload));
            }
            let mut room = Lent::default();
            let outcome = decode(
                client(KIB * KIB),
                Pieces::new(&stream, Vec::new()),
                &mut room,
            );
            assert_eq!(outcome.end, End::Fault(expected));
            assert!(room.most_held <= 128 * KIB as isize);
        }
    }
}

#[test]
fn frames_out_of_order() {
    for stream in [
        &b"\x80\x01a"[..],
        b"\x00\x01a",
        b"\x01\x01a\x81\x01b",
        b"\x02\x01a\x02\x01b",
        b"\x01\x01a\x82\x01b",
        b"\x82\x01a\x80\x01b",
        b"\x09\x00",
        b"\x89\x7e\x00\x7e",
        b"\x88\x7e\x00\x7e",
        b"\x88\x01\x03",
        b"\x83\x00",
        b"\x8b\x00",
        b"\xc2\x00",
        b"\xa2\x00",
        b"\x92\x00",
        b"\x82\x81\x00\x00\x00\x00a",
        b"\x82\x7e\x00\x01a",
        b"\x82\x7f\x80\0\0\0\0\0\0\0",
    ] {
        assert_eq!(end_of(stream), End::Fault(Code::Protocol), "{stream:x?}");
    }
    let server = || Decoder::new(Role::Server, limits(KIB), None, Vec::new());
    assert_eq!(
        outcome_of(server, b"\x82\x01a").end,
        End::Fault(Code::Protocol)
    );
    let with_deflate = |stream: &[u8]| outcome_of(|| compressed(KIB), stream).end;
    for stream in [
        &b"\xc9\x00"[..],
        b"\xc8\x00",
        b"\x41\x01\x00\xc0\x00",
        b"\xc0\x00",
    ] {
        assert_eq!(
            with_deflate(stream),
            End::Fault(Code::Protocol),
            "{stream:x?}"
        );
    }
}

#[test]
fn close_codes() {
    for (payload, expected) in [
        (&b"\x00\x00"[..], Code::Protocol),
        (b"\x03\xe7", Code::Protocol),
        (b"\x03\xec", Code::Protocol),
        (b"\x03\xed", Code::Protocol),
        (b"\x03\xee", Code::Protocol),
        (b"\x03\xf7", Code::Protocol),
        (b"\x0b\xb7", Code::Protocol),
        (b"\x13\x88", Code::Protocol),
        (b"\x03\xe8\xff", Code::InvalidUtf8),
    ] {
        assert_eq!(end_of(&frame(0x88, payload)), End::Fault(expected));
    }
    assert_eq!(end_of(b"\x88\x00"), End::Closed(CloseFrame::default()));
}

#[test]
fn text_fails_at_its_first_wrong_byte() {
    // The messages announce more than is sent: what is wrong must show all the same.
    for wrong in [
        &b"\xce\xba\xf4\x90"[..],
        b"\xed\xa0",
        b"\xc0",
        b"abc\x80",
        b"\xe2\x82A",
    ] {
        let mut header = vec![0x81, 100];
        header.extend_from_slice(wrong);
        assert_eq!(end_of(&header), End::Fault(Code::InvalidUtf8), "{wrong:x?}");
        header[1] = 126;
        header.splice(2..2, [0x10, 0x00]);
        assert_eq!(end_of(&header), End::Fault(Code::InvalidUtf8), "{wrong:x?}");
        let fragments = [frame(0x01, &wrong[..1]), vec![0, 100], wrong[1..].to_vec()].concat();
        assert_eq!(
            end_of(&fragments),
            End::Fault(Code::InvalidUtf8),
            "{wrong:x?}"
        );
    }
    assert_eq!(end_of(b"\x81\x01\xe2"), End::Fault(Code::InvalidUtf8));
    assert_eq!(
        end_of(b"\x01\x01\xe2\x80\x00"),
        End::Fault(Code::InvalidUtf8)
    );
    let euro = [
        frame(0x01, b"\xe2"),
        frame(0x00, b""),
        frame(0x80, b"\x82\xac"),
    ]
    .concat();
    assert_eq!(
        outcome_of(|| client(KIB), &euro).messages,
        [text("\u{20ac}")]
    );
}

#[test]
fn large_text_is_validated_as_it_comes() {
    let large = "\u{20ac}".repeat(50_000);
    let mut stream = frame(0x81, large.as_bytes());
    let length = stream.len();
    let cuts: Vec<usize> = (0..length).step_by(777).collect();
    let outcome = decode(
        client(256 * KIB),
        Pieces::new(&stream, cuts.clone()),
        &mut Lent::default(),
    );
    assert_eq!(outcome.messages, [text(&large)]);
    stream[100_000] = 0xff;
    stream.truncate(100_001);
    let outcome = decode(
        client(256 * KIB),
        Pieces::new(&stream, cuts),
        &mut Lent::default(),
    );
    assert_eq!(outcome.end, End::Fault(Code::InvalidUtf8));
}

#[test]
fn a_flood_of_control_frames() {
    for first in [0x89, 0x8a] {
        let stream = frame(first, b"x").repeat(65);
        assert_eq!(end_of(&stream), End::Fault(Code::Flood));
        assert_eq!(end_of(&stream[..64 * 3]), End::Unclean);
    }
    // Spread over time they are welcome.
    let mut decoder = client(KIB);
    let mut room = Lent::default();
    let ping = frame(0x89, b"x");
    let start = Instant::now();
    for at in 0..1000 {
        let now = start + Duration::from_millis(32 * at);
        let mut io = std::io::Read::chain(&ping[..], Dry);
        decoder
            .on_readable(&mut io, &mut room, 1 << 20, now)
            .unwrap();
    }
}

#[test]
fn the_stream_ends() {
    assert_eq!(end_of(b""), End::Unclean);
    assert_eq!(end_of(b"\x82\x01a"), End::Unclean);
    for stream in [
        &b"\x82"[..],
        b"\x82\x02a",
        b"\x02\x01a",
        b"\x02\x00",
        b"\x89\x01",
    ] {
        assert_eq!(end_of(stream), End::Fault(Code::Truncated), "{stream:x?}");
    }
    // Not after a close frame, whatever follows.
    let stream = b"\x02\x01a\x88\x00\xff\xff\x82\x02a";
    assert_eq!(end_of(stream), End::Closed(CloseFrame::default()));
}

fn deflated(messages: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut deflater = Deflater::new(Side::default(), 6).unwrap();
    let deflate = |message: &&[u8]| {
        let mut payload = Vec::new();
        deflater.compress(message, &mut payload).unwrap();
        payload
    };
    messages.iter().map(deflate).collect()
}

#[test]
fn compressed_messages_in_frames_and_fragments() {
    let long = "compress ".repeat(2000);
    let payloads = deflated(&[b"Hello", b"Hello", long.as_bytes(), b""]);
    let (front, back) = payloads[2].split_at(10);
    let stream = [
        frame(0xc1, &payloads[0]),
        frame(0x82, b"plain"),
        frame(0xc1, &payloads[1]),
        frame(0x41, front),
        frame(0x89, b""),
        frame(0x00, b""),
        frame(0x80, back),
        frame(0xc2, &payloads[3]),
        frame(0x82, b"plain"),
    ]
    .concat();
    let outcome = outcome_of(|| compressed(64 * KIB), &stream);
    assert_eq!(
        outcome.messages,
        [
            text("Hello"),
            binary(b"plain"),
            text("Hello"),
            text(&long),
            binary(b""),
            binary(b"plain")
        ]
    );
}

#[test]
fn bombs_end_at_the_limit() {
    let limit = 100 * KIB;
    let zeros = vec![0; limit + 1];
    // With the window of earlier messages, exactly at the limit and one beyond.
    let payloads = deflated(&[&zeros[..limit], &zeros[..limit], &zeros]);
    let frames: Vec<Vec<u8>> = payloads
        .iter()
        .map(|payload| frame(0xc2, payload))
        .collect();
    let outcome = outcome_of(|| compressed(limit), &frames.concat());
    assert_eq!(outcome.messages.len(), 2);
    assert_eq!(outcome.end, End::Fault(Code::TooBig));
    // In the last fragment.
    let bomb = &deflated(&[&vec![0; 4 << 20]])[0];
    let (front, back) = bomb.split_at(5);
    let stream = [frame(0x42, front), frame(0x80, back)].concat();
    let mut room = Lent::default();
    let outcome = decode(
        compressed(limit),
        Pieces::new(&stream, Vec::new()),
        &mut room,
    );
    assert_eq!(outcome.end, End::Fault(Code::TooBig));
    assert!(room.most_held <= (limit + 64 * KIB) as isize);
}

#[test]
fn corrupted_compression() {
    let end = |stream: &[u8]| outcome_of(|| compressed(KIB), stream).end;
    assert_eq!(end(&frame(0xc2, &[0xff; 10])), End::Fault(Code::Protocol));
    assert_eq!(end(&frame(0xc1, b"\x00\x02\x00\xfd\xff\xc3\x28\x00")), {
        End::Fault(Code::InvalidUtf8)
    });
    // Empty blocks and empty frames are nothing wrong.
    for payload in [&b"\x00"[..], b"", b"\x02\x00", b"\x00\x00\x00\xff\xff\x00"] {
        assert_eq!(end(&frame(0xc2, payload)), End::Unclean, "{payload:x?}");
    }
}

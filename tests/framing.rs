//! Any split of the byte stream gives the same messages, whatever memory they are read into.

mod support {
    pub mod lent;
}

use proptest::{collection::vec, prelude::*};
use qwormhole::{
    Code,
    frame::Protocol,
    link::{Inbound, ReadTurn},
};
use support::lent::{Lent, Pieces};

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    messages: Vec<Vec<u8>>,
    error: Option<Code>,
    held: usize,
}

/// Decodes until the stream breaks, ends, or is at its end and stays open; `most` bytes a turn.
fn decode(inbound: &mut Inbound, io: &mut Pieces<'_>, room: &mut Lent, most: usize) -> Outcome {
    let error = loop {
        match inbound.on_readable(io, room, most) {
            Ok(ReadTurn::End) => break None,
            Err(error) => break Some(error.code()),
            Ok(_) if io.is_silent() => break None,
            Ok(_) => {}
        }
    };
    Outcome {
        messages: std::mem::take(&mut room.messages),
        error,
        held: inbound.held(),
    }
}

fn decode_simply(protocol: Protocol, max_message: usize, mut io: Pieces<'_>) -> Outcome {
    let mut inbound = Inbound::new(protocol, max_message);
    decode(&mut inbound, &mut io, &mut Lent::default(), usize::MAX)
}

mod vectors {
    use super::*;

    struct Vector {
        name: String,
        max_message: usize,
        stream: Vec<u8>,
        expected: Outcome,
    }

    /// The vectors that the TypeScript tests read too.
    fn all() -> Vec<Vector> {
        let text = include_str!("../test/vectors/length-prefixed.json");
        let list: serde_json::Value = serde_json::from_str(text).expect("JSON");
        list.as_array()
            .expect("a list")
            .iter()
            .map(vector)
            .collect()
    }

    fn vector(value: &serde_json::Value) -> Vector {
        let messages = value["messages"].as_array().expect("messages").iter();
        let error = value["error"].as_str().map(|code| {
            *Code::ALL
                .iter()
                .find(|known| known.as_str() == code)
                .expect("a known code")
        });
        Vector {
            name: value["name"].as_str().expect("a name").to_owned(),
            max_message: value["maxMessage"].as_u64().expect("a limit") as usize,
            stream: unhex(value["stream"].as_str().expect("a stream")),
            expected: Outcome {
                messages: messages
                    .map(|hex| unhex(hex.as_str().expect("hex")))
                    .collect(),
                error,
                held: value["trailing"].as_u64().unwrap_or(0) as usize,
            },
        }
    }

    fn unhex(hex: &str) -> Vec<u8> {
        let digits = hex.as_bytes().chunks(2);
        digits
            .map(|pair| {
                std::str::from_utf8(pair)
                    .ok()
                    .and_then(|p| u8::from_str_radix(p, 16).ok())
            })
            .map(|byte| byte.expect("a hexadecimal byte"))
            .collect()
    }

    fn check(vector: &Vector, mut io: Pieces<'_>, how: &str) {
        io.ends = false;
        let mut outcome = decode_simply(Protocol::LengthPrefixed, vector.max_message, io);
        if outcome.error.is_some() {
            // What is held of a refused message is nobody's business.
            outcome.held = 0;
        }
        assert_eq!(outcome, vector.expected, "{} {how}", vector.name);
    }

    #[test]
    fn are_there() {
        assert!(all().len() >= 15);
        assert!(all().iter().any(|vector| vector.expected.error.is_some()));
        assert!(all().iter().any(|vector| vector.expected.held > 0));
    }

    #[test]
    fn whole_and_byte_by_byte() {
        for vector in all() {
            check(&vector, Pieces::new(&vector.stream, Vec::new()), "whole");
            check(&vector, Pieces::bytes(&vector.stream), "byte by byte");
        }
    }

    #[test]
    fn cut_in_two_at_every_place() {
        for vector in all() {
            for cut in 0..vector.stream.len() {
                check(
                    &vector,
                    Pieces::new(&vector.stream, vec![cut]),
                    &format!("cut at {cut}"),
                );
            }
        }
    }

    #[test]
    fn a_stream_that_ends_with_bytes_left_is_truncated() {
        for vector in all() {
            let io = Pieces::new(&vector.stream, Vec::new());
            let outcome = decode_simply(Protocol::LengthPrefixed, vector.max_message, io);
            let expected = match vector.expected.held {
                0 => vector.expected.error,
                _ => Some(Code::Truncated),
            };
            assert_eq!(outcome.error, expected, "{}", vector.name);
        }
    }
}

/// A message of bytes that tell it and its places apart.
fn message(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (seed.wrapping_mul(37) ^ at.wrapping_mul(11) ^ (at >> 8)) as u8)
        .collect()
}

fn stream_of(messages: &[Vec<u8>]) -> Vec<u8> {
    let records = messages.iter().flat_map(|message| {
        let length = u32::try_from(message.len()).expect("fits");
        length
            .to_be_bytes()
            .into_iter()
            .chain(message.iter().copied())
    });
    records.collect()
}

/// Sizes on both sides of every threshold: found in place, carried over, assembled.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..100_usize,
        2 => 4_000..4_200_usize,
        2 => 16_300..16_500_usize,
        2 => 65_000..70_000_usize,
        1 => 0..200_000_usize,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_messages(
        sizes in vec(size(), 0..20),
        cuts in vec(any::<prop::sample::Index>(), 0..40),
        most in prop_oneof![Just(1), 100..300_000_usize],
        generosity in prop_oneof![Just(0), 0..300_000_usize],
        moods in vec(any::<bool>(), 0..40),
    ) {
        let messages: Vec<_> = sizes.iter().enumerate().map(|(n, size)| message(n, *size)).collect();
        let stream = stream_of(&messages);
        let cuts = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        let mut room = Lent::new(generosity, moods);
        let mut inbound = Inbound::new(Protocol::LengthPrefixed, 1 << 20);
        let outcome = decode(&mut inbound, &mut Pieces::new(&stream, cuts), &mut room, most);
        prop_assert_eq!(outcome, Outcome { messages, error: None, held: 0 });
        prop_assert_eq!(inbound.received(), stream.len() as u64);
        prop_assert_eq!(room.held, 0);
    }

    #[test]
    fn what_came_before_a_fault_is_delivered(
        sizes in vec(0..3_000_usize, 0..8),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
        beyond in 3_001..=u32::MAX,
        tail in vec(any::<u8>(), 0..50),
    ) {
        let messages: Vec<_> = sizes.iter().enumerate().map(|(n, size)| message(n, *size)).collect();
        let mut stream = stream_of(&messages);
        stream.extend_from_slice(&beyond.to_be_bytes());
        stream.extend_from_slice(&tail);
        let cuts = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        let outcome = decode_simply(Protocol::LengthPrefixed, 3_000, Pieces::new(&stream, cuts));
        prop_assert_eq!(outcome.messages, messages);
        prop_assert_eq!(outcome.error, Some(Code::TooBig));
    }

    #[test]
    fn no_bytes_lead_to_a_panic(
        stream in vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..400),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let cuts = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        let outcome = decode_simply(Protocol::LengthPrefixed, 1 << 30, Pieces::new(&stream, cuts));
        let delivered: usize = outcome.messages.iter().map(|message| 4 + message.len()).sum();
        prop_assert!(delivered <= stream.len());
    }

    #[test]
    fn raw_gives_the_bytes_in_order(
        stream in vec(any::<u8>(), 0..5_000),
        cuts in vec(any::<prop::sample::Index>(), 0..40),
        most in 1..10_000_usize,
        moods in vec(any::<bool>(), 0..40),
    ) {
        let cuts = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        let mut room = Lent::new(0, moods);
        let mut inbound = Inbound::new(Protocol::Raw, 1);
        let outcome = decode(&mut inbound, &mut Pieces::new(&stream, cuts), &mut room, most);
        prop_assert!(outcome.messages.iter().all(|piece| !piece.is_empty()));
        prop_assert_eq!(outcome.messages.concat(), stream);
        prop_assert_eq!(outcome.error, None);
    }
}

#[test]
fn every_way_of_finishing_a_message_is_taken() {
    // In place, carried over to the next read, and assembled outside.
    let messages = [message(1, 100), message(2, 3_000), message(3, 150_000)];
    let stream = stream_of(&messages);
    let mut room = Lent::default();
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, 1 << 20);
    let mut io = Pieces::new(&stream, vec![1_000, 50_000]);
    let outcome = decode(&mut inbound, &mut io, &mut room, usize::MAX);
    assert_eq!(outcome.messages, messages);
    assert_eq!(room.assembled, 1);
    assert!(room.most_held > 40_000);
}

#[test]
fn memory_follows_what_was_received_not_what_was_announced() {
    let mut stream = (1_u32 << 30).to_be_bytes().to_vec();
    stream.extend_from_slice(&[7; 100_000]);
    let mut room = Lent::default();
    let mut io = Pieces::new(&stream, Vec::new());
    io.ends = false;
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, 1 << 30);
    let outcome = decode(&mut inbound, &mut io, &mut room, usize::MAX);
    assert_eq!((outcome.error, outcome.messages.len()), (None, 0));
    assert!(room.held <= 100_004, "{} bytes held", room.held);
    inbound.discard(&mut room);
    assert_eq!((room.held, inbound.held()), (0, 0));
}

#[test]
fn a_turn_ends_where_it_is_told_to() {
    let messages: Vec<_> = (0..100).map(|seed| message(seed, 10_000)).collect();
    let stream = stream_of(&messages);
    let mut room = Lent::default();
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, 1 << 20);
    let mut io = Pieces::new(&stream, Vec::new());
    let mut counts = Vec::new();
    while inbound
        .on_readable(&mut io, &mut room, 100_000)
        .expect("no fault")
        == ReadTurn::Yield
    {
        counts.push(room.messages.len());
    }
    // About 100,000 bytes a turn, and never more than one read beyond.
    assert!(counts.len() >= 5, "{counts:?}");
    assert!(
        counts.windows(2).all(|pair| pair[1] - pair[0] <= 18),
        "{counts:?}"
    );
}

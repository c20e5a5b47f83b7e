//! permessage-deflate: the examples of RFC 7692 §7.2.3, round trips, bombs and corruption.

use proptest::prelude::*;

use crate::{
    error::{Code, Result},
    ws::{Deflater, Inflater, Side},
};

const LIMIT: usize = 1 << 20;

fn side(no_context_takeover: bool, window_bits: u8) -> Side {
    Side {
        no_context_takeover,
        window_bits,
    }
}

fn inflate(inflater: &mut Inflater, payload: &[u8], limit: usize) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    inflater.push(payload, &mut message, limit)?;
    inflater.finish(&mut message, limit)?;
    Ok(message)
}

fn deflate(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    deflater.compress(message, &mut payload).unwrap();
    payload
}

#[test]
fn examples_of_the_rfc() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut inflater = Inflater::new(Side::default());
    assert_eq!(inflate(&mut inflater, &hello, LIMIT).unwrap(), b"Hello");
    assert_eq!(inflate(&mut inflater, &again, LIMIT).unwrap(), b"Hello");
    let stored = b"\x00\x05\x00\xfa\xffHello\x00";
    assert_eq!(inflate(&mut inflater, stored, LIMIT).unwrap(), b"Hello");
    let two_blocks = [
        0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00,
    ];
    assert_eq!(
        inflate(&mut inflater, &two_blocks, LIMIT).unwrap(),
        b"Hello"
    );
    assert_eq!(inflate(&mut inflater, &[0], LIMIT).unwrap(), b"");
}

#[test]
fn a_final_block_and_what_follows_it() {
    let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let mut inflater = Inflater::new(Side::default());
    for _ in 0..3 {
        // As the RFC has it, with an empty block behind; then without one.
        let rfc = [&last[..], &[0]].concat();
        assert_eq!(inflate(&mut inflater, &rfc, LIMIT).unwrap(), b"Hello");
        assert_eq!(inflate(&mut inflater, &last, LIMIT).unwrap(), b"Hello");
        let twice = [&last[..], &last[..], &[0]].concat();
        assert_eq!(
            inflate(&mut inflater, &twice, LIMIT).unwrap(),
            b"HelloHello"
        );
    }
}

#[test]
fn a_final_block_that_ends_inside_of_the_tail() {
    let mut inflater = Inflater::new(Side::default());
    for _ in 0..3 {
        // A literal, whose end of the block are the zeros of the tail.
        assert_eq!(inflate(&mut inflater, &[0x0b], LIMIT).unwrap(), b"P");
    }
}

#[test]
fn nothing_refers_to_a_message_before_without_takeover() {
    let mut inflater = Inflater::new(side(true, 15));
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(inflate(&mut inflater, &hello, LIMIT).unwrap(), b"Hello");
    let again = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let error = inflate(&mut inflater, &again, LIMIT).unwrap_err();
    assert_eq!(error.code(), Code::Protocol);
}

#[test]
fn the_limit_is_exact() {
    for length in [1, 1000, 1023, 1024, 1025, 70_000, LIMIT] {
        for takeover in [false, true] {
            let mut deflater = Deflater::new(side(takeover, 15), 6).unwrap();
            let mut inflater = Inflater::new(side(takeover, 15));
            for _ in 0..3 {
                let message = vec![b'x'; length];
                let payload = deflate(&mut deflater, &message);
                assert_eq!(inflate(&mut inflater, &payload, length).unwrap(), message);
            }
            let payload = deflate(&mut deflater, &vec![b'x'; length + 1]);
            let error = inflate(&mut inflater, &payload, length).unwrap_err();
            assert_eq!(error.code(), Code::TooBig);
        }
    }
}

#[test]
fn a_bomb_holds_no_more_than_the_limit() {
    let mut deflater = Deflater::new(Side::default(), 1).unwrap();
    let bomb = deflate(&mut deflater, &vec![0; 8 << 20]);
    let mut inflater = Inflater::new(Side::default());
    let mut message = Vec::new();
    let mut fed = bomb.chunks(16);
    let error = loop {
        let chunk = fed.next().expect("the limit comes before the end");
        if let Err(error) = inflater.push(chunk, &mut message, LIMIT) {
            break error;
        }
    };
    assert_eq!(error.code(), Code::TooBig);
    assert!(
        message.capacity() <= LIMIT + 64 * 1024,
        "{}",
        message.capacity()
    );
}

#[test]
fn corruption_is_noticed() {
    let mut deflater = Deflater::new(Side::default(), 6).unwrap();
    let text = include_bytes!("deflate.rs");
    let payload = deflate(&mut deflater, text);
    let mut noticed = 0;
    for at in 0..payload.len() {
        let mut payload = payload.clone();
        payload[at] ^= 0xff;
        match inflate(&mut Inflater::new(Side::default()), &payload, LIMIT) {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error.code(), Code::Protocol | Code::TooBig));
                noticed += 1;
            }
        }
    }
    assert!(noticed > 0);
    for garbage in [&[0xff; 9][..], b"\x06", b"\x01\x00\x00\x00\x00"] {
        let error = inflate(&mut Inflater::new(Side::default()), garbage, LIMIT).unwrap_err();
        assert_eq!(error.code(), Code::Protocol);
    }
}

#[test]
fn a_window_of_256_bytes_is_not_compressed_for() {
    assert!(Deflater::new(side(false, 8), 6).is_none());
}

#[test]
fn every_window_and_takeover_round_trips() {
    let text = include_bytes!("deflate.rs");
    for window_bits in 9..=15 {
        for level in 1..=9 {
            for takeover in [false, true] {
                let side = side(takeover, window_bits);
                let mut deflater = Deflater::new(side, level).unwrap();
                let mut inflater = Inflater::new(side);
                for length in [0, 1, 100, 0, 3000, text.len(), 7, 0] {
                    let payload = deflate(&mut deflater, &text[..length]);
                    let message = inflate(&mut inflater, &payload, LIMIT).unwrap();
                    assert_eq!(message, text[..length]);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn messages_in_any_pieces(
        messages in prop::collection::vec((any::<u8>(), 0usize..5000, 1usize..50), 1..6),
        piece in 1usize..200,
        window_bits in 9u8..=15,
        takeover: bool,
    ) {
        let side = side(takeover, window_bits);
        let mut deflater = Deflater::new(side, 6).unwrap();
        let mut inflater = Inflater::new(side);
        for (seed, length, period) in messages {
            let message: Vec<u8> = (0..length)
                .map(|at| (at % period) as u8 ^ seed ^ (at / 700) as u8)
                .collect();
            let payload = deflate(&mut deflater, &message);
            let mut inflated = Vec::new();
            for piece in payload.chunks(piece) {
                inflater.push(piece, &mut inflated, length).unwrap();
            }
            inflater.finish(&mut inflated, length).unwrap();
            prop_assert_eq!(inflated, message);
        }
    }

    #[test]
    fn garbage_never_exceeds_the_limit(garbage in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut message = Vec::new();
        let mut inflater = Inflater::new(Side::default());
        let _ = inflater.push(&garbage, &mut message, 1000);
        let _ = inflater.finish(&mut message, 1000);
        prop_assert!(message.len() <= 1001);
    }
}

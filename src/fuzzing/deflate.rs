//! permessage-deflate: data that a peer made up inflate to the same or fail in the same way however they come, within the
//! limit; and what we compress is what it was.

use super::Input;
use crate::{
    error::Code,
    ws::{Deflater, Inflater, Side},
};

const LIMIT: usize = 100_000;

pub(super) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let side = Side {
        no_context_takeover: input.flag(0),
        window_bits: if input.flag(1) { 9 } else { 15 },
    };
    let whole = inflate(&[input.stream], side);
    assert_eq!(whole, inflate(&input.pieces(), side));
    there_and_back(&input.pieces(), side, if input.flag(2) { 9 } else { 1 });
}

/// One message in pieces, twice: the second in the context of the first.
fn inflate(pieces: &[&[u8]], side: Side) -> Vec<Result<Vec<u8>, Code>> {
    let mut inflater = Inflater::new(side);
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let mut message = Vec::new();
        let mut outcome = Ok(());
        for piece in pieces {
            outcome = outcome.and_then(|()| inflater.push(piece, &mut message, LIMIT));
        }
        let outcome = outcome.and_then(|()| inflater.finish(&mut message, LIMIT));
        assert!(message.len() <= LIMIT + 1, "more than the limit");
        assert!(
            message.capacity() <= 4 * LIMIT,
            "room for more than the limit"
        );
        let is_over = outcome.is_err();
        outcomes.push(outcome.map(|()| message).map_err(|error| error.code()));
        if is_over {
            break;
        }
    }
    outcomes
}

fn there_and_back(messages: &[&[u8]], side: Side, level: u32) {
    let mut deflater = Deflater::new(side, level).expect("a window that zlib has");
    let mut inflater = Inflater::new(side);
    for message in messages.iter().filter(|message| message.len() <= LIMIT) {
        let (mut compressed, mut back) = (Vec::new(), Vec::new());
        deflater
            .compress(message, &mut compressed)
            .expect("compresses");
        inflater
            .push(&compressed, &mut back, LIMIT)
            .expect("inflates");
        inflater.finish(&mut back, LIMIT).expect("is whole");
        assert_eq!(back, *message);
    }
}

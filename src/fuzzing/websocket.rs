//! WebSocket frames, compressed and not: however the stream is cut into reads, the same messages arrive, the same pings
//! are answered, and the same fault or close frame ends it.

use std::{sync::LazyLock, time::Instant};

use super::{Found, Input, Lent, Pieces};
use crate::{
    error::Code,
    link::{ReadTurn, ReceiveLimits},
    ws::{CloseFrame, Decoder, Params, Role},
};

/// All that happens is at one time: the allowance of control frames depends on it.
static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

#[derive(Debug, PartialEq)]
struct Outcome {
    messages: Vec<Found>,
    fault: Option<Code>,
    close: Option<CloseFrame>,
    /// Bytes of answers: with masks of their own, they are not the same.
    answers: usize,
}

pub(super) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let whole = decode(&input, Vec::new(), 70_000);
    let cut = decode(&input, input.cuts.clone(), usize::from(input.flag(2)));
    assert_eq!(whole, cut);
}

fn decode(input: &Input<'_>, cuts: Vec<usize>, generosity: usize) -> Outcome {
    let limits = ReceiveLimits {
        max_message: 20_000,
        max_fragments: 5,
        control_burst: 8,
        control_per_second: 0,
    };
    let role = match input.flag(0) {
        false => Role::Server,
        true => Role::Client,
    };
    let deflate = input.flag(1).then(Params::default);
    let mut decoder = Decoder::new(role, limits, deflate.as_ref(), Vec::new());
    let mut room = Lent::new(generosity, Vec::new());
    let mut io = Pieces::new(input.stream, cuts);
    let fault = loop {
        match decoder.on_readable(&mut io, &mut room, 1 << 20, *NOW) {
            Ok(ReadTurn::End) => break None,
            Ok(_) => assert_eq!(room.held, decoder.held() as isize),
            Err(error) => break Some(error.code()),
        }
    };
    assert!(
        room.most_held <= 2 * limits.max_message as isize,
        "more is held than is allowed"
    );
    let close = decoder.peer_close().cloned();
    let answers = decoder.take_replies().expect("random bytes");
    decoder.discard(&mut room);
    assert_eq!(room.held, 0, "the books balance");
    Outcome {
        messages: room.messages,
        fault,
        close,
        answers: answers.map_or(0, |answers| answers.len()),
    }
}

//! Records and frames: however the stream is cut into reads, the same messages arrive and the same fault ends it.
use std::{sync::LazyLock, time::Instant};

use super::{Input, Lent, Pieces};
use crate::{
    Code,
    link::{Payload, ReadTurn, ReceiveLimits},
    qwh::{Carrier, Decoder},
};

/// All that happens is at one time: the allowance of control frames depends on it.
static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);

#[derive(Debug, PartialEq)]
struct Outcome {
    messages: Vec<(Payload, Vec<u8>)>,
    fault: Option<Code>,
    left: bool,
}

pub(super) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let whole = decode(&input, Vec::new(), 70_000);
    let cut = decode(&input, input.cuts.clone(), usize::from(input.flag(1)));
    assert_eq!(whole, cut);
}

fn decode(input: &Input<'_>, cuts: Vec<usize>, generosity: usize) -> Outcome {
    let limits = ReceiveLimits {
        max_message: 20_000,
        max_fragments: 5,
        control_burst: 8,
        control_per_second: 0,
    };
    let mut decoder = Decoder::new(Carrier::Stream, limits, 0, Vec::new());
    let mut room = Lent::new(generosity, Vec::new());
    let mut io = Pieces::new(input.stream, cuts);
    let fault = loop {
        match decoder.on_readable(&mut io, &mut room, 1 << 20, *NOW) {
            Ok(ReadTurn::End) => break None,
            Ok(_) => assert_eq!(room.held, decoder.held() as isize),
            Err(error) => break Some(error.code()),
        }
    };
    let left = decoder.goaway().is_some();
    decoder.discard(&mut room);
    assert_eq!(room.held, 0, "the books balance");
    Outcome {
        messages: room.messages,
        fault,
        left,
    }
}

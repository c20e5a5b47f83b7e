//! Length-prefixed framing: however the stream is cut into reads, the same messages arrive and the same fault ends it.
use super::{Input, Lent, Pieces};
use crate::{
    Code,
    frame::Protocol,
    link::{Inbound, ReadTurn},
};

pub(super) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    let whole = decode(&input, Vec::new(), 70_000);
    let cut = decode(&input, input.cuts.clone(), usize::from(input.flag(0)));
    assert_eq!(whole, cut);
}

fn decode(input: &Input<'_>, cuts: Vec<usize>, generosity: usize) -> (Vec<Vec<u8>>, Option<Code>) {
    let mut inbound = Inbound::new(Protocol::LengthPrefixed, 5000);
    let mut room = Lent::new(generosity, Vec::new());
    let mut io = Pieces::new(input.stream, cuts);
    let fault = loop {
        match inbound.on_readable(&mut io, &mut room, 1 << 20) {
            Ok(ReadTurn::End) => break None,
            Ok(_) => assert_eq!(room.held, inbound.held() as isize),
            Err(error) => break Some(error.code()),
        }
    };
    inbound.discard(&mut room);
    assert_eq!(room.held, 0, "the books balance");
    (
        room.messages.into_iter().map(|(_, bytes)| bytes).collect(),
        fault,
    )
}

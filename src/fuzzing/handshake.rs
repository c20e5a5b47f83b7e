//! Preamble, answer, HELLO and READY of a peer, in pieces: whatever comes, a handshake ends once, and says nothing after.
use super::{Input, our_hello};
use crate::{
    CloseCode,
    qwh::{Answer, Carrier, Event, Handshake, Preamble, Settings, Side},
};

pub(super) fn run(data: &[u8]) {
    let Some(input) = Input::new(data) else {
        return;
    };
    alone(input.stream);
    let mut handshake = Handshake::new(settings(&input)).expect("our own HELLO is legal");
    let mut is_over = false;
    drain(&mut handshake, &input, &mut is_over);
    for piece in input.pieces() {
        let taken = handshake.receive(piece);
        assert!(taken <= piece.len());
        drain(&mut handshake, &input, &mut is_over);
    }
    handshake.time_out();
    drain(&mut handshake, &input, &mut is_over);
    assert!(is_over, "a handshake without an end");
}

fn settings(input: &Input<'_>) -> Settings {
    Settings {
        side: match input.flag(0) {
            false => Side::Initiator,
            true => Side::Responder,
        },
        carrier: match input.flag(1) {
            false => Carrier::Stream,
            true => Carrier::Messages,
        },
        hello: our_hello(),
        exporter: input.flag(2).then_some([7; 32]),
        route: input.flag(3).then(|| "example.org".to_owned()),
    }
}

fn drain(handshake: &mut Handshake, input: &Input<'_>, is_over: &mut bool) {
    while let Some(event) = handshake.next_event() {
        assert!(!*is_over, "{event:?} behind the last event");
        match event {
            Event::Send(_) => {}
            Event::Verify(_) if input.flag(4) => handshake.refuse(CloseCode(4), "no", 5),
            Event::Verify(_) => handshake.accept(),
            Event::Ready(_) | Event::Failed(_) => *is_over = true,
        }
    }
}

/// What is understood is written as it was read.
fn alone(bytes: &[u8]) {
    if let Ok(preamble) = Preamble::parse(bytes) {
        let encoded = preamble.encode();
        assert_eq!(Preamble::parse(&encoded).as_ref(), Ok(&preamble));
        assert_eq!(Preamble::length(&encoded), Ok(encoded.len()));
    }
    if let Ok(Some(answer)) = Answer::parse(bytes) {
        assert_eq!(Answer::parse(&answer.encode()), Ok(Some(answer)));
    }
}

//! QWH/1 in place: however a stream is cut into reads, and whatever room there is, the messages that were
//! packed arrive, each class in order, and the books balance.

#[path = "support/lent.rs"]
mod lent;

use std::time::Instant;

use lent::{Lent, Pieces};
use proptest::prelude::*;
use qwormhole::{
    Code,
    link::{ReadTurn, ReceiveLimits, TURN},
    qwh::{Carrier, Decoder, Encoder, Scheduler},
};

const MAX: usize = 100_000;

/// Messages by class; each begins with its class and number.
fn messages(sizes: &[Vec<usize>; 3]) -> [Vec<Vec<u8>>; 3] {
    let message = |class: usize, number: usize, size: usize| {
        let front = [class as u8, number as u8];
        front
            .into_iter()
            .chain((0..size).map(|i| i as u8))
            .collect()
    };
    [0, 1, 2].map(|class| {
        let sizes = sizes[class].iter().enumerate();
        sizes
            .map(|(number, size)| message(class, number, *size))
            .collect()
    })
}

/// All of them as records, as late as can be.
fn pack(messages: &[Vec<Vec<u8>>; 3]) -> Vec<u8> {
    let mut encoder = Encoder::new(Carrier::Stream);
    let mut scheduler = Scheduler::default();
    let (mut sent, mut to) = ([0; 3], Vec::new());
    loop {
        let front = |class: usize| messages[class].get(sent[class]);
        let Some(fragment) = scheduler.next([0, 1, 2].map(|class| front(class).map(Vec::len)))
        else {
            break;
        };
        let class = fragment.class as usize;
        let message = front(class).expect("it waits");
        if encoder.fragment(&fragment, message, &mut to) {
            encoder.seal(&mut to);
        }
        sent[class] += usize::from(fragment.is_last());
    }
    encoder.seal(&mut to);
    to
}

fn decoder(first: &[u8]) -> Decoder {
    let limits = ReceiveLimits {
        max_message: MAX,
        ..ReceiveLimits::default()
    };
    Decoder::new(Carrier::Stream, limits, 0, first.to_vec())
}

fn read_all(mut decoder: Decoder, mut io: Pieces<'_>, room: &mut Lent) -> Result<(), Code> {
    let now = Instant::now();
    let end = loop {
        match decoder.on_readable(&mut io, room, TURN, now) {
            Ok(ReadTurn::End) => break Ok(()),
            Ok(_) => assert_eq!(room.held, decoder.held() as isize),
            Err(error) => break Err(error.code()),
        }
    };
    decoder.discard(room);
    assert_eq!(room.held, 0);
    end
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![4 => 0usize..200, 1 => 4_000usize..40_000];
    prop::collection::vec(size, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_was_packed_arrives(
        sizes in [sizes(), sizes(), sizes()],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        first in any::<prop::sample::Index>(),
        generosity in 0usize..70_000,
        moods in prop::collection::vec(any::<bool>(), 0..40),
    ) {
        let messages = messages(&sizes);
        let stream = pack(&messages);
        let (first, rest) = stream.split_at(first.index(stream.len() + 1));
        let cuts = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        let mut room = Lent::new(generosity, moods);
        prop_assert_eq!(read_all(decoder(first), Pieces::new(rest, cuts), &mut room), Ok(()));
        for (class, sent) in messages.iter().enumerate() {
            let arrived = room.messages.iter().filter(|message| usize::from(message[0]) == class);
            prop_assert!(arrived.eq(sent.iter()), "class {}", class);
        }
    }
}

#[test]
fn byte_by_byte() {
    let messages = messages(&[vec![0, 5], vec![20_000, 3], vec![40_000, 0, 7]]);
    let stream = pack(&messages);
    let mut room = Lent::default();
    assert_eq!(
        read_all(decoder(b""), Pieces::bytes(&stream), &mut room),
        Ok(())
    );
    assert_eq!(room.messages.len(), 7);
}

#[test]
fn small_messages_stay_where_they_were_read() {
    let stream = pack(&messages(&[vec![], vec![64; 500], vec![]]));
    let mut room = Lent::new(1 << 20, Vec::new());
    assert_eq!(
        read_all(decoder(b""), Pieces::new(&stream, Vec::new()), &mut room),
        Ok(())
    );
    assert_eq!(
        (room.messages.len(), room.assembled, room.most_held),
        (500, 0, 0)
    );
}

#[test]
fn an_end_inside_of_a_record_or_message_is_no_end() {
    let stream = pack(&messages(&[vec![], vec![20_000, 10], vec![]]));
    for end in [1, 2, 9, 10, 30, 16_400, 16_405, stream.len() - 1] {
        let mut room = Lent::default();
        let io = Pieces::new(&stream[..end], Vec::new());
        assert_eq!(
            read_all(decoder(b""), io, &mut room),
            Err(Code::Truncated),
            "{end}"
        );
    }
}

#[test]
fn memory_follows_what_came_and_not_what_was_announced() {
    // A message of 100,000 bytes is announced, and one byte of it sent.
    let stream = b"\0\x0d\x11\x02\0\x05\0\0\0\0\0\x01\x86\xa0x";
    let mut room = Lent::default();
    let mut io = Pieces::new(stream, Vec::new());
    io.ends = false;
    let mut decoder = decoder(b"");
    while !io.is_silent() {
        decoder
            .on_readable(&mut io, &mut room, TURN, Instant::now())
            .expect("one byte of a message");
    }
    assert_eq!((decoder.held(), room.held), (1, 1));
}

#[test]
fn a_payload_may_go_out_from_where_it_lies() {
    let messages = messages(&[vec![], vec![40_000], vec![]]);
    let message = &messages[1][0];
    let mut encoder = Encoder::new(Carrier::Stream);
    let mut scheduler = Scheduler::default();
    let mut stream = Vec::new();
    while let Some(fragment) = scheduler.next([None, Some(message.len()), None]) {
        let mut front = Vec::new();
        encoder.header(&fragment, &mut front);
        encoder.seal_with(fragment.to - fragment.from, &mut front);
        stream.extend_from_slice(&front);
        stream.extend_from_slice(&message[fragment.from..fragment.to]);
        if fragment.is_last() {
            break;
        }
    }
    assert_eq!(stream, pack(&messages));
}

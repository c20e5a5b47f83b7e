//! Memory: slabs, what does not fit into them, and what happens when the consumer lags.

use super::{
    super::inbox::MAX_PENDING,
    consumer::{Consumer, Event, plan, record},
    driven::{Driven, Idle},
};
use crate::{driver::Closed, exchange::LinkPlan, frame::Protocol, link::ReadTurn};

const KIB: usize = 1024;

fn payload(seed: usize, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (seed.wrapping_mul(41) ^ at ^ (at >> 8)) as u8)
        .collect()
}

fn messages(link: &Driven, events: Vec<Event>) -> Vec<Vec<u8>> {
    events
        .into_iter()
        .filter_map(|event| event.message(link.id))
        .collect()
}

/// Feeds all of it; takes, lends and wakes whenever the link stalls. Gives the events and the stalls.
fn feed_through(
    consumer: &mut Consumer<Idle>,
    link: &mut Driven,
    mut bytes: &[u8],
) -> (Vec<Event>, usize) {
    let (mut events, mut stalls) = (Vec::new(), 0);
    loop {
        let turn = link.feed(&mut bytes).expect("no fault");
        consumer.turn();
        match turn {
            ReadTurn::Stalled => {
                stalls += 1;
                assert!(stalls < 10_000, "no way on");
                events.extend(consumer.take(100_000));
                if link.wakes() == 0 {
                    consumer.lend(100 * KIB);
                }
                consumer.answer();
            }
            _ if bytes.is_empty() => break,
            _ => {}
        }
    }
    events.extend(consumer.take(100_000));
    (events, stalls)
}

#[test]
fn a_full_slab_is_followed_by_the_next() {
    let mut consumer = Consumer::idle();
    for _ in 0..40 {
        consumer.lend(40 * KIB);
    }
    let mut link = consumer.link().expect("a slot");
    let sent: Vec<_> = (0..100).map(|seed| payload(seed, 10_000)).collect();
    for message in &sent {
        link.feed_all(&record(message));
    }
    let events = consumer.take(1000);
    let slabs = events.iter().filter(|event| **event == Event::Slab).count();
    assert!((25..40).contains(&slabs), "{slabs} slabs");
    assert_eq!(messages(&link, events), sent);
}

#[test]
fn without_a_slab_nothing_is_read_until_one_is_lent() {
    let mut consumer = Consumer::idle();
    let mut link = consumer.link().expect("a slot");
    let bytes = record(b"patience");
    let mut rest = &bytes[..];
    assert_eq!(link.feed(&mut rest).expect("no fault"), ReadTurn::Stalled);
    assert_eq!((rest.len(), link.wakes()), (bytes.len(), 0));
    consumer.lend(64 * KIB);
    assert!(consumer.answer(), "lending rings for those who wait");
    assert_eq!(link.wakes(), 1);
    assert_eq!(link.feed(&mut rest).expect("no fault"), ReadTurn::Drained);
    consumer.turn();
    assert_eq!(messages(&link, consumer.take(64)), [b"patience"]);
    // Nobody waits any more: nobody is rung.
    consumer.lend(64 * KIB);
    assert!(!consumer.answer());
}

#[test]
fn a_consumer_that_takes_no_events_stops_the_reading() {
    let mut consumer = Consumer::idle();
    consumer.lend(1 << 20);
    let mut link = consumer.link().expect("a slot");
    let bytes = record(b"").repeat(20 * MAX_PENDING);
    let mut rest = &bytes[..];
    while link.feed(&mut rest).expect("no fault") != ReadTurn::Stalled {
        consumer.turn();
    }
    consumer.turn();
    let read = (bytes.len() - rest.len()) / 4;
    // One read may go beyond: 68 KiB of empty messages.
    assert!(
        (MAX_PENDING..MAX_PENDING + 18 * KIB).contains(&read),
        "{read} messages"
    );
    assert_eq!(consumer.take(100).len(), 100);
    assert!(consumer.answer(), "taking rings for those who wait");
    assert!(link.wakes() >= 1);
    let (events, stalls) = feed_through(&mut consumer, &mut link, rest);
    let counted = 99 + messages(&link, events).len();
    assert_eq!(counted, 20 * MAX_PENDING);
    assert!(stalls > 3);
}

#[test]
fn messages_of_every_size_come_through() {
    let mut consumer = Consumer::idle();
    consumer.lend(256 * KIB);
    let mut link = consumer.link().expect("a slot");
    let sizes = [
        0,
        1,
        5_000,
        20_000,
        60_000,
        64 * KIB,
        64 * KIB + 1,
        300_000,
        3,
        2_000_000,
        16 << 20,
    ];
    let sent: Vec<_> = sizes
        .iter()
        .enumerate()
        .map(|(n, size)| payload(n, *size))
        .collect();
    let bytes: Vec<_> = sent.iter().flat_map(|message| record(message)).collect();
    let (events, _) = feed_through(&mut consumer, &mut link, &bytes);
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Assembled(..)))
    );
    assert_eq!(messages(&link, events), sent);
    assert_eq!(consumer.counters(0).1, 0, "nothing is held");
}

#[test]
fn a_message_assembled_in_parts_of_up_to_64_kib_lies_in_a_slab() {
    let mut consumer = Consumer::idle();
    consumer.lend(512 * KIB);
    let mut link = consumer.link().expect("a slot");
    for (size, in_slab) in [(64 * KIB, true), (64 * KIB + 1, false)] {
        let bytes = record(&payload(1, size));
        // Cut so that most of it is already there: too much to carry over.
        link.feed_all(&bytes[..50_000]);
        assert_eq!(consumer.counters(0).1, 50_000);
        link.feed_all(&bytes[50_000..]);
        let events = consumer.take(64);
        assert_eq!(matches!(events.last(), Some(Event::Message(..))), in_slab);
        assert_eq!(messages(&link, events), [payload(1, size)]);
        assert_eq!(consumer.counters(0).1, 0);
    }
}

#[test]
fn parcels_that_nobody_fetches_stop_the_reading() {
    let mut consumer = Consumer::idle();
    consumer.lend(512 * KIB);
    let mut link = consumer.link().expect("a slot");
    let bytes = record(&payload(1, 1 << 20)).repeat(20);
    let mut rest = &bytes[..];
    while link.feed(&mut rest).expect("no fault") != ReadTurn::Stalled {
        consumer.turn();
    }
    consumer.turn();
    let read = (bytes.len() - rest.len()) >> 20;
    assert!((8..=9).contains(&read), "{read} MiB");
    // Taking the events fetches the parcels.
    let (events, _) = feed_through(&mut consumer, &mut link, rest);
    assert_eq!(messages(&link, events).len(), 20);
    assert!(consumer.core.parcel(1).is_none(), "each once");
}

#[test]
fn unfinished_messages_are_bounded_together() {
    let mut consumer = Consumer::idle();
    consumer.lend(1 << 20);
    let tight = LinkPlan {
        memory_budget: 1 << 20,
        ..plan()
    };
    let mut links: Vec<_> = (0..4)
        .map(|_| consumer.link_with(&tight).expect("a slot"))
        .collect();
    let bytes = record(&payload(1, 4 << 20));
    let mut stalled = 0;
    for link in &mut links {
        let mut rest = &bytes[..400 * KIB];
        while !rest.is_empty() {
            if link.feed(&mut rest).expect("no fault") == ReadTurn::Stalled {
                stalled += 1;
                break;
            }
        }
    }
    assert!(stalled > 0);
    let held = consumer.counters(0).1 as usize;
    assert!(
        (1 << 20..(1 << 20) + 4 * 512 * KIB).contains(&held),
        "{held} bytes held"
    );
    // Nobody else is read either.
    let mut other = consumer.link_with(&tight).expect("a slot");
    let small = record(b"small");
    let turn = other.feed(&mut &small[..]).expect("no fault");
    assert_eq!(turn, ReadTurn::Stalled);
    // The end of the first gives its bytes back and wakes who waits.
    let mut first = links.remove(0);
    first.end(Closed::cut());
    assert!(consumer.answer());
    assert!(links.iter().any(|link| link.wakes() > 0));
    links.iter_mut().for_each(|link| link.end(Closed::cut()));
    assert_eq!(consumer.counters(0).1, 0);
}

#[test]
fn raw_bytes_are_messages_as_they_come() {
    let mut consumer = Consumer::idle();
    consumer.lend(256 * KIB);
    let raw = LinkPlan {
        protocol: Protocol::Raw,
        ..plan()
    };
    let mut link = consumer.link_with(&raw).expect("a slot");
    link.feed_all(b"as");
    link.feed_all(b"it comes");
    assert_eq!(
        messages(&link, consumer.take(64)),
        [&b"as"[..], b"it comes"]
    );
}

#[test]
fn messages_finished_while_nobody_fetches_are_bounded_over_all_links() {
    let mut consumer = Consumer::idle();
    consumer.lend(1 << 20);
    let mut links: Vec<_> = (0..7).map(|_| consumer.link().expect("a slot")).collect();
    let bytes = record(&payload(1, 4 << 20));
    // Every link has begun a message in memory of its own before the consumer falls behind.
    for link in &mut links {
        link.feed_all(&bytes[..100 * KIB]);
    }
    let mut rests = vec![&bytes[100 * KIB..]; 7];
    for (link, rest) in links.iter_mut().zip(&mut rests) {
        while !rest.is_empty() && link.feed(rest).expect("no fault") != ReadTurn::Stalled {}
    }
    let finished = rests.iter().filter(|rest| rest.is_empty()).count();
    assert!(
        finished <= 3,
        "{finished} messages of 4 MiB wait, where 8 MiB may"
    );
    // All come through once they are fetched.
    let mut fetched = Vec::new();
    for (link, rest) in links.iter_mut().zip(rests) {
        fetched.extend(feed_through(&mut consumer, link, rest).0);
    }
    for link in &links {
        assert_eq!(messages(link, fetched.clone()).len(), 1);
    }
    assert_eq!(consumer.counters(0).1, 0);
}

//! What happens to links reaches the consumer in order, under the right number, with one wake.

use super::{
    super::{LinkId, descriptor::Kind},
    consumer::{Batch, Consumer, Event, RELEASE, SLOTS, record},
    driven::{Driven, Idle},
};
use crate::{
    driver::{Closed, Host, Sink},
    error::{Code, Error},
    link::ReadTurn,
};

fn with_memory() -> Consumer<Idle> {
    let mut consumer = Consumer::idle();
    consumer.lend(256 * 1024);
    consumer
}

fn messages(of: LinkId, events: Vec<Event>) -> Vec<Vec<u8>> {
    events
        .into_iter()
        .filter_map(|event| event.message(of))
        .collect()
}

#[test]
fn a_link_s_life_in_order() {
    let mut consumer = with_memory();
    let mut link = consumer.link().expect("a slot");
    let id = link.id;
    link.open();
    link.feed_all(&[record(b"one"), record(b""), record(b"three")].concat());
    link.sink().released();
    link.sink().ended();
    link.end(Closed::clean());
    assert!(
        consumer
            .take(64)
            .iter()
            .all(|event| !matches!(event, Event::Closed(..))),
        "no turn ended"
    );
    consumer.turn();
    let events = [
        Event::Released(id),
        Event::Ended(id),
        Event::Closed(id, true, String::new()),
    ];
    assert_eq!(consumer.take(64), events);
}

#[test]
fn what_a_turn_gathers_is_handed_over_at_its_end() {
    let mut consumer = with_memory();
    let mut link = consumer.link().expect("a slot");
    link.open();
    let mut bytes = &record(b"waits")[..];
    assert_eq!(link.feed(&mut bytes).expect("no fault"), ReadTurn::Drained);
    assert_eq!(consumer.take(64), []);
    consumer.turn();
    let expected = [
        Event::Opened(link.id, 0, "127.0.0.1\n9\n127.0.0.1\n9\n\n0".to_owned()),
        Event::Slab,
        Event::Message(link.id, b"waits".to_vec()),
    ];
    assert_eq!(consumer.take(64), expected);
    assert_eq!(consumer.take(64), []);
}

#[test]
fn two_links_share_a_slab_and_keep_their_messages() {
    let mut consumer = with_memory();
    let (mut one, mut two) = (
        consumer.link().expect("a slot"),
        consumer.link().expect("a slot"),
    );
    for round in 0..50_u8 {
        one.feed_all(&record(&[1, round]));
        two.feed_all(&record(&vec![round; 300]));
    }
    let events = consumer.take(1000);
    let expected: Vec<_> = (0..50).map(|round| vec![1, round]).collect();
    assert_eq!(messages(one.id, events.clone()), expected);
    let expected: Vec<_> = (0..50).map(|round| vec![round; 300]).collect();
    assert_eq!(messages(two.id, events), expected);
}

#[test]
fn an_error_crosses_with_code_numbers_and_context() {
    let mut consumer = with_memory();
    let system = std::io::Error::from_raw_os_error(104);
    for (error, text) in [
        (
            Error::new(Code::TooBig, "far too big")
                .with("size", 9)
                .with("limit", 8),
            "ERR_QW_TOO_BIG\n\nsize=9 limit=8\nfar too big",
        ),
        (
            Error::system(Code::ConnectionLost, "reading", system),
            "ERR_QW_CONNECTION_LOST\n104\n\nreading",
        ),
    ] {
        let mut link = consumer.link().expect("a slot");
        link.end(Closed::fault(error));
        consumer.turn();
        assert_eq!(
            consumer.take(64),
            [Event::Closed(link.id, false, text.to_owned())]
        );
    }
}

#[test]
fn a_panic_before_a_link_is_up_is_its_end_and_told_once() {
    let mut consumer = with_memory();
    let link = consumer.link().expect("a slot");
    let id = link.id;
    link.panic();
    consumer.turn();
    let text = "ERR_QW_INTERNAL\n\n\nthe connection's task panicked before it was up";
    assert_eq!(
        consumer.take(64),
        [Event::Closed(id, false, text.to_owned())]
    );
    // One that has told of its end by itself has nothing to add.
    let mut link = consumer.link().expect("a slot");
    let id = link.id;
    link.end(Closed::clean());
    link.panic();
    consumer.turn();
    assert_eq!(consumer.take(64), [Event::Closed(id, true, String::new())]);
}

#[test]
fn events_are_taken_in_parts() {
    let mut consumer = with_memory();
    let mut link = consumer.link().expect("a slot");
    link.feed_all(&(0..100_u8).flat_map(|n| record(&[n])).collect::<Vec<_>>());
    let mut events = Vec::new();
    loop {
        let taken = consumer.take(7);
        if taken.is_empty() {
            break;
        }
        events.extend(taken);
    }
    let expected: Vec<_> = (0..100).map(|n| vec![n]).collect();
    assert_eq!(messages(link.id, events), expected);
}

#[test]
fn the_consumer_is_woken_once_until_it_sleeps() {
    let mut consumer = with_memory();
    let mut link = consumer.link().expect("a slot");
    for _ in 0..10 {
        link.feed_all(&record(b"x"));
    }
    assert_eq!(consumer.wakes(), 1);
    assert_eq!(consumer.take(64).len(), 11);
    link.feed_all(&record(b"x"));
    assert_eq!(consumer.wakes(), 1, "it has not said that it sleeps");
    assert_eq!(consumer.take(64).len(), 1);
    assert_eq!(consumer.take(64).len(), 0);
    link.feed_all(&record(b"x"));
    assert_eq!(consumer.wakes(), 2);
    consumer.turn();
    assert_eq!(consumer.wakes(), 2, "a turn without events wakes nobody");
}

#[test]
fn slots_are_given_out_again_under_another_generation() {
    let consumer = Consumer::idle();
    let first: Vec<Driven> = std::iter::from_fn(|| consumer.link()).collect();
    let slots: Vec<_> = first.iter().map(|link| link.id.slot).collect();
    // Slot 0 is nobody's.
    assert_eq!(slots, (1..SLOTS).collect::<Vec<_>>());
    assert!(consumer.link().is_none());
    let gone = first[3].id;
    consumer.submit(&Batch::default().ask(RELEASE, gone).0);
    let next = consumer.link().expect("the slot is free").id;
    assert_eq!(
        (next.slot, next.generation),
        (gone.slot, gone.generation + 1)
    );
    // A second release is stale: it does not take the slot from its new owner.
    consumer.submit(&Batch::default().ask(RELEASE, gone).0);
    assert!(consumer.link().is_none());
}

#[test]
fn a_broken_poller_is_the_last_event() {
    let mut consumer = with_memory();
    let mut link = consumer.link().expect("a slot");
    link.open();
    consumer.core.on_failure("out of luck");
    let events = consumer.take(64);
    assert_eq!(
        events.last(),
        Some(&Event::Failed("out of luck".to_owned()))
    );
    assert_eq!(events.len(), 2);
}

#[test]
fn events_of_a_listener_carry_its_number() {
    let mut consumer = with_memory();
    consumer
        .core
        .listener_event(7, Kind::ListenerFailed, Some("full".to_owned()));
    consumer.core.listener_event(7, Kind::ListenerClosed, None);
    consumer.turn();
    let expected = [
        Event::ListenerFailed(7, "full".to_owned()),
        Event::ListenerClosed(7),
    ];
    assert_eq!(consumer.take(64), expected);
}

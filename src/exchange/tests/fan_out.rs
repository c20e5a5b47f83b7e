//! Messages for many links: each link gets them in the order in which they were sent, between its own.

use std::{io::Read, net::TcpStream};

use super::{
    super::{LinkId, Manner},
    consumer::{Batch, Event, PAUSE, plan, record},
    live::{Live, call, listen, live},
};

/// So many connections, with the peers' ends.
fn links(consumer: &mut Live, count: usize) -> (Vec<LinkId>, Vec<TcpStream>) {
    let (address, _stop) = listen(&[consumer], &plan());
    (0..count)
        .map(|_| {
            let peer = call(address);
            (consumer.opened().0, peer)
        })
        .unzip()
}

/// Reads until `peer` has all of `messages`, and nothing else.
fn gets(peer: &mut TcpStream, messages: &[&[u8]]) {
    let expected: Vec<u8> = messages
        .iter()
        .flat_map(|message| record(message))
        .collect();
    let mut got = vec![0; expected.len()];
    peer.read_exact(&mut got).expect("reads");
    assert!(got == expected, "another order, or other bytes");
}

#[test]
fn what_several_get_comes_in_order_with_what_one_gets() {
    let mut consumer = live();
    let (links, mut peers) = links(&mut consumer, 3);
    let batch = Batch::default()
        .fan_out(1, &links, b"one")
        .fan_out(1, &links, b"two")
        .send(1, links[1], &[b"for the second"])
        .fan_out(1, &links, b"three")
        .fan_out(1, &links[..2], b"four")
        .ask(PAUSE, links[0])
        .fan_out(1, &links, b"five");
    consumer.ask(batch);
    gets(&mut peers[0], &[b"one", b"two", b"three", b"four", b"five"]);
    gets(
        &mut peers[1],
        &[
            b"one",
            b"two",
            b"for the second",
            b"three",
            b"four",
            b"five",
        ],
    );
    gets(&mut peers[2], &[b"one", b"two", b"three", b"five"]);
}

#[test]
fn a_higher_class_goes_first() {
    let mut consumer = live();
    let (links, mut peers) = links(&mut consumer, 2);
    let batch = Batch::default()
        .fan_out(2, &links, b"low")
        .fan_out(1, &links, b"normal")
        .fan_out(0, &links, b"high")
        .fan_out(0, &links, b"higher than most");
    consumer.ask(batch);
    for peer in &mut peers {
        gets(peer, &[b"high", b"higher than most", b"normal", b"low"]);
    }
}

#[test]
fn who_reads_nothing_gets_everything_later() {
    const ROUNDS: usize = 200;
    let mut consumer = live();
    let (links, mut peers) = links(&mut consumer, 2);
    let (small, large) = (vec![1; 30_000], vec![2; 300_000]);
    let targets: Vec<u8> = links
        .iter()
        .flat_map(|link| [link.slot, link.generation])
        .flat_map(u32::to_ne_bytes)
        .collect();
    for _ in 0..ROUNDS {
        consumer.ask(Batch::default().fan_out(1, &links, &small));
        consumer
            .core
            .submit_fan_out(Manner::from(1), &large, &targets);
    }
    for peer in &mut peers {
        for _ in 0..ROUNDS {
            gets(peer, &[&small, &large]);
        }
    }
    let bytes = (ROUNDS * (small.len() + large.len())) as u32;
    let all = (bytes, 2 * ROUNDS as u32);
    for link in links {
        consumer.ask(Batch::default().notify(link, all.0, all.1));
        consumer.take_until(|events| events.contains(&Event::Released(link)));
        assert_eq!(consumer.counters(link.slot), all);
    }
}

#[test]
fn a_link_that_is_gone_is_left_out() {
    let mut consumer = live();
    let (links, mut peers) = links(&mut consumer, 2);
    let stale = LinkId {
        generation: links[0].generation + 1,
        ..links[0]
    };
    consumer.ask(Batch::default().fan_out(1, &[stale, links[1]], b"news"));
    gets(&mut peers[1], &[b"news"]);
    consumer.ask(Batch::default().send(1, links[0], &[b"nothing but this"]));
    gets(&mut peers[0], &[b"nothing but this"]);
}

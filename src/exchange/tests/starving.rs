//! A memory budget that is used up: nobody is read, and a standstill ends.

use std::{
    io::Write,
    net::TcpStream,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use super::{
    super::LinkPlan,
    consumer::{Batch, Consumer, Environment, Event, RESUME, SEND, plan, record},
    driven::Driven,
    live::{Live, call, listen},
};
use crate::{
    driver::{IoThread, Ration, STUCK},
    link::ReadTurn,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn tight() -> LinkPlan {
    LinkPlan {
        memory_budget: MIB,
        ..plan()
    }
}

/// Whether one readable turn finds room.
fn is_read(link: &mut Driven) -> bool {
    let bytes = record(b"small");
    let turn = link.feed(&mut &bytes[..]).expect("no fault");
    turn != ReadTurn::Stalled
}

#[test]
fn what_the_consumer_keeps_counts() {
    let environment = Environment::new(STUCK);
    let mut consumer = Consumer::idle_in(&environment);
    consumer.lend(256 * KIB);
    let mut link = consumer.link_with(&tight()).expect("a slot");
    assert!(is_read(&mut link));
    environment.kept.store(MIB as u32, Ordering::SeqCst);
    assert!(!is_read(&mut link));
    environment.kept.store(MIB as u32 - 1, Ordering::SeqCst);
    assert!(is_read(&mut link));
}

#[test]
fn what_is_queued_counts_until_its_link_is_gone() {
    let mut consumer = Consumer::idle();
    consumer.lend(256 * KIB);
    let mut link = consumer.link_with(&tight()).expect("a slot");
    let other = consumer.link_with(&tight()).expect("a slot");
    let large = vec![1; 700 * KIB];
    consumer.submit(&Batch::default().send(SEND, other.id, &[&large]).0);
    assert!(is_read(&mut link));
    consumer.submit(&Batch::default().send(SEND, other.id, &[&large]).0);
    assert!(!is_read(&mut link));
    consumer.submit(&Batch::default().ask(super::consumer::RELEASE, other.id).0);
    drop(other);
    assert!(is_read(&mut link));
}

#[test]
fn exchanges_of_one_environment_share_the_budget() {
    let environment = Environment::new(STUCK);
    let mut one = Consumer::idle_in(&environment);
    let mut other = Consumer::idle_in(&environment);
    one.lend(2 * MIB);
    other.lend(256 * KIB);
    let mut hog = one.link_with(&tight()).expect("a slot");
    let mut link = other.link_with(&tight()).expect("a slot");
    let bytes = record(&vec![1; 4 * MIB]);
    let mut rest = &bytes[..2 * MIB];
    while hog.feed(&mut rest).expect("no fault") != ReadTurn::Stalled {}
    assert!(!is_read(&mut link));
    // A thread that breaks takes its links with it, and they what they hold.
    drop(hog);
    assert!(is_read(&mut link));
    assert_eq!(one.core.used(), 0);
}

#[test]
fn links_go_on_once_memory_is_freed_elsewhere() {
    let environment = Environment::new(STUCK);
    let mut consumer = Consumer::idle_in(&environment);
    consumer.lend(256 * KIB);
    let mut link = consumer.link_with(&tight()).expect("a slot");
    environment.kept.store(MIB as u32, Ordering::SeqCst);
    assert!(!is_read(&mut link));
    let core = consumer.core.clone();
    assert!(core.starving().look(&*core), "it waits");
    environment.kept.store(0, Ordering::SeqCst);
    assert!(!core.starving().look(&*core), "nobody waits");
}

#[test]
fn nobody_is_cut_while_the_consumer_lags_or_something_is_freed() {
    let environment = Environment::new(Duration::from_secs(1));
    let mut consumer = Consumer::idle_in(&environment);
    consumer.lend(2 * MIB);
    let mut link = consumer.link_with(&tight()).expect("a slot");
    let core = consumer.core.clone();
    let bytes = record(&vec![1; 4 * MIB]);
    link.feed_all(&[record(b"not taken"), bytes[..100 * KIB].to_vec()].concat());
    let mut waits = consumer.link_with(&tight()).expect("a slot");
    environment.kept.store(2 * MIB as u32, Ordering::SeqCst);
    assert!(!is_read(&mut waits));
    let look_long = || (0..200).all(|_| core.starving().look(&*core));
    assert!(look_long(), "cut although the consumer lags");
    consumer.take(100);
    for freed in 1..200 {
        environment
            .kept
            .store((2 * MIB - freed) as u32, Ordering::SeqCst);
        assert!(core.starving().look(&*core), "cut although memory is freed");
    }
    assert!(!link.is_failed());
    assert!(look_long());
    assert!(link.is_failed() && !waits.is_failed());
}

/// A peer that sends the first `part` bytes of a record of 1 MiB, and no more.
fn hog(live: &mut Live, at: std::net::SocketAddr, part: usize) -> TcpStream {
    let mut peer = call(at);
    let link = live.opened().0;
    live.ask(Batch::default().ask(RESUME, link));
    let start = &record(&vec![1; MIB])[..part];
    peer.write_all(start).expect("writes");
    peer
}

#[test]
fn a_standstill_ends_by_cutting_who_holds_the_most() {
    let environment = Environment::new(Duration::from_millis(300));
    let mut live = Consumer::start_in(&environment, IoThread::start);
    live.lend(256 * KIB);
    live.lend(256 * KIB);
    let (at, _stop) = listen(&[&live], &tight());
    let hogs = [hog(&mut live, at, 700 * KIB), hog(&mut live, at, 700 * KIB)];
    let begun = Instant::now();
    while environment.holdings.used() < MIB {
        assert!(begun.elapsed() < Duration::from_secs(20), "never full");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut honest = call(at);
    let link = live.opened().0;
    live.ask(Batch::default().ask(RESUME, link));
    let message = vec![7; 300 * KIB];
    let writer = std::thread::spawn({
        let record = record(&message);
        move || honest.write_all(&record).map(|()| honest)
    });
    let (mut closed, mut received) = (Vec::new(), Vec::new());
    live.take_until(|events| {
        closed = events.iter().filter_map(Event::error).collect();
        received = events
            .iter()
            .cloned()
            .filter_map(|event| event.message(link))
            .collect();
        !received.is_empty()
    });
    assert_eq!(received, [message]);
    assert_eq!(closed.len(), 1, "one is enough: {closed:?}");
    assert!(
        closed[0].starts_with("ERR_QW_RESOURCES\n\nheld="),
        "{closed:?}"
    );
    drop((hogs, writer.join()));
}

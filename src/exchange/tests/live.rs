//! The whole native path but Node: I/O threads, real sockets, a consumer on the test's thread.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    super::{LinkId, LinkPlan, ListenerAdmission, Manner},
    consumer::{
        Batch, CLOSE, Consumer, Event, PAUSE, RELEASE, RESUME, SEND, SLOTS, TERMINATE, plan, record,
    },
};
use crate::{
    driver::{IoThread, Poller},
    socket::{self, ListenFlags, Listener, SocketOptions},
};

const LISTENER: u32 = 7;

pub(super) type Live = Consumer<IoThread>;

pub(super) fn live() -> Live {
    let mut consumer = Consumer::start(IoThread::start);
    consumer.lend(256 * 1024);
    consumer.lend(256 * 1024);
    consumer
}

/// Listens on a free port of the first, for all; gives the address and what stops it.
pub(super) fn listen<P: Poller>(
    over: &[&Consumer<P>],
    plan: &LinkPlan,
) -> (SocketAddr, oneshot::Sender<()>) {
    let flags = ListenFlags {
        backlog: 128,
        reuse_port: false,
        ipv6_only: false,
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = socket::listen(any, flags, &SocketOptions::default()).expect("listens");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let (home, others) = over.split_first().expect("one at least");
    let others = others
        .iter()
        .map(|consumer| consumer.core.clone())
        .collect();
    let admission = ListenerAdmission::new(home.core.clone(), others, LISTENER, plan.clone());
    home.core.poller().listen(
        Listener::Tcp(listener),
        SocketOptions::default(),
        admission,
        stopped,
    );
    (address, stop)
}

pub(super) fn call(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connects");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("an option");
    stream
}

impl Live {
    pub(super) fn ask(&self, batch: Batch) {
        self.core.submit(&batch.0, false);
    }

    /// The next connection that is up.
    pub(super) fn opened(&mut self) -> (LinkId, u32) {
        let events =
            self.take_until(|events| events.iter().any(|e| matches!(e, Event::Opened(..))));
        let opened = events.iter().find_map(|event| match event {
            Event::Opened(link, listener, _) => Some((*link, *listener)),
            _ => None,
        });
        opened.expect("just seen")
    }

    /// One accepted connection, with the peer's end.
    fn accepted(&mut self, plan: &LinkPlan) -> (LinkId, TcpStream, oneshot::Sender<()>) {
        let (address, stop) = listen(&[self], plan);
        let peer = call(address);
        let (link, listener) = self.opened();
        assert_eq!(listener, LISTENER);
        (link, peer, stop)
    }

    /// `count` messages of `link` or more; with 0 those that are there.
    pub(super) fn messages(&mut self, link: LinkId, count: usize) -> Vec<Vec<u8>> {
        let of = |events: &[Event]| {
            let messages = events
                .iter()
                .cloned()
                .filter_map(|event| event.message(link));
            messages.collect::<Vec<_>>()
        };
        match count {
            0 => of(&self.take_once()),
            _ => of(&self.take_until(|events| of(events).len() >= count)),
        }
    }

    /// How `link` ended: whether cleanly, and the error.
    fn closed(&mut self, link: LinkId) -> (bool, String) {
        let of = |events: &[Event]| {
            events.iter().find_map(|event| match event {
                Event::Closed(closed, clean, error) if *closed == link => {
                    Some((*clean, error.clone()))
                }
                _ => None,
            })
        };
        of(&self.take_until(|events| of(events).is_some())).expect("just seen")
    }

    fn until(&mut self, event: &Event) {
        self.take_until(|events| events.contains(event));
    }
}

#[test]
fn messages_come_back() {
    let mut consumer = live();
    let (link, mut peer, _stop) = consumer.accepted(&plan());
    consumer.ask(Batch::default().ask(RESUME, link));
    for round in 0..50_usize {
        let sent = vec![round as u8; round * round * 40];
        peer.write_all(&record(&sent)).expect("writes");
        let received = consumer.messages(link, 1);
        assert_eq!(received, std::slice::from_ref(&sent));
        match round % 4 {
            0 => consumer.core.submit_large(link, Manner::from(1), &sent),
            // Whoever has the reply may still find the link with the thread that wrote it.
            3 => consumer
                .core
                .submit_large(link, Manner::from(1 | 1 << 9), &sent),
            1 => consumer
                .core
                .submit(&Batch::default().send(1, link, &[&sent]).0, true),
            _ => consumer.ask(Batch::default().send(1, link, &[&sent])),
        }
        let mut back = vec![0; sent.len() + 4];
        peer.read_exact(&mut back).expect("reads");
        assert_eq!(back, record(&sent));
    }
}

#[test]
fn a_paused_link_reads_ahead_once_and_no_more() {
    const COUNT: usize = 10_000;
    let mut consumer = live();
    let (link, mut peer, _stop) = consumer.accepted(&plan());
    let writer = std::thread::spawn(move || {
        for number in 0..COUNT as u32 {
            let message = [&number.to_be_bytes()[..], &[5; 996]].concat();
            peer.write_all(&record(&message)).expect("writes");
        }
    });
    let mut received = Vec::new();
    for _ in 0..3 {
        // What was under way when it was paused comes still.
        std::thread::sleep(Duration::from_millis(30));
        received.extend(consumer.messages(link, 0));
        std::thread::sleep(Duration::from_millis(30));
        let ahead = consumer.messages(link, 0);
        assert!(ahead.len() < 70, "{} messages while paused", ahead.len());
        received.extend(ahead);
        consumer.ask(Batch::default().ask(RESUME, link));
        received.extend(consumer.messages(link, 1000));
        consumer.ask(Batch::default().ask(PAUSE, link));
    }
    consumer.ask(Batch::default().ask(RESUME, link));
    while received.len() < COUNT {
        received.extend(consumer.messages(link, 1));
    }
    writer.join().expect("no panic");
    let in_order = (0..COUNT as u32)
        .zip(&received)
        .all(|(n, message)| message[..4] == n.to_be_bytes());
    assert!(in_order && received.len() == COUNT);
}

#[test]
fn the_end_of_a_peer_is_noticed_while_paused() {
    let mut consumer = live();
    let (link, peer, _stop) = consumer.accepted(&plan());
    drop(peer);
    consumer.until(&Event::Ended(link));
    consumer.ask(Batch::default().ask(CLOSE, link));
    assert_eq!(consumer.closed(link), (true, String::new()));
}

#[test]
fn connections_are_spread_over_the_threads() {
    let mut consumers = [live(), live(), live()];
    let [one, two, three] = &consumers;
    let (address, _stop) = listen(&[one, two, three], &plan());
    let mut peers: Vec<_> = (0..9).map(|_| call(address)).collect();
    for consumer in &mut consumers {
        let opened = |events: &[Event]| -> Vec<_> {
            let links = events.iter().filter_map(|event| match event {
                Event::Opened(link, LISTENER, _) => Some(*link),
                _ => None,
            });
            links.collect()
        };
        for link in opened(&consumer.take_until(|events| opened(events).len() == 3)) {
            consumer.ask(
                Batch::default()
                    .ask(RESUME, link)
                    .send(1, link, &[b"hello"]),
            );
        }
    }
    for peer in &mut peers {
        let mut hello = [0; 9];
        peer.read_exact(&mut hello).expect("reads");
        assert_eq!(hello[..], record(b"hello"));
    }
}

#[test]
fn a_connection_without_a_slot_is_told_and_dropped() {
    let mut consumer = live();
    let (address, _stop) = listen(&[&consumer], &plan());
    let peers: Vec<_> = (0..SLOTS).map(|_| call(address)).collect();
    let failed = |events: &[Event]| {
        events.iter().any(|event| {
            matches!(event, Event::ListenerFailed(LISTENER, why)
            if why.starts_with("ERR_QW_RESOURCES"))
        })
    };
    consumer.take_until(failed);
    let refused = peers
        .iter()
        .rev()
        .map(|mut peer| peer.read(&mut [0]))
        .next()
        .expect("one");
    assert!(matches!(refused, Ok(0) | Err(_)));
}

#[test]
fn records_that_are_none_are_left_out() {
    let mut consumer = live();
    let (link, mut peer, _stop) = consumer.accepted(&plan());
    let broken: [&[u8]; 4] = [b"abc", &[0, 0, 0, 9, 1], &[0xff; 8], &[0, 0, 0, 0, 0]];
    for data in broken {
        for class in 0..3 {
            let batch = Batch::default().run(SEND | class << 8, link, data);
            consumer.core.submit(&batch.0, true);
            consumer.ask(batch);
        }
    }
    consumer.ask(Batch::default().send(1, link, &[b"sound"]));
    let mut received = vec![0; 9];
    peer.read_exact(&mut received).expect("reads");
    assert_eq!(received, record(b"sound"));
    consumer.ask(Batch::default().notify(link, 5, 1));
    consumer.until(&Event::Released(link));
    assert_eq!(consumer.counters(link.slot), (5, 1));
}

#[test]
fn the_counters_tell_what_the_kernel_has_taken() {
    let mut consumer = live();
    let (link, mut peer, _stop) = consumer.accepted(&plan());
    let before = consumer.counters(0).0;
    assert_eq!(consumer.counters(link.slot), (0, 0));
    let messages: Vec<Vec<u8>> = (0..200).map(|size| vec![1; size * 100]).collect();
    let total: usize = messages.iter().map(Vec::len).sum();
    let slices: Vec<_> = messages.iter().map(Vec::as_slice).collect();
    let batch = Batch::default()
        .notify(link, total as u32, 200)
        .send(1, link, &slices);
    consumer.ask(batch);
    let mut received = vec![0; total + 4 * 200];
    peer.read_exact(&mut received).expect("reads");
    consumer.until(&Event::Released(link));
    assert_eq!(consumer.counters(link.slot), (total as u32, 200));
    assert_eq!(consumer.counters(0).0.wrapping_sub(before), total as u32);
}

#[test]
fn a_notification_asked_for_late_comes_at_once() {
    let mut consumer = live();
    let (link, mut peer, _stop) = consumer.accepted(&plan());
    consumer.ask(Batch::default().send(1, link, &[b"12345"]));
    peer.read_exact(&mut [0; 9]).expect("reads");
    consumer.ask(Batch::default().notify(link, 5, 1));
    consumer.until(&Event::Released(link));
}

#[test]
fn high_overtakes_what_is_queued() {
    let mut consumer = live();
    let small = SocketOptions {
        send_buffer: Some(16 * 1024),
        ..SocketOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let to = listener.local_addr().expect("an address");
    let socket = socket::dialing(to, None, &small).expect("a socket");
    let link = consumer
        .core
        .dial(socket, Some(to), Duration::from_secs(5), &plan())
        .expect("a slot");
    let (mut peer, _) = listener.accept().expect("accepts");
    assert_eq!(consumer.opened(), (link, 0));
    let bulk: &[u8] = &[1; 100_000];
    consumer.ask(
        Batch::default()
            .send(2, link, &[bulk; 50])
            .send(0, link, &[b"urgent"]),
    );
    let (mut before, mut header) = (0, [0; 4]);
    loop {
        peer.read_exact(&mut header).expect("reads");
        let mut message = vec![0; u32::from_be_bytes(header) as usize];
        peer.read_exact(&mut message).expect("reads");
        if message == b"urgent" {
            break;
        }
        before += 1;
    }
    assert!(before < 50, "{before} low messages came first");
}

#[test]
fn terminate_resets_and_the_slot_can_be_released() {
    let mut consumer = live();
    let (link, mut peer, _stop) = consumer.accepted(&plan());
    consumer.ask(Batch::default().ask(TERMINATE, link));
    assert_eq!(consumer.closed(link), (false, String::new()));
    let error = peer.read(&mut [0]).expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    // A link that is over takes nothing more, and knows no second end.
    consumer.ask(
        Batch::default()
            .send(1, link, &[b"late"])
            .ask(CLOSE, link)
            .ask(RELEASE, link),
    );
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(consumer.take(64), []);
}

#[test]
fn a_close_waits_for_the_peer_and_no_longer_than_it_may() {
    let mut consumer = live();
    let hasty = LinkPlan {
        close_timeout: Duration::from_millis(100),
        rates: Default::default(),
        ..plan()
    };
    let (link, mut peer, _stop) = consumer.accepted(&hasty);
    consumer.ask(Batch::default().send(1, link, &[b"bye"]).ask(CLOSE, link));
    let mut all = vec![0; 7];
    peer.read_exact(&mut all).expect("reads");
    assert_eq!(all, record(b"bye"));
    assert_eq!(peer.read(&mut all).expect("our end"), 0);
    let (clean, error) = consumer.closed(link);
    assert!(
        !clean && error.starts_with("ERR_QW_CLOSE_TIMEOUT"),
        "{error}"
    );
}

#[test]
fn a_dial_that_fails_says_why() {
    let mut consumer = live();
    let to = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        listener.local_addr().expect("an address")
    };
    let socket = socket::dialing(to, None, &SocketOptions::default()).expect("a socket");
    let link = consumer
        .core
        .dial(socket, Some(to), Duration::from_secs(5), &plan())
        .expect("a slot");
    let (clean, error) = consumer.closed(link);
    assert!(
        !clean && error.starts_with("ERR_QW_CONNECT_REFUSED"),
        "{error}"
    );
}

#[test]
fn a_listener_that_is_stopped_frees_its_port() {
    let mut consumer = live();
    let (address, stop) = listen(&[&consumer], &plan());
    stop.send(()).expect("it listens");
    consumer.until(&Event::ListenerClosed(LISTENER));
    TcpListener::bind(address).expect("the port is free");
}

#[test]
fn a_broken_thread_is_told_and_its_connections_are_reset() {
    let mut consumer = live();
    let (_, mut peer, _stop) = consumer.accepted(&plan());
    consumer.core.inject_panic();
    let broken = |events: &[Event]| {
        events
            .iter()
            .any(|event| matches!(event, Event::Failed(why) if why.contains("injected")))
    };
    consumer.take_until(broken);
    assert_eq!(
        peer.read(&mut [0]).expect_err("a reset").kind(),
        ErrorKind::ConnectionReset
    );
}

#[test]
fn a_stopped_thread_touches_nothing_any_more() {
    let mut consumer = live();
    let (link, peer, _stop) = consumer.accepted(&plan());
    consumer.ask(Batch::default().ask(RESUME, link));
    let flood = std::thread::spawn({
        let mut peer = peer.try_clone().expect("a clone");
        move || while peer.write_all(&record(&[9; 1000])).is_ok() {}
    });
    consumer.messages(link, 10);
    consumer.core.stop();
    let taken = consumer.take(100_000).len();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(consumer.take(100_000).len(), 0, "after {taken}");
    flood.join().expect("the socket is closed");
    // What a thread that is gone is asked for does nothing.
    consumer.ask(Batch::default().send(1, link, &[b"late"]));
    consumer.core.stop();
}

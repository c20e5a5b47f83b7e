//! What the public API does not show: counts that must come back to zero, and memory.

use std::{
    collections::HashSet,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
    time::Duration,
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{
    Connection, Options,
    budget::Budget,
    memory::{Found, Memory},
    message::Message,
    options::Limits,
    shared::Plan,
    sink::LinkSink,
};
use crate::{
    driver::{Agreed, Closed, Ends, NewLink, Sink, serve_here},
    error::Code,
    link::{Inbound, Marks, Payload, ReadTurn, TURN},
};

const KIB: usize = 1024;

fn plan(options: Options) -> Plan {
    Plan::new(options).expect("legal")
}

fn record(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes(), payload].concat()
}

/// A connection whose link the test drives.
fn opened(plan: &Plan) -> (Connection, NewLink<LinkSink, Inbound>) {
    let (owner, mut link) = plan.link(None, false, None);
    let address = ([127, 0, 0, 1], 9).into();
    let ends = Ends {
        remote: address,
        local: address,
    };
    link.sink.opened(ends, &Agreed::default());
    (Connection::new(owner, ends, None), link)
}

/// Bytes of a stream that stays open.
struct Open<'a, 'b>(&'a mut &'b [u8]);

impl Read for Open<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.is_empty() {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => self.0.read(buf),
        }
    }
}

/// As the link's task does on a readable socket.
fn feed(link: &mut NewLink<LinkSink, Inbound>, bytes: &[u8]) -> ReadTurn {
    let mut rest = bytes;
    loop {
        let turn = link
            .beginning
            .on_readable(&mut Open(&mut rest), &mut link.sink.room(), TURN);
        match turn.expect("no fault") {
            turn if rest.is_empty() || turn == ReadTurn::Stalled => return turn,
            _ => {}
        }
    }
}

#[test]
fn watermarks_follow_the_cap() {
    let limits = |max_queued| {
        let options = Options {
            max_queued,
            ..Options::default()
        };
        let Limits { high, low, .. } = options.check().expect("legal");
        (high, low)
    };
    assert_eq!(limits(4 * KIB * KIB), (KIB * KIB, 256 * KIB));
    assert_eq!(limits(1 << 30), (KIB * KIB, 256 * KIB));
    assert_eq!(limits(64 * KIB), (16 * KIB, 4 * KIB));
    assert_eq!(limits(1), (1, 0));
}

#[tokio::test]
async fn what_is_counted_in_comes_back() {
    let plan = plan(Options::default());
    let (mut connection, mut link) = opened(&plan);
    feed(
        &mut link,
        &[record(b"one"), record(&[2; 100_000]), record(&[3; 50])].concat(),
    );
    feed(&mut link, &record(&[4; 200_000])[..100_000]);
    let unfinished = 100_000;
    let waiting = 3 + 100_000 + 50 + 3 * size_of::<bytes::Bytes>();
    // A batch counts until its last message is taken.
    for size in [3, 100_000, 50] {
        assert_eq!(plan.budget.used(), unfinished + waiting);
        let message = connection
            .recv()
            .await
            .expect("a message")
            .expect("no fault");
        assert_eq!(message.len(), size);
    }
    assert_eq!(plan.budget.used(), unfinished);
    connection.send([5; 1000]).expect("accepted");
    assert_eq!(plan.budget.used(), unfinished + 1000);
    feed(&mut link, &record(&[4; 200_000])[100_000..]);
    feed(&mut link, &record(&[6; 300_000])[..200_000]);
    link.beginning.discard(&mut link.sink.room());
    link.sink.closed(Closed::cut());
    // What was received before the end can still be taken; dropped instead, it is freed.
    assert_eq!(plan.budget.used(), 200_000 + size_of::<bytes::Bytes>());
    drop(connection);
    assert_eq!(plan.budget.used(), 0);
}

#[tokio::test]
async fn a_task_that_vanishes_ends_its_connection() {
    let plan = plan(Options::default());
    let (mut connection, link) = opened(&plan);
    connection.send("never written").expect("accepted");
    let waits = tokio::spawn({
        let sender = connection.sender();
        async move { sender.flushed().await }
    });
    tokio::task::yield_now().await;
    drop(link);
    let fault = connection
        .recv()
        .await
        .expect("a fault")
        .expect_err("a fault");
    assert_eq!(fault.code(), Code::Closed);
    assert!(connection.recv().await.is_none());
    let waited = tokio::time::timeout(Duration::from_secs(10), waits)
        .await
        .expect("soon");
    assert_eq!(
        waited.expect("no panic").expect_err("over").code(),
        Code::Closed
    );
    assert_eq!(plan.budget.used(), 0);
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Woken {
    fn was(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_link_that_found_no_room_is_woken_by_recv() {
    let plan = plan(Options {
        receive_window: 1000,
        ..Options::default()
    });
    let (mut connection, mut link) = opened(&plan);
    assert_eq!(feed(&mut link, &record(&[1; 2000])), ReadTurn::Drained);
    assert_eq!(feed(&mut link, &record(&[2; 10])), ReadTurn::Stalled);
    let woken = Arc::new(Woken::default());
    link.sink.wait_for_room(&Arc::clone(&woken).into());
    assert!(!woken.was());
    assert!(connection.recv().await.is_some());
    assert!(woken.was());
    // Room that was made before the link says that it waits wakes it at once.
    link.sink.wait_for_room(&Arc::clone(&woken).into());
    assert!(woken.was());
}

#[tokio::test]
async fn links_that_wait_for_the_budget_are_woken_when_it_is_freed() {
    let plan = plan(Options {
        memory_budget: 64 * KIB,
        ..Options::default()
    });
    let (lagging, mut one) = opened(&plan);
    let (_connection, mut other) = opened(&plan);
    feed(&mut one, &record(&[1; 8 * KIB]).repeat(8));
    let woken = Arc::new(Woken::default());
    for _ in 0..3 {
        assert_eq!(feed(&mut other, &record(b"waits")), ReadTurn::Stalled);
        other.sink.wait_for_room(&Arc::clone(&woken).into());
    }
    assert!(!woken.was());
    drop(lagging);
    assert!(woken.was());
    assert_eq!(feed(&mut other, &record(b"waits")), ReadTurn::Drained);
}

/// A connection over a real socket, and its peer.
async fn served(plan: &Plan, listener: &TcpListener) -> (Connection, TcpStream) {
    let peer = TcpStream::connect(listener.local_addr().expect("an address"));
    let (peer, accepted) = tokio::join!(peer, listener.accept());
    let (owner, link) = plan.link(None, false, None);
    let ends = serve_here(accepted.expect("accepts").0, link).expect("runs");
    (Connection::new(owner, ends, None), peer.expect("connects"))
}

#[tokio::test]
async fn a_standstill_ends_by_cutting_who_holds_the_most() {
    let mut plan = plan(Options::default());
    let patience = Duration::from_millis(300);
    plan.budget = Arc::new(Budget::with_patience(2 * KIB * KIB, patience));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let mut hogs = Vec::new();
    for size in [700 * KIB, 300 * KIB, 300 * KIB] {
        let (connection, mut peer) = served(&plan, &listener).await;
        let unfinished = record(&vec![1; KIB * KIB]);
        tokio::spawn(async move {
            let _ = peer.write_all(&unfinished[..size]).await;
            std::future::pending::<()>().await;
        });
        hogs.push(connection);
    }
    while !plan.budget.is_full_of_unfinished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (mut honest, mut peer) = served(&plan, &listener).await;
    let message = vec![2; 300 * KIB];
    let sent = record(&message);
    tokio::spawn(async move { peer.write_all(&sent).await.map(|()| peer) });
    let soon = Duration::from_secs(20);
    let received = tokio::time::timeout(soon, honest.recv()).await;
    let received = received.expect("soon").expect("a message");
    assert_eq!(received.expect("no fault"), message);
    let fault = hogs[0].recv().await.expect("a fault").expect_err("a fault");
    assert_eq!(fault.code(), Code::Resources);
    assert_eq!(fault.details()[1], ("budget", 2 << 20));
    assert!(hogs[1..].iter().all(|hog| !hog.is_closed()));
}

#[test]
fn memory_is_cut_without_copying_and_serves_again() {
    let (mut memory, mut found) = (Memory::default(), Found::default());
    memory.begin_turn();
    let space = memory.space(1000);
    let start = space.as_ptr();
    space[..10].copy_from_slice(b"0123456789");
    found.message(2, 3, Payload::Binary);
    found.message(5, 0, Payload::Binary);
    found.message(6, 4, Payload::Binary);
    let messages: Vec<_> = memory
        .cut(10, &mut found)
        .map(Message::into_bytes)
        .collect();
    assert_eq!(messages, [&b"234"[..], b"", b"6789"]);
    assert_eq!(messages[0].as_ptr(), start.wrapping_add(2));
    let after = memory.space(1000).as_ptr();
    assert_eq!(after, start.wrapping_add(10), "the rest goes on to serve");
    // Somebody keeps a message: what is too small by now is replaced, and the message stays.
    memory.space(100 * KIB).fill(0xFF);
    assert_eq!(messages[2], &b"6789"[..]);
    // Nobody keeps any: the same memory serves again and again.
    drop(messages);
    let mut places = HashSet::new();
    for _ in 0..100 {
        memory.begin_turn();
        places.insert(memory.space(100 * KIB).as_ptr());
        found.message(0, 100 * KIB, Payload::Binary);
        drop(memory.cut(100 * KIB, &mut found).collect::<Vec<_>>());
    }
    assert!(places.len() < 6, "{} places", places.len());
}

#[test]
fn an_idle_connection_keeps_little() {
    let (mut memory, mut found) = (Memory::default(), Found::default());
    // A busy time, then a quiet one.
    for _ in 0..50 {
        memory.begin_turn();
        assert!(memory.space(68 * KIB).len() <= 256 * KIB);
        found.message(0, 68 * KIB, Payload::Binary);
        drop(memory.cut(68 * KIB, &mut found).collect::<Vec<_>>());
    }
    let mut kept = Vec::new();
    for _ in 0..5000 {
        memory.begin_turn();
        memory.space(16 * KIB);
        found.message(0, 100, Payload::Binary);
        kept.extend(memory.cut(100, &mut found));
    }
    memory.begin_turn();
    assert!(memory.space(16 * KIB).len() <= 32 * KIB);
    assert_eq!(kept.len(), 5000);
}

//! The exchange without Node: slabs are plain vectors, the poller is a list of what it was asked.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::{
    core::{Core, LinkPlan},
    counters::Counters,
    descriptor::{Descriptor, Kind, Parcel},
    outbox,
    slab::Slab,
    table::LinkId,
};
use crate::{
    driver::{Admit, Host, NewLink, Poller, Sink},
    frame::Protocol,
    link::{Marks, Room},
    socket::SocketOptions,
};

const SLAB: usize = 64 * 1024;
const SLOTS: u32 = 8;

/// Counts how often it is rung; links are never run.
#[derive(Default)]
struct Quiet {
    rings: Arc<AtomicUsize>,
}

impl Poller for Quiet {
    fn listen<A: Admit>(
        &self,
        _: std::net::TcpListener,
        _: SocketOptions,
        _: A,
        _: oneshot::Receiver<()>,
    ) {
    }
    fn dial<S: Sink>(&self, _: std::net::TcpStream, _: SocketAddr, _: Duration, _: NewLink<S>) {}
    fn adopt<S: Sink>(&self, _: std::net::TcpStream, _: NewLink<S>) {}
    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }
    fn end_turn(&self) {}
    fn stop(&self) {}
}

struct Bench {
    core: Arc<Core<Quiet>>,
    rings: Arc<AtomicUsize>,
    wakes: Arc<AtomicUsize>,
    words: Box<[u32]>,
    slabs: Mutex<Vec<Box<[u8]>>>,
}

#[allow(
    unsafe_code,
    reason = "the test owns the memory it lends and outlives the core"
)]
impl Bench {
    fn new() -> Self {
        let mut words = vec![0; 2 * SLOTS as usize].into_boxed_slice();
        // SAFETY: the box is kept beside the core and is written through the counters alone.
        let counters = unsafe { Counters::new(words.as_mut_ptr(), SLOTS) };
        let (rings, wakes) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let poller = Quiet {
            rings: Arc::clone(&rings),
        };
        let wake = {
            let wakes = Arc::clone(&wakes);
            move || {
                wakes.fetch_add(1, Ordering::SeqCst);
            }
        };
        let core = Core::start(counters, wake, |_| Ok(poller)).expect("a poller that does nothing");
        Self {
            core,
            rings,
            wakes,
            words,
            slabs: Mutex::default(),
        }
    }

    fn lend(&self, id: u32) {
        let mut slab = vec![0; SLAB].into_boxed_slice();
        // SAFETY: the box is kept until the end and not touched before the descriptors are taken.
        self.core
            .lend(unsafe { Slab::new(id, slab.as_mut_ptr(), slab.len()) });
        self.slabs.lock().expect("not poisoned").push(slab);
    }

    fn plan() -> LinkPlan {
        LinkPlan {
            protocol: Protocol::LengthPrefixed,
            max_message: 1 << 20,
            memory_budget: 1 << 20,
            close_timeout: Duration::from_secs(1),
        }
    }

    fn link(&self) -> (LinkId, NewLink<super::link_sink::LinkSink<Quiet>>) {
        self.core.new_link(&Self::plan(), 0).expect("a free slot")
    }

    fn taken(&self) -> Vec<Descriptor> {
        self.core.on_turn();
        let mut all = vec![[0; 6]; 64];
        let count = self.core.take(&mut all);
        all.truncate(count);
        all
    }
}

fn kinds(events: &[Descriptor]) -> Vec<u32> {
    events.iter().map(|event| event[1] & 0xff).collect()
}

/// Puts one message of `text` into the link's room.
fn receive(link: &mut NewLink<super::link_sink::LinkSink<Quiet>>, text: &[u8]) -> bool {
    let mut room = link.sink.room();
    let Some((space, marks)) = room.space(text.len()) else {
        return false;
    };
    space[..text.len()].copy_from_slice(text);
    marks.message(0, text.len());
    room.commit(text.len());
    true
}

#[test]
fn events_come_in_order_and_say_where_the_bytes_are() {
    let bench = Bench::new();
    bench.lend(7);
    let (id, mut link) = bench.link();
    assert!(receive(&mut link, b"one") && receive(&mut link, b"three"));
    link.sink.ended();
    let events = bench.taken();
    let expected = [Kind::Slab, Kind::Message, Kind::Message, Kind::Ended].map(|kind| kind as u32);
    assert_eq!(kinds(&events), expected);
    assert_eq!(events[0][5], 7);
    assert_eq!((events[1][0], events[1][1] >> 8), (id.slot, id.generation));
    assert_eq!((events[2][2], events[2][3]), (3, 5));
    assert_eq!(
        &bench.slabs.lock().expect("not poisoned")[0][..8],
        b"onethree"
    );
}

#[test]
fn the_consumer_is_woken_once_until_it_has_looked() {
    let bench = Bench::new();
    let (_, mut link) = bench.link();
    for _ in 0..3 {
        link.sink.released();
        bench.core.on_turn();
    }
    assert_eq!(bench.wakes.load(Ordering::SeqCst), 1);
    assert_eq!(bench.taken().len(), 3);
    assert_eq!(bench.taken().len(), 0);
    link.sink.released();
    bench.core.on_turn();
    assert_eq!(bench.wakes.load(Ordering::SeqCst), 2);
}

#[test]
fn without_a_slab_reading_stops_and_the_next_slab_starts_it() {
    let bench = Bench::new();
    let (_, mut link) = bench.link();
    assert!(!receive(&mut link, b"no room"));
    assert_eq!(bench.rings.load(Ordering::SeqCst), 0);
    bench.lend(1);
    assert_eq!(
        bench.rings.load(Ordering::SeqCst),
        1,
        "the bell that has starved links look again"
    );
    assert!(receive(&mut link, b"room"));
}

#[test]
fn a_full_slab_is_left_for_the_next() {
    let bench = Bench::new();
    bench.lend(1);
    bench.lend(2);
    let (_, mut link) = bench.link();
    let large = vec![1; 40 * 1024];
    assert!(receive(&mut link, &large) && receive(&mut link, &large));
    assert!(!receive(&mut link, &large));
    let slabs: Vec<u32> = bench
        .taken()
        .iter()
        .filter(|event| event[1] == Kind::Slab as u32)
        .map(|event| event[5])
        .collect();
    assert_eq!(slabs, [1, 2]);
}

#[test]
fn what_is_too_large_for_a_slab_crosses_as_a_parcel_once() {
    let bench = Bench::new();
    let (_, mut link) = bench.link();
    link.sink.room().assembled(vec![9; 100_000]);
    let events = bench.taken();
    assert_eq!(kinds(&events), [Kind::Assembled as u32]);
    assert_eq!(events[0][3], 100_000);
    let ticket = events[0][5];
    assert!(
        matches!(bench.core.parcel(ticket), Some(Parcel::Bytes(bytes)) if bytes.len() == 100_000)
    );
    assert!(bench.core.parcel(ticket).is_none());
}

#[test]
fn numbers_are_given_out_anew_with_another_generation() {
    let bench = Bench::new();
    let (first, _) = bench.link();
    bench.core.table.release(first);
    bench.core.table.release(first);
    let (second, _) = bench.link();
    assert_eq!(second.slot, first.slot);
    assert_ne!(second.generation, first.generation);
    assert!(bench.core.table.get(first).is_none());
    assert!(bench.core.table.get(second).is_some());
}

#[test]
fn slots_run_out_and_come_back() {
    let bench = Bench::new();
    // Slot 0 is nobody's.
    let links: Vec<_> = (1..SLOTS).map(|_| bench.link().0).collect();
    assert!(bench.core.new_link(&Bench::plan(), 0).is_none());
    bench.core.table.release(links[3]);
    assert_eq!(bench.link().0.slot, links[3].slot);
}

#[test]
fn bytes_held_for_unfinished_messages_are_counted_against_the_budget() {
    let bench = Bench::new();
    let (_, mut link) = bench.link();
    assert!(link.sink.room().hold(1 << 19));
    assert_eq!(bench.words[1], 1 << 19);
    assert!(!link.sink.room().hold(1 << 19));
    assert!(link.sink.room().hold(-(1 << 19)));
    assert_eq!(
        bench.rings.load(Ordering::SeqCst),
        1,
        "who waited looks again"
    );
}

proptest! {
    #[test]
    fn a_batch_that_does_not_parse_is_left_out(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bench = Bench::new();
        outbox::apply(&Bytes::from(bytes), &bench.core.table);
    }

    #[test]
    fn a_single_message_is_a_batch_of_whole_words(payload in prop::collection::vec(any::<u8>(), 0..70)) {
        let mut batch = BytesMut::new();
        outbox::single(&mut batch, LinkId { slot: 1, generation: 1 }, 1, &payload);
        prop_assert_eq!(batch.len() % 4, 0);
        prop_assert_eq!(&batch[24..24 + payload.len()], &payload[..]);
    }
}

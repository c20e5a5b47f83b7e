//! A consumer as JavaScript is one: it lends memory, takes descriptors, and reads what they point at.
#![allow(unsafe_code, reason = "lends memory as the consumer's runtime does")]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::super::{
    Core, Counters, Descriptor, Holdings, LinkId, LinkPlan, Parcel, Slab, descriptor::KIND_BITS,
};
use crate::{
    driver::{Host, Poller, STUCK},
    error::Result,
    frame::Protocol,
};

pub(super) const SLOTS: u32 = 8;

/// A descriptor with what it points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Slab,
    Message(LinkId, Vec<u8>),
    Assembled(LinkId, Vec<u8>),
    /// With the listener and the addresses.
    Opened(LinkId, u32, String),
    Released(LinkId),
    Ended(LinkId),
    /// With the error, if there was one, and whether it was clean.
    Closed(LinkId, bool, String),
    ListenerFailed(u32, String),
    ListenerClosed(u32),
    Failed(String),
}

impl Event {
    /// The error that ended a link, if it is that.
    pub(super) fn error(&self) -> Option<String> {
        match self {
            Self::Closed(_, _, error) => Some(error.clone()),
            _ => None,
        }
    }

    /// The message of `link`, if it is one.
    pub(super) fn message(self, link: LinkId) -> Option<Vec<u8>> {
        match self {
            Self::Message(of, bytes) | Self::Assembled(of, bytes) if of == link => Some(bytes),
            _ => None,
        }
    }
}

pub(super) struct Consumer<P: Poller> {
    pub core: Arc<Core<P>>,
    words: &'static [AtomicU32],
    slabs: HashMap<u32, *const u8>,
    current: u32,
    wakes: Arc<AtomicUsize>,
}

/// What the exchanges of one environment share: the word that the consumer writes, and the count.
pub(super) struct Environment {
    pub kept: &'static AtomicU32,
    pub holdings: Arc<Holdings>,
}

impl Environment {
    pub(super) fn new(patience: Duration) -> Self {
        let kept: &'static AtomicU32 = Box::leak(Box::default());
        // SAFETY: the word is an atomic and lives forever.
        let holdings = unsafe { Holdings::new(kept.as_ptr(), patience) };
        Self {
            kept,
            holdings: Arc::new(holdings),
        }
    }
}

pub(super) fn plan() -> LinkPlan {
    LinkPlan {
        protocol: Protocol::LengthPrefixed,
        max_message: 16 << 20,
        memory_budget: 64 << 20,
        close_timeout: Duration::from_secs(5),
        rates: Default::default(),
        heartbeat: None,
        opening: None,
        meeting: None,
        security: None,
        within: Duration::MAX,
    }
}

impl<P: Poller> Consumer<P> {
    pub(super) fn start(start: impl FnOnce(Arc<dyn Host>) -> Result<P>) -> Self {
        Self::start_in(&Environment::new(STUCK), start)
    }

    pub(super) fn start_in(
        environment: &Environment,
        start: impl FnOnce(Arc<dyn Host>) -> Result<P>,
    ) -> Self {
        // Leaked, as are the slabs: a test's I/O thread may outlive it.
        let words: &'static [AtomicU32] =
            Vec::leak((0..2 * SLOTS).map(|_| AtomicU32::new(0)).collect());
        // SAFETY: the words are atomics, live forever, and are only read here.
        let counters = unsafe {
            let holdings = Arc::clone(&environment.holdings);
            Counters::new(words.as_ptr().cast_mut().cast(), SLOTS, holdings)
        };
        let wakes = Arc::new(AtomicUsize::new(0));
        let wake = {
            let wakes = Arc::clone(&wakes);
            move || {
                wakes.fetch_add(1, Ordering::SeqCst);
            }
        };
        Self {
            core: Core::start(counters, wake, start).expect("starts"),
            words,
            slabs: HashMap::new(),
            current: 0,
            wakes,
        }
    }

    /// Lends a slab of `len` bytes; gives its number.
    pub(super) fn lend(&mut self, len: usize) -> u32 {
        let id = self.slabs.len() as u32 + 1;
        let memory: &'static mut [u8] = Vec::leak(vec![0xEE; len]);
        let start = memory.as_mut_ptr();
        self.slabs.insert(id, start);
        // SAFETY: the memory lives forever, and only what was announced is read.
        self.core.lend(unsafe { Slab::new(id, start, len) });
        id
    }

    /// Takes up to `most` descriptors.
    pub(super) fn take(&mut self, most: usize) -> Vec<Event> {
        let mut descriptors = vec![Descriptor::default(); most];
        let count = self.core.take(&mut descriptors);
        descriptors[..count]
            .iter()
            .map(|descriptor| self.event(*descriptor))
            .collect()
    }

    /// Takes until `enough` says so.
    pub(super) fn take_until(&mut self, mut enough: impl FnMut(&[Event]) -> bool) -> Vec<Event> {
        let (begun, mut events) = (Instant::now(), Vec::new());
        while !enough(&events) {
            let taken = self.take_once();
            if taken.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
            events.extend(taken);
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "takes too long: {events:?}"
            );
        }
        events
    }

    /// Takes what is there; lends a fresh slab for each that is begun.
    pub(super) fn take_once(&mut self) -> Vec<Event> {
        let taken = self.take(100_000);
        for _ in taken.iter().filter(|event| **event == Event::Slab) {
            self.lend(256 * 1024);
        }
        taken
    }

    /// How often it was woken.
    pub(super) fn wakes(&self) -> usize {
        self.wakes.load(Ordering::SeqCst)
    }

    /// The two counters of a slot.
    pub(super) fn counters(&self, slot: u32) -> (u32, u32) {
        let word = |at: u32| self.words[(2 * slot + at) as usize].load(Ordering::SeqCst);
        (word(0), word(1))
    }

    fn event(&mut self, descriptor: Descriptor) -> Event {
        let [slot, stamp, offset, length, listener, aux] = descriptor;
        let link = LinkId {
            slot,
            generation: stamp >> KIND_BITS,
        };
        match stamp & ((1 << KIND_BITS) - 1) {
            1 => Event::Message(link, self.read(offset, length)),
            2 => {
                self.current = aux;
                Event::Slab
            }
            3 => match self.core.parcel(aux) {
                Some(Parcel::Bytes(bytes)) if bytes.len() == length as usize => {
                    Event::Assembled(link, bytes)
                }
                other => panic!("no such parcel: {other:?}"),
            },
            4 => Event::Opened(link, listener, self.text(aux)),
            5 => Event::Released(link),
            6 => Event::Ended(link),
            7 => Event::Closed(link, offset == 1, self.text(aux)),
            8 => Event::ListenerFailed(listener, self.text(aux)),
            9 => Event::ListenerClosed(listener),
            10 => Event::Failed(self.text(aux)),
            other => panic!("no such kind: {other}"),
        }
    }

    fn text(&self, ticket: u32) -> String {
        match self.core.parcel(ticket) {
            Some(Parcel::Text(text)) => text,
            None if ticket == 0 => String::new(),
            other => panic!("no such parcel: {other:?}"),
        }
    }

    fn read(&self, offset: u32, length: u32) -> Vec<u8> {
        let start = self.slabs[&self.current];
        // SAFETY: a descriptor announced the range, which is not written again, and lies in the slab.
        unsafe { std::slice::from_raw_parts(start.add(offset as usize), length as usize) }.to_vec()
    }
}

/// A batch for [`Core::submit`], run by run.
#[derive(Default)]
pub(super) struct Batch(pub Vec<u8>);

pub(super) const SEND: u32 = 1;
pub(super) const RESUME: u32 = 2;
pub(super) const PAUSE: u32 = 3;
pub(super) const CLOSE: u32 = 4;
pub(super) const TERMINATE: u32 = 5;
pub(super) const NOTIFY: u32 = 6;
pub(super) const RELEASE: u32 = 7;
const FAN_OUT: u32 = 10;

impl Batch {
    pub(super) fn ask(self, operation: u32, link: LinkId) -> Self {
        self.run(operation, link, &[])
    }

    pub(super) fn send(self, class: u32, link: LinkId, messages: &[&[u8]]) -> Self {
        let data: Vec<u8> = messages
            .iter()
            .flat_map(|message| record(message))
            .collect();
        self.run(SEND | class << 8, link, &data)
    }

    /// One message for many links.
    pub(super) fn fan_out(self, class: u32, links: &[LinkId], message: &[u8]) -> Self {
        let mut data = record(message);
        // Where a run has its slot stands the length of the record, whose end is padded.
        let length = LinkId {
            slot: data.len() as u32,
            generation: 0,
        };
        data.resize(data.len().next_multiple_of(4), 0);
        for link in links {
            data.extend_from_slice(&link.slot.to_ne_bytes());
            data.extend_from_slice(&link.generation.to_ne_bytes());
        }
        self.run(FAN_OUT | class << 8, length, &data)
    }

    pub(super) fn notify(self, link: LinkId, bytes: u32, messages: u32) -> Self {
        let data = [bytes.to_ne_bytes(), messages.to_ne_bytes()].concat();
        self.run(NOTIFY, link, &data)
    }

    pub(super) fn run(mut self, operation: u32, link: LinkId, data: &[u8]) -> Self {
        for word in [operation, link.slot, link.generation, data.len() as u32] {
            self.0.extend_from_slice(&word.to_ne_bytes());
        }
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }
}

pub(super) fn record(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes(), payload].concat()
}

//! A consumer that lends memory and takes it back: an input leaves nothing behind.
#![allow(unsafe_code, reason = "lends memory as the consumer's runtime does")]

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use super::super::{
    Core, Counters, Descriptor, Holdings, LinkId, LinkPlan, Parcel, Slab,
    descriptor::{KIND_BITS, Kind},
};
use crate::{
    driver::{Host, Poller},
    error::Result,
    frame::Protocol,
};

/// Links at a time, and the slot that is none.
const SLOTS: u32 = 4;

/// What a link's consumer is told.
#[derive(Debug, PartialEq)]
pub(in crate::exchange) enum Event {
    Asked,
    Met,
    Opened,
    Message(Vec<u8>),
    Released,
    /// A slab is begun.
    Slab,
    Ended,
    /// With the error, if there was one.
    Closed(String),
    /// Of no link that is of interest here.
    Other,
}

/// The exchange comes first: it must be gone before the memory is.
pub(in crate::exchange) struct Taker<P: Poller> {
    pub(in crate::exchange) core: Arc<Core<P>>,
    holdings: Arc<Holdings>,
    slabs: HashMap<u32, Box<[u8]>>,
    /// In which offsets are, 0 for none; and the last that was lent.
    current: u32,
    lent: u32,
    #[cfg_attr(
        not(all(test, feature = "model")),
        allow(dead_code, reason = "the exchange writes there, and models read it")
    )]
    words: Box<[AtomicU32]>,
    _kept: Box<AtomicU32>,
}

impl<P: Poller> Taker<P> {
    pub(in crate::exchange) fn start(start: impl FnOnce(Arc<dyn Host>) -> Result<P>) -> Self {
        Self::called(|| {}, start)
    }

    /// One that is called by `wake` when there are events.
    pub(in crate::exchange) fn called(
        wake: impl Fn() + Send + Sync + 'static,
        start: impl FnOnce(Arc<dyn Host>) -> Result<P>,
    ) -> Self {
        let kept = Box::new(AtomicU32::new(0));
        let words: Box<[AtomicU32]> = (0..2 * SLOTS).map(|_| AtomicU32::new(0)).collect();
        // SAFETY: an atomic in memory that the value outlives: it is dropped after the exchange.
        let holdings = Arc::new(unsafe { Holdings::new(kept.as_ptr(), Duration::from_secs(60)) });
        // SAFETY: as above; nobody else writes there.
        let counters = unsafe {
            let start = words.as_ptr().cast_mut().cast();
            Counters::new(start, SLOTS, Arc::clone(&holdings))
        };
        Self {
            core: Core::start(counters, wake, start).expect("starts"),
            holdings,
            slabs: HashMap::new(),
            current: 0,
            lent: 0,
            words,
            _kept: kept,
        }
    }

    pub(in crate::exchange) fn lend(&mut self, len: usize) {
        self.lent += 1;
        let mut memory = vec![0xEE; len].into_boxed_slice();
        // SAFETY: the memory is on the heap and kept until its slab is behind us, or the exchange is gone; only what
        // was announced is read.
        let slab = unsafe { Slab::new(self.lent, memory.as_mut_ptr(), len) };
        self.slabs.insert(self.lent, memory);
        self.core.lend(slab);
    }

    /// Lent slabs that were not begun.
    pub(in crate::exchange) fn spare(&self) -> usize {
        self.slabs.keys().filter(|id| **id > self.current).count()
    }

    /// Takes up to `most` events.
    pub(in crate::exchange) fn take(&mut self, most: usize) -> Vec<(LinkId, Event)> {
        let mut descriptors = vec![Descriptor::default(); most];
        let count = self.core.take(&mut descriptors);
        descriptors.truncate(count);
        descriptors
            .into_iter()
            .map(|each| self.event(each))
            .collect()
    }

    /// What the I/O side holds for links.
    pub(in crate::exchange) fn held(&self) -> usize {
        self.holdings.used()
    }

    /// Payload bytes that the kernel has taken of a link's.
    #[cfg_attr(
        not(all(test, feature = "model")),
        allow(dead_code, reason = "the model tests ask")
    )]
    pub(in crate::exchange) fn written(&self, link: LinkId) -> u32 {
        self.words[2 * link.slot as usize].load(std::sync::atomic::Ordering::Acquire)
    }

    fn event(&mut self, [slot, stamp, offset, length, _, aux]: Descriptor) -> (LinkId, Event) {
        let link = LinkId {
            slot,
            generation: stamp >> KIND_BITS,
        };
        let kind = stamp & ((1 << KIND_BITS) - 1);
        let is = |wanted: Kind| kind == wanted as u32;
        let event = if is(Kind::Message) || is(Kind::Text) {
            let (from, to) = (offset as usize, (offset + length) as usize);
            Event::Message(self.slabs[&self.current][from..to].to_vec())
        } else if is(Kind::Slab) {
            assert_eq!(aux, self.current + 1, "slabs come in order, each once");
            self.slabs.remove(&self.current);
            self.current = aux;
            Event::Slab
        } else if is(Kind::Assembled) || is(Kind::AssembledText) {
            match self.core.parcel(aux) {
                Some(Parcel::Bytes(bytes)) if bytes.len() == length as usize => {
                    Event::Message(bytes)
                }
                other => panic!("no such parcel: {other:?}"),
            }
        } else if is(Kind::Released) {
            Event::Released
        } else if is(Kind::Ended) {
            Event::Ended
        } else {
            let text = self.text(aux);
            match kind {
                _ if is(Kind::Asked) => Event::Asked,
                _ if is(Kind::Met) => Event::Met,
                _ if is(Kind::Opened) => Event::Opened,
                _ if is(Kind::Closed) => Event::Closed(text),
                _ if is(Kind::Failed) => panic!("the I/O side broke: {text}"),
                _ => Event::Other,
            }
        };
        (link, event)
    }

    fn text(&self, ticket: u32) -> String {
        match self.core.parcel(ticket) {
            Some(Parcel::Text(text)) => text,
            None if ticket == 0 => String::new(),
            other => panic!("no such parcel: {other:?}"),
        }
    }
}

/// A link without anything around it.
pub(in crate::exchange) fn plan(
    protocol: Protocol,
    max_message: usize,
    memory_budget: usize,
) -> LinkPlan {
    LinkPlan {
        protocol,
        max_message,
        memory_budget,
        close_timeout: Duration::from_secs(5),
        rates: Default::default(),
        heartbeat: None,
        opening: None,
        meeting: None,
        security: None,
        within: Duration::MAX,
    }
}

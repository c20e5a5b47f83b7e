//! Events on their way to the consumer.
//!
//! The I/O side gathers during a turn ([`IoSide`]) and hands over at its end; the consumer takes from
//! what was handed over ([`Inbox::take`]). Both sides meet in one short lock a batch.

use std::{
    collections::{HashMap, VecDeque},
    sync::PoisonError,
    task::Waker,
};

use crate::{
    link::{Marks, Payload},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::{
    descriptor::{Descriptor, Kind, Parcel},
    slab::Slab,
};

/// Events that may wait for the consumer: beyond, sockets are not read. At 24 bytes each this is
/// 192 KiB, some milliseconds of work for a JavaScript thread. A model has no time for so many.
pub(super) const MAX_PENDING: usize = match cfg!(all(test, feature = "model")) {
    true => 3,
    false => 8 * 1024,
};

/// Messages of more than this many bytes wait as parcels; bytes of parcels that may wait.
const MAX_PARCEL_BYTES: usize = 8 * 1024 * 1024;

/// The way in.
#[derive(Default)]
pub(super) struct Inbox {
    io: Mutex<IoSide>,
    handed_over: Mutex<HandedOver>,
    /// Events handed over and not taken. This count and the next are sequentially consistent with
    /// `starved`: of one who makes room and one who finds none, at least one sees the other.
    pending: AtomicUsize,
    parcel_bytes: AtomicUsize,
    /// A link waits for room.
    starved: AtomicBool,
}

/// What a turn gathers.
#[derive(Default)]
pub(super) struct IoSide {
    gathered: Gathered,
    parcels: Vec<(u32, Parcel)>,
    tickets: u32,
    slab: Option<Slab>,
    /// By slot.
    waiting: HashMap<u32, Waker>,
    turn_announced: bool,
}

/// Events in order, and where the messages of the current space belong.
#[derive(Default)]
pub(crate) struct Gathered {
    descriptors: Vec<Descriptor>,
    /// Offset of the current space in its slab.
    base: u32,
    /// The first two words of a message's descriptor.
    stamp: [u32; 2],
}

impl Marks for Gathered {
    fn message(&mut self, start: usize, len: usize, payload: Payload) {
        let [slot, kind] = self.stamp;
        let kind = match payload {
            Payload::Binary => kind,
            Payload::Text => kind ^ (Kind::Message as u32 ^ Kind::Text as u32),
        };
        self.descriptors
            .push([slot, kind, self.base + start as u32, len as u32, 0, 0]);
    }
}

#[derive(Default)]
struct HandedOver {
    descriptors: VecDeque<Descriptor>,
    parcels: HashMap<u32, Parcel>,
    slabs: VecDeque<Slab>,
}

impl Inbox {
    pub(super) fn io(&self) -> MutexGuard<'_, IoSide> {
        // Poisoned only by a panic that has failed the driver or its link; the lists are still whole.
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shared(&self) -> MutexGuard<'_, HandedOver> {
        self.handed_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over what the turn gathered; false if that was nothing.
    pub(super) fn hand_over(&self) -> bool {
        let mut io = self.io();
        io.turn_announced = false;
        if io.gathered.descriptors.is_empty() {
            return false;
        }
        let mut shared = self.shared();
        self.pending
            .fetch_add(io.gathered.descriptors.len(), Ordering::SeqCst);
        shared.descriptors.extend(io.gathered.descriptors.drain(..));
        shared.parcels.extend(io.parcels.drain(..));
        true
    }

    /// Moves as many events as fit into `to`; gives their number.
    pub(super) fn take(&self, to: &mut [Descriptor]) -> usize {
        let mut shared = self.shared();
        let count = to.len().min(shared.descriptors.len());
        for (to, from) in to.iter_mut().zip(shared.descriptors.drain(..count)) {
            *to = from;
        }
        self.pending.fetch_sub(count, Ordering::SeqCst);
        count
    }

    /// The parcel of a ticket, once.
    pub(super) fn parcel(&self, ticket: u32) -> Option<Parcel> {
        let parcel = self.shared().parcels.remove(&ticket);
        if let Some(Parcel::Bytes(bytes)) = &parcel {
            self.parcel_bytes.fetch_sub(bytes.len(), Ordering::SeqCst);
        }
        parcel
    }

    /// Lends memory for received bytes.
    pub(super) fn lend(&self, slab: Slab) {
        self.shared().slabs.push_back(slab);
    }

    /// Whether a link found no room since the last [`feed`](Self::feed).
    pub(super) fn is_starved(&self) -> bool {
        self.starved.load(Ordering::SeqCst)
    }

    /// Says that a link finds no room. To be said before the last look, so that whoever makes room
    /// after that look knows that somebody waits.
    pub(super) fn starve(&self) {
        self.starved.store(true, Ordering::SeqCst);
    }

    /// Wakes every link that waits for room.
    pub(super) fn feed(&self) {
        let waiting = {
            let mut io = self.io();
            self.starved.store(false, Ordering::SeqCst);
            std::mem::take(&mut io.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    /// Remembers a link that found no room.
    pub(super) fn wait(&self, slot: u32, waker: &Waker) {
        self.io().waiting.insert(slot, waker.clone());
    }

    /// Whether events were handed over that the consumer has not taken.
    pub(super) fn has_events(&self) -> bool {
        self.pending.load(Ordering::SeqCst) > 0
    }

    /// Whether the consumer has taken everything.
    pub(super) fn is_empty(&self) -> bool {
        !self.has_events() && self.parcel_bytes.load(Ordering::SeqCst) == 0
    }

    fn has_room(&self) -> bool {
        self.pending.load(Ordering::SeqCst) < MAX_PENDING && self.takes_parcels()
    }

    /// Whether the consumer fetches its parcels: a message that would become one is finished no sooner.
    fn takes_parcels(&self) -> bool {
        self.parcel_bytes.load(Ordering::SeqCst) < MAX_PARCEL_BYTES
    }

    /// As [`takes_parcels`](Self::takes_parcels), for a link that waits if not.
    pub(super) fn may_finish(&self) -> bool {
        if self.takes_parcels() {
            return true;
        }
        self.starve();
        // Parcels that were fetched before that was said have rung for nobody.
        self.takes_parcels()
    }

    /// At least `min` free bytes of the current slab or the next, and the marks of its messages, which
    /// begin with `stamp`.
    pub(super) fn space<'a>(
        &self,
        io: &'a mut IoSide,
        min: usize,
        stamp: [u32; 2],
    ) -> Option<(&'a mut [u8], &'a mut Gathered)> {
        if !self.fits(io, min) {
            self.starve();
            if !self.fits(io, min) {
                return None;
            }
        }
        let slab = io.slab.as_mut()?;
        io.gathered.base = slab.used() as u32;
        io.gathered.stamp = stamp;
        Some((slab.free(), &mut io.gathered))
    }

    /// Whether the consumer keeps up and the current slab has `min` free bytes; moves on to the next
    /// slab where it has not.
    fn fits(&self, io: &mut IoSide, min: usize) -> bool {
        if !self.has_room() || io.gathered.descriptors.len() >= MAX_PENDING {
            return false;
        }
        if io
            .slab
            .as_mut()
            .is_some_and(|slab| slab.free().len() >= min)
        {
            return true;
        }
        let Some(mut next) = self.shared().slabs.pop_front() else {
            return false;
        };
        let fits = next.free().len() >= min;
        io.push([0, Kind::Slab as u32, 0, 0, 0, next.id()]);
        io.slab = Some(next);
        fits
    }

    /// Puts a parcel aside for its event.
    pub(super) fn park(&self, io: &mut IoSide, parcel: Parcel) -> u32 {
        if let Parcel::Bytes(bytes) = &parcel {
            self.parcel_bytes.fetch_add(bytes.len(), Ordering::SeqCst);
        }
        // Ticket 0 means "none".
        io.tickets = io.tickets.checked_add(1).unwrap_or(1);
        io.parcels.push((io.tickets, parcel));
        io.tickets
    }
}

impl IoSide {
    pub(super) fn push(&mut self, descriptor: Descriptor) {
        self.gathered.descriptors.push(descriptor);
    }

    /// Keeps the first `bytes` of the current space.
    pub(super) fn commit(&mut self, bytes: usize) {
        if let Some(slab) = &mut self.slab {
            slab.commit(bytes);
        }
    }

    /// True once a turn, when its end must be announced.
    pub(super) fn announce_turn(&mut self) -> bool {
        !self.gathered.descriptors.is_empty() && !std::mem::replace(&mut self.turn_announced, true)
    }
}

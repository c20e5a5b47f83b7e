//! One link's end of the inbox.

use std::{
    sync::{Arc, MutexGuard},
    task::Waker,
};

use super::{
    core::Core,
    descriptor::{Descriptor, KIND_BITS, Kind, Parcel, clean_flag, error_text, of_link},
    inbox::{Gathered, IoSide},
    table::LinkId,
};
use crate::{
    driver::{Closed, Ends, Poller, Sink},
    link::{Marks, Room},
};

/// Messages up to this size are copied into a slab when they had to be assembled; larger ones cross
/// as a parcel, with one copy on the consumer's side.
const SLAB_MESSAGE: usize = 64 * 1024;

/// Turns a link's events into descriptors.
pub(crate) struct LinkSink<P: Poller> {
    pub(super) core: Arc<Core<P>>,
    pub(super) id: LinkId,
    /// The listener that accepted the link; 0 if it was dialled.
    pub(super) listener: u32,
    pub(super) memory_budget: usize,
}

impl<P: Poller> LinkSink<P> {
    fn event(&self, kind: Kind, aux: u32) {
        self.push(of_link(self.id, kind, 0, aux));
    }

    fn push(&self, descriptor: Descriptor) {
        let mut io = self.core.inbox.io();
        io.push(descriptor);
        self.core.announce(&mut io);
    }

    fn park(&self, parcel: Parcel) -> u32 {
        let inbox = &self.core.inbox;
        inbox.park(&mut inbox.io(), parcel)
    }
}

impl<P: Poller> Sink for LinkSink<P> {
    type Room<'a> = SlabRoom<'a, P>;

    fn opened(&mut self, ends: Ends) {
        let text = format!(
            "{}\n{}\n{}\n{}",
            ends.remote.ip(),
            ends.remote.port(),
            ends.local.ip(),
            ends.local.port()
        );
        let mut descriptor = of_link(self.id, Kind::Opened, 0, self.park(Parcel::Text(text)));
        descriptor[4] = self.listener;
        self.push(descriptor);
    }

    fn room(&mut self) -> SlabRoom<'_, P> {
        SlabRoom {
            io: self.core.inbox.io(),
            sink: self,
        }
    }

    fn wait_for_room(&mut self, waker: &Waker) {
        self.core.inbox.wait(waker);
    }

    fn released(&mut self) {
        self.event(Kind::Released, 0);
    }

    fn ended(&mut self) {
        self.event(Kind::Ended, 0);
    }

    fn closed(&mut self, closed: Closed) {
        let ticket = match &closed.error {
            Some(error) => self.park(Parcel::Text(error_text(error))),
            None => 0,
        };
        let mut descriptor = of_link(self.id, Kind::Closed, 0, ticket);
        descriptor[2] = clean_flag(&closed);
        self.push(descriptor);
    }
}

/// The inbox, locked for one readable turn of one link. Only the I/O thread takes this lock.
pub(crate) struct SlabRoom<'a, P: Poller> {
    io: MutexGuard<'a, IoSide>,
    sink: &'a LinkSink<P>,
}

impl<P: Poller> Room for SlabRoom<'_, P> {
    type Marks = Gathered;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Gathered)> {
        let id = self.sink.id;
        let stamp = [id.slot, id.generation << KIND_BITS | Kind::Message as u32];
        self.sink.core.inbox.space(&mut self.io, min, stamp)
    }

    fn commit(&mut self, used: usize) {
        self.io.commit(used);
    }

    fn assembled(&mut self, message: Vec<u8>) {
        let len = message.len();
        if len <= SLAB_MESSAGE
            && let Some((space, marks)) = self.space(len)
        {
            space[..len].copy_from_slice(&message);
            marks.message(0, len);
            return self.commit(len);
        }
        let sink = self.sink;
        let ticket = sink.core.inbox.park(&mut self.io, Parcel::Bytes(message));
        self.io
            .push(of_link(sink.id, Kind::Assembled, len as u32, ticket));
    }

    fn hold(&mut self, delta: isize) -> bool {
        let core = &self.sink.core;
        let held = core.counters().hold(delta);
        let within = || held < self.sink.memory_budget && core.inbox.takes_parcels();
        if !within() {
            core.inbox.starve();
            // Parcels that were fetched before that was said have rung for nobody.
            return within();
        }
        if delta < 0 {
            core.ring_if_starved();
        }
        true
    }
}

impl<P: Poller> Drop for SlabRoom<'_, P> {
    fn drop(&mut self) {
        self.sink.core.announce(&mut self.io);
    }
}

//! One link's end of the inbox.

use std::{cell::Cell, sync::Arc, task::Waker};

use super::{
    core::Core,
    descriptor::{
        Descriptor, GOAWAY, KIND_BITS, Kind, Parcel, asked_text, error_text, greeted_text,
        insecure_text, met_text, of_link, opened_text, secured_text,
    },
    inbox::{Gathered, IoSide},
    table::LinkId,
};
use crate::{
    driver::{Agreed, Closed, Ends, Handle, Poller, Ration, Sink, watch},
    error::{Code, Error},
    link::{Marks, Payload, Room},
    qwh::Peer,
    sync::MutexGuard,
    tls::Info,
    ws::request::RequestHead,
};

/// Messages up to this size are copied into a slab when they had to be assembled; larger ones cross
/// as a parcel, with one copy on the consumer's side.
const SLAB_MESSAGE: usize = 64 * 1024;

/// Turns a link's events into descriptors.
pub(crate) struct LinkSink<P: Poller> {
    core: Arc<Core<P>>,
    id: LinkId,
    /// The listener that accepted the link; 0 if it was dialled.
    listener: u32,
    handle: Arc<Handle>,
    memory_budget: usize,
    /// The last look found the memory budget used up.
    starves: Cell<bool>,
    /// The consumer was told of the end.
    is_over: bool,
}

impl<P: Poller> LinkSink<P> {
    pub(super) fn new(
        core: Arc<Core<P>>,
        id: LinkId,
        listener: u32,
        handle: &Arc<Handle>,
        memory_budget: usize,
    ) -> Self {
        Self {
            core,
            id,
            listener,
            handle: Arc::clone(handle),
            memory_budget,
            starves: Cell::new(false),
            is_over: false,
        }
    }

    /// Whether the environment may hold more for this link.
    fn has_memory(&self) -> bool {
        let has_room = || self.core.has_room(self.memory_budget);
        if has_room() {
            return true;
        }
        self.core.inbox.starve();
        // Ration that was freed before that was said has rung for nobody.
        let has_room = has_room();
        self.starves.set(!has_room);
        has_room
    }

    fn hold(&self, delta: isize) {
        self.handle.hold(delta);
        self.core.counters().hold(delta);
        if delta < 0 {
            self.core.ring_if_starved();
        }
    }

    fn stop_starving(&self) {
        if self.starves.replace(false) {
            self.core.starving().forget(&self.handle);
        }
    }

    fn event(&self, kind: Kind, aux: u32) {
        self.push(of_link(self.id, kind, 0, aux));
    }

    fn push(&self, descriptor: Descriptor) {
        let mut io = self.core.inbox.io();
        io.push(descriptor);
        self.core.announce(&mut io);
    }

    /// An event that concerns the listener too.
    fn of_listener(&self, kind: Kind, text: String) {
        self.of_revision(kind, 0, text);
    }

    /// As [`of_listener`](Self::of_listener), and a revision of its settings.
    fn of_revision(&self, kind: Kind, revision: u32, text: String) {
        let mut descriptor = of_link(self.id, kind, 0, self.park(Parcel::Text(text)));
        descriptor[2] = revision;
        descriptor[4] = self.listener;
        self.push(descriptor);
    }

    fn park(&self, parcel: Parcel) -> u32 {
        let inbox = &self.core.inbox;
        inbox.park(&mut inbox.io(), parcel)
    }
}

impl<P: Poller> Sink for LinkSink<P> {
    type Room<'a> = SlabRoom<'a, P>;

    fn asked(&mut self, ends: Ends, head: &RequestHead) {
        self.of_listener(Kind::Asked, asked_text(ends, head));
    }

    fn greeted(&mut self, ends: Ends, name: &str, revision: u32) {
        self.of_revision(Kind::Greeted, revision, greeted_text(ends, name));
    }

    fn secured(&mut self, ends: Ends, info: &Info, revision: u32) {
        self.of_revision(Kind::Secured, revision, secured_text(ends, info));
    }

    fn insecure(&mut self, ends: Ends, error: &Error) {
        self.of_listener(Kind::Insecure, insecure_text(ends, error));
    }

    fn met(
        &mut self,
        ends: Ends,
        agreed: &Agreed,
        tls: Option<&Info>,
        sid: &[u8; 16],
        peer: &Peer,
    ) {
        // Whom a listener meets has called.
        let from_initiator = self.listener != 0;
        let text = met_text(ends, agreed, tls, sid, peer, from_initiator);
        self.of_listener(Kind::Met, text);
    }

    fn unmet(&mut self, ends: Ends, error: &Error) {
        self.of_listener(Kind::Unmet, insecure_text(ends, error));
    }

    fn opened(&mut self, ends: Ends, agreed: &Agreed) {
        self.of_listener(Kind::Opened, opened_text(ends, agreed));
    }

    fn room(&mut self) -> SlabRoom<'_, P> {
        self.stop_starving();
        SlabRoom {
            io: self.core.inbox.io(),
            sink: self,
        }
    }

    fn wait_for_room(&mut self, waker: &Waker) {
        let Self { core, handle, .. } = self;
        core.inbox.wait(self.id.slot, waker);
        if self.starves.get() && core.starving().wait(handle, self.memory_budget) {
            core.poller().spawn(watch(core));
        }
    }

    fn released(&mut self) {
        self.event(Kind::Released, 0);
    }

    fn ended(&mut self) {
        self.event(Kind::Ended, 0);
    }

    fn closed(&mut self, closed: Closed) {
        self.is_over = true;
        let retry_after_ms = closed.retry_after_ms;
        let (code, text) = match (closed.farewell, closed.error) {
            (Some(farewell), _) if retry_after_ms.is_some() => (
                GOAWAY | u32::from(farewell.code.unwrap_or(0)),
                Some(farewell.reason),
            ),
            // 1005 is how users see a close frame without a code (RFC 6455, section 7.1.5).
            (Some(farewell), _) => (
                u32::from(farewell.code.unwrap_or(1005)),
                Some(farewell.reason),
            ),
            (None, Some(error)) => (0, Some(error_text(&error))),
            (None, None) => (0, None),
        };
        let ticket = text.map_or(0, |text| self.park(Parcel::Text(text)));
        let mut descriptor = of_link(self.id, Kind::Closed, code, ticket);
        descriptor[2] = u32::from(closed.clean);
        descriptor[4] = retry_after_ms.unwrap_or(0);
        self.push(descriptor);
    }
}

impl<P: Poller> Drop for LinkSink<P> {
    fn drop(&mut self) {
        self.stop_starving();
        // A link that is stopped with its thread is over for its consumer by that alone.
        if !self.is_over && std::thread::panicking() {
            self.handle.abandon(true);
            let why = "the connection's task panicked before it was up";
            self.closed(Closed::fault(Error::new(Code::Internal, why)));
        }
        // Nothing, unless the task went down with its thread.
        self.hold(-(self.handle.held() as isize));
    }
}

/// The inbox, locked for one readable turn of one link. Only the I/O thread takes this lock.
pub(crate) struct SlabRoom<'a, P: Poller> {
    io: MutexGuard<'a, IoSide>,
    sink: &'a LinkSink<P>,
}

impl<P: Poller> SlabRoom<'_, P> {
    fn slab(&mut self, min: usize) -> Option<(&mut [u8], &mut Gathered)> {
        let id = self.sink.id;
        let stamp = [id.slot, id.generation << KIND_BITS | Kind::Message as u32];
        self.sink.core.inbox.space(&mut self.io, min, stamp)
    }
}

impl<P: Poller> Room for SlabRoom<'_, P> {
    type Marks = Gathered;

    fn space(&mut self, min: usize) -> Option<(&mut [u8], &mut Gathered)> {
        match self.sink.has_memory() {
            true => self.slab(min),
            false => None,
        }
    }

    fn commit(&mut self, used: usize) {
        self.io.commit(used);
    }

    fn assembled(&mut self, message: Vec<u8>, payload: Payload) {
        let len = message.len();
        if len <= SLAB_MESSAGE
            && let Some((space, marks)) = self.slab(len)
        {
            space[..len].copy_from_slice(&message);
            marks.message(0, len, payload);
            return self.commit(len);
        }
        let sink = self.sink;
        let ticket = sink.core.inbox.park(&mut self.io, Parcel::Bytes(message));
        let kind = match payload {
            Payload::Binary => Kind::Assembled,
            Payload::Text => Kind::AssembledText,
        };
        self.io.push(of_link(sink.id, kind, len as u32, ticket));
    }

    fn hold(&mut self, delta: isize) -> bool {
        self.sink.hold(delta);
        self.sink.has_memory() && self.sink.core.inbox.may_finish()
    }
}

impl<P: Poller> Drop for SlabRoom<'_, P> {
    fn drop(&mut self) {
        self.sink.core.announce(&mut self.io);
    }
}

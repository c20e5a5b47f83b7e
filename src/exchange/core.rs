//! One I/O side with its inbox, outbox and links.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};

use super::{
    counters::Counters,
    descriptor::{Descriptor, Kind, Parcel, of_listener},
    fan_out::FanOuts,
    inbox::{Inbox, IoSide},
    link_sink::LinkSink,
    outbox::{self, Manner},
    slab::Slab,
    table::{LinkId, Table},
};
use crate::{
    driver::{
        Admitted, Answer, Beginning, Handle, Host, Meeting, NewLink, Opening, Poller, Ration,
        Security, Starving, Verdict,
    },
    error::{Code, Error, Result},
    frame::Protocol,
    link::{Heartbeat, Inbound, Rates},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    tls::Identity,
};

/// Batches kept for reuse, and how large one may be: more would only hold memory.
const SPARE_BATCHES: usize = 4;
const SPARE_BATCH_BYTES: usize = 512 * 1024;

/// What every link of a listener or a dial is made from.
#[derive(Clone, Debug)]
pub(crate) struct LinkPlan {
    pub protocol: Protocol,
    pub max_message: usize,
    pub memory_budget: usize,
    pub close_timeout: Duration,
    /// What a link may receive, and what it may send.
    pub rates: (Rates, Rates),
    /// How peers are watched.
    pub heartbeat: Option<Heartbeat>,
    /// Set: the carrier is WebSocket.
    pub opening: Option<Arc<Opening>>,
    /// Set: QWH/1 is spoken, on WebSocket where its subprotocol is chosen.
    pub meeting: Option<Arc<Meeting>>,
    /// Set: TLS below it.
    pub security: Option<Security>,
    /// Of a call: for all of it until it is open.
    pub within: Duration,
}

/// The exchange between one poller and one consumer.
pub(crate) struct Core<P: Poller> {
    pub(super) inbox: Inbox,
    pub(super) table: Table,
    counters: Arc<Counters>,
    outgoing: Mutex<Outgoing>,
    poller: OnceLock<P>,
    consumer: Consumer,
    panic_asked: AtomicBool,
}

#[derive(Default)]
struct Outgoing {
    batches: Vec<Bytes>,
    spare: Vec<BytesMut>,
}

/// Wakes the consumer, at most once until it has looked.
struct Consumer {
    wake: Box<dyn Fn() + Send + Sync>,
    awake: AtomicBool,
}

impl<P: Poller> Core<P> {
    /// Puts an exchange over `counters`; `start` starts its poller, `wake` gets the consumer to
    /// [`take`](Self::take).
    pub(crate) fn start(
        counters: Counters,
        wake: impl Fn() + Send + Sync + 'static,
        start: impl FnOnce(Arc<dyn Host>) -> Result<P>,
    ) -> Result<Arc<Self>> {
        let core = Arc::new(Self {
            inbox: Inbox::default(),
            table: Table::default(),
            counters: Arc::new(counters),
            outgoing: Mutex::default(),
            poller: OnceLock::new(),
            consumer: Consumer {
                wake: Box::new(wake),
                awake: AtomicBool::new(false),
            },
            panic_asked: AtomicBool::new(false),
        });
        let poller = start(Arc::clone(&core) as Arc<dyn Host>)?;
        // Set once, here: the poller has nothing to do before the first listener or dial.
        let _ = core.poller.set(poller);
        Ok(core)
    }

    /// The poller, from the end of [`start`](Self::start) on.
    pub(crate) fn poller(&self) -> &P {
        self.poller
            .get()
            .unwrap_or_else(|| unreachable!("the poller is set before anyone has the core"))
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A slot and all that a new link needs; `None` when no slot is free.
    pub(super) fn new_link(
        self: &Arc<Self>,
        plan: &LinkPlan,
        listener: u32,
    ) -> Option<(LinkId, NewLink<LinkSink<P>>)> {
        let (id, handle) = self.table.insert(self.counters.slots(), |id| {
            self.counters.reset(id.slot);
            let ledger = Arc::clone(&self.counters);
            Arc::new(Handle::new(plan.protocol, &plan.rates.1, ledger, id.slot))
        })?;
        self.starving().enlist(&handle, plan.memory_budget);
        let link = NewLink {
            beginning: match (&plan.opening, &plan.meeting) {
                (Some(opening), _) => Beginning::WebSocket(Arc::clone(opening)),
                (None, Some(meeting)) => {
                    let inbound = Inbound::new(plan.protocol, plan.max_message);
                    Beginning::Qwh(Arc::clone(meeting), inbound)
                }
                (None, None) => Beginning::Stream(Inbound::new(plan.protocol, plan.max_message)),
            },
            sink: LinkSink::new(Arc::clone(self), id, listener, &handle, plan.memory_budget),
            handle,
            inbound: plan.rates.0,
            heartbeat: plan.heartbeat,
            close_timeout: plan.close_timeout,
            security: plan.security.clone(),
            within: plan.within,
        };
        Some((id, link))
    }

    /// Connects, unless `to` is `None`: the socket is connected then. The outcome is an event of the link whose number this gives.
    pub(crate) fn dial(
        self: &Arc<Self>,
        socket: std::net::TcpStream,
        to: Option<SocketAddr>,
        timeout: Duration,
        plan: &LinkPlan,
    ) -> Result<LinkId> {
        let (id, link) = self
            .new_link(plan, 0)
            .ok_or_else(|| Error::new(Code::Resources, "no slot for another connection"))?;
        self.poller().dial(socket, to, timeout, link);
        Ok(id)
    }

    /// Runs an established connection whose client was let in to a WebSocket, which it is told first. Gives the
    /// link's number and whether messages will be compressed.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        socket: std::net::TcpStream,
        plan: &LinkPlan,
        request: Admitted<'_>,
    ) -> Result<(LinkId, bool)> {
        let opening = (plan.opening.as_ref())
            .ok_or_else(|| Error::new(Code::Internal, "an adoption without a handshake"))?;
        let answer = Answer::to(request, opening)?;
        let is_deflated = answer.is_deflated();
        let (id, link) = self
            .new_link(plan, 0)
            .ok_or_else(|| Error::new(Code::Resources, "no slot for another connection"))?;
        let beginning = answer.send(&link.handle, opening);
        let (link, _) = link.rebegin(beginning);
        self.poller().adopt(socket, link);
        Ok((id, is_deflated))
    }

    /// Hands over one outgoing batch. A batch of one run for one idle link is written at once, on the
    /// calling thread, if `direct`: that saves waking the I/O thread.
    pub(crate) fn submit(&self, bytes: &[u8], direct: bool) {
        if self.poller().is_here() {
            let mut fan_outs = FanOuts::default();
            outbox::apply(bytes, None, &self.table, &mut fan_outs);
            return fan_outs.write(&self.table);
        }
        if direct && outbox::write_directly(bytes, &self.table) {
            return;
        }
        self.hand_over(|batch| batch.extend_from_slice(bytes));
    }

    /// Answers a client that asks for a name no identity is for.
    pub(crate) fn show(&self, to: LinkId, identity: Identity) {
        if let Some(link) = self.table.get(to) {
            link.judge(Verdict::Show(identity));
        }
    }

    /// Keying material of a link's TLS session.
    ///
    /// # Errors
    /// `Closed` when the session is over, `OptionInvalid` for a length out of range.
    pub(crate) fn export_keys(
        &self,
        of: LinkId,
        label: &[u8],
        length: usize,
        context: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        match self.table.get(of) {
            Some(link) => link.export_keys(label, length, context),
            None => Err(Error::new(Code::Closed, "the connection is over")),
        }
    }

    /// Sends one large message. It is written from where it lies if that can be done now: all that another thread
    /// would save this one is less than the copy and the wake that it takes.
    pub(crate) fn submit_large(&self, to: LinkId, manner: Manner, payload: &[u8]) {
        let (class, is_text) = (manner.class(), manner.is_text);
        let Some(link) = self.table.get(to) else {
            return;
        };
        if self.poller().is_here() {
            return link.send_message(class, payload, is_text);
        }
        if manner.is_direct && link.try_send_message(class, payload, is_text) {
            return;
        }
        self.hand_over(|batch| outbox::single(batch, to, manner, payload));
    }

    /// Hands over one large message for many links; `targets` has slot and generation of each.
    pub(crate) fn submit_fan_out(&self, manner: Manner, payload: &[u8], targets: &[u8]) {
        self.hand_over(|batch| outbox::fan_out(batch, manner, payload, targets));
    }

    fn hand_over(&self, fill: impl FnOnce(&mut BytesMut)) {
        let mut batch = self.outgoing().spare.pop().unwrap_or_default();
        fill(&mut batch);
        if self.poller().is_here() {
            return self.send(vec![batch.freeze()]);
        }
        self.outgoing().batches.push(batch.freeze());
        self.poller().ring();
    }

    /// Does what batches ask for.
    fn send(&self, batches: Vec<Bytes>) {
        let mut fan_outs = FanOuts::default();
        for batch in &batches {
            outbox::apply(batch, Some(batch), &self.table, &mut fan_outs);
        }
        fan_outs.write(&self.table);
        self.recycle(batches);
    }

    /// Moves events to the consumer's memory; gives their number. Zero means: sleep until woken.
    pub(crate) fn take(&self, to: &mut [Descriptor]) -> usize {
        let mut taken = self.inbox.take(to);
        if taken == 0 {
            self.consumer.awake.store(false, Ordering::SeqCst);
            // An event that came before the store would have woken nobody.
            taken = self.inbox.take(to);
            if taken > 0 {
                self.consumer.awake.store(true, Ordering::SeqCst);
            }
        }
        // Who takes nothing makes no room.
        if taken > 0 {
            self.ring_if_starved();
        }
        taken
    }

    /// After a batch: has the consumer called again if there are more events, and else sleep until woken.
    pub(crate) fn go_on(&self) {
        self.consumer.awake.store(false, Ordering::SeqCst);
        // An event that came before the store has woken nobody.
        if self.inbox.has_events() {
            self.wake_consumer();
        }
    }

    pub(crate) fn parcel(&self, ticket: u32) -> Option<Parcel> {
        let parcel = self.inbox.parcel(ticket);
        self.ring_if_starved();
        parcel
    }

    /// Lends memory for received bytes.
    pub(crate) fn lend(&self, slab: Slab) {
        self.inbox.lend(slab);
        self.ring_if_starved();
    }

    /// Ends the poller and everything that it ran; returns when no thread touches the shared memory
    /// any more.
    pub(crate) fn stop(&self) {
        self.poller().stop();
        self.table.abandon(false);
    }

    /// Breaks the I/O side on purpose, as a defect in it would: for tests of what follows.
    pub(crate) fn inject_panic(&self) {
        self.panic_asked.store(true, Ordering::Release);
        self.poller().ring();
    }

    /// An event of a listener.
    pub(super) fn listener_event(&self, listener: u32, kind: Kind, text: Option<String>) {
        let mut io = self.inbox.io();
        let ticket = text.map_or(0, |text| self.inbox.park(&mut io, Parcel::Text(text)));
        io.push(of_listener(listener, kind, ticket));
        self.announce(&mut io);
    }

    /// Sees to it that what was gathered is handed over at the end of the turn.
    pub(super) fn announce(&self, io: &mut IoSide) {
        if io.announce_turn() {
            self.poller().end_turn();
        }
    }

    /// After room was made: has the links that found none look again.
    pub(super) fn ring_if_starved(&self) {
        if self.inbox.is_starved() {
            self.poller().ring();
        }
    }

    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        // Lists of bytes: whole whatever panicked.
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the memory of some batches of which nothing stayed queued.
    fn recycle(&self, batches: Vec<Bytes>) {
        let mut outgoing = self.outgoing();
        for batch in batches {
            if outgoing.spare.len() < SPARE_BATCHES
                && let Ok(mut batch) = batch.try_into_mut()
                && batch.capacity() <= SPARE_BATCH_BYTES
            {
                batch.clear();
                outgoing.spare.push(batch);
            }
        }
    }

    fn wake_consumer(&self) {
        if !self.consumer.awake.swap(true, Ordering::SeqCst) {
            (self.consumer.wake)();
        }
    }
}

impl<P: Poller> Ration for Core<P> {
    fn starving(&self) -> &Starving {
        &self.counters.holdings().starving
    }

    fn used(&self) -> usize {
        self.counters.holdings().used()
    }

    fn has_room(&self, budget: usize) -> bool {
        self.used() < budget
    }

    fn is_consumed(&self) -> bool {
        self.inbox.is_empty()
    }
}

impl<P: Poller> Host for Core<P> {
    fn on_bell(&self) {
        if self.panic_asked.swap(false, Ordering::AcqRel) {
            panic!("a panic was injected into the I/O thread");
        }
        let batches = std::mem::take(&mut self.outgoing().batches);
        self.send(batches);
        if self.inbox.is_starved() {
            self.inbox.feed();
        }
    }

    fn on_turn(&self) {
        if self.inbox.hand_over() {
            self.wake_consumer();
        }
    }

    fn on_failure(&self, why: &str) {
        self.table.abandon(true);
        {
            let mut io = self.inbox.io();
            let ticket = self.inbox.park(&mut io, Parcel::Text(why.to_owned()));
            io.push(of_listener(0, Kind::Failed, ticket));
        }
        self.on_turn();
    }
}

//! Links without sockets, driven by the test.

use std::{
    io::{self, Read},
    net::SocketAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use super::{
    super::{Core, LinkId, LinkPlan, link_sink::LinkSink},
    consumer::{Consumer, Environment, plan},
};
use crate::{
    driver::{Agreed, Closed, Ends, Host, LinkTask, NewLink, Poller, Sink},
    error::Result,
    link::{Inbound, ReadTurn, TURN},
};

/// Counts what it is asked, and runs nothing.
#[derive(Default)]
pub(super) struct Idle {
    rings: AtomicUsize,
    work: Mutex<Vec<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

impl Poller for Idle {
    fn spawn_link<S: Sink>(&self, _: impl Future<Output = Option<LinkTask<S>>> + Send + 'static) {}

    fn spawn_listener(&self, _: impl Future<Output = ()> + Send + 'static) {}

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut kept = self.work.lock().expect("whole");
        kept.push(Box::pin(work));
    }

    fn ring(&self) {
        self.rings.fetch_add(1, Ordering::SeqCst);
    }

    fn end_turn(&self) {}

    fn stop(&self) {}
}

impl Consumer<Idle> {
    pub(super) fn idle() -> Self {
        Self::start(|_| Ok(Idle::default()))
    }

    pub(super) fn idle_in(environment: &Environment) -> Self {
        Self::start_in(environment, |_| Ok(Idle::default()))
    }

    /// A new link, as one that was accepted or dialled; `None` when there is no slot.
    pub(super) fn link(&self) -> Option<Driven> {
        self.link_with(&plan())
    }

    pub(super) fn link_with(&self, plan: &LinkPlan) -> Option<Driven> {
        let (id, link) = self.core.new_link(plan, 0)?;
        let inbound = Inbound::new(plan.protocol, plan.max_message);
        let (link, _) = link.rebegin(inbound);
        Some(Driven {
            id,
            link,
            core: Arc::clone(&self.core),
            wakes: Arc::default(),
        })
    }

    /// Ends the poller's turn.
    pub(super) fn turn(&self) {
        self.core.on_turn();
    }

    /// The poller answers the bell, if it was rung; says whether it was.
    pub(super) fn answer(&self) -> bool {
        let rung = self.core.poller().rings.swap(0, Ordering::SeqCst) > 0;
        if rung {
            self.core.on_bell();
        }
        rung
    }

    /// Hands over a batch and has it answered.
    pub(super) fn submit(&self, batch: &[u8]) {
        self.core.submit(batch, false);
        assert!(self.answer(), "a batch rings");
    }
}

/// A link whose bytes come from the test.
pub(super) struct Driven {
    pub id: LinkId,
    link: NewLink<LinkSink<Idle>, Inbound>,
    core: Arc<Core<Idle>>,
    wakes: Arc<Wakes>,
}

/// How often the link's task was woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Driven {
    /// Goes down with a beginning that panics.
    pub(super) fn panic(self) {
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _link = self.link;
            panic!("a beginning broke");
        }));
        assert!(panicked.is_err());
    }

    pub(super) fn open(&mut self) {
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let ends = Ends {
            remote: address,
            local: address,
        };
        self.link.sink.opened(ends, &Agreed::default());
    }

    /// One readable turn with `bytes` in the socket; waits for room as the link's task does.
    pub(super) fn feed(&mut self, bytes: &mut &[u8]) -> Result<ReadTurn> {
        let inbound = &mut self.link.beginning;
        let turn = inbound.on_readable(&mut Open(bytes), &mut self.link.sink.room(), TURN)?;
        if turn == ReadTurn::Stalled {
            self.link
                .sink
                .wait_for_room(&Waker::from(Arc::clone(&self.wakes)));
        }
        Ok(turn)
    }

    /// Turns until the bytes are used up.
    pub(super) fn feed_all(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let turn = self.feed(&mut bytes).expect("no fault");
            assert_ne!(turn, ReadTurn::Stalled);
        }
        self.core.on_turn();
    }

    pub(super) fn end(&mut self, closed: Closed) {
        self.link.beginning.discard(&mut self.link.sink.room());
        self.link.sink.closed(closed);
    }

    pub(super) fn sink(&mut self) -> &mut LinkSink<Idle> {
        &mut self.link.sink
    }

    /// A fault from outside waits for the link's task.
    pub(super) fn is_failed(&self) -> bool {
        self.link.handle.is_failed()
    }

    /// How often it was woken since this was last asked.
    pub(super) fn wakes(&self) -> usize {
        self.wakes.0.swap(0, Ordering::SeqCst)
    }
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

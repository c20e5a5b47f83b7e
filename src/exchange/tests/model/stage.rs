//! Both sides: an I/O thread without a reactor, and a consumer that sleeps until it is called.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpStream},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::{join, join_all, select};
use shuttle::{
    future::block_on,
    sync::{Condvar, Mutex},
    thread::{self, JoinHandle},
};
use tokio::sync::oneshot;

use crate::{
    driver::{Admit, Bells, Closed, Essential, Handle, Host, NewLink, Poller, Sink},
    exchange::{
        Core, LinkId,
        fuzzing::{Event, Taker, plan},
        link_sink::LinkSink,
    },
    frame::Protocol,
    link::{Marks, Payload, Room},
    socket::{Listener, SocketOptions},
};

/// Room in a slab, bytes: for two messages, so that the next one is soon needed.
pub(super) const SLAB: usize = 2;

pub(super) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an I/O thread is, but for the runtime: tasks on one thread, its bells, and the way it ends.
#[derive(Default)]
pub(super) struct IoModel {
    bells: Arc<Bells>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Poller for IoModel {
    fn listen<A: Admit>(&self, _: Listener, _: SocketOptions, _: A, _: oneshot::Receiver<()>) {}

    fn dial<S: Sink>(&self, _: TcpStream, _: Option<SocketAddr>, _: Duration, _: NewLink<S>) {}

    fn adopt<S: Sink>(&self, _: TcpStream, _: NewLink<S>) {}

    fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}

    fn ring(&self) {
        self.bells.ring();
    }

    fn end_turn(&self) {
        self.bells.end_turn();
    }

    fn stop(&self) {
        self.bells.stop();
        let thread = self.thread.lock().expect("whole").take();
        if let Some(thread) = thread {
            thread.join().expect("no panic");
        }
    }
}

/// Calls of the consumer that it has not answered.
#[derive(Default)]
pub(super) struct Calls {
    waiting: Mutex<usize>,
    called: Condvar,
}

impl Calls {
    pub(super) fn call(&self) {
        *self.waiting.lock().expect("whole") += 1;
        self.called.notify_one();
    }

    /// Sleeps until it is called.
    fn answer(&self) {
        let mut waiting = self.waiting.lock().expect("whole");
        while *waiting == 0 {
            waiting = self.called.wait(waiting).expect("whole");
        }
        *waiting -= 1;
    }

    pub(super) fn count(&self) -> usize {
        *self.waiting.lock().expect("whole")
    }
}

/// A consumer with its exchange.
pub(super) struct Stage {
    pub taker: Taker<IoModel>,
    pub calls: Arc<Calls>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let calls = Arc::new(Calls::default());
        let wake = Arc::clone(&calls);
        Self {
            taker: Taker::called(move || wake.call(), |_| Ok(IoModel::default())),
            calls,
        }
    }

    /// The I/O thread begins, with these tasks.
    pub(super) fn begin(&self, tasks: Vec<Job>) {
        let core = Arc::clone(&self.taker.core);
        let bells = Arc::clone(&core.poller().bells);
        let thread = thread::spawn(move || {
            let host: &dyn Host = &*core;
            let essential = [Essential::Bell, Essential::Turn].map(|task| task.run(&bells, host));
            let work = join(join_all(essential), join_all(tasks));
            block_on(select(pin!(bells.stopped()), pin!(work)));
        });
        *self.taker.core.poller().thread.lock().expect("whole") = Some(thread);
    }

    pub(super) fn link(&self) -> (LinkId, NewLink<LinkSink<IoModel>>) {
        link_of(&self.taker.core)
    }

    pub(super) fn lend(&mut self) {
        self.taker.lend(SLAB);
    }

    /// Sleeps until it is called, and dispatches up to `most` events.
    pub(super) fn dispatch(&mut self, most: usize, heard: &mut Heard) {
        self.calls.answer();
        dispatch(&mut self.taker, most, heard);
    }

    pub(super) fn ask(&self, operation: u32, link: LinkId, data: &[u8]) {
        self.submit(operation, link, data, false);
    }

    pub(super) fn submit(&self, operation: u32, link: LinkId, data: &[u8], direct: bool) {
        let batch = super::super::consumer::Batch::default().run(operation, link, data);
        self.taker.core.submit(&batch.0, direct);
    }
}

/// What a consumer has heard of its links.
#[derive(Default)]
pub(super) struct Heard {
    pub messages: HashMap<u32, Vec<u8>>,
    pub closed: Vec<LinkId>,
    pub slabs: usize,
    /// Lends another slab for each that is begun.
    pub lends: bool,
    pub notices: usize,
}

/// One batch, as the addon dispatches it.
pub(super) fn dispatch<P: Poller>(taker: &mut Taker<P>, most: usize, heard: &mut Heard) {
    let events = taker.take(most);
    if events.is_empty() {
        return;
    }
    let before = heard.slabs;
    heard.hear(events);
    if heard.lends {
        (before..heard.slabs).for_each(|_| taker.lend(SLAB));
    }
    taker.core.go_on();
}

impl Heard {
    pub(super) fn lending() -> Self {
        Self {
            lends: true,
            ..Self::default()
        }
    }

    pub(super) fn hear(&mut self, events: Vec<(LinkId, Event)>) {
        for (link, event) in events {
            assert!(!self.closed.contains(&link), "{event:?} behind the end");
            match event {
                Event::Message(bytes) => self.messages.entry(link.slot).or_default().extend(bytes),
                Event::Closed(_) => self.closed.push(link),
                Event::Slab => self.slabs += 1,
                Event::Released => self.notices += 1,
                other => panic!("{other:?}"),
            }
        }
    }
}

/// As many messages as [`deliver`] delivers.
pub(super) fn all(count: u8) -> Vec<u8> {
    (0..count).collect()
}

pub(super) fn link_of<P: Poller>(core: &Arc<Core<P>>) -> (LinkId, NewLink<LinkSink<P>>) {
    let plan = plan(Protocol::LengthPrefixed, 1000, usize::MAX);
    core.new_link(&plan, 0).expect("a slot")
}

/// Delivers messages of one byte, counted from 0, as a link does that receives them, one in a turn; and ends.
pub(super) async fn deliver<P: Poller>(mut link: NewLink<LinkSink<P>>, count: u8) {
    for number in 0..count {
        room_for(&mut link.sink, number).await;
        turn().await;
    }
    link.sink.closed(Closed::clean());
}

/// As a link's task: where there is no room it waits to be woken.
async fn room_for<P: Poller>(sink: &mut LinkSink<P>, number: u8) {
    std::future::poll_fn(|cx| {
        let has_room = place(sink, number);
        if has_room {
            return Poll::Ready(());
        }
        sink.wait_for_room(cx.waker());
        Poll::Pending
    })
    .await;
}

fn place<P: Poller>(sink: &mut LinkSink<P>, number: u8) -> bool {
    let mut room = sink.room();
    let Some((space, marks)) = room.space(1) else {
        return false;
    };
    space[0] = number;
    marks.message(0, 1, Payload::Binary);
    room.commit(1);
    true
}

/// Has the others go on.
async fn turn() {
    let mut has_yielded = false;
    std::future::poll_fn(|cx: &mut Context<'_>| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Does what the consumer wants, as a link's task does that receives nothing.
pub(super) async fn obey<P: Poller>(mut link: NewLink<LinkSink<P>>) {
    let handle: Arc<Handle> = Arc::clone(&link.handle);
    std::future::poll_fn(|cx| {
        let wants = handle.wants(cx.waker());
        if wants.notice {
            link.sink.released();
        }
        match wants.close || wants.terminate {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    handle.abandon(false);
    link.sink.closed(Closed::clean());
}

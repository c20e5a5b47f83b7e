//! Both sides: an I/O thread without a reactor, and a consumer that sleeps until it is called.

use std::{
    pin::{Pin, pin},
    sync::Arc,
};

use futures_util::future::{join, join_all, select};
use shuttle::{
    future::block_on,
    sync::{Condvar, Mutex},
    thread::{self, JoinHandle},
};

use super::{
    super::consumer::Batch,
    heard::{Heard, SLAB, dispatch},
    links::link_of,
};
use crate::{
    driver::{Bells, Essential, Host, LinkTask, NewLink, Poller, Sink},
    exchange::{LinkId, fuzzing::Taker, link_sink::LinkSink},
};

pub(super) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What an I/O thread is, but for the runtime: tasks on one thread, its bells, and the way it ends.
#[derive(Default)]
pub(super) struct IoModel {
    bells: Arc<Bells>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Poller for IoModel {
    fn spawn_link<S: Sink>(&self, _: impl Future<Output = Option<LinkTask<S>>> + Send + 'static) {}

    fn spawn_listener(&self, _: impl Future<Output = ()> + Send + 'static) {}

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
        let batch = Batch::default().run(operation, link, data);
        self.taker.core.submit(&batch.0, direct);
    }
}

//! The reference poller: a tokio current-thread runtime on a thread of its own.

mod bells;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use tokio::runtime::{self, Runtime};

pub(crate) use self::bells::{Bells, Essential};
use super::{
    guarded::{guarded, message},
    life::Life,
    poller::{Host, Poller},
    sink::Sink,
    task::LinkTask,
};
use crate::error::{Code, Error, Result};

/// One thread that drives any number of links.
pub(crate) struct IoThread {
    runtime: runtime::Handle,
    bells: Arc<Bells>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl IoThread {
    /// Starts a thread that serves `host`.
    pub(crate) fn start(host: Arc<dyn Host>) -> Result<Self> {
        let failed =
            |error: io::Error| Error::system(Code::Resources, "starting an I/O thread", error);
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(failed)?;
        let handle = runtime.handle().clone();
        let bells = Arc::new(Bells::default());
        let thread = std::thread::Builder::new()
            .name("qwormhole-io".to_owned())
            .spawn({
                let bells = Arc::clone(&bells);
                move || serve(runtime, &bells, &host)
            })
            .map_err(failed)?;
        Ok(Self {
            runtime: handle,
            bells,
            thread: Mutex::new(Some(thread)),
        })
    }
}

impl Poller for IoThread {
    fn spawn_link<S: Sink>(
        &self,
        beginning: impl Future<Output = Option<LinkTask<S>>> + Send + 'static,
    ) {
        self.runtime.spawn(Life::new(beginning));
    }

    fn spawn_listener(&self, life: impl Future<Output = ()> + Send + 'static) {
        let bells = Arc::clone(&self.bells);
        self.runtime
            .spawn(guarded(life, move |why| bells.fail(why)));
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    fn ring(&self) {
        self.bells.ring();
    }

    fn end_turn(&self) {
        self.bells.end_turn();
    }

    fn stop(&self) {
        self.bells.stop();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
        {
            // Its panics were caught and reported inside.
            let _ = thread.join();
        }
    }
}

/// The thread's life: runs until told to stop or until something essential panics.
fn serve(runtime: Runtime, bells: &Arc<Bells>, host: &Arc<dyn Host>) {
    let failure = Arc::new(Mutex::new(None));
    for task in [Essential::Bell, Essential::Turn] {
        let (bells, host, failure) = (Arc::clone(bells), Arc::clone(host), Arc::clone(&failure));
        let fail = {
            let (bells, failure) = (Arc::clone(&bells), Arc::clone(&failure));
            move |why: &str| {
                *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
                bells.fail(why);
            }
        };
        runtime.spawn(guarded(async move { task.run(&bells, &*host).await }, fail));
    }
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        runtime.block_on(bells.stopped());
        // Every socket closes here.
        drop(runtime);
    }));
    if let Err(panic) = &caught {
        host.on_failure(message(&**panic));
    } else if bells.is_failed() {
        let why = failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        host.on_failure(why.as_deref().unwrap_or("a listener's task panicked"));
    }
}

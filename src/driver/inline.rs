//! A poller without an I/O thread: links are served on their consumer's thread, a turn at a time.
//!
//! They are the same tasks on the same tokio runtime as on an I/O thread, which nobody blocks in: the consumer's
//! event loop watches the runtime's descriptor, and takes a turn when that is readable. A turn asks the kernel once
//! what is ready, without waiting, and then serves every task that has something to do. Who wakes a task outside of
//! a turn rings the [`Bell`], which makes the descriptor readable.

mod bell;
mod descriptor;
mod watchdog;

use std::{
    future::{Future, poll_fn},
    io, mem,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, TryLockError},
    task::{Context, Poll, Waker},
    thread::JoinHandle,
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt};
use rustix::event::{PollFd, PollFlags, poll};
use tokio::{
    io::{Interest, unix::AsyncFd},
    runtime::{self, Runtime},
    task::coop::unconstrained,
};

pub(crate) use self::bell::Bell;
use self::watchdog::{Leash, watch};
use super::{
    guarded::{guarded, message},
    here::{Job, Stay, Surroundings},
    life::Life,
    poller::{Host, Poller},
    sink::Sink,
    task::LinkTask,
};
use crate::{
    error::{Code, Error, Result},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Turns in a row before the event loop has its own: a client's request is judged, answered, and its connection open
/// and read, in three.
const IN_A_ROW: u32 = 4;

/// Drives any number of links by turns that are taken for it.
pub(crate) struct Inline {
    shared: Arc<Shared>,
    watchdog: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    /// Gone once it was stopped. The consumer's thread and the watchdog take turns with it.
    driven: Mutex<Option<Driven>>,
    /// Tasks that came since the last turn.
    newcomers: Mutex<Vec<Job>>,
    bell: Arc<Bell>,
    /// The runtime's, by which it waits.
    descriptor: OwnedFd,
    clock: runtime::Handle,
    leash: Leash,
    /// [`Host::on_bell`] is asked for, and [`Host::on_turn`].
    is_bell_asked: AtomicBool,
    is_turn_asked: AtomicBool,
    /// Tasks that are no links.
    others: AtomicUsize,
    /// Why something essential is gone.
    failure: Mutex<Option<String>>,
}

/// Who takes a turn, and why.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The consumer, which was told that something is ready.
    Look,
    /// The consumer, which has asked for something itself.
    GoOn,
    /// The watchdog.
    Watchdog,
}

/// What a turn drives.
struct Driven {
    tasks: FuturesUnordered<Job>,
    waker: Waker,
    runtime: Runtime,
    /// Keeps the bell registered.
    _bell: AsyncFd<Arc<Bell>>,
    host: Arc<dyn Host>,
}

impl Inline {
    /// Gets ready to serve `host`, which takes turns when [`descriptor`](Self::descriptor) is readable.
    ///
    /// # Errors
    /// `OptionUnsupported` where the system does not show the descriptor, `Resources` without a thread.
    pub(crate) fn start(host: Arc<dyn Host>, bell: Arc<Bell>) -> Result<Self> {
        let (inline, clock) = Self::unwatched(host, bell)?;
        let watchdog = std::thread::Builder::new()
            .name("qwormhole-watch".to_owned())
            .spawn({
                let shared = Arc::clone(&inline.shared);
                move || watch(&clock, &shared)
            })
            .map_err(failed)?;
        *inline.watchdog() = Some(watchdog);
        Ok(inline)
    }

    /// One without a watchdog, and the runtime with which that one keeps the time.
    fn unwatched(host: Arc<dyn Host>, bell: Arc<Bell>) -> Result<(Self, Runtime)> {
        // Without time: nobody waits in it for a timer.
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(failed)?;
        let registered = register(&runtime, &bell).map_err(failed)?;
        let descriptor = descriptor::epoll_of(&*bell)?;
        let clock = runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(failed)?;
        let shared = Arc::new(Shared {
            driven: Mutex::new(Some(Driven {
                tasks: FuturesUnordered::new(),
                waker: Waker::from(Arc::clone(&bell)),
                runtime,
                _bell: registered,
                host,
            })),
            newcomers: Mutex::default(),
            bell,
            descriptor,
            clock: clock.handle().clone(),
            leash: Leash::default(),
            is_bell_asked: AtomicBool::new(false),
            is_turn_asked: AtomicBool::new(false),
            others: AtomicUsize::new(0),
            failure: Mutex::default(),
        });
        let inline = Self {
            shared,
            watchdog: Mutex::default(),
        };
        Ok((inline, clock))
    }

    /// Readable when there is a turn to be taken.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.shared.descriptor.as_fd()
    }

    /// Serves what is ready, on the consumer's thread, and has it `dispatch` what came of that. What it asks for
    /// meanwhile is served at once: the event loop has nothing new to tell, and takes three system calls to come back.
    pub(crate) fn turn(&self, mut dispatch: impl FnMut()) {
        let Shared { bell, .. } = &*self.shared;
        let watch = bell.watch();
        self.shared.turn(Turn::Look);
        dispatch();
        for _ in 0..IN_A_ROW {
            if !bell.is_rung() {
                break;
            }
            self.shared.turn(Turn::GoOn);
            dispatch();
        }
        drop(watch);
    }

    fn watchdog(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.watchdog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs, turn by turn, what is no link.
    fn spawn_other(&self, work: impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        shared.others.fetch_add(1, Ordering::Relaxed);
        self.shared.welcome(Box::pin(async move {
            work.await;
            shared.others.fetch_sub(1, Ordering::Relaxed);
        }));
    }
}

impl Poller for Inline {
    fn spawn_link<S: Sink>(
        &self,
        beginning: impl Future<Output = Option<LinkTask<S>>> + Send + 'static,
    ) {
        self.shared.welcome(Box::pin(Life::new(beginning)));
    }

    fn spawn_listener(&self, life: impl Future<Output = ()> + Send + 'static) {
        let shared = Arc::clone(&self.shared);
        self.spawn_other(guarded(life, move |why| shared.fail(why)));
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        // By the clock, and not after all that the event loop has to do.
        self.shared.clock.spawn(work);
    }

    fn ring(&self) {
        self.shared.is_bell_asked.store(true, Ordering::SeqCst);
        self.shared.bell.ring();
    }

    fn end_turn(&self) {
        self.shared.is_turn_asked.store(true, Ordering::SeqCst);
        // A turn that is under way looks at its end.
        if self.shared.bell.is_quiet() {
            self.shared.bell.ring();
        }
    }

    fn is_here(&self) -> bool {
        true
    }

    fn stop(&self) {
        // Every socket closes here, and the tasks' timers are given up while there is a clock.
        let driven = self.shared.lock().take();
        drop(driven);
        drop(mem::take(&mut *self.shared.newcomers()));
        self.shared.leash.stop();
        let watchdog = self.watchdog().take();
        if let Some(watchdog) = watchdog {
            // The panics of its turns were caught and reported inside.
            let _ = watchdog.join();
        }
    }
}

impl Shared {
    /// Takes a turn, unless another thread does.
    fn turn(self: &Arc<Self>, turn: Turn) {
        let is_consumers = turn != Turn::Watchdog;
        let mut driven = match self.driven.try_lock() {
            Ok(driven) => driven,
            Err(TryLockError::Poisoned(driven)) => driven.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let Some(driven) = driven.as_mut() else {
            return;
        };
        self.bell.begin(is_consumers);
        let stay = Stay::at(Arc::clone(self) as Arc<dyn Surroundings>);
        let caught = catch_unwind(AssertUnwindSafe(|| driven.turn(self, turn)));
        if let Err(panic) = caught {
            self.fail(message(&*panic));
        }
        let failure = self.failure().take();
        if let Some(why) = failure {
            // Every socket closes here.
            driven.tasks = FuturesUnordered::new();
            self.newcomers().clear();
            // Nothing is left to watch over.
            self.leash.stop();
            driven.host.on_failure(&why);
        }
        drop(stay);
        let links = driven.tasks.len();
        self.leash
            .count(links > self.others.load(Ordering::Relaxed));
        self.bell.end();
        // Whoever asked after the last look saw a turn under way.
        let is_asked =
            self.is_turn_asked.load(Ordering::SeqCst) || self.is_bell_asked.load(Ordering::SeqCst);
        if is_asked || !is_consumers {
            self.bell.ring();
        }
    }

    /// Whether there is something to do.
    fn is_due(&self) -> bool {
        self.bell.is_rung() || self.is_readable()
    }

    fn is_readable(&self) -> bool {
        let mut descriptors = [PollFd::new(&self.descriptor, PollFlags::IN)];
        let nothing = rustix::event::Timespec::default();
        poll(&mut descriptors, Some(&nothing)).is_ok_and(|ready| ready > 0)
    }

    /// Has `job` run from the next turn on.
    fn welcome(&self, job: Job) {
        self.newcomers().push(job);
        self.bell.ring();
    }

    fn fail(&self, why: &str) {
        tracing::error!(why, "inline I/O broke");
        self.failure().get_or_insert_with(|| why.to_owned());
        self.bell.ring();
    }

    // Whatever panicked, these are whole: nothing panics between the changes of one operation.

    fn lock(&self) -> MutexGuard<'_, Option<Driven>> {
        self.driven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn newcomers(&self) -> MutexGuard<'_, Vec<Job>> {
        self.newcomers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> MutexGuard<'_, Option<String>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driven {
    fn turn(&mut self, shared: &Shared, turn: Turn) {
        if shared.is_bell_asked.swap(false, Ordering::SeqCst) {
            self.host.on_bell();
        }
        match turn {
            Turn::GoOn => self.serve(shared),
            Turn::Look | Turn::Watchdog => self.look_and_serve(shared),
        }
        if shared.is_turn_asked.swap(false, Ordering::SeqCst) {
            self.host.on_turn();
        }
    }

    /// Polls every task that was woken.
    fn serve(&mut self, shared: &Shared) {
        let Self {
            tasks,
            waker,
            runtime,
            ..
        } = self;
        let _runtime = runtime.enter();
        serve(tasks, waker, shared);
    }

    /// Asks the kernel what is ready, then polls every task that has something to do.
    fn look_and_serve(&mut self, shared: &Shared) {
        let Self {
            tasks,
            waker,
            runtime,
            ..
        } = self;
        let mut has_looked = false;
        // Tokio looks between two polls of what it was given to run, without waiting if that woke itself. Its
        // budgets are for one task, and these are many, which have bounds of their own.
        runtime.block_on(unconstrained(poll_fn(|cx| {
            if !mem::replace(&mut has_looked, true) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            shared.bell.go_on();
            serve(tasks, waker, shared);
            Poll::Ready(())
        })));
    }
}

fn failed(error: io::Error) -> Error {
    Error::system(Code::Resources, "starting inline I/O", error)
}

/// Puts the bell where the runtime waits.
#[allow(unsafe_code, reason = "tokio takes descriptors of any kind")]
fn register(runtime: &Runtime, bell: &Arc<Bell>) -> io::Result<AsyncFd<Arc<Bell>>> {
    let _runtime = runtime.enter();
    // SAFETY: the bell has one descriptor all its life, and lives as long as what is registered.
    unsafe { AsyncFd::register_with_interest(Arc::clone(bell), Interest::READABLE) }
        .map_err(io::Error::from)
}

/// Polls the tasks that were woken, and those that come of it: an accepted connection has often something to read.
fn serve(tasks: &mut FuturesUnordered<Job>, waker: &Waker, shared: &Shared) {
    let mut cx = Context::from_waker(waker);
    for _ in 0..2 {
        tasks.extend(shared.newcomers().drain(..));
        while let Poll::Ready(Some(())) = tasks.poll_next_unpin(&mut cx) {}
        if shared.newcomers().is_empty() {
            return;
        }
    }
    // The others have waited long enough.
    shared.bell.ring();
}

impl Surroundings for Shared {
    fn spawn(&self, job: Job) {
        // Within a turn, which looks for newcomers at its end.
        self.newcomers().push(job);
    }

    fn clock(&self) -> &runtime::Handle {
        &self.clock
    }

    fn attend(&self, period: Duration) {
        self.leash.attend(period);
    }
}

#[cfg(all(test, feature = "model"))]
mod model;
#[cfg(test)]
mod tests;

//! What a link's task finds where it runs: a place for further tasks, and time.
//!
//! On an I/O thread and in the Rust API both are those of the current tokio runtime. A poller without a
//! thread sets [`Surroundings`] of its own for the length of a turn.

use std::{cell::RefCell, future::Future, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    runtime,
    time::{self, Instant, Sleep, Timeout},
};

/// A task of any kind.
pub(super) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a poller without a thread gives to its links.
pub(super) trait Surroundings: Send + Sync {
    /// Runs `job` beside the others.
    fn spawn(&self, job: Job);
    /// A runtime that somebody drives at any time.
    fn clock(&self) -> &runtime::Handle;
    /// A peer expects to be heard of, or is watched: it is not to be left alone for longer than `period`.
    fn attend(&self, period: Duration);
}

thread_local! {
    static HERE: RefCell<Option<Arc<dyn Surroundings>>> = const { RefCell::new(None) };
}

/// Puts surroundings in place for as long as it lives.
#[cfg(all(target_os = "linux", any(feature = "addon", feature = "fuzzing", test)))]
pub(super) struct Stay(Option<Arc<dyn Surroundings>>);

#[cfg(all(target_os = "linux", any(feature = "addon", feature = "fuzzing", test)))]
impl Stay {
    pub(super) fn at(here: Arc<dyn Surroundings>) -> Self {
        Self(HERE.replace(Some(here)))
    }
}

#[cfg(all(target_os = "linux", any(feature = "addon", feature = "fuzzing", test)))]
impl Drop for Stay {
    fn drop(&mut self) {
        HERE.set(self.0.take());
    }
}

/// Runs `task` beside the current one.
pub(super) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    match here() {
        Some(here) => here.spawn(Box::pin(task)),
        None => drop(tokio::spawn(task)),
    }
}

/// Resolves after `duration`.
pub(super) fn sleep(duration: Duration) -> Sleep {
    by_clock(|| time::sleep(duration))
}

/// Resolves at `deadline`.
pub(super) fn sleep_until(deadline: Instant) -> Sleep {
    by_clock(|| time::sleep_until(deadline))
}

/// Gives `future` so long.
pub(super) fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    by_clock(|| time::timeout(duration, future))
}

/// Asks for attention at least once in `period`; where a thread waits for nothing else it has that.
pub(super) fn attend(period: Duration) {
    if let Some(here) = here() {
        here.attend(period);
    }
}

/// A timer is bound to the runtime in which it is made.
fn by_clock<T>(make: impl FnOnce() -> T) -> T {
    match here() {
        Some(here) => {
            let _clock = here.clock().enter();
            make()
        }
        None => make(),
    }
}

fn here() -> Option<Arc<dyn Surroundings>> {
    HERE.with_borrow(Clone::clone)
}

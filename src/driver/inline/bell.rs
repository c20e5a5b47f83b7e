//! What gets a turn taken: a descriptor that is readable when there is something to do.

use std::{
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::Arc,
    task::Wake,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io,
};

use crate::{
    error::{Code, Error, Result},
    sync::atomic::{AtomicBool, AtomicU8, Ordering},
};

/// Nobody has asked for a turn.
const QUIET: u8 = 0;
/// One is taken: whatever is asked for now is part of it, or is seen at its end.
const TURN: u8 = 1;
/// One was asked for.
const RUNG: u8 = 2;

/// Rings at most once until a turn is taken, and not at all during one: a ring is a system call.
#[derive(Debug)]
pub(crate) struct Bell {
    descriptor: OwnedFd,
    state: AtomicU8,
    /// The turn is the consumer's own: it looks for events at its end.
    is_consumers: AtomicBool,
    /// The consumer is at work, and looks at the bell before it waits again: nobody need strike it.
    is_watched: AtomicBool,
}

/// The consumer is at work for as long as this lives.
pub(super) struct Watch<'a>(&'a Bell);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let Self(bell) = *self;
        bell.is_watched.store(false, Ordering::SeqCst);
        // Whoever rang before the store has left it to us.
        if bell.is_rung() {
            bell.strike();
        }
    }
}

impl Bell {
    /// # Errors
    /// `Resources` when there is no further descriptor.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let descriptor = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
            .map_err(|error| Error::system(Code::Resources, "making a descriptor", error.into()))?;
        Ok(Arc::new(Self {
            descriptor,
            state: AtomicU8::new(QUIET),
            is_consumers: AtomicBool::new(false),
            is_watched: AtomicBool::new(false),
        }))
    }

    /// Has a turn taken.
    pub(crate) fn ring(&self) {
        if self.state.swap(RUNG, Ordering::SeqCst) == QUIET {
            self.strike_unless_watched();
        }
    }

    /// The consumer goes to work.
    pub(super) fn watch(&self) -> Watch<'_> {
        self.is_watched.store(true, Ordering::SeqCst);
        Watch(self)
    }

    /// Has the consumer look for events.
    pub(crate) fn call_consumer(&self) {
        if !self.is_consumers.load(Ordering::SeqCst) {
            self.ring();
        }
    }

    /// A turn begins: what was asked for before is part of it.
    pub(super) fn begin(&self, is_consumers: bool) {
        self.is_consumers.store(is_consumers, Ordering::SeqCst);
        self.state.swap(TURN, Ordering::SeqCst);
    }

    /// It has looked at what I/O there is, and serves that now.
    pub(super) fn go_on(&self) {
        self.state.swap(TURN, Ordering::SeqCst);
    }

    /// It is over; what was asked for meanwhile is left to the next one.
    pub(super) fn end(&self) {
        let ended = self
            .state
            .compare_exchange(TURN, QUIET, Ordering::SeqCst, Ordering::SeqCst);
        self.is_consumers.store(false, Ordering::SeqCst);
        if ended.is_err() {
            self.strike_unless_watched();
        }
    }

    /// A turn was asked for and not taken yet.
    pub(super) fn is_rung(&self) -> bool {
        self.state.load(Ordering::SeqCst) == RUNG
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.state.load(Ordering::SeqCst) == QUIET
    }

    fn strike_unless_watched(&self) {
        if !self.is_watched.load(Ordering::SeqCst) {
            self.strike();
        }
    }

    fn strike(&self) {
        // Fails only when it was struck 2^64 times and never read, and is readable then.
        let _ = io::write(&self.descriptor, &1u64.to_ne_bytes());
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl AsRawFd for Bell {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

/// Tasks ring it when they are woken.
impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

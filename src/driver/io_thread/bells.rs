//! What gets an I/O thread's attention, and how it answers.

use tokio::sync::{Notify, futures::Notified};

use crate::{
    driver::poller::Host,
    sync::atomic::{AtomicBool, Ordering},
};

/// Ways to get the thread's attention.
#[derive(Default)]
pub(crate) struct Bells {
    outgoing: Notify,
    turn: Notify,
    stop: Notify,
    /// The outgoing bell has rung and was not yet answered: ringing again would only cost a syscall.
    rung: AtomicBool,
    failed: AtomicBool,
}

/// The tasks without which the thread is of no use.
#[derive(Clone, Copy)]
pub(crate) enum Essential {
    Bell,
    Turn,
}

impl Bells {
    /// Has [`Host::on_bell`] called.
    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.outgoing.notify_one();
        }
    }

    /// Has [`Host::on_turn`] called.
    pub(crate) fn end_turn(&self) {
        self.turn.notify_one();
    }

    /// Has the thread end.
    pub(crate) fn stop(&self) {
        self.stop.notify_one();
    }

    /// Until somebody has it end.
    pub(crate) fn stopped(&self) -> Notified<'_> {
        self.stop.notified()
    }

    /// Something broke without which it can only end.
    pub(super) fn fail(&self, why: &str) {
        tracing::error!(why, "the I/O thread broke");
        self.failed.store(true, Ordering::Release);
        self.stop();
    }

    pub(super) fn is_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}

impl Essential {
    pub(crate) async fn run(self, bells: &Bells, host: &dyn Host) {
        loop {
            match self {
                Self::Bell => {
                    bells.outgoing.notified().await;
                    // Before the work: what is added from here on rings anew.
                    bells.rung.store(false, Ordering::Release);
                    host.on_bell();
                }
                Self::Turn => {
                    bells.turn.notified().await;
                    host.on_turn();
                }
            }
        }
    }
}
